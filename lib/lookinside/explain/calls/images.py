"""What goes into an explainer: checked once, with one clear sentence for what cannot be explained."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np
from PIL.Image import Image

from lookinside.arrays import as_array
from lookinside.errors import LookInsideError


def checked_images(images, input_shape: tuple[int | None, ...]) -> np.ndarray:
    """Return the images as a NumPy array that fits to a model.

    Args:
        images: (N, H, W, C), float or integer (cast later, never rescaled).
        input_shape: the model's (None, H, W, C); None fits to any size.

    Raises:
        LookInsideError: for what is no array of images (a path, a PIL image, a tf.data.Dataset), another number of
            axes, size or channels, an empty batch, no numbers, nan or infinity.
    """
    wanted = tuple(input_shape[1:])
    images = _array(images, wanted)
    if images.ndim != len(wanted) + 1 or any(
        side not in (None, got) for side, got in zip(wanted, images.shape[1:], strict=True)
    ):
        said = f"(N, {', '.join('any' if side is None else str(side) for side in wanted)})"
        mend = _missing_axes(images.shape, wanted)
        raise LookInsideError(f"The images have shape {images.shape}, the model takes {said}: {mend}.")
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


def checked_regions(regions, places: tuple[int, ...]) -> np.ndarray:
    """Return the regions over which the scores of pixels are averaged, float32 (N, h, w), 1 inside.

    Args:
        regions: bool (N, h, w).
        places: (N, H, W) of the images: how many regions there are, and of how many axes.

    Raises:
        LookInsideError: for regions that are not bool, of another number, or empty.
    """
    regions = as_array(regions, "regions")
    if regions.ndim != len(places) or len(regions) != places[0] or regions.dtype != bool:
        said = f"({places[0]}, {', '.join('dhw'[-(len(places) - 1) :])})"
        mend = "" if regions.dtype == bool else ", masks > 0 say"
        raise LookInsideError(
            f"regions are {regions.dtype} {regions.shape}: give bool {said}, one for each image{mend}."
        )
    empty = np.flatnonzero(~regions.reshape(len(regions), -1).any(axis=1))
    if empty.size:
        raise LookInsideError(f"Region {empty[0]} is empty: no score can be averaged over it.")
    return regions.astype(np.float32)


def _array(images, wanted):
    """The images as an array; what is none yet is refused, with how to read it."""
    kind = type(images).__name__
    if isinstance(images, str | bytes | os.PathLike):
        said = _read("PIL.Image.open(path)", wanted)
        raise LookInsideError(f"The images are a path, {os.fspath(images)!r:.60}: read the file, {said} say.")
    if isinstance(images, Image):
        raise LookInsideError(f"The images are a PIL image: give an array, {_read('image', wanted)} say.")
    if not hasattr(images, "__array__") and not isinstance(images, list | tuple):
        mend = "give an array (N, H, W, C)"
        if hasattr(images, "pixels"):
            mend = "give the array in its .pixels (0 to 1)"
        elif hasattr(images, "images"):
            mend = "give the array in its .images"
        elif isinstance(images, Iterable) and not isinstance(images, dict | set):
            mend += ", one batch of it after the other"
        raise LookInsideError(f"The images are no array but of type {kind}: {mend}.")
    try:
        found = np.asarray(images)
    except (ValueError, TypeError, RuntimeError):
        if isinstance(images, list | tuple):
            raise LookInsideError("The images differ in size: give them one size, (N, H, W, C).") from None
        raise LookInsideError(f"The images are of type {kind}, which is no array yet: give numbers.") from None
    first = next(iter(found.flat), None) if found.dtype.kind in "USO" else None
    if isinstance(first, str | bytes | os.PathLike):
        raise LookInsideError(f"The images are paths or text, {str(first)!r:.60} first: read them, and give numbers.")
    return found


def _read(image, wanted):
    """How one opened image becomes a batch that the model takes."""
    mode, axes = ("L", "[None, ..., None]") if wanted[-1] == 1 else ("RGB", "[None]")
    return f'np.asarray({image}.convert("{mode}")){axes}'


def _missing_axes(shape, wanted):
    """What to do with images of the wrong shape."""

    def fits(sides, needed):
        return len(sides) == len(needed) and all(n in (None, s) for s, n in zip(sides, needed, strict=True))

    sizes, channels = wanted[:-1], wanted[-1]
    grey = "images[..., None]" if channels == 1 else f"np.repeat(images[..., None], {channels}, axis=-1)"
    if fits(shape, wanted):
        return "add the batch axis with image[None]"
    if len(shape) == len(wanted) + 1 and shape[-1] == 1 and fits(shape[1:-1], sizes):
        return f"they are grey, give np.repeat(images, {channels}, axis=-1)"
    if len(shape) == len(wanted) and shape[-1] in (2, 3, 4) and fits(shape[:-1], sizes):
        return f"it is one image of {shape[-1]} channels, convert it and give a batch"
    if fits(shape[1:], sizes):
        return f"the channel axis is missing, give {grey}"
    if fits(shape, sizes):
        return f"batch and channel axes are missing, give {grey.replace('images[', 'image[None, ')}"
    return "resize or convert them" if len(shape) == len(wanted) + 1 else "give a batch of images"
