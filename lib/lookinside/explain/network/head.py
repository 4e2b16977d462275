"""Where a classifier's scores are: its logits, looked for behind a softmax or a sigmoid at the end.

Of a per-pixel classifier, (N, H, W, classes), the score of a class is the mean of its logit over a region.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.explain.network.activations import (
    SQUASHING,
    UNDONE_BY_NOTHING,
    activation_name,
    endings,
    is_black_box,
    is_hidden,
    is_only_activation,
)
from lookinside.explain.network.graph import Graph, Step

_PASSING = (keras.layers.Identity, keras.layers.Dropout, keras.layers.ActivityRegularization)


_PRODUCTS, _DIVISIONS = ("Multiply", "Dot", "Matmul", "Einsum"), ("Divide", "TrueDivide")
_RESHAPES = ("Reshape", "Squeeze")
_ONE_BY_ONE = (  # they have weights, but mix no classes
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.RMSNormalization,
    keras.layers.Normalization,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.PReLU,
)


@dataclass(frozen=True)
class Head:
    """The scores of one output.

    Attributes:
        value: number of the value that holds the logits.
        squasher: the step whose activation is left out, so that the value holds logits; None where none must be.
        columns: how many logits there are.
        squashing: what the model makes of them, "softmax", "log_softmax" or "sigmoid"; None where it ends in logits.
        per_pixel: whether there is a row of logits for each pixel (or voxel), (N, H, W, columns).
    """

    value: int
    squasher: Step | None
    columns: int
    squashing: str | None = None
    per_pixel: bool = False

    @property
    def classes(self) -> int:
        """One logit tells two classes apart: its own sign."""
        return max(2, self.columns)

    def over_region(self, logits: tf.Tensor, region: tf.Tensor | None) -> tf.Tensor:
        """Logits of each pixel (N, h, w, columns) and a region (N, h, w) -> their mean over it, (N, columns).

        Without a region they are returned as they are, as are the scores of whole images.

        Raises:
            LookInsideError: for a region of another size than the answer.

        Source: Vinogradova et al. 2020, Eq. 2 (there: the sum).
        """
        if region is None:
            return logits
        if region.shape[1:] != logits.shape[1:-1]:
            given, answer = (f"(N, {', '.join(map(str, one))})" for one in (region.shape[1:], logits.shape[1:-1]))
            raise LookInsideError(f"The regions have shape {given}, the model answers in {answer}: resize them to it.")
        axes = tuple(range(1, len(region.shape)))
        return tf.reduce_sum(logits * region[..., None], axis=axes) / tf.reduce_sum(region, axis=axes)[:, None]

    def of_class(self, logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """(N, columns) and int (N,) -> the score (N,) of each image's class."""
        if self.columns == 1:
            return logits[:, 0] * (2.0 * tf.cast(classes, tf.float32) - 1.0)
        return tf.gather(logits, classes, axis=1, batch_dims=1)

    def predicted(self, logits: tf.Tensor) -> tf.Tensor:
        """(N, ..., columns) -> the class with the highest score, int32 (N, ...)."""
        if self.columns == 1:
            return tf.cast(logits[..., 0] > 0, tf.int32)
        return tf.argmax(logits, axis=-1, output_type=tf.int32)


def find_head(graph: Graph, model: keras.Model, output: str | int | None = None) -> Head:
    """Return where the logits of a model's output are.

    Args:
        graph: of the model.
        model: for the names of its outputs.
        output: which output, by its name (or its layer's) or place; may be left out where there is one.

    Raises:
        LookInsideError: for an output that does not exist or must be named, or whose scores are neither (N, classes)
            nor a row of classes for each pixel.
    """
    value = graph.outputs[_place(graph, model, output)]
    graph.check_output(value)
    step, flattened = graph.writer(value), None
    while step is not None and step.layer is not model and _passes(step, graph):
        before = graph.writer(step.inputs[0])
        if flattened is None and before is not None and before.shape != step.shape:
            flattened = value  # maps of one pixel become a row of scores here: whatever squashes them lies before
        value, step = step.inputs[0], before
    opaque = step is None or step.layer is model  # nothing to look behind
    squasher, squashing = None, None if opaque else _squashing(step)
    if squashing and is_only_activation(step.layer):
        if getattr(step.layer, "axis", -1) not in (-1, len(step.shape)):
            raise LookInsideError(
                f"Layer {step.name} is a softmax over axis {step.layer.axis}: classes are the last axis."
            )
        if flattened is None:
            value = step.inputs[0]
        else:
            squasher = step
    elif squashing:
        squasher = step
    if flattened is not None:
        value = flattened
    step = graph.writer(value)
    shape = step.shape if step is not None else ()
    if len(shape) not in (1, 3, 4) or shape[-1] is None:
        raise LookInsideError(
            f"The scores of model {model.name} have shape (N, {str(shape)[1:-1]}): (N, classes) is needed, or a row of "
            "classes for each pixel."
        )
    if squashing == "softmax" and shape[-1] == 1:
        raise LookInsideError(f"Layer {step.name} is a softmax of one score, which is always 1: use a sigmoid.")
    if squashing is None and step.layer is not model:
        _refuse_probabilities(graph, value)
    return Head(value, squasher, shape[-1], squashing, per_pixel=len(shape) > 1)


