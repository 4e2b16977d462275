"""Occlusion: hide a patch, see how far the class's score drops."""

from __future__ import annotations

from typing import Unpack

import keras
import numpy as np
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import as_numbers, is_whole
from lookinside.explain.calls.rounds import in_rounds
from lookinside.explain.explainer import Explainer, Options


class Occlusion(Explainer):
    """How far a class's score drops where a patch is hidden; a pixel's value is the mean over the patches on it.

    The patch moves in steps of `stride`; a last one at the right and lower border leaves no pixel out. Positive:
    the place speaks for the class.

    Args:
        model: see `Explainer`.
        patch: side of the square patch, in pixels, or (height, width).
        stride: step in pixels, or (down, right); at most the patch. None: half the patch.
        fill: what the patch is filled with, in the images' own units: a number, or one for each channel.
        copies: occluded images at a time, over all images of a chunk; it bounds the memory.
        options: see `Explainer`.

    Raises:
        LookInsideError: for a patch larger than the image, a stride under 1 or larger than the patch, or a fill that
            does not fit to the channels; else as `Explainer`.

    Source: Zeiler & Fergus 2014, section 4.2; the mean over covering patches is ours.
    """

    def __init__(
        self,
        model: keras.Model,
        patch: int | tuple[int, int] = 16,
        stride: int | tuple[int, int] | None = None,
        fill: float | tuple[float, ...] = 0.0,
        *,
        copies: int = 16,
        **options: Unpack[Options],
    ):
        super().__init__(model, **options)
        self.patch = _two(patch)
        if stride is None and all(map(is_whole, self.patch)):
            stride = tuple(max(1, side // 2) for side in self.patch)
        self.stride = _two(stride)
        self.fill = as_numbers(fill, "fill").astype(np.float32)
        self.copies = copies
        if not all(map(is_whole, (*self.patch, *self.stride, copies))) or len(self.patch) != 2 or len(self.stride) != 2:
            raise LookInsideError(f"patch is {patch}, stride {stride}, copies {copies}: give whole numbers from 1 on.")
        if any(step > side for step, side in zip(self.stride, self.patch, strict=True)):
            raise LookInsideError(
                f"stride {self.stride} is larger than the patch {self.patch}: pixels would be left out."
            )
        if self.fill.shape not in ((), (self._input_shape[-1],)) or not np.isfinite(self.fill).all():
            raise LookInsideError(
                f"fill is {fill}: give one number, or one for each of {self._input_shape[-1]} channels."
            )

    def _maps(self, images, classes):
        count, shape = tf.shape(images)[0], tuple(images.shape[1:])
        tops, lefts = (self._places(axis, shape[axis]) for axis in (0, 1))
        corners = np.array([(top, left) for top in tops for left in lefts], np.int32)
        logits = self._logits(images)
        classes = tf.where(classes < 0, self._head.predicted(logits), classes)
        clean = self._head.of_class(logits, classes)

        def drops_of(numbers):
            hidden = self._hidden(tf.gather(corners, numbers), shape)
            occluded = tf.where(hidden[None, ..., None], self.fill, images[:, None])
            occluded = tf.reshape(occluded, (-1, *shape))
            score = self._head.of_class(self._logits(occluded), tf.repeat(classes, tf.size(numbers)))
            return clean[:, None] - tf.reshape(score, (count, -1))

        drops = in_rounds(drops_of, count, len(corners), self.copies)
        return self._spread(tf.reshape(drops, (count, len(tops), len(lefts))), tops, lefts, shape)

    def _places(self, axis, side):
        """Where the patches start along an axis; the last one touches the border."""
        last = side - self.patch[axis]
        if last < 0:
            raise LookInsideError(f"patch {self.patch} is larger than the image, {side} pixels: give a smaller one.")
        return [*range(0, last, self.stride[axis]), last]

    def _hidden(self, corners, shape):
        """bool (P, H, W): the pixels under each patch."""
        inside = [
            (tf.range(shape[axis]) >= corners[:, axis, None])
            & (tf.range(shape[axis]) < corners[:, axis, None] + self.patch[axis])
            for axis in (0, 1)
        ]
        return inside[0][:, :, None] & inside[1][:, None, :]

    def _spread(self, drops, tops, lefts, shape):
        """(N, down, right) drops -> (N, H, W): the mean of the drops of the patches on each pixel."""
        on_rows, on_columns = (
            np.stack([(np.arange(shape[axis]) >= s) & (np.arange(shape[axis]) < s + self.patch[axis]) for s in starts])
            for axis, starts in ((0, tops), (1, lefts))
        )
        on_rows, on_columns = on_rows.astype(np.float32), on_columns.astype(np.float32)
        total = tf.einsum("nij,ih,jw->nhw", drops, on_rows, on_columns)
        return total / (on_rows.sum(axis=0)[:, None] * on_columns.sum(axis=0)[None, :])


def _two(value):
    return tuple(value) if isinstance(value, tuple | list) else (value, value)
