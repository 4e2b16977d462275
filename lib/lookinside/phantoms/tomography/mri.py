"""An MR slice: signal by relaxation times, the coil's uneven field, Rician noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lookinside.phantoms.tomography.materials import NAMES, TABLE, Material
from lookinside.phantoms.tomography.smoothing import grain, halved, slow_field


class Sequence(NamedTuple):
    """Repetition and echo time in ms; `steady`: balanced steady state, whose contrast is T2 / T1."""

    tr: float
    te: float
    steady: bool = False


# Typical times at 1.5 T.
SEQUENCES = {"T1": Sequence(500, 12), "T2": Sequence(4000, 95), "bSSFP": Sequence(4, 2, steady=True)}
ORGAN_SEQUENCES = {
    "lung": ("T1", "T2"),
    "liver": ("T1", "T2"),
    "heart": ("bSSFP", "T1"),
    "kidney": ("T1", "T2"),
    "lumbar_spine": ("T1", "T2"),
}
_T1, _T2, _PD, _GRAIN = (Material._fields.index(name) for name in ("t1", "t2", "pd", "grain"))


@dataclass(frozen=True)
class Coil:
    """What differs from examination to examination.

    Attributes:
        unevenness: strength of the coil's field over the image.
        noise: standard deviation in each channel, as a share of the brightest tissue.
        field_seed: int, of the coil's field.
    """

    unevenness: float
    noise: float
    field_seed: int


def random_coil(rng: np.random.Generator) -> Coil:
    """Draw an examination's coil."""
    return Coil(float(rng.uniform(0.05, 0.3)), float(rng.uniform(0.015, 0.06)), int(rng.integers(2**31)))


def signal(sequence: Sequence) -> np.ndarray:
    """Signal of each material, (K,): PD (1 - exp(-TR/T1)) exp(-TE/T2), spin echo; PD / (1 + T1/T2) in steady state.

    Flowing blood has left the slice before its echo comes: in a spin echo it is dark, in steady state bright.
    """
    t1, t2, pd = TABLE[:, _T1], TABLE[:, _T2], TABLE[:, _PD]
    if sequence.steady:
        return (pd / (1.0 + t1 / t2)).astype(np.float32)
    levels = pd * (1.0 - np.exp(-sequence.tr / t1)) * np.exp(-sequence.te / t2)
    levels[NAMES.index("blood")] *= 0.15
    return levels.astype(np.float32)


def mr_image(materials: np.ndarray, sequence: Sequence, coil: Coil, seed: tuple[int, ...], bright: float) -> np.ndarray:
    """An MR slice as it is shown: materials (2H, 2W) on half pixels -> grey levels, float32 (H, W) in [0, 1].

    No motion, no chemical shift, no fold-over, no fat suppression; magnitude images of one coil.

    Args:
        sequence: of `SEQUENCES`; coil: see `random_coil`; seed: of the noise; bright: the signal shown white, see
            `brightest`.
    """
    rng = np.random.default_rng(seed)
    levels = signal(sequence)
    clean = levels[materials] * (1.0 + 1.5 * TABLE[:, _GRAIN][materials] * grain(rng, materials.shape, 3.0))
    clean = halved(np.maximum(clean, 0.0))
    clean *= slow_field(np.random.default_rng(coil.field_seed), clean.shape, coil.unevenness)
    real, imaginary = rng.standard_normal((2, *clean.shape), dtype=np.float32) * np.float32(coil.noise * bright)
    return np.clip(np.hypot(clean + real, imaginary) / bright, 0.0, 1.0)


def brightest(materials: np.ndarray, sequence: Sequence) -> float:
    """The signal that is shown white: the 98th percentile inside of the body."""
    inside = materials[materials != NAMES.index("air")]
    return max(float(np.percentile(signal(sequence)[inside], 98)), 0.02) if inside.size else 1.0
