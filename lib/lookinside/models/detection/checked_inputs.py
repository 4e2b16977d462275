"""What a detector is given by hand: what would end in a silent wrong answer is refused in one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from lookinside.errors import LookInsideError
from lookinside.layers.deformable_roi_pooling import checked_stretch

_OVER = 1.001  # floats a little above 1 come from resizing


def checked_pixels(images: Any, shape: Sequence[int]) -> np.ndarray:
    """Images (N, H, W, C) as float32 in [0, 1].

    Raises:
        LookInsideError: for images of another size or number of axes, none at all, whole numbers, values that are not
            in [0, 1], or a set of images instead of its pixels.
    """
    if hasattr(images, "pixels"):
        raise LookInsideError(f"The images are {type(images).__name__}: give their pixels, images.pixels.")
    try:
        images = np.asarray(images)
    except (TypeError, ValueError):
        images = np.asarray(None)
    height, width, channels = shape
    if images.ndim == 3 and images.shape[1:] == (height, width) and channels == 1:
        raise LookInsideError("The images have no channel axis: give images[..., None], (N, H, W, 1).")
    if images.ndim == 3 and images.shape == tuple(shape):
        raise LookInsideError("This is one image: give image[None], (1, H, W, C).")
    if images.ndim != 4 or images.shape[1:] != tuple(shape):
        raise LookInsideError(f"The images are {images.shape}, the detector takes (N, {height}, {width}, {channels}).")
    if not len(images):
        raise LookInsideError("There is no image: give one at least.")
    _refuse_whole_numbers(images.dtype)
    low, high = float(images.min()), float(images.max())
    if not (low >= 1 - _OVER and high <= _OVER):
        raise LookInsideError(f"The images run from {low:.3g} to {high:.3g}: give floats from 0 to 1.")
    return images.astype(np.float32, copy=False)


def checked_batch(given: Any, shape: Sequence[int]) -> Any:
    """What a detector is called on: images, or a dictionary with "images", and "labels" if it has "boxes".

    Arrays are looked at as by `checked_pixels`. Of tensors only their type and their sizes are, which are known when a
    step is traced: it costs nothing.

    Raises:
        LookInsideError: for images of another type, size or number of axes, sizes that a stream does not tell, or a
            dictionary that lacks something.
    """
    if not isinstance(given, Mapping):
        return _checked_images(given, shape)
    lacking = [name for name in ("images", "labels" if "boxes" in given else "images") if name not in given]
    if lacking:
        raise LookInsideError(f'The batch has no "{lacking[0]}": `BoxedImages.to_tf` makes batches that have all.')
    return {**given, "images": _checked_images(given["images"], shape)}


def _checked_images(images, shape):
    if not (keras.ops.is_tensor(images) or isinstance(images, keras.KerasTensor)):
        return checked_pixels(images, shape)
    _refuse_whole_numbers(images.dtype)
    sides = tuple(images.shape) if getattr(images.shape, "rank", 0) is not None else None  # None: nothing is known
    if sides == tuple(shape):
        raise LookInsideError(
            f"The images are {sides}, one image: batch the stream, stream.batch(8), or give image[None]."
        )
    if sides is None or sides[1:] != tuple(shape):
        taken = ", ".join(map(str, shape))
        known = sides is not None and None not in sides[1:]
        told = "" if known else f"; a stream that does not tell its size needs tf.ensure_shape(images, (None, {taken}))"
        raise LookInsideError(f"The images are {sides or 'of any size'}, the detector takes (N, {taken}){told}.")
    return images


def _refuse_whole_numbers(dtype):
    name = getattr(dtype, "name", dtype)
    if "float" not in name:
        raise LookInsideError(
            f"The images are {name}: give floats from 0 to 1, such as `BoxedImages.pixels` or `to_tf`."
        )


def checked_regions(regions: Any, count: int, shape: Sequence[int]) -> np.ndarray:
    """Boxes (N, R, 4) of `count` images of this shape as float32.

    Raises:
        LookInsideError: for another number of images or axes, boxes that are no numbers, end before they begin (as
            boxes in x, y, width, height may), or lie far outside of the image.
    """
    try:
        regions = np.asarray(regions, np.float32)
    except (TypeError, ValueError):
        raise LookInsideError("The boxes of the images differ in number: give as many for each, (N, R, 4).") from None
    if regions.ndim != 3 or regions.shape[0] != count or regions.shape[2] != 4 or not regions.shape[1]:
        raise LookInsideError(f"The boxes are {regions.shape} for {count} images: give (N, R, 4), R boxes on each.")
    height, width = shape[:2]
    low, high = regions[..., :2], regions[..., 2:]
    bad = ~np.isfinite(regions).all(axis=2) | ~(low < high).all(axis=2)
    size = np.array([width, height])
    bad |= (high <= -size).any(axis=2) | (low >= 2 * size).any(axis=2)  # a head's own answer may lie over the rim
    if bad.any():
        place = tuple(np.argwhere(bad)[0])
        raise LookInsideError(
            f"Box {regions[place].tolist()} of image {place[0]} is none on {width} x {height} pixels: give "
            "(x_min, y_min, x_max, y_max)."
        )
    return regions


def checked_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """The shape (H, W, C) of an image.

    Raises:
        LookInsideError: unless it is three whole numbers, 1 or more.
    """
    shape = tuple(shape) if isinstance(shape, list | tuple | np.ndarray) else (shape,)
    if len(shape) != 3 or any(not isinstance(side, int | np.integer) or side < 1 for side in shape):
        raise LookInsideError(f"image_shape is {shape}: give three whole numbers (height, width, channels).")
    return tuple(int(side) for side in shape)


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Class names.

    Raises:
        LookInsideError: for none, a single text, or a name that comes twice.
    """
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        raise LookInsideError(f'class_names is {names!r}: give a list of names, such as ["nuchal_translucency"].')
    if len(set(names)) < len(names):
        raise LookInsideError(f"class_names is {list(names)}: a name comes twice.")
    return tuple(names)


def checked_sizes(sizes: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    """Sizes of anchors, pairs (width, height) in pixels.

    Raises:
        LookInsideError: for none, or what is no pair above 0.
    """
    try:
        sizes = np.asarray(sizes, float)
    except (TypeError, ValueError):
        sizes = np.zeros(0)
    if sizes.ndim != 2 or sizes.shape[1] != 2 or not len(sizes) or not (sizes > 0).all():
        raise LookInsideError(
            "anchor_sizes are pairs (width, height) in pixels: fit_anchor_sizes(boxes, 6) finds them."
        )
    return tuple((float(w), float(h)) for w, h in sizes)


def check_times(times: int) -> None:
    """Refuse a number of times that is no whole number, 1 or more."""
    if not isinstance(times, int | np.integer) or isinstance(times, bool) or times < 1:
        raise LookInsideError(f"times is {times!r}: give a whole number, 1 or more.")


def check_own_arguments(kind: str, make: Callable, given: Mapping[str, Any]) -> None:
    """Refuse arguments of a kind of detector that its `make` does not take."""
    own = inspect.signature(make)
    try:
        own.bind(**given)
    except TypeError as wrong:
        raise LookInsideError(
            f"{kind} {wrong}: beside what all detectors take, it takes {', '.join(own.parameters)}."
        ) from None


def check_context_stretch(stretch: Sequence[float]) -> None:
    """Refuse a `context_stretch` that is no pair of numbers above 0."""
    try:
        checked_stretch(stretch)
    except ValueError:
        raise LookInsideError(
            f"context_stretch is {stretch!r}: give two numbers above 0, (2, 2) for twice as wide and high."
        ) from None
