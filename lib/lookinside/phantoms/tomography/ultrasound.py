"""An ultrasound image: a sector of beams, speckle, loss with depth, shadows behind bone and gas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lookinside.phantoms.tomography.materials import NAMES, TABLE, Material
from lookinside.phantoms.tomography.smoothing import grain

_ECHO, _LOSS = Material._fields.index("echo"), Material._fields.index("loss")
BEAMS, SAMPLES = 128, 176
_AIR, _GEL = NAMES.index("air"), NAMES.index("fat")
_GAS = np.isin(np.array(NAMES), ("air", "lung"))
_HARD = np.isin(np.array(NAMES), ("bone", "thin_bone", "air", "lung", "stool"))


@dataclass(frozen=True)
class Probe:
    """A transducer and its settings.

    Attributes:
        radius: of its curved front, mm; a phased array for the heart has nearly none.
        half_angle: of the sector, degrees.
        depth: mm below the skin.
        frequency: MHz.
        gain: dB on everything; gain_per_cm: dB/(cm MHz) given back with depth, both ways.
        range: dB from black to white.
    """

    radius: float
    half_angle: float
    depth: float
    frequency: float
    gain: float
    gain_per_cm: float
    range: float


def random_probe(rng: np.random.Generator, depth: tuple[float, float], phased: bool) -> Probe:
    """Draw a probe: depth: from, to in mm; phased: one that looks between two ribs."""
    return Probe(
        radius=float(rng.uniform(4, 9) if phased else rng.uniform(38, 62)),
        half_angle=float(rng.uniform(34, 44) if phased else rng.uniform(24, 34)),
        depth=float(rng.uniform(*depth)),
        frequency=float(rng.uniform(2.5, 4.0)),
        gain=float(rng.uniform(-6, 6)),
        gain_per_cm=float(rng.uniform(0.55, 0.8)),
        range=float(rng.uniform(50, 66)),
    )


def polar_grid(probe: Probe) -> tuple[np.ndarray, np.ndarray]:
    """Where the samples of all beams lie: across and below the middle of the probe's front, mm, (SAMPLES, BEAMS)."""
    angle = np.deg2rad(np.linspace(-probe.half_angle, probe.half_angle, BEAMS, dtype=np.float32))
    far = np.linspace(0.0, probe.depth, SAMPLES, dtype=np.float32)[:, None] + probe.radius
    return far * np.sin(angle), far * np.cos(angle) - probe.radius


def echoes(materials: np.ndarray, probe: Probe, seed: tuple[int, ...]) -> np.ndarray:
    """The beams' echoes as grey levels: materials (SAMPLES, BEAMS) -> float32 (SAMPLES, BEAMS) in [0, 1].

    Straight rays, no refraction, no side lobes. Gas repeats its surface below itself (the A-lines of a lung).
    """
    rng = np.random.default_rng(seed)
    # Gel fills what is between the probe's front and the skin.
    materials = np.where(np.cumsum(materials != _AIR, axis=0) == 0, _GEL, materials)
    step = probe.depth / 10.0 / (SAMPLES - 1)  # cm
    loss = TABLE[:, _LOSS][materials]
    loss[materials == _AIR] = 60.0
    way = 2.0 * probe.frequency * step * (np.cumsum(loss, axis=0) - loss)
    depth = np.arange(SAMPLES, dtype=np.float32)[:, None] * np.float32(step)
    back = 2.0 * probe.frequency * probe.gain_per_cm * depth
    # Speckle: many echoes with random phases add up to a field whose strength is Rayleigh distributed.
    # Two such fields, as of two frequencies, are averaged.
    real, imaginary, real_2, imaginary_2 = (grain(rng, materials.shape, (0.9, 1.3)) for _ in range(4))
    field = 0.5 * (np.hypot(real, imaginary) + np.hypot(real_2, imaginary_2))
    level = TABLE[:, _ECHO][materials]
    hard = _HARD[materials]
    surface = np.zeros_like(hard)
    surface[1:] = materials[1:] != materials[:-1]
    level = level + np.where(surface & hard, 14.0, np.where(surface, 3.0, 0.0)).astype(np.float32)
    strength = 10.0 ** (0.05 * (level + back - way)) * field
    strength += _repeated(materials, way, back, rng)
    decibel = 20.0 * np.log10(strength + 1e-4)
    return np.clip((decibel + probe.gain + 0.52 * probe.range) / probe.range, 0.0, 1.0)


def _repeated(materials, way, back, rng):
    """Echoes that run to and fro between the skin and the first gas: lines at twice and three times its depth."""
    gas = _GAS[materials]
    first = np.where(gas.any(axis=0), gas.argmax(axis=0), SAMPLES)
    beams = np.flatnonzero((first > 4) & (first < SAMPLES))
    lines = np.zeros(materials.shape, np.float32)
    for times, lower in ((2, 14.0), (3, 22.0), (4, 30.0)):
        at = times * first[beams]
        seen = at < SAMPLES
        line = 10.0 ** (0.05 * (12.0 - lower - way[first[beams[seen]] - 1, beams[seen]] + back[at[seen], 0] * 0.4))
        for shift, share in ((-1, 0.5), (0, 1.0), (1, 0.5)):
            rows = np.minimum(at[seen] + shift, SAMPLES - 1)
            lines[rows, beams[seen]] += share * line
    dirty = gas & (np.arange(SAMPLES)[:, None] > first)
    return lines + np.where(dirty, 0.05, 0.0).astype(np.float32) * np.abs(grain(rng, materials.shape, (1.0, 1.5)))


def scan_converted(polar: np.ndarray, probe: Probe, size: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The beams on a square screen: polar (SAMPLES, BEAMS) -> grey levels (size, size), sector bool, pixel in mm."""
    x, y, pixel = screen(probe, size)
    far = np.hypot(x, y + probe.radius)
    angle = np.rad2deg(np.arctan2(x, y + probe.radius))
    row = (far - probe.radius) / probe.depth * (SAMPLES - 1)
    column = (angle / probe.half_angle + 1.0) * 0.5 * (BEAMS - 1)
    sector = (row >= 0) & (row <= SAMPLES - 1) & (column >= 0) & (column <= BEAMS - 1)
    r, c = np.clip(row, 0, SAMPLES - 1.001), np.clip(column, 0, BEAMS - 1.001)
    i, j = r.astype(int), c.astype(int)
    a, b = r - i, c - j
    upper = (1 - b) * polar[i, j] + b * polar[i, j + 1]
    lower = (1 - b) * polar[i + 1, j] + b * polar[i + 1, j + 1]
    return np.where(sector, (1 - a) * upper + a * lower, 0.0).astype(np.float32), sector, pixel


def screen(probe: Probe, size: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Where the pixels of a square screen lie: across and below the middle of the probe's front, mm; pixel in mm."""
    edge = np.deg2rad(probe.half_angle)
    half_width = (probe.radius + probe.depth) * np.sin(edge)
    top = probe.radius * (np.cos(edge) - 1.0)
    pixel = max(2.0 * half_width, probe.depth - top) * 1.04 / size
    at = (np.arange(size, dtype=np.float32) - 0.5 * (size - 1)) * np.float32(pixel)
    down = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(pixel) + np.float32(top - 0.02 * probe.depth)
    return np.broadcast_to(at, (size, size)), np.broadcast_to(down[:, None], (size, size)), float(pixel)
