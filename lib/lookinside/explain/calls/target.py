"""What is explained of each image of a batch, beside its pixels: the class, the region, and what is held still."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Target(NamedTuple):
    """What goes with each of N images.

    Attributes:
        classes: int32 (N,); -1 stands for the predicted class.
        others: the model's other inputs, each (N, ...), in its own order; nothing of them is changed.
        region: float32 (N, h, w), 1 where the scores of a per-pixel classifier count; None for a score an image.
    """

    classes: tf.Tensor
    others: tuple[tf.Tensor, ...] = ()
    region: tf.Tensor | None = None

    def rows(self, part: slice) -> Target:
        """Those of some of the images, as tensors."""
        return self._each(lambda values: tf.constant(values[part]))

    def repeated(self, times: tf.Tensor | int) -> Target:
        """The same for `times` copies of each image, an image's copies side by side."""
        return self._each(lambda values: tf.repeat(values, times, axis=0))

    def _each(self, change):
        region = None if self.region is None else change(self.region)
        return Target(change(self.classes), tuple(map(change, self.others)), region)
