"""Low maps enlarged to the image or volume, linear along each axis with half pixel centres, as matrix products."""

from __future__ import annotations

import tensorflow as tf


def enlarged(maps: tf.Tensor, size) -> tf.Tensor:
    """(N, h, w) -> (N, H, W), bilinear, half pixel centres, edges repeated; (N, d, h, w) -> (N, D, H, W) likewise.

    As `tf.image.resize`, which XLA compiles to something else without a word where a side is not a multiple of the
    old one (TensorFlow 2.21): then a loss of such maps would be wrong in `fit`, which compiles on a GPU.
    """
    if len(size) == 3:
        for axis in (1, 2, 3):  # each goes to the end, so that their order is kept
            taken = tf.cast(_interpolation(tf.shape(maps)[1], size[axis - 1]), maps.dtype)
            maps = tf.tensordot(maps, taken, ((1,), (1,)))
        return maps
    rows, columns = (tf.cast(_interpolation(tf.shape(maps)[axis], size[axis - 1]), maps.dtype) for axis in (1, 2))
    return tf.matmul(rows @ maps, columns, transpose_b=True)


def _interpolation(old, new):
    """What each of the new places takes of each of the old ones: float64 (new, old)."""
    old, new = (tf.cast(side, tf.float64) for side in (old, new))
    places = tf.clip_by_value((tf.range(new) + 0.5) * old / new - 0.5, 0.0, old - 1.0)
    return tf.nn.relu(1.0 - tf.abs(places[:, None] - tf.range(old)[None]))
