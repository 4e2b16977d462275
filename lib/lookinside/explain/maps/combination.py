"""Feature maps of several layers, weighted, enlarged to the image and summed (Wang et al. 2019, Eq. 4)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from lookinside.explain.maps.enlarging import enlarged


def combined(maps: Sequence[tf.Tensor], weights: Sequence[tf.Tensor], size: Sequence[int]) -> tf.Tensor:
    """The weighted sum of feature maps over all layers, in the image's size.

    The maps of a layer are summed before they are enlarged: both are linear, and one map is enlarged instead of many.
    Differentiable by the maps and by the weights.

    Args:
        maps: of each layer, (N, h, w, K).
        weights: of each layer, (N, K, S) for S sums.
        size: (H, W) of the image.

    Returns:
        (N, S, H, W); bilinear, half pixel centres.
    """
    sums = []
    for one, weight in zip(maps, weights, strict=True):
        height, width, count = tf.shape(one)[1], tf.shape(one)[2], one.shape[-1]
        low = tf.matmul(tf.reshape(one, (-1, height * width, count)), weight)
        low = tf.reshape(tf.transpose(low, (0, 2, 1)), (-1, height, width))
        sums.append(enlarged(low, size))
    return tf.reshape(tf.add_n(sums), (-1, weights[0].shape[-1], *size))
