"""The region proposal network (Ren et al. 2015): where in the image might something be?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from lookinside.layers import clip_boxes, decode_boxes, encode_boxes, non_max_suppression
from lookinside.models.detection.losses import SHIFT, box_loss, score_loss
from lookinside.models.detection.targets import draw, match


class Proposals(NamedTuple):
    """Proposals of a batch.

    Attributes:
        boxes: (B, R, 4) xyxy in pixels, clipped to the image, best first; zeros where there are fewer.
        scores: (B, R) in [0, 1].
        valid: (B, R) bool, whether there is one.
    """

    boxes: keras.KerasTensor
    scores: keras.KerasTensor
    valid: keras.KerasTensor


class RegionProposals(layers.Layer):
    """A small convolutional network that scores and shifts anchors, and the proposals that it leads to.

    Args:
        anchors: (A, 4) xyxy in pixels, in the order of the cells of its feature maps, one map after the other.
        image_size: (H, W), to which proposals are clipped.
        per_cell: anchors of a cell; A is this times the cells of all maps.
        filters: of its 3 x 3 convolution, which all maps share.
        positive, negative: an anchor is positive from this IoU with a true box on (and the best one of each box always
            is), and negative below the other one.
        drawn: anchors that an image's loss is computed from, at most half of them positive.
        threshold: of two proposals with a larger IoU than this, the one with the lower score goes.
        before: proposals that are looked at before that.

    Input shape: a list of feature maps (B, H, W, C).

    Output shape: logits (B, A), box codes (B, A, 4), float32.

    Source: Ren et al. 2015, section 3.
    """

    def __init__(
        self,
        anchors: np.ndarray,
        image_size: Sequence[int],
        *,
        per_cell: int,
        filters: int = 256,
        positive: float = 0.5,
        negative: float = 0.3,
        drawn: int = 128,
        threshold: float = 0.7,
        before: int = 600,
        seed: int = 0,
        name: str = "proposals",
    ):
        super().__init__(name=name)
        self.image_size, self.anchors = tuple(image_size), np.asarray(anchors, np.float32)
        self.positive, self.negative, self.drawn = positive, negative, min(drawn, len(anchors))
        self.threshold, self.before = threshold, min(before, len(anchors))
        self.seed = keras.random.SeedGenerator(seed)
        start = keras.initializers.RandomNormal(stddev=0.01, seed=seed)
        self.hidden = layers.Conv2D(filters, 3, padding="same", activation="relu", name="hidden")
        self.score = layers.Conv2D(per_cell, 1, kernel_initializer=start, dtype="float32", name="score")
        self.code = layers.Conv2D(4 * per_cell, 1, kernel_initializer=start, dtype="float32", name="code")

    def build(self, input_shape: Sequence[Sequence[int | None]]) -> None:
        self.hidden.build(input_shape[0])
        hidden = self.hidden.compute_output_shape(input_shape[0])
        self.score.build(hidden)
        self.code.build(hidden)

    def call(self, maps: Sequence[keras.KerasTensor]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        hidden = [self.hidden(one) for one in maps]
        count = len(self.anchors)
        scores = ops.concatenate([ops.reshape(self.score(one), (ops.shape(one)[0], -1)) for one in hidden], axis=1)
        codes = ops.concatenate([ops.reshape(self.code(one), (ops.shape(one)[0], -1, 4)) for one in hidden], axis=1)
        return ops.reshape(scores, (-1, count)), ops.reshape(codes, (-1, count, 4))

    def propose(self, scores: keras.KerasTensor, codes: keras.KerasTensor, count: int) -> Proposals:
        """The `count` best-scored boxes of each image that do not overlap much."""
        best, places = ops.top_k(scores, self.before)
        anchors = ops.take(ops.convert_to_tensor(self.anchors), places, axis=0)
        boxes = decode_boxes(ops.take_along_axis(codes, ops.expand_dims(places, 2), axis=1), anchors)
        boxes = clip_boxes(boxes, *self.image_size)
        kept = non_max_suppression(boxes, ops.sigmoid(best), count, self.threshold)
        return Proposals(ops.stop_gradient(kept.boxes), ops.stop_gradient(kept.scores), kept.valid)

    def losses_of(
        self,
        scores: keras.KerasTensor,
        codes: keras.KerasTensor,
        boxes: keras.KerasTensor,
        labels: keras.KerasTensor,
        training: bool,
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Loss of scores and of boxes, (B,) each, against the true boxes (B, M, 4) with their labels (B, M)."""
        anchors = ops.broadcast_to(self.anchors[None], (ops.shape(boxes)[0], *self.anchors.shape))
        found = match(anchors, boxes, labels)
        positive = (found.iou >= self.positive) | found.best
        negative = (found.iou < self.negative) & ~positive
        places, counts = draw(positive, negative, self.drawn, 0.5, self.seed if training else None)
        taken = ops.expand_dims(places, 2)
        on_box = ops.take_along_axis(ops.cast(positive, "float32"), places, axis=1)
        boxes, anchors = (ops.take_along_axis(one, taken, axis=1) for one in (found.boxes, anchors))
        score = score_loss(ops.take_along_axis(scores, places, axis=1), on_box, counts)
        gap = ops.take_along_axis(codes, taken, axis=1) - encode_boxes(boxes, anchors)
        return score, box_loss(gap / SHIFT, counts & (on_box > 0), counts)
