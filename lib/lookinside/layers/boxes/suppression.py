"""Non-maximum suppression: of boxes that overlap, the one with the highest score is kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

from lookinside.layers.arguments import check_counts


class KeptBoxes(NamedTuple):
    """What suppression has kept, the highest score first; as many rows for each image, the last ones may be empty.

    Attributes:
        boxes: (B, count, 4), zeros in an empty row.
        scores: (B, count), 0 in an empty row.
        valid: (B, count), True where a row holds a box.
        indices: (B, count), int32, which of the N boxes it is; 0 in an empty row.
    """

    boxes: keras.KerasTensor
    scores: keras.KerasTensor
    valid: keras.KerasTensor
    indices: keras.KerasTensor


def non_max_suppression(
    boxes: Any,
    scores: Any,
    count: int,
    overlap: float = 0.5,
    *,
    least_score: float = -np.inf,
    classes: Any = None,
) -> KeptBoxes:
    """Keep the box with the highest score, drop those that overlap it, and go on with what is left.

    It is `tf.image.non_max_suppression` for each image of a batch, filled up to a fixed number of boxes. So the result
    has a known shape in a `tf.function`, which XLA can compile. It needs TensorFlow.

    Args:
        boxes: (B, N, 4), x_min, y_min, x_max, y_max.
        scores: (B, N).
        count: boxes to keep in each image.
        overlap: a box is dropped where its intersection over union with a kept one is above it; from 0 to 1.
        least_score: only boxes with scores above it are kept.
        classes: (B, N), whole numbers of 0 or more: a box then drops only boxes of its own class.

    Returns:
        Boxes and scores in float32. The choice itself has no gradient.

    Raises:
        ValueError: for a count below 1, an overlap outside [0, 1], or shapes that do not belong together.
    """
    import tensorflow as tf

    check_counts(1, count=count)
    if not 0 <= overlap <= 1:
        raise ValueError(f"overlap is {overlap!r}: give a number from 0 to 1.")
    boxes, scores = tf.cast(boxes, "float32"), tf.cast(scores, "float32")
    if boxes.shape.rank != 3 or boxes.shape[2] != 4 or not boxes.shape[:2].is_compatible_with(scores.shape):
        raise ValueError(f"boxes {tuple(boxes.shape)}, scores {scores.shape}: (B, N, 4) and (B, N) are needed.")
    apart = boxes if classes is None else boxes + _far_apart(boxes, tf.cast(classes, "float32"))[..., None]

    def keep(image):
        found = tf.image.non_max_suppression(*image, count, overlap, least_score)
        return tf.pad(found, [[0, count - tf.shape(found)[0]]], constant_values=-1)

    found = tf.map_fn(keep, (apart, scores), fn_output_signature=tf.TensorSpec((count,), "int32"))
    valid = found >= 0
    # A row of zeros behind the boxes is what an empty row reads.
    places = tf.where(valid, found, tf.shape(scores)[1])
    kept = tf.gather(tf.pad(boxes, [[0, 0], [0, 1], [0, 0]]), places, batch_dims=1)
    their_scores = tf.gather(tf.pad(scores, [[0, 0], [0, 1]]), places, batch_dims=1)
    return KeptBoxes(kept, their_scores, valid, tf.maximum(found, 0))


def _far_apart(boxes, classes):
    """A shift for each box, (B, N), that takes the boxes of each class where none of another class lies."""
    import tensorflow as tf

    widest = tf.reduce_max(boxes, (1, 2)) - tf.reduce_min(boxes, (1, 2)) + 1.0
    return classes * widest[:, None]
