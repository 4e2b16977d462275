"""How a ReLU answers on the way back: the one line in which gradient, guided backpropagation and deconvnet differ.

With the forward value x = max(0, z) and the signal R that arrives from above, a ReLU hands down (Springenberg et al.
2015, Fig. 1): the gradient R * [z > 0]; the deconvnet max(0, R); guided backpropagation max(0, R) * [z > 0].
"""

from __future__ import annotations

from collections.abc import Iterable

import keras
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.explain.network.activations import (
    OTHER_RECTIFIERS,
    SMOOTH,
    activation_name,
    is_black_box,
    is_hidden,
    is_only_activation,
)
from lookinside.explain.network.graph import Step
from lookinside.explain.network.precision import in_float32
from lookinside.explain.network.stand_ins import stand_in

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


class Caller:
    """Runs the steps of a graph in float32, with the ReLUs' way back and the head's activation as wanted.

    Nothing of the model is touched: each step is computed by a stand-in of its layer, which is made anew each time.

    Args:
        steps: those that will be run; they are checked at once.
        head_step: the step whose activation is left out (it would squash the logits).
        relu: the function that stands for every ReLU; None keeps them.

    Raises:
        LookInsideError: for weights that are not float32 or not finite, or a layer that keeps a state; where `relu` is
            given, for a layer whose activations have no rule or cannot be seen. All by the layer's name.
    """

    def __init__(self, steps: Iterable[Step], head_step: Step | None = None, relu=None):
        self.head_step, self.relu = head_step, relu
        for step in steps:
            _check_layer(step)
            if relu is not None:
                _check_rectifiers(step, is_head=step is head_step)

    def __call__(self, step: Step, *arguments, **options):
        """What the step computes."""
        if step is self.head_step and is_only_activation(step.layer):
            return arguments[0]
        if self.relu and step is not self.head_step and _is_rectifier(step.layer):
            return self.relu(arguments[0])

        def change(copy, own):
            if not isinstance(own, keras.Layer):
                return
            if own.compute_dtype != "float32":
                vars(copy)["_dtype_policy"] = in_float32(own)
            if step is self.head_step and own is step.layer:
                vars(copy)["activation"] = keras.activations.linear
            elif self.relu:
                for name in _ACTIVATIONS:
                    if name in vars(own) and activation_name(vars(own)[name]) == "relu":
                        vars(copy)[name] = self.relu

        return stand_in(step.layer, change)(*arguments, **options)


def _is_rectifier(layer):
    """Whether a step is a ReLU and nothing else."""
    alone = is_only_activation(layer) or isinstance(layer, keras.layers.ReLU)
    return alone and not is_hidden(layer) and activation_name(layer) == "relu"


def _check_layer(step):
    """Raise LookInsideError for a layer that cannot be computed as it is, in float32, call after call."""
    if getattr(step.layer, "stateful", False):
        raise LookInsideError(f"Layer {step.name} keeps a state from call to call: build it with stateful=False.")
    if isinstance(step.layer, keras.layers.TimeDistributed):
        for part in step.layer._flatten_layers():
            if part.quantization_mode:
                raise LookInsideError(
                    f"Layer {step.name} holds {part.name}, quantised: Keras' TimeDistributed leaves out its scale."
                )
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
        if is_hidden(layer):
            raise LookInsideError(f"Operation {step.name} ({kind}) is not one of Keras', use Saliency.")
        if name != "relu" and name not in SMOOTH and kind not in _HARMLESS_OPERATIONS:
            raise _refusal(step, name)
        return
    parts = list(layer._flatten_layers())
    functions = [part.activation for part in parts if hasattr(part, "activation")]
    for part in parts:
        if is_black_box(part):
            raise LookInsideError(
                f"Layer {step.name} ({type(part).__name__}) is a black box whose ReLUs cannot be reached: "
                "use Saliency, or load the Keras model that it was made of."
            )
        if is_hidden(part):
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
