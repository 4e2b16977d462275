"""Are they pictures? The check that measures of synthetic images share."""

from __future__ import annotations

import numpy as np

from lookinside.errors import LookInsideError

_OVER = 1e-3  # how far rounding may carry a pixel out of [0, 1]


def checked_pictures(images, name: str) -> np.ndarray:
    """Return float images (N, H, W, C) in [0, 1] as an array.

    Raises:
        LookInsideError: with their name, for a set instead of its pixels, another number of axes, no image, whole
            numbers, nan or infinity, or pixels outside of [0, 1], as a generator's tanh gives them.
    """
    if hasattr(images, "pixels"):
        raise LookInsideError(f"{name} is of type {type(images).__name__}: give the array in its .pixels (0 to 1).")
    try:
        images = np.asarray(images)
    except (TypeError, ValueError, RuntimeError):
        raise LookInsideError(f"{name} is no array of images of one size: give float (N, H, W, C).") from None
    if images.ndim != 4 or not images.size or not np.issubdtype(images.dtype, np.floating):
        raise LookInsideError(f"{name} is {images.dtype} {images.shape}: give float (N, H, W, C), 0 to 1.")
    low, high = float(images.min()), float(images.max())
    if not (low >= -_OVER and high <= 1 + _OVER):  # nan fails too
        raise LookInsideError(f"The pixels of {name} run from {low:.3g} to {high:.3g}: bring them to 0 to 1.")
    return images
