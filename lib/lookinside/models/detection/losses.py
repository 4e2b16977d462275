"""The two losses of a detector, an image each: of scores and of boxes."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

# Boxes are shifted and stretched by little: codes are learned ten times (sizes: five times) as large as they are.
SHIFT = np.array([0.1, 0.1, 0.2, 0.2], np.float32)


def score_loss(logits: keras.KerasTensor, targets: keras.KerasTensor, counts: keras.KerasTensor) -> keras.KerasTensor:
    """Mean binary cross-entropy (B,) of logits (B, R) or (B, R, C) over the regions that count (B, R)."""
    each = ops.maximum(logits, 0.0) - logits * targets + ops.log1p(ops.exp(-ops.abs(logits)))
    return _mean(ops.sum(each, axis=2) if len(each.shape) == 3 else each, counts)


def box_loss(gap: keras.KerasTensor, counts: keras.KerasTensor, among: keras.KerasTensor) -> keras.KerasTensor:
    """Smooth L1 (B,) of the gaps (B, R, 4) that count, divided by the number of regions `among` them.

    Source: Girshick 2015, Eq. 3: gaps below 1 count squared, larger ones by their size.
    """
    gap = ops.abs(gap)
    each = ops.sum(ops.where(gap < 1.0, 0.5 * gap * gap, gap - 0.5), axis=2)
    each = ops.where(counts, each, 0.0)  # what does not count may be anything, also no number
    return ops.sum(each, axis=1) / ops.maximum(_number(among), 1.0)


def _mean(each, counts):
    return ops.sum(ops.where(counts, each, 0.0), axis=1) / ops.maximum(_number(counts), 1.0)


def _number(counts):
    return ops.sum(ops.cast(counts, "float32"), axis=1)
