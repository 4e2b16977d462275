"""Which layers the deconvnet can go back through, and what it says of the others."""

from __future__ import annotations

import keras
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.explain.network.activations import activation_name, is_hidden
from lookinside.explain.network.convolutions import Convolution, DepthwiseConvolution
from lookinside.explain.network.graph import Step
from lookinside.explain.network.reversals import Damping, Join, MaxPool, Pad, Relu, Reversal, Scale, Sum
from lookinside.layers import LocalResponseNormalization

_POSSIBLE = (
    "convolution, batch normalisation, local response normalization, ReLU, max pooling, sums, concatenations, dropout, "
    "zero padding, cropping, rescaling and normalisation"
)
_SAME_WHEN_NOT_TRAINING = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.AlphaDropout,
    keras.layers.Identity,
    keras.layers.ActivityRegularization,
    keras.layers.RandomFlip,
    keras.layers.RandomRotation,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
    keras.layers.RandomShear,
    keras.layers.RandomContrast,
    keras.layers.RandomBrightness,
)


def reversals_of(step: Step) -> list[Reversal]:
    """What a step does, as one reversal or several (a convolution and its activation argument).

    Raises:
        LookInsideError: for a step that the deconvnet cannot go back through, by its name.
    """
    layer, kind = step.layer, type(step.layer)
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise LookInsideError(f"Layer {step.name} has its channels first: build the model with channels last.")
    if is_hidden(layer):
        kind = None  # its type does not say what it does
    if kind is keras.layers.Conv2D:
        return [Convolution(layer), *_activation(layer.activation, step)]
    if kind is keras.layers.DepthwiseConv2D and tuple(layer.dilation_rate) == (1, 1):
        return [DepthwiseConvolution(layer), *_activation(layer.activation, step)]
    if kind is keras.layers.BatchNormalization and layer.axis in (-1, 3):
        return [Scale(lambda: _batch_norm(layer))]
    if kind is keras.layers.Activation:
        return _activation(layer.activation, step)
    alone = kind is keras.layers.ReLU or (kind and not isinstance(layer, keras.Layer))  # keras.ops.relu is no layer
    if alone and activation_name(layer) == "relu":
        return [Relu()]
    if kind is keras.layers.MaxPooling2D:
        return [MaxPool(layer.pool_size, layer.strides, layer.padding)]
    if kind is LocalResponseNormalization:
        return [Damping(layer)]
    if kind is keras.layers.ZeroPadding2D:
        return [Pad(layer.padding)]
    if kind is keras.layers.Cropping2D:
        return [Pad([(-before, -after) for before, after in layer.cropping])]
    if kind is keras.layers.Rescaling:
        return [Scale(lambda: (_float32(layer.scale), _float32(layer.offset)))]
    if kind is keras.layers.Normalization and not layer.invert:
        return [Scale(lambda: _normalization(layer))]
    if kind in _SAME_WHEN_NOT_TRAINING:
        return [Reversal()]
    if len(step.inputs) > 1:
        return [_joining(step, None if is_hidden(layer) else layer)]
    raise LookInsideError(
        f"Layer {step.name} ({_described(layer)}) cannot be gone back through: choose a layer before it. "
        f"The deconvnet knows {_POSSIBLE}."
    )


def _joining(step, layer):
    """What a step of several inputs does: a sum of maps of one size, or maps side by side."""
    shapes = [tuple(tensor.shape[1:]) for tensor in step.node.input_tensors]
    kind = type(layer).__name__
    if kind == "Add" and len(set(shapes)) == 1:  # keras.layers.Add, or what `+` leaves in a graph
        return Sum()
    if kind == "Concatenate" and layer.axis in (-1, 3):
        return Join()
    raise LookInsideError(
        f"Layer {step.name} ({type(step.layer).__name__}) joins several paths, and neither adds maps of one size nor "
        "puts them side by side: choose a layer before it."
    )


def _activation(activation, step):
    name = activation_name(activation)
    if name == "linear":
        return []
    if name == "relu":
        return [Relu()]
    raise LookInsideError(
        f"Layer {step.name} has the activation {getattr(activation, '__name__', activation)}: "
        "the deconvnet knows relu and linear only."
    )


def _described(layer):
    details = {
        "ReLU": "ReLU with a slope, a threshold or a largest value",
        "DepthwiseConv2D": "DepthwiseConv2D with dilation",
        "BatchNormalization": "BatchNormalization over another axis than the channels",
        "Normalization": "Normalization that is inverted",
    }
    return details.get(type(layer).__name__, type(layer).__name__)


def _batch_norm(layer):
    scale = tf.math.rsqrt(_float32(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * _float32(layer.gamma)
    shift = -_float32(layer.moving_mean) * scale
    return scale, shift + _float32(layer.beta) if layer.center else shift


def _normalization(layer):
    scale = 1.0 / tf.maximum(tf.sqrt(_float32(layer.variance)), keras.backend.epsilon())
    return scale, -_float32(layer.mean) * scale


def _float32(value):
    return tf.cast(tf.convert_to_tensor(value), tf.float32)
