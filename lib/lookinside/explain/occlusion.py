"""Occlusion: hide a patch, see how far the class's score drops."""

from __future__ import annotations

import itertools
from typing import Unpack

import keras
import numpy as np
import tensorflow as tf

from lookinside.arrays import as_numbers
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.explain.calls.rounds import in_rounds
from lookinside.explain.explainer import Explainer, Options


class Occlusion(Explainer):
    """How far a class's score drops where a patch is hidden; a pixel's value is the mean over the patches on it.

    The patch moves in steps of `stride`; a last one at the right and lower border leaves no pixel out. Positive:
    the place speaks for the class.

    Args:
        model: see `Explainer`.
        patch: side of the square patch, in pixels, or (height, width); of a volume (depth, height, width).
        stride: step in pixels, or one for each side; at most the patch. None: half the patch.
        fill: what the patch is filled with, in the images' own units: a number, or one for each channel.
        copies: occluded images at a time, over all images of a chunk; it bounds the memory.
        options: see `Explainer`.

    Raises:
        LookInsideError: for a patch larger than the image, a stride under 1 or larger than the patch, or a fill that
            does not fit to the channels; else as `Explainer`.

    Source: Zeiler & Fergus 2014, section 4.2; the mean over covering patches is ours.
    """

    explained = (2, 3)
    needs_layers = False

    def __init__(
        self,
        model: keras.Model,
        patch: int | tuple[int, ...] = 16,
        stride: int | tuple[int, ...] | None = None,
        fill: float | tuple[float, ...] = 0.0,
        *,
        copies: int = 16,
        **options: Unpack[Options],
    ):
        super().__init__(model, **options)
        axes = len(self._input_shape) - 2
        self.patch = _sides(patch, axes)
        if stride is None and all(map(is_whole, self.patch)):
            stride = tuple(max(1, side // 2) for side in self.patch)
        self.stride = _sides(stride, axes)
        self.fill = as_numbers(fill, "fill").astype(np.float32)
        self.copies = copies
        whole = all(map(is_whole, (*self.patch, *self.stride, copies)))
        if not whole or len(self.patch) != axes or len(self.stride) != axes:
            raise LookInsideError(f"patch is {patch}, stride {stride}, copies {copies}: give whole numbers from 1 on.")
        if any(step > side for step, side in zip(self.stride, self.patch, strict=True)):
            raise LookInsideError(
                f"stride {self.stride} is larger than the patch {self.patch}: pixels would be left out."
            )
        if self.fill.shape not in ((), (self._input_shape[-1],)) or not np.isfinite(self.fill).all():
            raise LookInsideError(
                f"fill is {fill}: give one number, or one for each of {self._input_shape[-1]} channels."
            )

    def _maps(self, images, target):
        count, shape = tf.shape(images)[0], tuple(images.shape[1:])
        starts = [self._places(axis, side) for axis, side in enumerate(shape[:-1])]
        corners = np.array(list(itertools.product(*starts)), np.int32)
        logits = self._logits(images, target)
        target = target._replace(classes=self._wanted(logits, target))
        clean = self._head.of_class(logits, target.classes)

        def drops_of(numbers):
            hidden = self._hidden(tf.gather(corners, numbers), shape)
            occluded = tf.where(hidden[None, ..., None], self.fill, images[:, None])
            occluded = tf.reshape(occluded, (-1, *shape))
            repeated = target.repeated(tf.size(numbers))
            score = self._head.of_class(self._logits(occluded, repeated), repeated.classes)
            return clean[:, None] - tf.reshape(score, (count, -1))

        drops = in_rounds(drops_of, count, len(corners), self.copies)
        return self._spread(tf.reshape(drops, (count, *map(len, starts))), starts, shape)

    def _places(self, axis, side):
        """Where the patches start along an axis; the last one touches the border."""
        last = side - self.patch[axis]
        if last < 0:
            raise LookInsideError(f"patch {self.patch} is larger than the image, {side} pixels: give a smaller one.")
        return [*range(0, last, self.stride[axis]), last]

    def _hidden(self, corners, shape):
        """bool (P, H, W): the pixels under each patch."""
        hidden = True
        for axis, side in enumerate(shape[:-1]):
            place, first = tf.range(side), corners[:, axis, None]
            inside = (place >= first) & (place < first + self.patch[axis])
            around = [1] * len(self.patch)
            around[axis] = side
            hidden &= tf.reshape(inside, (-1, *around))
        return hidden

    def _spread(self, drops, starts, shape):
        """(N, down, right) drops -> (N, H, W): the mean of the drops of the patches on each pixel."""
        total, patches = drops, np.float32(1)
        for axis, (places, side) in enumerate(zip(starts, shape[:-1], strict=True)):
            pixels = np.arange(side)
            covers = np.stack([(pixels >= first) & (pixels < first + self.patch[axis]) for first in places])
            covers = covers.astype(np.float32)
            total = tf.tensordot(total, covers, (1, 0))  # the axis goes to the end: after all of them, order is kept
            patches = np.multiply.outer(patches, covers.sum(axis=0))
        return total / patches[None]


def _sides(value, axes):
    return tuple(value) if isinstance(value, tuple | list) else (value,) * axes
