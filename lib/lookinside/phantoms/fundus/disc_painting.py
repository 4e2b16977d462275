"""The optic disc on the pixels: bare sclera beside it, rim, cup, notch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lookinside.phantoms.fundus.anatomy import Eye
from lookinside.phantoms.fundus.disc_shapes import cup_radius, disc_coordinates, notch_shape, smooth_step

# Red, green and blue that each throws back, set as the colours in `painting` are.
SCLERA = (1.00, 0.72, 0.46)
_RIM = (0.74, 0.325, 0.16)
_CUP = (0.96, 0.70, 0.42)


class Disc(NamedTuple):
    """The disc in a window of the picture, float32 (h, w) each.

    Attributes:
        far: how far out, 1 on the disc's border.
        angle: of the rim, radians.
        cover: how much of a pixel is disc, 0 to 1.
        cup: the cup's border at that angle, as a share of the disc's.
        pale: how much paler the notch is, 0 to 1.
    """

    far: np.ndarray
    angle: np.ndarray
    cover: np.ndarray
    cup: np.ndarray
    pale: np.ndarray


def disc_window(distance: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns around all that a disc can reach, from distances to its middle (H, W)."""
    near = distance < 0.95
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def disc_here(eye: Eye, x: np.ndarray, y: np.ndarray, rim_loss: float) -> Disc:
    """The disc at some places, see `Disc`."""
    far, angle = disc_coordinates(eye, x, y)
    notch = notch_shape(eye, angle, rim_loss)
    return Disc(far, angle, smooth_step(-far, -1.05, -0.95), cup_radius(eye, angle, rim_loss), notch)


def paint_disc(scene: np.ndarray, eye: Eye, disc: Disc, grain: np.ndarray, blotches: np.ndarray) -> None:
    """Lay the disc over a window of the scene (3, h, w), in place."""
    far, temple = disc.far, np.cos(disc.angle)
    if eye.crescent:
        lean = np.maximum(temple, 0.0) * (1.0 + eye.crescent * 0.3)
        bare = 0.5 * smooth_step(-(far - 1.0 - eye.crescent * lean), -0.05, 0.03) * (lean > 0)
        for channel in range(3):
            scene[channel] += bare * np.float32(0.55) * (np.float32(SCLERA[channel] * 0.8) - scene[channel])
    slope = 0.5 * eye.cup_edge
    hollow = smooth_step(disc.cup - far, -slope, slope) * np.float32(0.55 + 0.45 * eye.depth)
    pale = 0.35 * smooth_step(temple, -0.6, 0.9) + 0.45 * disc.pale
    whiteness = np.maximum(hollow, 0.5 * pale * smooth_step(far, 0.2, 0.6))
    shade = 1.0 + 0.05 * grain * hollow + 0.04 * blotches
    cover = disc.cover * (1.0 - 0.3 * smooth_step(-temple, -0.2, 0.9) * (1.0 - hollow))  # the nose's side is blurred
    for channel in range(3):
        own = (np.float32(_RIM[channel]) + whiteness * np.float32(_CUP[channel] - _RIM[channel])) * shade
        scene[channel] += cover * (own - scene[channel])