def _refuse_probabilities(graph, value):
    """Raise LookInsideError where the scores are computed from probabilities: there are no logits behind them."""
    step = _source(graph, value, _squashes, {})
    if step is None:
        return
    if is_hidden(step.layer):
        raise _may_hide(step)
    raise LookInsideError(
        f"The scores are made of the probabilities of {step.name}: explain the model that ends there."
    )


def _source(graph, value, sought, seen):
    """The step of a sought kind that a value is made of, with no weights between; None if there is none."""
    if value not in seen:
        step = graph.writer(value)
        seen[value] = step if step and sought(step.layer) else None
        if step and not seen[value] and not mixes(step.layer):
            kind, inputs = type(step.layer).__name__, step.inputs
            found = []
            if kind in _DIVISIONS:
                # A divisor only scales, but for that of a softmax or sigmoid written out.
                divisors = _divisors(step)
                found = [_source(graph, one, _is_exponential, {}) for one in divisors]
                inputs = inputs[: len(inputs) - len(divisors)]
            elif kind == "Where":
                inputs = inputs[-2:]  # a condition only chooses
            found += [_source(graph, one, sought, seen) for one in inputs]
            # What a sigmoid only gates is not made of it: a product counts where all its factors do.
            counts = all(found) if kind in _PRODUCTS else any(found)
            seen[value] = next(filter(None, found)) if counts and found else None
    return seen[value]


def mixes(layer):
    """Whether a step mixes its values by weights of its own: what comes out of it is a new score."""
    one_by_one = isinstance(layer, keras.layers.EinsumDense) and len(layer.kernel.shape) == 1
    return bool(getattr(layer, "weights", ())) and not isinstance(layer, _ONE_BY_ONE) and not one_by_one


def _is_exponential(layer):
    return _last_activation(layer) in ("exp", "exponential")


def _squashes(layer):
    """Whether a step's results are probabilities, or may be: what cannot be read may hide a softmax."""
    if type(layer).__name__ == "Logsumexp" or (type(layer).__name__ == "Normalize" and layer.order == 1):
        return True  # part of a softmax written out
    for last in endings(layer):
        if isinstance(last, keras.Model):  # in a wrapper: elsewhere the graph has opened it
            inner = Graph(last)
            if any(_source(inner, value, _squashes, {}) for value in inner.outputs):
                return True
        else:
            name = _last_activation(last)
            if name is None or name in SQUASHING or name in UNDONE_BY_NOTHING:
                return True
    return False


def _last_activation(layer):
    """The name of the activation that is the last thing that a layer or operation does; None where it is not seen."""
    if is_hidden(layer):
        return None
    return activation_name(layer if is_only_activation(layer) else getattr(layer, "activation", None))


def _place(graph, model, output):
    count = len(graph.outputs)
    writers = [graph.writer(value).name for value in graph.outputs]
    kinds_of_names = [list(graph.output_names), _keys(model), list(getattr(model, "output_names", ())), writers]
    said = list(dict.fromkeys(name for names in kinds_of_names for name in names if names.count(name) == 1))
    said = said or list(map(str, range(count)))
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
    """Whether a step hands the scores on as they are; axes of one pixel may go."""
    layer = step.layer
    if is_hidden(layer):
        return False
    if isinstance(layer, keras.layers.Activation):
        return activation_name(layer) == "linear"
    if isinstance(layer, keras.layers.Flatten | keras.layers.Reshape) or type(layer).__name__ in _RESHAPES:
        before = graph.writer(step.inputs[0])
        return before is not None and _sides(before.shape) == _sides(step.shape)
    return isinstance(layer, _PASSING) or type(layer).__name__ == "Cast"


def _sides(shape):
    """A shape without its axes of one pixel; the last axis stays."""
    return [side for side in shape[:-1] if side != 1], shape[-1]


def _squashing(step):
    """The name of the function by which a step turns logits into probabilities; None for another.

    Raises LookInsideError where it cannot be told, or not be left out: what may hide a softmax is not explained.
    """
    layer = step.layer
    if endings(layer) != [layer]:
        if _squashes(layer):
            raise _may_hide(step)
        return None
    name = _last_activation(layer)
    if name is None or name in UNDONE_BY_NOTHING or _divisors(step):
        raise _may_hide(step)
    return name if name in SQUASHING else None


def _may_hide(step):
    if is_black_box(step.layer):
        return LookInsideError(
            f"Layer {step.name} ({type(step.layer).__name__}) is a black box that may hide a softmax: load the Keras "
            "model that it was made of, or put a Dense layer behind it."
        )
    return LookInsideError(
        f"The scores come from {step.name}, which may hide a softmax: end the model in a Dense layer of logits, or in "
        "one with one of Keras' own activations."
    )


def _divisors(step):
    """The numbers of the values by which a step divides."""
    numerators = [one for one in step.node.arguments.args[:1] if isinstance(one, keras.KerasTensor)]
    return step.inputs[len(numerators) :] if type(step.layer).__name__ in _DIVISIONS else ()
