"""How a ReLU answers on the way back: the one line in which gradient, guided backpropagation and deconvnet differ.

With the forward value x = max(0, z) and the signal R that arrives from above, a ReLU hands down (Springenberg et al.
2015, Fig. 1): the gradient R * [z > 0]; the deconvnet max(0, R); guided backpropagation max(0, R) * [z > 0].
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

import keras
import tensorflow as tf

from lookinside.errors import CourseError
from lookinside.explain.graph import Graph, Step

# Activations that cut or bend like a ReLU, for which Springenberg et al. give no rule.
_NO_RULE = ("leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "relu6", "hard_silu", "softplus", "threshold")
_NO_RULE_LAYERS = (keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)


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
def lent(layer, **attributes):
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
        graph: all of its steps are checked at once.
        head_step: the step whose activation is left out (it would squash the logits).
        relu: the function that stands for every ReLU; None keeps them.

    Raises:
        CourseError: where `relu` is given, for a layer whose activations have no rule or cannot be seen, by its name.
    """

    def __init__(self, graph: Graph, head_step: Step | None = None, relu=None):
        self.head_step, self.relu = head_step, relu
        if relu is not None:
            for step in graph.steps:
                if step is not head_step:
                    _check(step)

    def __call__(self, step: Step, *arguments, **options):
        """What the step computes."""
        layer = step.layer
        if not isinstance(layer, keras.Layer):
            return (
                self.relu(*arguments) if self.relu and type(layer).__name__ == "Relu" else layer(*arguments, **options)
            )
        if self.relu and _is_relu_layer(layer):
            return self.relu(arguments[0])
        with ExitStack() as stack:
            for part in layer._flatten_layers():
                changes = self._changes(part, step)
                if changes:
                    stack.enter_context(lent(part, **changes))
            return layer(*arguments, **options)

    def _changes(self, part, step):
        changes = {}
        if part.compute_dtype != "float32":
            changes["dtype_policy"] = keras.DTypePolicy("float32")
        if step is self.head_step and part is step.layer:
            changes["activation"] = keras.activations.linear
        elif self.relu and getattr(part, "activation", None) is keras.activations.relu:
            changes["activation"] = self.relu
        return changes


def _is_relu_layer(layer):
    return isinstance(layer, keras.layers.ReLU)


def _check(step: Step):
    layer = step.layer
    name = type(layer).__name__
    if not isinstance(layer, keras.Layer):
        if name.lower() in {one.replace("_", "") for one in _NO_RULE}:
            raise _refusal(step, name)
        return
    if isinstance(layer, keras.layers.Lambda) or not type(layer).__module__.startswith("keras."):
        raise CourseError(f"Layer {step.name} ({name}) is not one of Keras': its ReLUs cannot be seen, use Saliency.")
    for part in layer._flatten_layers():
        if isinstance(part, _NO_RULE_LAYERS) or (
            isinstance(part, keras.layers.ReLU)
            and (part.max_value is not None or part.negative_slope or part.threshold)
        ):
            raise _refusal(step, type(part).__name__)
        activation = getattr(getattr(part, "activation", None), "__name__", "")
        if activation in _NO_RULE:
            raise _refusal(step, activation)


def _refusal(step, what):
    return CourseError(f"Layer {step.name} has the activation {what}, for which there is no rule: use Saliency.")
