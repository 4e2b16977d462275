"""Vessels on the pixels: how much blood lies in front of each, the light line on arteries, the bend at the cup."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookinside.phantoms.fundus.anatomy import Eye
from lookinside.phantoms.fundus.camera import Camera
from lookinside.phantoms.fundus.disc_shapes import cup_radius, disc_coordinates, notch_shape, smooth_step
from lookinside.phantoms.fundus.vessels import STEP, Vessels


def painted_vessels(
    tree: Sequence[Vessels], eye: Eye, camera: Camera, size: int, rim_loss: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paint a tree.

    Args:
        tree: generations of vessels.
        eye: whose cup bends them.
        camera: where they lie in the picture.
        size: of the picture, pixels.
        rim_loss: severity, 0 to 1: vessels kink where the notch ends.

    Returns:
        veins and arteries, optical thickness of the blood, 1 in a thick vessel's middle, each float32 (H, W); and the
        light reflex on arteries, 0 to 1, float32 (H, W).
    """
    pixels = camera.disc_diameter * size
    blood = np.zeros((2, size * size), np.float32)
    shine = np.zeros(size * size, np.float32)
    points = [_dense(one, pixels) for one in tree]
    x, y, radius, artery = (np.concatenate(column) for column in zip(*points, strict=True))
    x, y = bent_at_cup(eye, x, y, rim_loss)
    column, row = camera.of_picture(x, y, size)
    seen = (column > -6) & (column < size + 6) & (row > -6) & (row < size + 6)
    column, row, radius, artery = column[seen], row[seen], radius[seen] * np.float32(pixels), artery[seen]
    # A vessel thinner than a pixel is as wide as the pixel, and as much fainter.
    wide = np.maximum(radius, 0.5) + 0.4
    faint = np.minimum(radius / 0.5, 1.0) ** 0.7 * np.minimum(0.45 + radius / (0.035 * pixels), 1.0)
    for low in range(1, int(wide.max(initial=0.0)) + 2):
        own = np.flatnonzero((wide > low - 1) & (wide <= low))
        if not own.size:
            continue
        at, off = _around(column[own], row[own], low, size)
        near = off / wide[own][:, None]
        depth = np.sqrt(np.maximum(1.0 - near * near, 0.0)) * faint[own][:, None]
        for kind in range(2):
            which = artery[own] == bool(kind)
            np.maximum.at(blood[kind], at[which].ravel(), depth[which].ravel())
        thick = np.flatnonzero(artery[own] & (radius[own] > 0.55))
        if thick.size:
            narrow = off[thick] / (0.45 * radius[own][thick][:, None])
            np.maximum.at(shine, at[thick].ravel(), np.exp(-narrow * narrow).ravel())
    veins, arteries = blood.reshape(2, size, size)
    return veins, arteries, shine.reshape(size, size)


def bent_at_cup(eye: Eye, x: np.ndarray, y: np.ndarray, rim_loss: float) -> tuple[np.ndarray, np.ndarray]:
    """Vessels where the cup's wall bends them: inside the cup they run aside of their way over the rim.

    The step is small at a healthy cup's border and large at a notch, as a bayonet is beside its rifle.
    """
    x, y = x.copy(), y.copy()
    near = np.flatnonzero(x * x + y * y < 0.6)
    far, angle = disc_coordinates(eye, x[near], y[near])
    for severity, step in ((0.0, 0.02), (rim_loss, 0.13)):
        edge = cup_radius(eye, angle, severity)
        share = smooth_step(far, 0.25, 0.6 * edge + 0.3) * smooth_step(-far, -edge - 0.04, -edge + 0.05)
        share = share * (notch_shape(eye, angle, severity) if step > 0.1 else 1.0)
        aside = np.float32(step * eye.pole) * share
        x[near] += np.sin(angle) * aside
        y[near] -= np.cos(angle) * aside
    return x, y


def _dense(vessels, pixels):
    """Points no further apart than a third of a pixel: x, y, radius, artery, each (P,)."""
    parts = max(1, int(np.ceil(STEP * pixels / 0.45)))
    alive = vessels.radius[:, :-1] > 0
    share = (np.arange(parts, dtype=np.float32) / parts)[:, None]

    def between(values):
        left, right = values[:, :-1][alive], values[:, 1:][alive]
        return (left + share * (right - left)).ravel()

    artery = np.broadcast_to(vessels.artery[:, None], alive.shape)[alive]
    return between(vessels.x), between(vessels.y), between(vessels.radius), np.tile(artery, parts)


def _around(column, row, reach, size):
    """Flat indices of the pixels within `reach` of points, and how far their middles are: (P, (2 reach + 1) ** 2)."""
    step = np.arange(-reach, reach + 1)
    down, across = (one.ravel() for one in np.meshgrid(step, step, indexing="ij"))
    left, top = np.floor(column), np.floor(row)
    # In float32 all the way: ufunc.at is thirty times slower where it has to convert.
    dx = (left - column + np.float32(0.5))[:, None] + across.astype(np.float32)
    dy = (top - row + np.float32(0.5))[:, None] + down.astype(np.float32)
    left, top = left.astype(np.intp)[:, None] + across, top.astype(np.intp)[:, None] + down
    inside = (left >= 0) & (left < size) & (top >= 0) & (top < size)
    off = np.where(inside, np.sqrt(dx * dx + dy * dy), np.float32(1e3))
    return np.where(inside, top * size + left, 0), off
