"""How far two boxes agree: intersection over union, distance of their centres."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def box_iou(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """Intersection over union of each box of one set with each of another.

    Args:
        first: (N, 4), x_min, y_min, x_max, y_max in pixels.
        second: (M, 4).

    Returns:
        float64 (N, M) in [0, 1]; 0 where both boxes have no area.
    """
    first, second = np.asarray(first, np.float64).reshape(-1, 1, 4), np.asarray(second, np.float64).reshape(1, -1, 4)
    low, high = np.maximum(first[..., :2], second[..., :2]), np.minimum(first[..., 2:], second[..., 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = [np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1) for boxes in (first, second)]
    union = areas[0] + areas[1] - shared
    return np.divide(shared, union, out=np.zeros_like(union), where=union > 0)


def centre_distance(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """Distance in pixels, float64 (N, M), of the centre of each of N boxes (N, 4) from that of each of M (M, 4)."""
    first, second = np.asarray(first, np.float64).reshape(-1, 1, 4), np.asarray(second, np.float64).reshape(1, -1, 4)
    return np.linalg.norm((first[..., :2] + first[..., 2:] - second[..., :2] - second[..., 2:]) / 2, axis=-1)
