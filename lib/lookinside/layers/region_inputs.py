"""What a layer that pools regions is called with: maps of features, and boxes for each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

Shape = tuple[int | None, ...]


def region_shapes(shapes: Any) -> tuple[Shape, Shape]:
    """The shapes of maps (N, H, W, C) and boxes (N, R, 4), given as a list of both.

    Raises:
        ValueError: where they are not two, of other ranks, or of different numbers of images.
    """
    shapes = [tuple(shape) for shape in shapes] if isinstance(shapes, Sequence) and len(shapes) == 2 else []
    if [len(shape) for shape in shapes] != [4, 3] or shapes[1][2] != 4:
        raise ValueError(f"The inputs have shapes {shapes}: give a list of maps (N, H, W, C) and boxes (N, R, 4).")
    maps, boxes = shapes
    if None not in (maps[0], boxes[0]) and maps[0] != boxes[0]:
        raise ValueError(f"There are maps of {maps[0]} images and boxes of {boxes[0]}: give boxes for each image.")
    return maps, boxes


def exact_boxes(boxes: keras.KerasTensor, dtype: str) -> keras.KerasTensor:
    """Boxes as float32 or float64.

    Raises:
        ValueError: where they come in half precision, which rounds them to whole pixels.
    """
    given = keras.backend.standardize_dtype(boxes.dtype)
    if given in ("float16", "bfloat16"):
        raise ValueError(f"The boxes are of {given}, too coarse for pixels: give them in float32.")
    return ops.cast(boxes, dtype)
