"""How a ReLU answers on the way back: the one line in which gradient, guided backpropagation and deconvnet differ.

With the forward value x = max(0, z) and the signal R that arrives from above, a ReLU hands down (Springenberg et al.
2015, Fig. 1): the gradient R * [z > 0]; the deconvnet max(0, R); guided backpropagation max(0, R) * [z > 0].
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack, contextmanager

import keras
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.explain.network.activations import OTHER_RECTIFIERS, SMOOTH, activation_name
from lookinside.explain.network.graph import Step

_ACTIVATIONS = ("activation", "recurrent_activation")
# What a model may do to its values without a layer; what bends like a ReLU (maximum, clip, where, abs) is not here.
_HARMLESS_OPERATIONS = (
    *("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Negative", "Sum", "Mean", "Max", "Matmul", "Einsum"),
    *("Square", "Sqrt", "Rsqrt", "Exp", "Log", "Normalize", "Conv", "DepthwiseConv", "SeparableConv", "MaxPool"),
    *("AveragePool", "BatchNorm", "Reshape", "Transpose", "Concatenate", "Stack", "Squeeze", "ExpandDims", "GetItem"),
    *("Pad", "Repeat", "Tile", "Roll", "Flip", "Cast", "StopGradient", "Resize"),
)


@tf.custom_gradient
def guided_relu(z):
    """max(0, z); on the way back max(0, R) * [z > 0] (Springenberg et al. 2015)."""
    x = tf.nn.relu(z)
    return x, lambda signal: tf.nn.relu(signal) * tf.cast(x > 0, signal.dtype)


@tf.custom_gradient
def deconvnet_relu(z):
    """max(0, z); on the way back max(0, R) (Zeiler & Fergus 2014)."""
    return tf.nn.relu(z), tf.nn.relu


@contextmanager
def changed(layer, **attributes):
    """Some attributes of a layer are others while a graph is traced; the layer has its own back afterwards."""
    own = {name: getattr(layer, name) for name in attributes}
    try:
        for name, value in attributes.items():
            setattr(layer, name, value)
        yield layer
    finally:
        for name, value in own.items():
            setattr(layer, name, value)


class Caller:
    """Runs the steps of a graph in float32, with the ReLUs' way back and the head's activation as wanted.

    Args:
        steps: those that will be run; they are checked at once.
        head_step: the step whose activation is left out (it would squash the logits).
        relu: the function that stands for every ReLU; None keeps them.

    Raises:
        LookInsideError: for weights that are not float32; where `relu` is given, for a layer whose activations have no
            rule or cannot be seen. Both by the layer's name.
    """

    def __init__(self, steps: Iterable[Step], head_step: Step | None = None, relu=None):
        self.head_step, self.relu = head_step, relu
        for step in steps:
            _check_weights(step)
            if relu is not None:
                _check_rectifiers(step, is_head=step is head_step)

    def __call__(self, step: Step, *arguments, **options):
        """What the step computes."""
        layer = step.layer
        if self.relu and _is_rectifier(layer) and step is not self.head_step:
            return self.relu(arguments[0])
        if not isinstance(layer, keras.Layer):
            return layer(*arguments, **options)
        with ExitStack() as stack:
            for part in layer._flatten_layers():
                changes = self._changes(part, step)
                if changes:
                    stack.enter_context(changed(part, **changes))
            return layer(*arguments, **options)

    def _changes(self, part, step):
        changes = {}
        if part.compute_dtype != "float32":
            changes["dtype_policy"] = keras.DTypePolicy("float32")
        if step is self.head_step and part is step.layer:
            changes["activation"] = keras.activations.linear
        elif self.relu and activation_name(getattr(part, "activation", None)) == "relu":
            changes["activation"] = self.relu
        return changes


def _is_rectifier(layer):
    """Whether a step is a ReLU and nothing else."""
    alone = not isinstance(layer, keras.Layer) or isinstance(layer, keras.layers.ReLU | keras.layers.Activation)
    return alone and activation_name(layer) == "relu"


def _check_weights(step):
    for weight in getattr(step.layer, "weights", ()):
        if "float" in weight.dtype and weight.dtype != "float32":
            raise LookInsideError(
                f"Layer {step.name} keeps its weights in {weight.dtype}: load them into a model of float32."
            )
        if "float" in weight.dtype and not tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(weight))):
            raise LookInsideError(f"Layer {step.name} holds weights that are nan or infinite: train it anew.")


def _check_rectifiers(step, is_head):
    layer, kind = step.layer, type(step.layer).__name__
    if not isinstance(layer, keras.Layer):
        name = activation_name(layer)
        if name != "relu" and name not in SMOOTH and kind not in _HARMLESS_OPERATIONS:
            raise _refusal(step, name)
        return
    parts = list(layer._flatten_layers())
    functions = [part.activation for part in parts if hasattr(part, "activation")]
    for part in parts:
        if isinstance(part, keras.layers.Lambda) or not type(part).__module__.startswith("keras."):
            raise LookInsideError(
                f"Layer {step.name} ({type(part).__name__}) is not one of Keras': its ReLUs are hidden, use Saliency."
            )
        if isinstance(part, keras.layers.ReLU) and part is not layer and not any(part is one for one in functions):
            raise LookInsideError(f"Layer {step.name} ({kind}) wraps a ReLU: put it into the model by itself.")
        rectifier = isinstance(part, (keras.layers.ReLU, *OTHER_RECTIFIERS))
        for function in [part] if rectifier else [getattr(part, name, None) for name in _ACTIVATIONS]:
            name = activation_name(function)
            if name != "relu" and name not in SMOOTH and not (is_head and part is layer):
                raise _refusal(step, name or f"{getattr(function, '__name__', function)} of its own")


def _refusal(step, what):
    what = what if what.startswith("a ReLU") else f"the activation or operation {what}"
    return LookInsideError(f"Layer {step.name} has {what}, for which there is no rule: use Saliency.")
