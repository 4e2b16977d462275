"""What an activation is, under whatever name a model has it: a function of Keras, keras.ops or tf, a layer, an op."""

from __future__ import annotations

import keras
import tensorflow as tf

SQUASHING = ("softmax", "log_softmax", "sigmoid")
UNDONE_BY_NOTHING = ("hard_sigmoid", "sparse_sigmoid", "sparsemax")  # they squash, and are flat in places
# They hand the gradient on as it is: no part of their range is cut off as a ReLU cuts it.
SMOOTH = (*SQUASHING, "linear", "identity", "tanh", "hard_sigmoid", "log_sigmoid", "softsign", "exponential", "exp")
KNOWN = ("keras.", "lookinside.layers.")  # the homes of layers whose type says what they compute; ours have no ReLU
BLACK_BOXES = ("TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper")  # another library's network in one layer
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


def endings(layer) -> list:
    """The layers whose activation is the last thing that a layer does: its own, or those of the layers inside of it."""
    if isinstance(layer, keras.layers.Wrapper):
        return endings(layer.layer)
    if isinstance(layer, keras.layers.Bidirectional):
        return [*endings(layer.forward_layer), *endings(layer.backward_layer)]
    if isinstance(layer, keras.layers.RNN):
        return endings(layer.cell)
    if isinstance(layer, keras.layers.StackedRNNCells):
        return endings(layer.cells[-1])
    if isinstance(layer, keras.layers.Pipeline) and layer.layers:
        return endings(layer.layers[-1])
    return [layer]


def is_black_box(layer) -> bool:
    """Whether a layer runs the network of another library, or one that was saved: nothing inside of it can be seen."""
    return any(kind.__name__ in BLACK_BOXES for kind in type(layer).__mro__)


def is_hidden(layer) -> bool:
    """Whether a layer's or operation's type does not say what it computes: written by the user, or a black box."""
    written = not type(layer).__module__.startswith(KNOWN) or "call" in vars(layer)
    return written or isinstance(layer, keras.layers.Lambda) or is_black_box(layer)


def is_only_activation(layer) -> bool:
    """Whether a layer is nothing but the function that it is given, a linear one too, or a softmax; or an operation."""
    return not isinstance(layer, keras.Layer) or isinstance(layer, keras.layers.Activation | keras.layers.Softmax)


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
