"""Boxes as differences from other boxes, as a detector predicts them, on top of `keras.utils.bounding_boxes`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.utils import bounding_boxes

# A side grows 62.5 times at most, 16 pixels to 1000: an untrained head would ask for boxes of infinite size.
MOST_GROWTH = math.log(1000 / 16)
_FORMATS = {"anchor_format": "xyxy", "box_format": "xyxy"}


def encode_boxes(boxes: Any, references: Any, variance: Sequence[float] | None = None) -> keras.KerasTensor:
    """What a head should predict to get from references to boxes.

    With x, y the centres, w, h the sides, and the reference's with a subscript r:

        ((x - x_r) / w_r, (y - y_r) / h_r, log(w / w_r), log(h / h_r))

    Args:
        boxes: (..., N, 4), x_min, y_min, x_max, y_max, with sides above 0.
        references: (N, 4) anchors, or (..., N, 4) proposals, with sides above 0.
        variance: four numbers by which the result is divided, (0.1, 0.1, 0.2, 0.2) say, or None.

    Returns:
        (..., N, 4), float32.

    Source: Girshick et al. 2014, appendix C.
    """
    boxes, references = ops.convert_to_tensor(boxes), ops.convert_to_tensor(references)
    return bounding_boxes.encode_box_to_deltas(
        references, boxes, encoding_format="center_xywh", variance=_four(variance), **_FORMATS
    )


def decode_boxes(deltas: Any, references: Any, variance: Sequence[float] | None = None) -> keras.KerasTensor:
    """Where a prediction takes references: the reverse of `encode_boxes`.

    A side grows 62.5 times at most, so that no prediction makes an infinite box. (Keras' function has no limit.)

    Args:
        deltas: (..., N, 4), in the order of `encode_boxes`.
        references: (N, 4) anchors, or (..., N, 4) proposals.
        variance: as for `encode_boxes`.

    Returns:
        Boxes (..., N, 4), x_min, y_min, x_max, y_max, float32.
    """
    variance = _four(variance)
    limits = np.array([np.inf, np.inf, MOST_GROWTH, MOST_GROWTH])
    if variance is not None:
        limits = limits / variance
    deltas = ops.minimum(ops.cast(ops.convert_to_tensor(deltas), "float32"), ops.cast(limits, "float32"))
    return bounding_boxes.decode_deltas_to_boxes(
        ops.convert_to_tensor(references), deltas, encoded_format="center_xywh", variance=variance, **_FORMATS
    )


def clip_boxes(boxes: Any, height: float, width: float) -> keras.KerasTensor:
    """Boxes (..., 4), x_min, y_min, x_max, y_max, without what lies beyond an image of height x width pixels.

    A box that lies outside altogether is left without an area, on the image's edge.
    """
    boxes = ops.convert_to_tensor(boxes)
    most = ops.cast(ops.stack([width, height, width, height]), boxes.dtype)
    return ops.minimum(ops.maximum(boxes, ops.zeros_like(most)), most)


def _four(variance):
    if variance is None:
        return None
    found = np.asarray(variance, np.float64)
    if found.shape != (4,) or not np.isfinite(found).all() or found.min() <= 0:
        raise ValueError(f"variance is {variance!r}: give four numbers above 0, or None.")
    return found
