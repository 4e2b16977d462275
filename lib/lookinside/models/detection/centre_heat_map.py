"""A floor for detectors: where is the structure's centre? One heat map, no proposals, the same box everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from lookinside.errors import LookInsideError
from lookinside.layers import clip_boxes
from lookinside.models.detection.box_model import BoxModel
from lookinside.models.detection.checked_inputs import checked_names, checked_shape
from lookinside.models.detection.targets import PADDING, match
from lookinside.models.res_net import resnet18_stages

STRIDE = 8
_SPREAD = 1.0  # cells, standard deviation of the Gaussian that it learns
_NEAR = 2  # cells around the highest one that the centre is read from


@keras.saving.register_keras_serializable("lookinside")
class CentreHeatMap(BoxModel):
    """The simplest network that finds a structure: it says in which cell the centre lies, and puts a box there.

        size = np.median(np.concatenate(train.boxes)[:, 2:] - np.concatenate(train.boxes)[:, :2], axis=0)
        model = CentreHeatMap(train.shape, train.class_names, size)
        fit_detector(model, train, validation, steps=1000)

    A convolution makes one number of each cell of the map of stride 8, a softmax over all cells makes shares of them.
    The cross-entropy to a Gaussian around the true centre is what it learns by. The centre is the mean place of the
    5 x 5 cells around the highest one; the box has the given size, and the score is the share that lies in these cells.

    It trains as a `Detector` does, on the same dictionaries, and `predict(images)` gives the same dictionary: "boxes"
    (N, 1, 4) in pixels, "scores" (N, 1) in [0, 1], "labels" (N, 1), always 0. Images without a box teach it nothing, so
    its score does not say whether the structure is there at all.

    Args:
        image_shape: (H, W, C).
        class_names: of what it looks for: one name.
        box_size: width and height in pixels of each box that it answers.
        width: share of the published number of maps of the trunk.
        dtype: precision, as for any Keras layer; that of Keras' settings unless told.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), another number of classes than one, a size that is no pair
            above 0; from `predict` for images that are none.

    Source: Gaussian targets as in Tompson et al. 2014; the trunk is that of the detectors, one stage shorter.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        class_names: Sequence[str],
        box_size: Sequence[float],
        *,
        width: float = 1.0,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.image_shape, self.class_names, self.width = checked_shape(image_shape), checked_names(class_names), width
        if len(self.class_names) > 1:
            raise LookInsideError(
                f"A heat map finds one structure, class_names has {len(self.class_names)}: give one name."
            )
        sides = np.asarray(box_size, float)
        if sides.shape != (2,) or not (np.isfinite(sides) & (sides > 0)).all():
            raise LookInsideError(f"box_size is {box_size!r}: give width and height in pixels, both above 0.")
        self.box_size = tuple(sides.tolist())
        with self.own_policy():
            self.trunk = resnet18_stages(self.image_shape, width=width, stages=2)
        self.heat = layers.Conv2D(1, 1, dtype="float32", name="heat")
        rows, columns = self.trunk.outputs[0].shape[1:3]
        across, down = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
        self.places = np.stack([across, down], axis=2).reshape(-1, 2) + 0.5  # each cell's centre, x and y in cells
        batch = {"images": np.zeros((1, *self.image_shape), np.float32), "boxes": np.zeros((1, 1, 4), np.float32)}
        # Called once with boxes, so that every weight and metric is there from now on.
        self(batch | {"labels": np.full((1, 1), PADDING, np.int32)}, training=False)

    def shares(self, images: Any, training: bool | None = None) -> keras.KerasTensor:
        """The logarithm of each cell's share of the heat, (B, cells), row by row."""
        heat = self.heat(self.trunk(images, training=training)["conv3_x"])
        return ops.log_softmax(ops.reshape(heat, (-1, len(self.places))), axis=1)

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, keras.KerasTensor]:
        """Boxes on images; of a dictionary with "boxes" and "labels" the loss, which `fit` makes small."""
        given = inputs if isinstance(inputs, Mapping) else {"images": inputs}
        shares = self.shares(given["images"], training)
        if "boxes" not in given:
            return self._found(shares)
        boxes, real = ops.cast(given["boxes"], "float32"), given["labels"] != PADDING
        centres = (boxes[..., :2] + boxes[..., 2:]) / (2 * STRIDE)
        away = ops.sum(ops.square(self.places - centres[:, :, None]), axis=3)  # (B, M, cells)
        wanted = ops.softmax(-away / (2 * _SPREAD**2), axis=2) * ops.cast(real, "float32")[..., None]
        wanted = ops.sum(wanted, axis=1) / ops.maximum(ops.sum(ops.cast(real, "float32"), axis=1, keepdims=True), 1.0)
        loss = -ops.sum(wanted * shares, axis=1)
        self.mean("heat").update_state(loss)
        if not training:
            iou = match(self._found(shares)["boxes"], boxes, ops.cast(given["labels"], "int32")).iou[:, 0]
            self.mean("iou").update_state(iou, sample_weight=ops.any(real, axis=1))
        return {"heat": loss}

    def _found(self, shares):
        highest = ops.take(ops.convert_to_tensor(self.places), ops.argmax(shares, axis=1), axis=0)
        near = ops.all(ops.abs(self.places - highest[:, None]) < _NEAR + 0.5, axis=2)
        near = ops.where(near, ops.exp(shares), 0.0)
        score = ops.sum(near, axis=1, keepdims=True)
        centre = STRIDE * ops.matmul(near, self.places) / score
        half = np.array(self.box_size, np.float32) / 2
        boxes = ops.concatenate([centre - half, centre + half], axis=1)[:, None]
        return {
            "boxes": clip_boxes(boxes, *self.image_shape[:2]),
            "scores": score,
            "labels": ops.zeros(ops.shape(score), "int32"),
        }

    def get_config(self) -> dict[str, Any]:
        own = ("image_shape", "class_names", "box_size", "width")
        return super().get_config() | {name: getattr(self, name) for name in own}
