"""A CT slice: CT numbers by tissue, noise that grows with the body's width, a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lookinside.phantoms.body.person import Person
from lookinside.phantoms.tomography.materials import TABLE, Material
from lookinside.phantoms.tomography.smoothing import blurred, grain, halved

# Width and centre in HU, as textbooks of CT give them (Kalender 2011); every organ is shown in one or two of them.
WINDOWS = {"lung": (1500.0, -600.0), "soft tissue": (400.0, 40.0), "liver": (170.0, 70.0), "bone": (1800.0, 400.0)}
ORGAN_WINDOWS = {
    "lung": (("lung", 0.7), ("soft tissue", 0.3)),
    "liver": (("liver", 0.5), ("soft tissue", 0.5)),
    "heart": (("soft tissue", 0.85), ("lung", 0.15)),
    "kidney": (("soft tissue", 0.6), ("liver", 0.4)),
    "lumbar_spine": (("bone", 0.5), ("soft tissue", 0.5)),
}
_HU, _ENHANCED, _GRAIN = (Material._fields.index(name) for name in ("hu", "enhanced", "grain"))
_COUCH = -300.0  # HU of its foam
WATER = 0.019  # attenuation per mm at about 70 keV


@dataclass(frozen=True)
class Scan:
    """How a CT is taken.

    Attributes:
        contrast: share of the contrast medium's full enhancement, 0 is none.
        noise: HU at 1 mm pixels behind 320 mm of water.
        sharp: 0 is a smooth kernel, 1 a sharp one.
    """

    contrast: float
    noise: float
    sharp: float


def random_scan(rng: np.random.Generator) -> Scan:
    """Draw how a CT is taken; three in five have contrast."""
    contrast = rng.uniform(0.5, 1.2) if rng.random() < 0.6 else 0.0
    return Scan(float(contrast), float(rng.uniform(7, 18)), float(rng.random()))


def hounsfield(materials: np.ndarray, contrast: float, texture: np.ndarray) -> np.ndarray:
    """CT numbers float32 (H, W) of materials (H, W); texture: (H, W), about 0 with standard deviation 1."""
    levels = TABLE[:, _HU] + np.float32(contrast) * TABLE[:, _ENHANCED]
    uneven = TABLE[:, _GRAIN] * np.maximum(levels + 1000.0, 0.0) * np.float32(0.35)
    return levels[materials] + uneven[materials] * texture


def noise_level(scan: Scan, width: float, pixel: float) -> float:
    """Standard deviation of the noise in HU: width of the body and pixel in mm.

    Half as many photons, 1.4 times the noise: it grows with exp(mu * width / 2), and with 1 / pixel.
    """
    return scan.noise * float(np.exp(0.5 * WATER * (width - 320.0))) / pixel


def windowed(hu: np.ndarray, width: float, centre: float) -> np.ndarray:
    """CT numbers as grey levels in [0, 1]."""
    return np.clip((hu - (centre - 0.5 * width)) / width, 0.0, 1.0)


def ct_numbers(
    materials: np.ndarray, scan: Scan, width: float, pixel: float, seed: int | tuple[int, ...]
) -> np.ndarray:
    """A CT slice: materials (2H, 2W) on half pixels -> CT numbers, float32 (H, W) in HU.

    No beam hardening, no scatter, no metal and no thickness of the slice: a real scanner averages over a few mm.

    Args:
        scan: see `random_scan`; width: of the body, mm; pixel: mm; seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    hu = halved(hounsfield(materials, scan.contrast, grain(rng, materials.shape, 3.0)))
    hu = blurred(hu, (0.55 - 0.3 * scan.sharp) / max(pixel, 0.7))
    noise = grain(rng, hu.shape, 0.45 + 0.4 * (1 - scan.sharp))
    hu += min(noise_level(scan, width, pixel), 60.0) * noise
    return hu


def ct_image(
    materials: np.ndarray, scan: Scan, window: tuple[float, float], width: float, pixel: float, seed: tuple[int, ...]
) -> np.ndarray:
    """A CT slice as it is shown: as `ct_numbers`, then window: (width, centre) in HU -> float32 (H, W) in [0, 1]."""
    return windowed(ct_numbers(materials, scan, width, pixel, seed), *window)


def couch(shape: tuple[int, int], corner: tuple[float, float], pixel: tuple[float, float], scale: float) -> np.ndarray:
    """CT numbers of the couch below the back, float32 (H, W); -1024 elsewhere.

    Args:
        shape: (H, W); corner: (x, y) mm, the middle of the first pixel; pixel: (x, y) mm; scale: of the person.
    """
    across = np.abs(corner[0] + np.arange(shape[1]) * pixel[0])
    down = (corner[1] + np.arange(shape[0]) * pixel[1])[:, None] - 128.0 * scale
    top = 12.0 - 0.0006 * across**2
    inside = (down > top) & (down < top + 14.0) & (across < 215.0)
    return np.where(inside, np.float32(_COUCH), np.float32(-1024.0)).astype(np.float32)


def body_width(person: Person) -> float:
    """Width of a person's trunk in mm: what the noise grows with."""
    return 2.0 * 150.0 * person.scale * (0.62 + 0.38 * person.girth)
