"""A Keras model as a flat list of steps: nested models opened, every step knowing what it reads and writes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from lookinside.errors import LookInsideError


class HiddenLayersError(LookInsideError):
    """A model that does not show its layers: a subclassed one, or one with a call of its own."""


@dataclass(frozen=True)
class Step:
    """One call of one layer. Values (tensors) are numbered; the model's inputs come first, from 0 on.

    Attributes:
        layer: the Keras layer or operation.
        name: its name; inside a nested model "outer/inner".
        inputs, outputs: numbers of the values read and written.
        shape: of the first output, without the batch axis.
        node: Keras' own record of the call, with its other arguments.
    """

    layer: Any
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shape: tuple[int | None, ...]
    node: Any


def _call(step: Step, *arguments, **options):
    return step.layer(*arguments, **options)


class Graph:
    """The steps of a functional or Sequential model, in an order in which they can be computed.

    Args:
        model: a Keras model.
        image: which of its inputs is explained, by its place.

    Attributes:
        steps: all steps; nested models are opened.
        inputs: numbers of the model's inputs, in order.
        image: number of the input that is explained.
        outputs: numbers of the model's outputs, in order.
        output_names: theirs, where the layers do not tell them.

    Raises:
        LookInsideError: for an unbuilt model; `HiddenLayersError` for a subclassed one, or one whose class (or that of
            a model in it) has a call of its own, which the graph does not show.
    """

    output_names: Sequence[str] = ()

    def __init__(self, model: keras.Model, image: int = 0):
        check_is_model(model)
        function = _function(model)
        self.steps: list[Step] = []
        self.inputs, self.image = tuple(range(len(function.inputs))), image
        self._values = len(self.inputs) - 1
        self._ends: dict[str, list[tuple[int, ...]]] = {}  # of each call of a layer
        self.outputs = self._open(function, self.inputs, "")
        self._writers = {value: step for step in self.steps for value in step.outputs}

    def _open(self, function, inputs, prefix):
        numbers = {id(tensor): number for tensor, number in zip(function.inputs, inputs, strict=True)}
        for depth in sorted(function._nodes_by_depth, reverse=True):
            for node in function._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                layer, name = node.operation, prefix + node.operation.name
                reads = tuple(numbers[id(tensor)] for tensor in _read(node))
                if isinstance(layer, keras.Model):
                    writes = self._open(_function(layer), reads, f"{name}/")
                else:
                    writes = tuple(range(self._values + 1, self._values + 1 + len(node.outputs)))
                    self._values += len(node.outputs)
                    shape = tuple(node.outputs[0].shape[1:])
                    self.steps.append(Step(layer, name, reads, writes, shape, node))
                self._ends.setdefault(name, []).append(writes)
                numbers.update({id(tensor): number for tensor, number in zip(node.outputs, writes, strict=True)})
        return tuple(numbers[id(tensor)] for tensor in function.outputs)

    def check_output(self, value: int) -> None:
        """Raise LookInsideError where an output cannot be explained at all; here all can."""

    def writer(self, value: int) -> Step | None:
        """The step that writes a value; None for an input of the model."""
        return self._writers.get(value)

    def readers(self, value: int) -> list[Step]:
        """The steps that read a value."""
        return [step for step in self.steps if value in step.inputs]

    def behind(self, value: int) -> set[int]:
        """The numbers of all values that depend on one, itself included."""
        found = {value}
        for step in self.steps:
            if found.intersection(step.inputs):
                found.update(step.outputs)
        return found

    def before(self, value: int) -> set[int]:
        """The numbers of all values that one is made of, itself included."""
        return {value}.union(*(step.inputs for step in self.steps_to([value])))

    def given(self, image: Any, others: Iterable[Any]) -> dict[int, Any]:
        """Number of each of the model's inputs -> its tensor: the one that is explained, and the others in order."""
        rest = iter(others)
        return {number: image if number == self.image else next(rest) for number in self.inputs}

    def compute(self, known: dict[int, Any], wanted: Iterable[int], call: Callable = _call) -> dict[int, Any]:
        """Run the steps that lead from known values to the wanted ones; returns both and all values between.

        Args:
            known: number of a value -> tensor.
            wanted: numbers of values.
            call: how a step is run, `call(step, *its arguments) -> output or list of outputs`.
        """
        values = dict(known)
        for step in self.steps_to(wanted, known):
            tensors = zip(step.node.input_tensors, step.inputs, strict=True)
            arguments, options = step.node.arguments.fill_in({id(t): values[number] for t, number in tensors})
            if getattr(step.layer, "_call_has_training_arg", False):
                options["training"] = False  # as model(images, training=False); random layers have True on record
            try:
                outputs = keras.tree.flatten(call(step, *arguments, **options))
            except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
                if isinstance(error, LookInsideError):
                    raise
                said = f"Layer {step.name} fails on these inputs: {reason(error)}"
                raise LookInsideError(f"{said}; give images of a size that the model takes.") from error
            values.update(zip(step.outputs, outputs, strict=True))
        return values

    def steps_to(self, wanted: Iterable[int], known: Iterable[int] | None = None) -> list[Step]:
        """The steps that lead from known values (None: the model's inputs) to wanted ones, in order."""
        known = set(self.inputs if known is None else known)
        missing, found = set(wanted) - known, []
        for step in reversed(self.steps):
            if missing.intersection(step.outputs):
                missing.update(set(step.inputs) - known)
                found.append(step)
        return found[::-1]

    def value_of(self, name: str, way: set[int] | None = None) -> int:
        """The value that a layer (or a nested model) writes, by its name or "outer/inner".

        A layer that is called several times, in an encoder of two images say, stands for its one call on the way. Where
        none is on the way, it is the first call: whoever asked refuses it.

        Args:
            name: of the layer.
            way: numbers of the values among which a call is looked for; None are all.

        Raises:
            LookInsideError: where the name does not exist (the nearest ones are offered) or is not the only one, where
                several calls of the layer are on the way, or where it has several outputs.
        """
        if not isinstance(name, str):
            raise LookInsideError(f"layer is {name!r:.60}: give its name.")
        fitting = [path for path in self._ends if path == name or path.endswith(f"/{name}")]
        exact = [path for path in fitting if path == name]
        if not fitting:
            raise LookInsideError(f"No layer {name!r} in this model: {_offer(name, self._ends)}.")
        if not exact and len(fitting) > 1:
            raise LookInsideError(f"Several layers are named {name!r}: say which, {' or '.join(fitting)}.")
        path = (exact or fitting)[0]
        calls = self._ends[path]
        there = calls if way is None else [writes for writes in calls if way.intersection(writes)]
        if len(there) > 1:
            where = "in this model" if way is None else "on the way from the input"
            mend = ", or say input=" if way is None and len(self.inputs) > 1 else ""
            raise LookInsideError(f"Layer {name!r} is used {len(there)} times {where}: name one used once{mend}.")
        writes = (there or calls)[0]
        if len(writes) > 1:
            raise LookInsideError(f"Layer {name!r} has {len(writes)} outputs: name one with a single output.")
        return writes[0]


