"""Convolutions there and back: the way back is the transposed convolution, without the bias."""

from __future__ import annotations

import tensorflow as tf

from lookinside.explain.network.reversals import Reversal


class Convolution(Reversal):
    """Conv2D with any padding, stride, dilation and groups."""

    def __init__(self, layer):
        self.layer = layer
        self.strides, self.dilation = tuple(layer.strides), tuple(layer.dilation_rate)
        self.padding, self.groups = layer.padding.upper(), layer.groups

    def forward(self, x):
        kernels = tf.split(_kernel(self.layer), self.groups, axis=3)
        parts = tf.split(x, self.groups, axis=3)
        maps = [
            tf.nn.convolution(part, kernel, self.strides, self.padding, dilations=self.dilation)
            for part, kernel in zip(parts, kernels, strict=True)
        ]
        out = maps[0] if self.groups == 1 else tf.concat(maps, axis=3)
        return (out + tf.cast(self.layer.bias, tf.float32) if self.layer.use_bias else out), None

    def backward(self, signal, memory, shape):
        kernels = tf.split(_kernel(self.layer), self.groups, axis=3)
        parts = tf.split(signal, self.groups, axis=3)
        maps = [self._transposed(part, kernel, shape) for part, kernel in zip(parts, kernels, strict=True)]
        return maps[0] if self.groups == 1 else tf.concat(maps, axis=3)

    def _transposed(self, signal, kernel, shape):
        if self.strides != (1, 1):
            out = (tf.shape(signal)[0], *shape[:2], kernel.shape[2])
            return tf.nn.conv2d_transpose(signal, kernel, out, self.strides, self.padding)
        # With stride 1 a transposed convolution is a plain one with the kernel turned by 180 degrees, and faster.
        turned = tf.transpose(kernel[::-1, ::-1], (0, 1, 3, 2))
        around = [(0, 0), *(self._margins(axis, shape) for axis in (0, 1)), (0, 0)]
        return tf.nn.conv2d(signal, turned, 1, around, dilations=self.dilation)

    def _margins(self, axis, shape):
        reach = (self.layer.kernel_size[axis] - 1) * self.dilation[axis]
        before = reach // 2 if self.padding == "SAME" else 0
        after = reach - before if self.padding == "SAME" else 0
        return reach - before, reach - after


class DepthwiseConvolution(Reversal):
    """DepthwiseConv2D with any padding and stride."""

    def __init__(self, layer):
        self.layer = layer
        self.strides, self.padding = (1, *layer.strides, 1), layer.padding.upper()

    def forward(self, x):
        out = tf.nn.depthwise_conv2d(x, _kernel(self.layer), self.strides, self.padding)
        return (out + tf.cast(self.layer.bias, tf.float32) if self.layer.use_bias else out), None

    def backward(self, signal, memory, shape):
        sizes = (tf.shape(signal)[0], *shape)
        return tf.nn.depthwise_conv2d_backprop_input(sizes, _kernel(self.layer), signal, self.strides, self.padding)


def _kernel(layer):
    return tf.cast(tf.convert_to_tensor(layer.kernel), tf.float32)
