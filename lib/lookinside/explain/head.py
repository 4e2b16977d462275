"""Where a classifier's scores are: its logits, looked for behind a softmax or a sigmoid at the end."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import tensorflow as tf

from lookinside.errors import CourseError
from lookinside.explain.graph import Graph, Step

_SQUASHING = {
    "softmax": keras.activations.softmax,
    "log_softmax": keras.activations.log_softmax,
    "sigmoid": keras.activations.sigmoid,
}
_CLASSES_OF_OPS = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
_PASSING = (keras.layers.Identity, keras.layers.Dropout, keras.layers.ActivityRegularization)


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
        CourseError: for an output that does not exist or must be named, or whose scores are not (N, classes).
    """
    value = graph.outputs[_place(graph, model, output)]
    step = graph.writer(value)
    while step is not None and _passes(step.layer):
        value = step.inputs[0]
        step = graph.writer(value)
    lent, squashing = None, _squashing(step.layer) if step is not None else None
    if squashing and _is_only_squashing(step.layer):
        if getattr(step.layer, "axis", -1) not in (-1, 1):
            raise CourseError(f"Layer {step.name} is a softmax over axis {step.layer.axis}: classes are the last axis.")
        value = step.inputs[0]
        step = graph.writer(value)
    elif squashing:
        lent = step
    shape = step.shape if step is not None else ()
    if len(shape) != 1 or shape[0] is None:
        raise CourseError(
            f"The scores of model {model.name} have shape (N, {str(shape)[1:-1]}): (N, classes) is needed."
        )
    return Head(value, lent, shape[0], squashing)


def _place(graph, model, output):
    count = len(graph.outputs)
    names = [graph.writer(value).name for value in graph.outputs]
    said = list(dict.fromkeys([*getattr(model, "output_names", names), *names]))
    if output is None:
        if count > 1:
            raise CourseError(f"Model {model.name} has {count} outputs: say output= one of {', '.join(said)}.")
        return 0
    if isinstance(output, int) and not isinstance(output, bool) and 0 <= output < count:
        return output
    for candidates in (getattr(model, "output_names", ()), names):
        if output in candidates:
            return list(candidates).index(output)
    raise CourseError(f"Model {model.name} has no output {output!r}: its outputs are {', '.join(said)}.")


def _passes(layer):
    if isinstance(layer, keras.layers.Activation):
        return layer.activation is keras.activations.linear
    return isinstance(layer, _PASSING) or type(layer).__name__ == "Cast"


def _squashing(layer):
    """The name of the function by which a layer turns logits into probabilities; None for another layer."""
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    if not isinstance(layer, keras.Layer):
        return _CLASSES_OF_OPS.get(type(layer).__name__)
    return next((name for name, one in _SQUASHING.items() if getattr(layer, "activation", None) is one), None)


def _is_only_squashing(layer):
    return not isinstance(layer, keras.Layer) or isinstance(layer, keras.layers.Activation | keras.layers.Softmax)
