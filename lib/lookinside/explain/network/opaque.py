"""A model that does not show its layers, as a graph of one step: enough for the gradient alone, or for perturbation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from lookinside.errors import LookInsideError
from lookinside.explain.network.graph import Graph, HiddenLayersError, Step, _call, reason
from lookinside.explain.network.inputs import ModelInputs

_SPREADS = (1.0, 1e3, 1e6)  # of the noise that a model is tried on: no logits stay between 0 and 1 for all of them
_CLOSE = 1e-3


def graph_of(model: keras.Model, inputs: Any, needs_layers: bool = True) -> Graph:
    """The graph of a model whose inputs are known; of one that does not show its layers, an `OpaqueGraph`.

    Raises:
        LookInsideError: where layers are needed and not shown; else as `Graph` and `OpaqueGraph`.
    """
    try:
        return Graph(model, inputs.place)
    except HiddenLayersError:
        if needs_layers:
            raise
    return OpaqueGraph(model, inputs.all, inputs.place)


class OpaqueGraph(Graph):
    """A graph whose only step is the model itself.

    The model is tried on noise once, for the shapes of its answers, and to refuse what answers with probabilities:
    their logits are hidden.

    Args:
        model: a Keras model that has been built, by a call on one image for instance.
        inputs: of the model.
        image: which of its inputs is explained, by its place.

    Raises:
        LookInsideError: for a model that cannot be called on its inputs alone, or that answers with probabilities.
    """

    def __init__(self, model: keras.Model, inputs: ModelInputs, image: int = 0):
        self.inputs, self.image, self._pack = tuple(range(len(inputs.names))), image, inputs.pack
        tried = [_answers(model, inputs, image, spread) for spread in _SPREADS]
        answers = [list(map(_array, keras.tree.flatten(one))) for one in tried]
        self.output_names = sorted(tried[0]) if isinstance(tried[0], dict) else []  # the order of keras.tree
        start = len(self.inputs)
        self.outputs = tuple(range(start, start + len(answers[0])))
        self.steps = [
            Step(model, model.name, self.inputs, (number,), answer.shape[1:], None)
            for number, answer in zip(self.outputs, answers[0], strict=True)
        ]
        self._writers = {step.outputs[0]: step for step in self.steps}
        if not all(np.isfinite(answer).any() for answer in answers[0]):
            raise LookInsideError(
                f"Model {model.name} ({type(model).__name__}) answers noise with nan or infinity: look at its weights."
            )
        self._probabilities = {
            number for number, *tried in zip(self.outputs, *answers, strict=True) if all(map(_are_probabilities, tried))
        }

    def check_output(self, value: int) -> None:
        """Raise LookInsideError where an output is one of probabilities."""
        if value in self._probabilities:
            model = self.steps[0].layer
            raise LookInsideError(
                f"Model {model.name} ({type(model).__name__}) does not show its layers and answers with probabilities: "
                "let its call end in logits."
            )

    def compute(self, known: dict[int, Any], wanted: Iterable[int], call: Callable = _call) -> dict[int, Any]:
        """As `Graph.compute`; all outputs are computed at once."""
        if set(wanted) <= set(known):
            return dict(known)
        given = self._pack([known[number] for number in self.inputs])
        try:
            answers = call(self.steps[0], given, training=False)
        except Exception as error:  # whatever a call of the user's own may raise
            if isinstance(error, LookInsideError):
                raise
            model = self.steps[0].layer
            raise LookInsideError(
                f"Model {model.name} ({type(model).__name__}) cannot be made a graph: {reason(error)}; write its call "
                "in keras.ops, for batches of any length."
            ) from error
        return known | dict(zip(self.outputs, keras.tree.flatten(answers), strict=True))


def _answers(model, inputs, image, spread):
    """What a model says to two noisy images, with zeros beside them."""
    given = [np.zeros((2, *shape[1:]), np.float32) for shape in inputs.built]
    given[image] += np.random.default_rng(0).normal(0, spread, given[image].shape)
    try:
        return model(inputs.pack(given), training=False)
    except Exception as error:  # whatever a call of the user's own may raise
        raise LookInsideError(
            f"Model {model.name} ({type(model).__name__}) cannot be called on its inputs alone: {reason(error)}; let "
            "its call take them as one list or dict."
        ) from error


def _array(answer):
    return np.atleast_1d(keras.ops.convert_to_numpy(answer)).astype(np.float64)


def _are_probabilities(answers):
    """Whether values lie in [0, 1], or are logarithms of rows that sum to 1; what overflows is left out."""
    rows = answers.reshape(-1, answers.shape[-1])
    rows = rows[np.isfinite(rows).all(axis=1)]
    logarithms = (rows <= 0).all() and (np.abs(np.exp(rows).sum(axis=1) - 1) < _CLOSE).all()
    return bool(((rows >= 0) & (rows <= 1)).all() or logarithms)
