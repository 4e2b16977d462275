"""What goes into an explainer: checked once, with one clear sentence for what cannot be explained."""

from __future__ import annotations

import numpy as np

from lookinside.errors import LookInsideError


def checked_images(images, input_shape: tuple[int | None, ...]) -> np.ndarray:
    """Return the images as a NumPy array that fits to a model.

    Args:
        images: (N, H, W, C), float or integer (cast later, never rescaled).
        input_shape: the model's (None, H, W, C); None fits to any size.

    Raises:
        LookInsideError: for another number of axes, size or channels, an empty batch, no numbers, nan or infinity.
    """
    try:
        images = np.asarray(images)
    except ValueError:
        raise LookInsideError("The images differ in size: give them one size, (N, H, W, C).") from None
    wanted = tuple(input_shape[1:])
    said = f"(N, {', '.join('any' if side is None else str(side) for side in wanted)})"
    if images.ndim != len(wanted) + 1:
        mend = "add the batch axis with image[None]" if images.ndim == len(wanted) else "give a batch of images"
        raise LookInsideError(f"The images have shape {images.shape}, the model takes {said}: {mend}.")
    if any(side not in (None, got) for side, got in zip(wanted, images.shape[1:], strict=True)):
        raise LookInsideError(f"The images have shape {images.shape}, the model takes {said}: resize or convert them.")
    if not len(images):
        raise LookInsideError("The batch holds no image: give at least one.")
    if not (np.issubdtype(images.dtype, np.number) or images.dtype == bool) or np.iscomplexobj(images):
        raise LookInsideError(f"The images are of type {images.dtype}: give numbers, no complex ones.")
    if np.issubdtype(images.dtype, np.inexact):
        with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, and is said to be
            finite = np.isfinite(images.astype(np.float32, copy=False)).reshape(len(images), -1).all(axis=1)
        if not finite.all():
            number = int(np.flatnonzero(~finite)[0])
            raise LookInsideError(f"Image {number} holds nan or infinite pixels: mend or leave it out.")
    return images