def reason(error: Exception) -> str:
    """What an error says, in one short line: Keras puts the place before it, and colours around it."""
    lines = re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()
    said = [line.strip() for line in lines if line.strip() and not line.startswith("Exception encountered")]
    return f"{said[0] if said else type(error).__name__:.120}"


def check_is_model(model) -> None:
    """Raise LookInsideError for what is no Keras model."""
    if not isinstance(model, keras.Model):
        raise LookInsideError(f"A Keras model is needed, not {model!r:.60}: load a file with keras.models.load_model.")


def _function(model):
    """The inputs, outputs and nodes of a model; a Sequential keeps them inside."""
    function = getattr(model, "_functional", None) or model
    if hasattr(function, "_nodes_by_depth"):
        _refuse_own_call(model)
        return function
    if isinstance(model, keras.Sequential):
        raise LookInsideError(f"Model {model.name} is not built: put a keras.Input first, or call it on one image.")
    raise HiddenLayersError(
        f"Model {model.name} ({type(model).__name__}) is subclassed and does not show its layers: "
        "build it with the functional API or keras.Sequential."
    )


def _read(node):
    """What a call reads; of a nested model in the order of its inputs, which a dict names."""
    given = (*node.arguments.args, *node.arguments.kwargs.values())[:1]
    function = getattr(node.operation, "_functional", None) or node.operation
    named = given and isinstance(given[0], Mapping) and hasattr(function, "_inputs_struct")
    if named and not isinstance(function._inputs_struct, Mapping):
        return [given[0][tensor.name] for tensor in function.inputs]
    return node.input_tensors


def _refuse_own_call(model):
    for name in ("call", "__call__"):
        owner = next(kind for kind in type(model).__mro__ if name in vars(kind))
        if name in vars(model) or not owner.__module__.startswith("keras."):
            raise HiddenLayersError(
                f"Model {model.name} ({type(model).__name__}) has a {name} of its own, which its graph does not show: "
                "put what that does into layers of the functional model."
            )


def _offer(name: str, names: Iterable[str]) -> str:
    names = list(names)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.3)
    return f"did you mean {' or '.join(near)}" if near else f"its layers are {', '.join(names)}"
