"""Whether numbers are boxes, and boxes of an image; what is wrong with one is said in a few words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def wrong_with_box(box: Sequence[float], height: float, width: float, tolerance: float = 0.0) -> str:
    """What is wrong with one box, or "" where nothing is.

    Args:
        box: x_min, y_min, x_max, y_max in pixels.
        height, width: of its image.
        tolerance: how far, in pixels, it may reach over the image's rim, as rounded numbers do.
    """
    x_min, y_min, x_max, y_max = box
    if not np.isfinite(box).all():
        return f"{_shown(box)} holds a value that is not a number"
    if x_max < x_min or y_max < y_min:
        return f"{_shown(box)} ends before it begins (x_min, y_min, x_max, y_max)"
    if x_max == x_min or y_max == y_min:
        return f"{_shown(box)} has no area"
    if min(x_min, y_min) < -tolerance or x_max > width + tolerance or y_max > height + tolerance:
        return f"{_shown(box)} lies outside of the image, which is {width:g} px wide and {height:g} px high"
    return ""


def clipped(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    """Boxes (..., 4) cut off at the image's rim."""
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))


def _shown(box):
    return "[" + ", ".join(f"{value:g}" for value in box) + "]"
