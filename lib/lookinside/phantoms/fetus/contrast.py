"""How bright each material is for an ultrasound beam, and what the beam loses in it: one table."""

from __future__ import annotations

from typing import NamedTuple


class Contrast(NamedTuple):
    """What a beam meets.

    Attributes:
        echo: strength of the speckle, dB against soft tissue.
        loss: on the way there and back, dB/mm, at about 5 MHz.
    """

    echo: float
    loss: float


# Echoes: set so that the median grey value within each structure's box comes close to that of 150 images of the
# Fetus Framework set (Cui & Dong 2022): thalami 16, midbrain and IT 20, CM 29, NT 43, palate 118, nasal tip 173, nasal
# skin 163, nasal bone 185 of 255. Losses: about 0.5 dB/(cm MHz) in soft tissue, next to none in fluid, tenfold in bone.
MATERIALS = {
    "fluid": Contrast(-30.0, 0.02),
    "cloudy_fluid": Contrast(-14.0, 0.05),
    "tissue": Contrast(0.0, 0.5),
    "muscle": Contrast(-6.0, 0.5),
    "brain": Contrast(-3.5, 0.45),
    "dark_brain": Contrast(-11.0, 0.4),
    "ventricle": Contrast(-11.0, 0.1),
    "plexus": Contrast(5.0, 0.5),
    "wall": Contrast(-0.5, 0.5),
    "placenta": Contrast(0.5, 0.5),
    "heart": Contrast(-9.0, 0.3),
    "gristle": Contrast(11.0, 1.5),
    "skin": Contrast(9.0, 0.6),
    "bone": Contrast(20.0, 5.0),
}
