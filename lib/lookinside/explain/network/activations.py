"""What an activation is, under whatever name a model has it: a function of Keras, keras.ops or tf, a layer, an op."""

from __future__ import annotations

import keras
import tensorflow as tf

SQUASHING = ("softmax", "log_softmax", "sigmoid")
UNDONE_BY_NOTHING = ("hard_sigmoid", "sparse_sigmoid", "sparsemax")  # they squash, and are flat in places
# They hand the gradient on as it is: no part of their range is cut off as a ReLU cuts it.
SMOOTH = (*SQUASHING, "linear", "identity", "tanh", "hard_sigmoid", "log_sigmoid", "softsign", "exponential", "exp")
OTHER_RECTIFIERS = (keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)

_NAMES = (
    *("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "glu", "silu", "hard_silu"),
    *("mish", "softplus", "squareplus", "sparse_plus", "sparsemax", "threshold", "hard_tanh", "hard_shrink"),
    *("soft_shrink", "tanh_shrink", "sparse_sigmoid", *SMOOTH),
)
_FUNCTIONS = {
    getattr(home, name): name
    for home in (keras.activations, keras.ops, tf.nn, tf.math)
    for name in _NAMES
    if hasattr(home, name)
}


def unwrapped(layer):
    """The layer inside of wrappers such as SpectralNormalization or TimeDistributed; another layer as it is."""
    while isinstance(layer, keras.layers.Wrapper):
        layer = layer.layer
    return layer


def is_activation(layer) -> bool:
    """Whether a layer or operation is an activation and nothing else, a linear one apart."""
    if isinstance(layer, keras.layers.Activation):
        return activation_name(layer) != "linear"
    if isinstance(layer, keras.Layer):
        return isinstance(layer, (keras.layers.ReLU, *OTHER_RECTIFIERS))
    return activation_name(layer) in _NAMES


def activation_name(activation) -> str | None:
    """Return what an activation is, "relu" or "softmax"; None where it cannot be told (a lambda, an own function).

    Args:
        activation: a function, a layer used as a function, the operation that a function left in a graph, or None
            for linear. A ReLU with a slope, a threshold or a largest value is no "relu".
    """
    if activation is None:
        return "linear"
    if isinstance(activation, keras.layers.Activation):
        return activation_name(activation.activation)
    kind = type(activation).__name__
    if isinstance(activation, keras.layers.ReLU) or kind == "ReLU":
        plain = activation.max_value is None and not activation.negative_slope and not activation.threshold
        return "relu" if plain else "a ReLU with a slope, a threshold or a largest value"
    if isinstance(activation, keras.Layer):
        return "softmax" if isinstance(activation, keras.layers.Softmax) else kind
    if isinstance(activation, keras.Operation):
        lower = {name.replace("_", ""): name for name in _NAMES}
        return lower.get(kind.lower(), kind)
    return _FUNCTIONS.get(activation)
