"""What the networks are built of: the checked input, convolutions and hidden layers with their ReLU, the logits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import keras
from keras import layers

from lookinside.errors import LookInsideError

CAFFE = "caffe"


def image_input(input_shape: Sequence[int], classes: int | None, *, smallest: int, why: str) -> keras.KerasTensor:
    """The input of a network, called "image".

    Args:
        input_shape: (H, W, C) of one image.
        classes: number of classes; None for a network that is no classifier.
        smallest: height and width that the network needs.
        why: what it needs them for, "4 pool(s)".

    Raises:
        LookInsideError: for a shape that is not (H, W, C), an image that is too small, or fewer than two classes.
    """
    shape = tuple(input_shape) if isinstance(input_shape, Iterable) else input_shape
    if not isinstance(shape, tuple) or len(shape) != 3 or any(not isinstance(one, int) or one < 1 for one in shape):
        raise LookInsideError(f"input_shape must be three whole numbers (height, width, channels), got {shape}.")
    if min(shape[:2]) < smallest:
        raise LookInsideError(
            f"input_shape {shape} is too small for {why}: make height and width at least {smallest} pixels."
        )
    if classes is not None and (not isinstance(classes, Integral) or classes < 2):
        raise LookInsideError(f"A classifier needs at least 2 classes, a whole number, got {classes!r:.60}.")
    return keras.Input(shape, name="image")


def scaled(count: int, width: float) -> int:
    """A number of maps or units, multiplied by `width`; at least one."""
    return max(1, round(count * width))


@dataclass(frozen=True)
class Builder:
    """Makes the layers of one network, all in the same way; bn1 and relu1 stand beside conv1, drop6 beside fc6.

    Attributes:
        start: how Caffe's own copy of the network draws its kernels: an initializer's name in Keras, or the standard
            deviation of a Gaussian at width 1. Narrower networks have fewer inputs a unit, so theirs is larger.
        width: multiplies the number of maps and of hidden units.
        initializer: of all kernels; "caffe" is `start`, with the biases that belong to it. Else biases start from zero.
        weight_decay: L2 penalty on kernels: weight_decay * w is added to the gradient of each weight w.
        batch_norm: put batch normalisation between each convolution and its ReLU.
        bn_momentum: share of the old moving statistics kept at each step.

    Raises:
        LookInsideError: for a width that is not above 0, a negative weight decay, a share of statistics out of
            [0, 1), or an initializer that Keras does not know.
    """

    start: str | float
    width: float = 1.0
    initializer: str | keras.Initializer = CAFFE
    weight_decay: float = 0.0
    batch_norm: bool = False
    bn_momentum: float = 0.9

    def __post_init__(self):
        if not _is_number(self.width) or self.width <= 0:
            raise LookInsideError(f"width is {self.width!r}: give a number above 0; 1 is the published network.")
        if not _is_number(self.weight_decay) or self.weight_decay < 0:
            raise LookInsideError(f"weight_decay is {self.weight_decay!r}: give 0 or more, 0.0005 say.")
        if not _is_number(self.bn_momentum) or not 0 <= self.bn_momentum < 1:
            raise LookInsideError(f"bn_momentum is {self.bn_momentum!r:.60}: give a share from 0 to below 1, 0.9 say.")
        if self.initializer != CAFFE:
            fresh_initializer(self.initializer)

    def pixels(self, x: keras.KerasTensor, pixel_range: Sequence[float]) -> keras.KerasTensor:
        """Values in [0, 1] stretched to a range; no layer where that is [0, 1].

        Raises:
            LookInsideError: for a range that is not two numbers, the lower one first.
        """
        ends = tuple(pixel_range) if isinstance(pixel_range, Sequence) else (pixel_range,)
        if len(ends) != 2 or not all(map(_is_number, ends)) or ends[0] >= ends[1]:
            raise LookInsideError(f"pixel_range is {pixel_range!r:.60}: give (what 0 becomes, what 1 becomes).")
        low, high = ends
        return x if (low, high) == (0, 1) else layers.Rescaling(high - low, low, name="pixels")(x)

    def conv(
        self,
        x: keras.KerasTensor,
        name: str,
        maps: int,
        size: int,
        strides: int = 1,
        *,
        padding: str = "same",
        bias: float | None = 0.0,
        relu: bool = True,
    ) -> keras.KerasTensor:
        """Convolution, batch normalisation where it is wanted, ReLU; `bias` is where Caffe's copy starts.

        Without `relu` the ReLU is left to `self.relu`, for a network that pools first. With None for `bias` there are
        no biases: batch normalisation takes them away.
        """
        x = layers.Conv2D(
            scaled(maps, self.width),
            size,
            strides,
            padding,
            name=name,
            use_bias=bias is not None,
            **self._weights(bias),
        )(x)
        if self.batch_norm:
            x = layers.BatchNormalization(momentum=self.bn_momentum, name=_beside(name, "bn"))(x)
        return self.relu(x, name) if relu else x

    def relu(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """The ReLU that belongs to a convolution, relu1 to conv1."""
        return layers.ReLU(name=_beside(name, "relu"))(x)

    def fully_connected(
        self,
        x: keras.KerasTensor,
        name: str,
        units: int,
        *,
        dropout: float = 0.0,
        bias: float = 0.0,
        start: float | None = None,
    ) -> keras.KerasTensor:
        """Fully connected layer, ReLU, and dropout where there is a rate; `bias` and `start` are those of Caffe's copy.

        Raises:
            LookInsideError: for a number of units that is not 1 or more.
        """
        if not isinstance(units, Integral) or isinstance(units, bool) or units < 1:
            raise LookInsideError(f"{name} has {units!r} units: give a whole number, 1 or more.")
        x = layers.Dense(scaled(units, self.width), name=name, **self._weights(bias, start))(x)
        x = layers.ReLU(name=_beside(name, "relu"))(x)
        return layers.Dropout(dropout, name=_beside(name, "drop"))(x) if dropout else x

    def logits(self, x: keras.KerasTensor, classes: int, name: str = "logits") -> keras.KerasTensor:
        """The scores of the classes; float32 also in mixed precision, for a softmax loses small numbers in half."""
        return layers.Dense(classes, dtype="float32", name=name, **self._weights(0.0))(x)

    def up_conv(self, x: keras.KerasTensor, name: str, maps: int) -> keras.KerasTensor:
        """Up-convolution of 2 x 2 with a stride of 2: twice the height and width, no ReLU (Ronneberger et al. 2015)."""
        return layers.Conv2DTranspose(scaled(maps, self.width), 2, 2, name=name, **self._weights(0.0))(x)

    def pixel_logits(self, x: keras.KerasTensor, outputs: int, name: str = "logits") -> keras.KerasTensor:
        """A convolution of 1 x 1 to the scores of each pixel; float32 also in mixed precision, as `logits`."""
        return layers.Conv2D(outputs, 1, dtype="float32", name=name, **self._weights(0.0))(x)

    def _weights(self, bias, start=None):
        caffe, start = self.initializer == CAFFE, start or self.start
        if not isinstance(start, str):
            start = keras.initializers.RandomNormal(stddev=start / self.width**0.5)
        return {
            "kernel_initializer": fresh_initializer(start if caffe else self.initializer),
            "bias_initializer": keras.initializers.Constant(bias) if caffe and bias else "zeros",
            # Keras' L2 is factor * sum(w ** 2), whose gradient is 2 * factor * w.
            "kernel_regularizer": keras.regularizers.L2(self.weight_decay / 2) if self.weight_decay else None,
        }


def fresh_initializer(initializer, *, other=f'"{CAFFE}"'):
    """An initializer of a layer's own: Keras draws the same weights twice from one that is used twice.

    Raises:
        LookInsideError: if Keras does not know it; `other` is what the caller takes besides.
    """
    if isinstance(initializer, keras.Initializer):
        return initializer.clone()
    try:
        found = keras.initializers.get(initializer) if isinstance(initializer, str) else None
    except ValueError:
        found = None
    if not isinstance(found, keras.Initializer):
        raise LookInsideError(
            f'initializer is {initializer!r:.60}: give {other}, or one that Keras knows, "he_normal" say.'
        )
    return found


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _beside(name, kind):
    """relu1 beside conv1, drop6 beside fc6, inception_3a_1x1_relu beside inception_3a_1x1."""
    for start in ("conv", "fc"):
        if name.startswith(start):
            return kind + name.removeprefix(start)
    return f"{name}_{kind}"


def rows_of_the_batch(draw: Callable[[tuple], keras.KerasTensor], count: int, *shape: int) -> keras.KerasTensor:
    """Random numbers (count, ...) for the images of this device: its rows of what is drawn for the whole batch.

    The devices of a `tf.distribute` strategy have one state of random numbers, so each would draw the same ones. Here
    they draw for all images and take their own: a step on several devices is that of one.

    Args:
        draw: shape -> random numbers.
        count: images on this device; the others have as many.
        shape: of the numbers for one image.
    """
    if keras.backend.backend() != "tensorflow":
        return draw((count, *shape))
    import tensorflow as tf  # here, for networks are built by any backend

    devices = tf.distribute.get_strategy().num_replicas_in_sync
    context = tf.distribute.get_replica_context()
    if devices == 1 or context is None:
        return draw((count, *shape))
    own = context.replica_id_in_sync_group
    return draw((devices * count, *shape))[own * count : (own + 1) * count]
