"""Where a classifier's scores are: its logits, looked for behind a softmax or a sigmoid at the end."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.explain.network.activations import SQUASHING, UNDONE_BY_NOTHING, activation_name, unwrapped
from lookinside.explain.network.graph import Graph, Step

_PASSING = (keras.layers.Identity, keras.layers.Dropout, keras.layers.ActivityRegularization)


_PRODUCTS, _DIVISIONS = ("Multiply", "Dot", "Matmul", "Einsum"), ("Divide", "TrueDivide")
_ONE_BY_ONE = (  # they have weights, but mix no classes
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.PReLU,
)


@dataclass(frozen=True)
class Head:
    """The scores of one output.

    Attributes:
        value: number of the value that holds the logits.
        lent: the step that writes them once its own activation is left out; None where nothing must be left out.
        columns: how many logits there are.
        squashing: what the model makes of them, "softmax", "log_softmax" or "sigmoid"; None where it ends in logits.
    """

    value: int
    lent: Step | None
    columns: int
    squashing: str | None = None

    @property
    def classes(self) -> int:
        """One logit tells two classes apart: its own sign."""
        return max(2, self.columns)

    def of_class(self, logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """(N, columns) and int (N,) -> the score (N,) of each image's class."""
        if self.columns == 1:
            return logits[:, 0] * (2.0 * tf.cast(classes, tf.float32) - 1.0)
        return tf.gather(logits, classes, axis=1, batch_dims=1)

    def predicted(self, logits: tf.Tensor) -> tf.Tensor:
        """(N, columns) -> the class with the highest score, int32 (N,)."""
        if self.columns == 1:
            return tf.cast(logits[:, 0] > 0, tf.int32)
        return tf.argmax(logits, axis=1, output_type=tf.int32)


def find_head(graph: Graph, model: keras.Model, output: str | int | None = None) -> Head:
    """Return where the logits of a model's output are.

    Args:
        graph: of the model.
        model: for the names of its outputs.
        output: which output, by its name (or its layer's) or place; may be left out where there is one.

    Raises:
        LookInsideError: for an output that does not exist or must be named, or whose scores are not (N, classes).
    """
    value = graph.outputs[_place(graph, model, output)]
    step = graph.writer(value)
    while step is not None and _passes(step, graph):
        value = step.inputs[0]
        step = graph.writer(value)
    lent, squashing = None, _squashing(step) if step is not None else None
    if squashing and _is_only_squashing(step.layer):
        if getattr(step.layer, "axis", -1) not in (-1, 1):
            raise LookInsideError(
                f"Layer {step.name} is a softmax over axis {step.layer.axis}: classes are the last axis."
            )
        value = step.inputs[0]
        step = graph.writer(value)
    elif squashing:
        lent = step
    shape = step.shape if step is not None else ()
    if len(shape) != 1 or shape[0] is None:
        raise LookInsideError(
            f"The scores of model {model.name} have shape (N, {str(shape)[1:-1]}): (N, classes) is needed."
        )
    if squashing == "softmax" and shape[0] == 1:
        raise LookInsideError(f"Layer {step.name} is a softmax of one score, which is always 1: use a sigmoid.")
    if squashing is None:
        _refuse_probabilities(graph, value)
    return Head(value, lent, shape[0], squashing)


def _refuse_probabilities(graph, value):
    """Raise LookInsideError where the scores are computed from probabilities: there are no logits behind them."""
    name = _probabilities(graph, value, {})
    if name:
        raise LookInsideError(f"The scores are made of the probabilities of {name}: explain the model that ends there.")


def _probabilities(graph, value, seen):
    """The name of the step whose probabilities a value is made of, with no weights between; None if there is none."""
    if value not in seen:
        step = graph.writer(value)
        seen[value] = step.name if step and _squashes(step.layer) else None
        if step and not _squashes(step.layer) and not _is_weighted(step.layer):
            kind, inputs = type(step.layer).__name__, step.inputs
            if kind in _DIVISIONS:
                inputs = inputs[:1]  # a divisor only scales
            elif kind == "Where":
                inputs = inputs[-2:]  # a condition only chooses
            found = [_probabilities(graph, one, seen) for one in inputs]
            # What a sigmoid only gates is not made of it: a product counts where all its factors do.
            counts = all(found) if kind in _PRODUCTS else any(found)
            seen[value] = next(filter(None, found)) if counts and found else None
    return seen[value]


