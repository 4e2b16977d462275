"""Augmentation of images with boxes: flips, shifts, scale and brightness, with the boxes moved along."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import keras
from keras import ops

from lookinside.layers.arguments import check_choice, check_numbers

Flip = Literal["none", "horizontal", "vertical", "both"]
_NO_BOX = -1  # the label of a row that only fills up, as in `lookinside.data.BoxedImages`
_FLIPS = ("none", "horizontal", "vertical", "both")
_ENTRIES = ("images", "boxes", "labels")
_ARGUMENTS = ("flip", "shift", "scale", "brightness", "least_visible", "fill_value", "seed")


@keras.saving.register_keras_serializable(package="lookinside")
class BoxAugmentation(keras.layers.Layer):
    """Mirror, shift, scale and brighten each image at random, and move its boxes along.

    For `augment=` of `BoxedImages.to_tf`: it belongs into the tf.data pipeline. All that moves an image is one
    resampling (bilinear), so it blurs once. Boxes are cut off at the rim; one that is mostly cut away becomes a filling
    row, its image may become a negative.

    Args:
        flip: "horizontal" mirrors half of the images left to right, "vertical" top to bottom, "both" draws each for
            itself, "none" does not.
        shift: largest shift as a share of height and width, to all sides.
        scale: largest change of size as a share s: the factor lies between 1 / (1 + s) and 1 + s, its logarithm is
            uniform.
        brightness: grey levels are multiplied by a number from 1 - brightness to 1 + brightness and cut at 0 and 1, as
            a gain does; black stays black.
        least_visible: a box stays if this share of its area is still in the image, above 0 to 1.
        fill_value: grey level of what comes in from outside.
        seed: of the random changes.

    Input shape: a dictionary as `BoxedImages.to_tf` gives it: "images" (B, H, W, C) floats in [0, 1], "boxes"
        (B, M, 4) as x_min, y_min, x_max, y_max in pixels, and "labels" (B, M), -1 in rows that only fill up. Other
        entries are passed on.

    Output shape: the same. Rows of boxes keep their places, filling rows have zeros and the label -1.

    Raises:
        ValueError: for an argument outside its range, or inputs that are no such dictionary.
    """

    def __init__(
        self,
        flip: Flip = "horizontal",
        shift: float = 0.1,
        scale: float = 0.1,
        brightness: float = 0.2,
        *,
        least_visible: float = 0.5,
        fill_value: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)  # half precision has no place for a corner's coordinates
        check_choice(_FLIPS, flip=flip)
        check_numbers(0, shift=shift, scale=scale, brightness=brightness, least_visible=least_visible)
        check_numbers(-math.inf, fill_value=fill_value)
        if shift > 1 or brightness > 1 or not 0 < least_visible <= 1:
            raise ValueError(
                f"shift is {shift}, brightness {brightness}, least_visible {least_visible}: give numbers up to 1, and "
                "least_visible above 0."
            )
        self.flip, self.shift, self.scale, self.brightness = flip, float(shift), float(scale), float(brightness)
        self.least_visible, self.fill_value, self.seed = float(least_visible), float(fill_value), seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Mapping[str, Any], training: bool = True) -> dict[str, Any]:
        found = _checked(inputs)
        if not training:
            return found
        images, height, width = found["images"], *found["images"].shape[1:3]
        draws = keras.random.uniform((ops.shape(images)[0], 6), -1.0, 1.0, "float32", self.seed_generator)
        factor = ops.exp(draws[:, 0] * math.log1p(self.scale))
        across = self._signs(draws[:, 1], "horizontal") * factor
        down = self._signs(draws[:, 2], "vertical") * factor
        # Around the image's centre: x becomes across * x + right.
        right = (1 - across) * (width / 2) + draws[:, 3] * (self.shift * width)
        below = (1 - down) * (height / 2) + draws[:, 4] * (self.shift * height)
        moved = self._moved(images, across, down, right, below)
        gain = ops.reshape(1 + draws[:, 5] * self.brightness, (-1, 1, 1, 1))
        found["images"] = ops.cast(ops.clip(moved * gain, 0.0, 1.0), images.dtype)
        found["boxes"], found["labels"] = self._kept(
            _boxes_moved(found["boxes"], across, down, right, below), found["labels"], height, width
        )
        return found

    def _signs(self, draws, axis):
        if self.flip not in (axis, "both"):
            return ops.ones_like(draws)
        return ops.where(draws < 0, -1.0, 1.0)

    def _moved(self, images, across, down, right, below):
        """Images (B, H, W, C), float32; each pixel of the new image reads where it was in the old one."""
        zeros = ops.zeros_like(across)
        # A pixel's centre lies half a pixel from its corner.
        back = [1 / across, zeros, (0.5 - right) / across - 0.5, zeros, 1 / down, (0.5 - below) / down - 0.5]
        return ops.image.affine_transform(
            ops.cast(images, "float32"),
            ops.stack([*back, zeros, zeros], axis=1),
            fill_value=self.fill_value,
            data_format="channels_last",
        )

    def _kept(self, boxes, labels, height, width):
        """Boxes cut at the rim, with what is mostly cut away, and what only filled up, as filling rows."""
        x_min, y_min, x_max, y_max = ops.unstack(boxes, 4, axis=-1)
        whole = (x_max - x_min) * (y_max - y_min)
        x_min, x_max = ops.clip(x_min, 0.0, width), ops.clip(x_max, 0.0, width)
        y_min, y_max = ops.clip(y_min, 0.0, height), ops.clip(y_max, 0.0, height)
        visible = (x_max - x_min) * (y_max - y_min)
        kept = (labels != _NO_BOX) & (visible > 0) & (visible >= (self.least_visible - 1e-6) * whole)
        boxes = ops.stack([x_min, y_min, x_max, y_max], axis=-1)
        return ops.where(kept[..., None], boxes, 0.0), ops.where(kept, labels, ops.full_like(labels, _NO_BOX))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, inputs: Any, training: bool = True) -> Any:
        found = _checked(inputs)
        return {name: keras.KerasTensor(one.shape, dtype=one.dtype) for name, one in found.items()}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in _ARGUMENTS}}


def _boxes_moved(boxes, across, down, right, below):
    """Boxes (B, M, 4) of the moved images; a mirrored box has its corners changed over."""
    boxes = ops.cast(boxes, "float32")
    x = boxes[..., 0::2] * across[:, None, None] + right[:, None, None]
    y = boxes[..., 1::2] * down[:, None, None] + below[:, None, None]
    low = [ops.min(side, axis=-1) for side in (x, y)]
    high = [ops.max(side, axis=-1) for side in (x, y)]
    return ops.stack([*low, *high], axis=-1)


def _checked(inputs):
    """Inputs as a new dictionary of tensors that fit one another."""
    if not isinstance(inputs, Mapping) or any(name not in inputs for name in _ENTRIES):
        has = f"a dictionary of {', '.join(sorted(inputs))}" if isinstance(inputs, Mapping) else type(inputs).__name__
        raise ValueError(f"The inputs are {has}: a dictionary of {', '.join(_ENTRIES)} is needed.")
    found = {name: ops.convert_to_tensor(one) if name in _ENTRIES else one for name, one in inputs.items()}
    images, boxes, labels = (tuple(found[name].shape) for name in _ENTRIES)
    if len(images) != 4 or len(boxes) != 3 or boxes[-1] != 4 or labels[1:] != boxes[1:2] or None in images[1:3]:
        raise ValueError(
            f"images are {images}, boxes {boxes}, labels {labels}: (B, H, W, C), (B, M, 4) and (B, M) are needed."
        )
    return found
