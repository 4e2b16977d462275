"""The nerve fibre layer: the way its fibres take over and under the macula, its thickness, and a wedge without it.

Fibres are the stream lines of a flow that leaves the disc on all sides and ends along the raphe, a line from the fovea
to the temple. Each has one angle, that at which it leaves the disc: places with the same angle lie on the same fibre.
The flow is a formula of our own. The course of real fibres was measured by Jansonius et al. 2009.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from lookinside.phantoms.fundus.anatomy import Eye
from lookinside.phantoms.fundus.disc_shapes import smooth_step
from lookinside.phantoms.tomography.smoothing import blurred

RAPHE = 4.2  # its length, disc diameters
DRAWN = 0.75  # share of the flow that ends on it; the rest goes on to the nose's side and beyond the picture
_COUNT = 1024  # entries of a table of striae, all around


def fibre_angle(eye: Eye, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The angle at which the fibre through each place leaves the disc, radians, 0 towards the fovea."""
    far = math.hypot(*eye.fovea)
    c, s = eye.fovea[0] / far, eye.fovea[1] / far
    u, v = c * x + s * y, c * y - s * x
    start = far - 0.15
    drawn = _inflow(start + RAPHE - u, v) - _inflow(start - u, v)
    return np.arctan2(v, u) + np.float32(DRAWN / RAPHE) * drawn


def _inflow(t, v):
    """Integral over t of the angle under which a place sees a point of the raphe."""
    return t * np.arctan2(v, t) + 0.5 * v * np.log(t * t + v * v + 1e-6)


def fibre_thickness(angle: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Two thick bundles, over and under the macula, thinner with the distance from the disc's middle: 0 to 1."""
    off = np.abs(angle) - np.float32(1.15)
    bundles = 0.22 + 0.78 * np.exp(-((off / np.float32(0.52)) ** 2))
    return bundles * np.exp(-np.maximum(distance - 0.5, 0.0) / np.float32(3.6))


@functools.lru_cache(maxsize=8)
def _striae(seed) -> np.ndarray:
    """Random brightness of single bundles at a few distances: float32 (6, _COUNT), mean 0, standard deviation 1."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((6, _COUNT), dtype=np.float32)
    wide = np.concatenate([white[:, -16:], white, white[:, :16]], axis=1)
    fine = blurred(wide, (0.7, 2.2))[:, 16:-16] + 0.7 * blurred(wide[::-1], (0.7, 5.0))[:, 16:-16]
    return fine / fine.std()


def striation(seed, angle: np.ndarray, distance: np.ndarray, pixels: float) -> np.ndarray:
    """Light and dark stripes along the fibres, mean 0, standard deviation up to 1; what a pixel cannot show fades.

    Args:
        seed: of the stripes.
        angle: of the fibre through each place, radians.
        distance: from the disc's middle, disc diameters.
        pixels: in a disc diameter.
    """
    table = _striae(seed)
    column = np.remainder(angle * np.float32(_COUNT / (2.0 * math.pi)), np.float32(_COUNT)).astype(np.intp) % _COUNT
    row = np.clip(distance * np.float32(1.1), 0.0, 4.99)
    upper = row.astype(np.intp)
    part = row - upper
    flat = table.ravel()
    at = upper * _COUNT + column
    stripes = flat.take(at) * (1.0 - part) + flat.take(at + _COUNT) * part
    # About eight entries make one stripe.
    wide = distance * np.float32(8.0 * 2.0 * math.pi / _COUNT * pixels)
    return stripes * smooth_step(wide, 0.8, 2.6)


def wedge_share(eye: Eye, angle: np.ndarray, distance: np.ndarray, severity: float) -> np.ndarray:
    """How much of the fibre layer is missing, 0 to 1: a wedge along the fibres, wider and emptier with severity."""
    if severity == 0.0:
        return np.zeros_like(angle)
    half = math.radians(2.8 + 5.2 * severity)
    off = np.abs(angle - np.float32(eye.wedge))
    across = smooth_step(-off, -1.2 * half, -0.8 * half)
    return across * smooth_step(-distance, -eye.wedge_end, -0.75 * eye.wedge_end)