def _is_weighted(layer):
    """Whether a step mixes its values by weights of its own: what comes out of it is a new score."""
    return bool(getattr(layer, "weights", ())) and not isinstance(layer, _ONE_BY_ONE)


def _squashes(layer):
    """Whether a step's results are probabilities, or may be: what cannot be read may hide a softmax."""
    layer = unwrapped(layer)
    if isinstance(layer, keras.layers.Lambda):
        return True
    alone = _is_only_squashing(layer)
    name = activation_name(layer if alone else getattr(layer, "activation", None))
    return name is None or name in SQUASHING or name in UNDONE_BY_NOTHING


def _place(graph, model, output):
    count = len(graph.outputs)
    writers = [graph.writer(value).name for value in graph.outputs]
    kinds_of_names = [_keys(model), list(getattr(model, "output_names", ())), writers]
    said = list(dict.fromkeys(name for names in kinds_of_names for name in names if names.count(name) == 1))
    if output is None:
        if count > 1:
            raise LookInsideError(f"Model {model.name} has {count} outputs: say output= one of {', '.join(said)}.")
        return 0
    if isinstance(output, int) and not isinstance(output, bool) and 0 <= output < count:
        return output
    for names in kinds_of_names:
        if names.count(output) == 1:
            return names.index(output)
    raise LookInsideError(f"Model {model.name} has no output {output!r}: its outputs are {', '.join(said)}.")


def _keys(model):
    """The keys of the outputs where the model answers with a dict, in the outputs' order."""
    answer = getattr(getattr(model, "_functional", None) or model, "_outputs_struct", None)
    if not isinstance(answer, dict):
        return []
    return [next((key for key, one in answer.items() if one is tensor), "") for tensor in model.outputs]


def _passes(step, graph):
    """Whether a step hands the scores on as they are."""
    layer = step.layer
    if isinstance(layer, keras.layers.Activation):
        return activation_name(layer) == "linear"
    if isinstance(layer, keras.layers.Flatten | keras.layers.Reshape) or type(layer).__name__ == "Reshape":
        before = graph.writer(step.inputs[0])
        return before is not None and before.shape == step.shape
    return isinstance(layer, _PASSING) or type(layer).__name__ == "Cast"


def _squashing(step):
    """The name of the function by which a step turns logits into probabilities; None for another.

    Raises LookInsideError where it cannot be told: what may hide a softmax is not explained.
    """
    layer = step.layer
    if _is_only_squashing(layer):
        name = activation_name(layer)
    elif isinstance(layer, keras.layers.Lambda) or not type(layer).__module__.startswith("keras."):
        name = None
    else:
        name = activation_name(getattr(unwrapped(layer), "activation", None))
    cannot_be_left_out = unwrapped(layer) is not layer or isinstance(layer, keras.layers.RNN)
    if name in UNDONE_BY_NOTHING or (name in SQUASHING and cannot_be_left_out) or _divides_by_a_value(step):
        name = None
    if name is None:
        raise LookInsideError(
            f"The model ends in {step.name}, which may hide a softmax: end it in a Dense layer of logits, or in one "
            "with one of Keras' own activations."
        )
    return name if name in SQUASHING else None


def _divides_by_a_value(step):
    """Whether a step divides by what the model has computed, as a softmax or sigmoid written out does."""
    divisors = step.node.arguments.args[1:]
    return type(step.layer).__name__ in _DIVISIONS and any(isinstance(one, keras.KerasTensor) for one in divisors)


def _is_only_squashing(layer):
    return not isinstance(layer, keras.Layer) or isinstance(layer, keras.layers.Activation | keras.layers.Softmax)
