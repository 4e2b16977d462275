"""A PET slice: uptake by tissue, the scanner's blur, the noise of counting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lookinside.phantoms.tomography.materials import NAMES, TABLE, Material
from lookinside.phantoms.tomography.smoothing import blurred, grain, halved

_SUV, _GRAIN = Material._fields.index("suv"), Material._fields.index("grain")


@dataclass(frozen=True)
class Tracer:
    """What differs from examination to examination.

    Attributes:
        uptake: (K,) standardised uptake value of each material.
        blur: full width at half maximum of the scanner's response, mm.
        counts: per pixel of 4 mm and uptake 1.
        white: the uptake shown at full scale.
        inverted: shown black on white, as most readers have it.
    """

    uptake: np.ndarray
    blur: float
    counts: float
    white: float
    inverted: bool


def random_tracer(rng: np.random.Generator) -> Tracer:
    """Draw an examination. The heart takes up sugar or, after a fast, hardly any; bowel and urine vary, too."""
    uptake = TABLE[:, _SUV] * rng.lognormal(0.0, 0.12, len(TABLE)).astype(np.float32)
    uptake[NAMES.index("heart_muscle")] = rng.choice([1.6, 3.0, 6.5]) * rng.lognormal(0, 0.2)
    uptake[NAMES.index("urine")] = rng.uniform(2.0, 15.0)
    uptake[NAMES.index("bowel")] *= rng.uniform(0.6, 2.2)
    return Tracer(
        uptake.astype(np.float32),
        blur=float(rng.uniform(6.0, 8.0)),
        counts=float(rng.uniform(25, 120)),
        white=float(rng.uniform(4.0, 7.0)),
        inverted=bool(rng.random() < 0.7),
    )


def pet_image(materials: np.ndarray, tracer: Tracer, pixel: float, seed: tuple[int, ...]) -> np.ndarray:
    """A PET slice as it is shown: materials (2H, 2W) on half pixels -> grey levels, float32 (H, W) in [0, 1].

    Attenuation counts as corrected; no scatter, no breathing, no spill of the bladder.

    Args:
        tracer: see `random_tracer`; pixel: mm; seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    levels = tracer.uptake[materials] * (1.0 + 2.0 * TABLE[:, _GRAIN][materials] * grain(rng, materials.shape, 4.0))
    mean = blurred(halved(np.maximum(levels, 0.0)), tracer.blur / 2.355 / pixel)
    # Poisson's noise, with draws that stay the same when a part is gone; the reconstruction makes it smooth.
    counts = tracer.counts * (pixel / 4.0) ** 2
    noise = grain(rng, mean.shape, max(3.0 / pixel, 0.5))
    shown = np.clip((mean + np.sqrt(mean / counts) * noise * min(1.0, pixel / 3.0)) / tracer.white, 0.0, 1.0)
    return 1.0 - shown if tracer.inverted else shown
