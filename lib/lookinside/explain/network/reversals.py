"""The way back through single layers: each knows its forward pass and how Zeiler & Fergus undo it.

A signal on its way back has the shape (B * m, h, w, c): m maps of each of B images, an image's maps side by side.
"""

from __future__ import annotations

import math

import tensorflow as tf


class Reversal:
    """A layer there and back; this one changes nothing."""

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """(B, H, W, C) -> output, and what the way back must remember of each image (None: nothing)."""
        return x, None

    def backward(self, signal: tf.Tensor, memory: tf.Tensor | None, shape: tuple[int, ...]) -> tf.Tensor:
        """(B * m, h, w, c) -> (B * m, *shape), where `shape` is (H, W, C) of what the forward pass read."""
        return signal

    def branches(self, signal, memory, shapes: list[tuple[int, ...]]) -> list[tf.Tensor]:
        """What goes back to each value that the forward pass read: one, but for a layer that joins several."""
        return [self.backward(signal, memory, shapes[0])]

    def shape(self, layer, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
        """(H, W, C) behind the layer, from that of each value that it reads."""
        known = hasattr(layer, "compute_output_shape")  # keras.ops.relu is no layer and changes no shape
        return tuple(layer.compute_output_shape((None, *shapes[0]))[1:]) if known else shapes[0]


class Sum(Reversal):
    """The sum of several branches of one size; each is handed the whole signal, as the adjoint does."""

    def forward(self, *branches):
        return tf.add_n(branches), None

    def branches(self, signal, memory, shapes):
        return [signal] * len(shapes)

    def shape(self, layer, shapes):
        return shapes[0]


class Join(Reversal):
    """Several branches' maps side by side; each is handed back the signal of its own maps."""

    def forward(self, *branches):
        return tf.concat(branches, axis=3), None

    def branches(self, signal, memory, shapes):
        return tf.split(signal, [maps for *_, maps in shapes], axis=3)

    def shape(self, layer, shapes):
        return (*shapes[0][:2], sum(maps for *_, maps in shapes))


class Relu(Reversal):
    """Rectified there and, by its own sign, rectified on the way back: the deconvnet's rule."""

    def forward(self, x):
        # Not tf.nn.relu: TensorFlow's graph optimizer moves it behind a pooling with argmax, finds the argmax to be
        # of another type, gives up on the whole function and says so on the error stream.
        return tf.maximum(x, 0.0), None

    def backward(self, signal, memory, shape):
        return tf.nn.relu(signal)


class Scale(Reversal):
    """x * scale + shift by channel; on the way back only the scale, with its sign (the adjoint)."""

    def __init__(self, scale_and_shift):
        self.scale_and_shift = scale_and_shift  # called anew each time: the weights may have been trained on

    def forward(self, x):
        scale, shift = self.scale_and_shift()
        return x * scale + shift, None

    def backward(self, signal, memory, shape):
        return signal * self.scale_and_shift()[0]


class Damping(Reversal):
    """Local response normalization; the way back divides each image's signal by what its own values were divided by.

    How strong the neighbours were is taken as given, as batch normalisation's statistics are: Zeiler & Fergus do not
    say.
    """

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        damping = self.layer.damping(x)
        return x * damping, damping

    def backward(self, signal, memory, shape):
        images = tf.shape(memory)[0]
        maps = tf.reshape(signal, (images, -1, *shape)) * memory[:, None]
        return tf.reshape(maps, (-1, *shape))


class Pad(Reversal):
    """Zero padding (negative: cropping) by ((top, bottom), (left, right)); the way back crops (pads)."""

    def __init__(self, padding):
        self.padding = padding

    def forward(self, x):
        return padded(x, self.padding), None

    def backward(self, signal, memory, shape):
        return padded(signal, [(-before, -after) for before, after in self.padding])


class MaxPool(Reversal):
    """Max pooling; on the way back each value returns to the pixel it came from (its switch), the rest is zero."""

    def __init__(self, size, strides, padding):
        self.size, self.strides, self.padding = tuple(size), tuple(strides), padding.upper()
        self.tiled = self.size == self.strides

    def forward(self, x):
        # Of equal values the first in reading order is the switch.
        pooled, switches = tf.nn.max_pool_with_argmax(
            x, self.size, self.strides, self.padding, output_dtype=tf.int32, include_batch_in_index=False
        )
        if not self.tiled:
            return pooled, switches
        # Windows that do not overlap: a pixel is a switch or not, the same for all maps projected back.
        places = tf.reshape(tf.range(math.prod(x.shape[1:])), x.shape[1:])
        return pooled, tf.cast(self._enlarged(switches, x.shape[1:]) == places, tf.float32)

    def backward(self, signal, memory, shape):
        images = tf.shape(memory)[0]
        maps = tf.shape(signal)[0] // images
        if self.tiled:
            spread = tf.reshape(self._enlarged(signal, shape), (images, maps, -1))
            return tf.reshape(spread * tf.reshape(memory, (images, 1, -1)), (-1, *shape))
        # Overlapping windows may share a switch: what comes back to it adds up.
        pixels = math.prod(shape)
        first = tf.reshape(tf.range(images * maps) * pixels, (images, maps, 1))
        places = tf.reshape(memory, (images, 1, -1)) + first
        flat = tf.math.unsorted_segment_sum(tf.reshape(signal, [-1]), tf.reshape(places, [-1]), images * maps * pixels)
        return tf.reshape(flat, (-1, *shape))

    def _enlarged(self, small, shape):
        """Each cell as large as its window, then cut or filled to (H, W)."""
        cells = small.shape[1] * self.size[0], small.shape[2] * self.size[1]
        # Half pixel centres: without them rounding picks the wrong cell for windows of 25 pixels and others.
        large = tf.raw_ops.ResizeNearestNeighbor(images=small, size=cells, half_pixel_centers=True)
        missing = [side - cell for side, cell in zip(shape[:2], cells, strict=True)]
        if self.padding == "VALID":
            return padded(large, [(0, pixels) for pixels in missing])
        return padded(large, [(-(-pixels // 2), pixels - -(-pixels // 2)) for pixels in missing])


def padded(x: tf.Tensor, padding) -> tf.Tensor:
    """Pad height and width with zeros, or crop where a number is negative."""
    if all(pixels == 0 for pair in padding for pixels in pair):
        return x
    (top, bottom), (left, right) = padding
    height, width = x.shape[1], x.shape[2]
    x = x[:, max(0, -top) : height - max(0, -bottom), max(0, -left) : width - max(0, -right)]
    return tf.pad(x, ((0, 0), (max(0, top), max(0, bottom)), (max(0, left), max(0, right)), (0, 0)))
