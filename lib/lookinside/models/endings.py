"""How a model ends: which values its last activations leave, and whether it looks at an input at all."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

_GIVEN = (-1e4, -1.0, 0.0, 1.0, 1e4)  # within the range of half floats


def answer_range(model: keras.Model) -> tuple[float, float] | None:
    """The lowest and the highest value that the end of a model lets through; None where that cannot be told.

    The last layer with weights can give any number, so numbers from -10,000 to 10,000 are put in its place; its
    activation and whatever follows are computed. Told by what they do, activations of any name are found.

    Args:
        model: a functional or sequential model with one output.

    Returns:
        (lowest, highest). None where the end joins several tensors or is a user's own layer with weights.
    """
    start, functions = _end(model.outputs[0])
    if functions is None or None in start.shape[1:]:
        return None
    answers = []
    for number in _GIVEN:
        values = ops.full((start.shape[0] or 1, *start.shape[1:]), number, start.dtype)
        for function in functions:
            values = function(values)
        answers.append(ops.convert_to_numpy(ops.cast(values, "float32")))
    return float(np.min(answers)), float(np.max(answers))


def looks_at(model: keras.Model, number: int) -> bool:
    """Whether a way leads from the input of this number to the model's output."""
    waiting, seen = [model.outputs[0]], set()
    while waiting:
        tensor = waiting.pop()
        if tensor is model.inputs[number]:
            return True
        if id(tensor) not in seen:
            seen.add(id(tensor))
            waiting += _origin(tensor)[1]
    return False


def _end(output: keras.KerasTensor) -> tuple[keras.KerasTensor, list[Callable] | None]:
    """What the last layer with weights gives, and the functions that make the output of it, None if unknown."""
    tensor = output
    operation, inputs = _origin(tensor)
    while len(inputs) == 1 and not getattr(operation, "weights", ()):
        tensor = inputs[0]
        operation, inputs = _origin(tensor)
    behind = [keras.Function(tensor, output)] if tensor is not output else []
    if isinstance(operation, keras.Model) and getattr(operation, "outputs", None):
        start, functions = _end(operation.outputs[tensor._keras_history.tensor_index])
        return start, None if functions is None else functions + behind
    while isinstance(operation, keras.layers.Wrapper):
        operation = operation.layer
    if not getattr(operation, "weights", ()) or not type(operation).__module__.startswith("keras."):
        return tensor, None
    return tensor, [getattr(operation, "activation", None) or keras.activations.linear, *behind]


def _origin(tensor):
    """The layer or operation that a symbolic tensor comes from, and the tensors that this was given."""
    history = tensor._keras_history
    return history.operation, history.operation._inbound_nodes[history.node_index].input_tensors
