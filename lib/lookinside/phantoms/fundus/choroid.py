"""What shines through the retina: the choroid's vessels between pigment, blotches, grain; made on tables."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lookinside.phantoms.tomography.smoothing import blurred

_ROUND, _OUT = 384, 72  # entries of the table of streaks: all around, and outwards


class Textures(NamedTuple):
    """Random fields over a photograph, mean 0 and standard deviation about 1: float32 (H, W) each.

    Attributes:
        streaks: the choroid's vessels, which spread from the back of the eye to all sides; light where they are.
        blotches: uneven pigment, as wide as the disc.
        grain: of the pigment's cells.
    """

    streaks: np.ndarray
    blotches: np.ndarray
    grain: np.ndarray


def textures(seed, x: np.ndarray, y: np.ndarray, right: np.ndarray, down: np.ndarray) -> Textures:
    """Draw the fields of an eye, the same at every size.

    Args:
        seed: of the fields.
        x, y: places from where the streaks start, disc diameters, (H, W).
        right, down: places in the field, radii, (H, W).
    """
    rng = np.random.default_rng(seed)
    blotches = _table(rng, (40, 40), 1.6)
    grain = _table(rng, (256, 256), 0.9)
    warp = _table(rng, (40, 40), 2.2)
    streaks = _streaks(rng)
    u, v = 0.5 + 0.47 * right, 0.5 + 0.47 * down
    slow = looked_up(warp, v, u)
    distance = np.sqrt(x * x + y * y)
    angle = np.arctan2(y, x) + 0.06 * slow + 0.04 * looked_up(warp, u, v)
    around = np.remainder(angle / np.float32(2.0 * math.pi), 1.0)
    out = np.minimum(distance * np.float32(0.13) + 0.02 * slow, 0.99)
    return Textures(looked_up(streaks, out, around), looked_up(blotches, v, u), looked_up(grain, v, u))


def _table(rng, shape, sigma):
    white = rng.standard_normal(shape, dtype=np.float32)
    field = blurred(white, sigma)
    return field / field.std()


def _streaks(rng):
    """Ridges along the way out, closed all around."""
    white = rng.standard_normal((_OUT, _ROUND), dtype=np.float32)
    wide = np.concatenate([white[:, -32:], white, white[:, :32]], axis=1)
    coarse = blurred(wide, (4.5, 2.8))
    fine = blurred(wide[::-1], (3.0, 1.6))
    both = (1.0 - 2.4 * np.abs(coarse / coarse.std())) + 0.7 * (1.0 - 2.4 * np.abs(fine / fine.std()))
    both = blurred(both, (0.8, 0.7))[:, 32:-32]
    return np.clip((both - both.mean()) / both.std(), -2.5, 2.0)


def looked_up(table: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Values of a table (R, C) at places from 0 to 1 down and across, interpolated: float32."""
    rows, columns = table.shape
    r, c = np.clip(row, 0.0, 1.0) * np.float32(rows - 1.001), np.clip(column, 0.0, 1.0) * np.float32(columns - 1.001)
    i, j = r.astype(np.intp), c.astype(np.intp)
    a, b = r - i, c - j
    at, flat = i * columns + j, table.ravel()
    upper = flat.take(at) * (1.0 - b) + flat.take(at + 1) * b
    lower = flat.take(at + columns) * (1.0 - b) + flat.take(at + columns + 1) * b
    return upper * (1.0 - a) + lower * a
