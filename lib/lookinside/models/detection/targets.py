"""Which region learns what: matching regions with true boxes, and drawing the few that a step learns from."""

from __future__ import annotations

from typing import NamedTuple

import keras
from keras import ops

from lookinside.models.building import rows_of_the_batch

PADDING = -1  # label of a box that only fills up a batch


class Match(NamedTuple):
    """The true box that each region overlaps most.

    Attributes:
        iou: (B, R) of the region and its box; 0 where the image has no box.
        boxes: (B, R, 4) the true boxes, xyxy in pixels; the region itself where the image has none.
        labels: (B, R) their classes; PADDING where the image has none.
        best: (B, R) bool, the region that a true box overlaps most: each box has one at least.
    """

    iou: keras.KerasTensor
    boxes: keras.KerasTensor
    labels: keras.KerasTensor
    best: keras.KerasTensor


def match(regions: keras.KerasTensor, boxes: keras.KerasTensor, labels: keras.KerasTensor) -> Match:
    """Match regions (B, R, 4) with the true boxes (B, M, 4) of their image; boxes with label PADDING are none."""
    iou = keras.utils.bounding_boxes.compute_iou(regions, boxes, "xyxy")
    real = ops.expand_dims(labels != PADDING, 1)
    iou = ops.where(real & ops.isfinite(iou), iou, 0.0)
    place = ops.argmax(iou, axis=2)
    highest = ops.max(iou, axis=2)
    own = ops.take_along_axis(boxes, ops.expand_dims(place, 2), axis=1)
    some = highest > 0
    of_box = ops.max(iou, axis=1, keepdims=True)  # the best that any region does for a box
    best = ops.any((iou >= of_box - 1e-6) & (iou > 0), axis=2)
    return Match(
        highest,
        ops.where(ops.expand_dims(some, 2), own, regions),
        ops.where(some, ops.take_along_axis(labels, place, axis=1), PADDING),
        best,
    )


def draw(
    positive: keras.KerasTensor,
    negative: keras.KerasTensor,
    count: int,
    share: float,
    seed: keras.random.SeedGenerator | None,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Draw `count` regions of each image at random, at most `share` of them positive.

    Args:
        positive, negative: (B, R) bool; what is neither is drawn only to fill up, and does not count.
        count: regions to draw, at most R.
        share: largest share of positive ones.
        seed: the state of the draw; None takes the first ones instead, for a loss that can be compared.

    Returns:
        places (B, count) int32 among the R, and whether each counts (B, count) bool.
    """
    images, regions = ops.shape(positive)
    chance = (
        ops.zeros((images, regions))
        if seed is None
        else rows_of_the_batch(lambda shape: keras.random.uniform(shape, seed=seed), images, regions)
    )
    # Ranks by chance within the positive ones: only the first `share * count` are wanted.
    score = ops.where(positive, 1.0 + chance, chance)
    order = ops.argsort(ops.argsort(-score, axis=1), axis=1)
    wanted = positive & (order < round(share * count))
    priority = ops.where(wanted, 2.0, ops.where(negative, 1.0, 0.0)) + 0.999 * chance
    _, places = ops.top_k(priority, count, sorted=True)
    counts = ops.take_along_axis(ops.cast(wanted | negative, "int32"), places, axis=1) > 0
    return places, counts
