"""What a step of a detector makes of regions: codes of boxes and scores, and the losses they are trained by."""

from __future__ import annotations

from typing import NamedTuple

import keras
from keras import ops

from lookinside.layers import decode_boxes, encode_boxes
from lookinside.models.detection.losses import SHIFT, box_loss, score_loss
from lookinside.models.detection.targets import PADDING, match

ON_BOX = 0.5  # a region shows a structure from this IoU on


class Stage(NamedTuple):
    """One step's answer for each region.

    Attributes:
        name: of the step, "coarse" or the like.
        regions: (B, R, 4), xyxy in pixels, what it has looked at.
        codes: (B, R, 4), how it shifts and stretches them, as `encode_boxes` codes it.
        logits: (B, R, C), for each class whether the region shows it.
    """

    name: str
    regions: keras.KerasTensor
    codes: keras.KerasTensor
    logits: keras.KerasTensor

    def boxes(self) -> keras.KerasTensor:
        """(B, R, 4), the shifted regions."""
        return decode_boxes(self.codes, self.regions)

    def losses_of(
        self, boxes: keras.KerasTensor, labels: keras.KerasTensor, counts: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Loss of scores and of boxes, (B,) each: binary cross-entropy, and smooth L1 on the regions that show a box.

        Args:
            boxes, labels: the true ones, (B, M, 4) and (B, M).
            counts: (B, R) bool, the regions that count.
        """
        found = match(self.regions, boxes, labels)
        on_box = (found.iou >= ON_BOX) & (found.labels != PADDING)
        kinds = self.logits.shape[2]
        wanted = ops.one_hot(ops.where(on_box, found.labels, kinds), kinds + 1)[..., :kinds]
        gap = self.codes - encode_boxes(found.boxes, self.regions)
        return score_loss(self.logits, wanted, counts), box_loss(gap / SHIFT, counts & on_box, counts)
