"""Images read between their pixels, with Keras' names for what lies outside of them, in plain keras.ops."""

from __future__ import annotations

from typing import Literal

import keras
import numpy as np
from keras import ops

FillMode = Literal["constant", "nearest", "reflect", "wrap"]
Interpolation = Literal["bilinear", "nearest"]
FILL_MODES: tuple[str, ...] = ("constant", "nearest", "reflect", "wrap")
INTERPOLATIONS: tuple[str, ...] = ("bilinear", "nearest")
_BEFORE = {"constant": 1}  # rows and columns that are put before the first ...
_BEHIND = {"constant": 2, "wrap": 2}  # ... and behind the last; 1 elsewhere


def resample(
    images: keras.KerasTensor,
    coordinates: keras.KerasTensor,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
) -> keras.KerasTensor:
    """Read each image at coordinates of its own.

    Outside of the image, Keras' fill modes are these of `scipy.ndimage`: "constant" is "grid-constant" (a neighbour
    that lies outside has the fill value), "nearest" is "nearest", "reflect" (d c b a | a b c d | d c b a) is
    "reflect", and "wrap" is "grid-wrap".

    Args:
        images: (N, H, W, C), H and W known and 2 or more; of any type for "nearest", else floats.
        coordinates: (2, N, P) floats, rows and columns in pixels, (0, 0) the centre of the first pixel.
        interpolation: "bilinear" or "nearest".
        fill_mode: "constant", "nearest", "reflect" or "wrap".
        fill_value: for "constant".

    Returns:
        (N, P, C), of the images' type.
    """
    height, width, channels = images.shape[1:]
    before = _BEFORE.get(fill_mode, 0)
    padded = _padded(images, before, _BEHIND.get(fill_mode, 1), fill_mode, fill_value)
    pixels, line = ops.reshape(padded, (-1, channels)), padded.shape[2]
    # Rows and columns apart: TensorFlow compares with one number twice as fast as with one for each axis.
    rows, columns = ops.unstack(coordinates, 2)
    rows, columns = _folded(rows, height, fill_mode), _folded(columns, width, fill_mode)
    if interpolation == "nearest":
        return _taken(pixels, _index(ops.floor(rows + 0.5), ops.floor(columns + 0.5), padded, before))
    row, column = ops.floor(rows), ops.floor(columns)
    index = _index(row, column, padded, before)
    down, right = (ops.cast(part[..., None], images.dtype) for part in (rows - row, columns - column))
    above, below = _along_row(pixels, index, right), _along_row(pixels, index + line, right)
    return above + down * (below - above)


def _folded(places, side, fill_mode):
    """Places on the padded image that read what `fill_mode` says lies where they were, along an axis of `side`."""
    if fill_mode == "constant":
        return ops.minimum(ops.maximum(places, -1.0), float(side))
    if fill_mode == "wrap":
        return ops.minimum(ops.maximum(places - side * ops.floor(places / side), 0.0), float(side))
    if fill_mode == "reflect":
        turned = places + 0.5
        turned = turned - 2 * side * ops.floor(turned / (2 * side))
        places = ops.minimum(turned, 2 * side - turned) - 0.5
    return ops.minimum(ops.maximum(places, 0.0), side - 1.0)


def _padded(images, before, behind, fill_mode, fill_value):
    if fill_mode == "wrap":
        images = ops.concatenate([images, images[:, :behind]], axis=1)
        return ops.concatenate([images, images[:, :, :behind]], axis=2)
    margin = ((0, 0), (before, behind), (before, behind), (0, 0))
    if fill_mode == "constant":
        kind = keras.backend.standardize_dtype(images.dtype)
        return ops.pad(images, margin, constant_values=np.asarray(fill_value).astype(kind))
    return ops.pad(images, margin, mode="symmetric")


def _index(rows, columns, images, before):
    """Where the pixels of whole rows and columns (N, P) lie when all pixels of the images stand in one line."""
    rows, columns = ops.cast(rows, "int32"), ops.cast(columns, "int32")
    height, width = images.shape[1:3]
    first = ops.arange(ops.shape(images)[0], dtype="int32") * (height * width) + before * (width + 1)
    return rows * width + columns + first[:, None]


def _along_row(pixels, index, right):
    """Between the pixels at `index` and their neighbours on the right."""
    left = _taken(pixels, index)
    return left + right * (_taken(pixels, index + 1) - left)


def _taken(pixels, index):
    """Rows of `pixels` (M, C) at `index` (N, P)."""
    if keras.backend.backend() != "tensorflow":
        return ops.take(pixels, index, axis=0)
    import tensorflow as tf

    # ops.take looks for negative indices first, and tf.gather copies row by row: together twice the time.
    return tf.gather_nd(pixels, index[..., None])
