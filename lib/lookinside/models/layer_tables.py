"""A network as rows of layer, output shape and weights, to be shown beside a paper's table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras

from lookinside.errors import LookInsideError


class LayerRow(NamedTuple):
    """One layer: its name, its kind, the shape of one output (H, W, C) or (units,), and its number of weights."""

    name: str
    kind: str
    shape: tuple[int | None, ...]
    weights: int


def layer_table(model: keras.Model, *, only_weighted: bool = False) -> list[LayerRow]:
    """The rows of a model, in order, nested models opened (their layers are named "outer/inner").

    Weights count what training changes and what it only updates (BN's moving mean and variance), as Keras'
    `count_params` does: the sum over the rows is `model.count_params()` unless layers are shared.

    Args:
        model: a built Keras model.
        only_weighted: leave out layers without weights (ReLU, pools, dropout, flatten).
    """
    return [row for row in _rows(model, "") if row.weights or not only_weighted]


def beside_paper(model: keras.Model, table: Sequence[tuple[str, str, str]]) -> list[dict[str, str | int]]:
    """A table of a paper with the network that we built beside it: rows for `figures.table`.

    Args:
        model: a built Keras model.
        table: rows (what it is, its size, the name of our layer), such as `PAPER_TABLES[3]`.

    Raises:
        LookInsideError: for a layer that the model does not have.
    """
    ours, rows = {row.name: row for row in layer_table(model)}, []
    for kind, size, name in table:
        if name not in ours:
            raise LookInsideError(f"Model {model.name} has no layer {name!r}: the table is that of another network.")
        row = {"layer": name, "in the paper": f"{kind} {size}", "ours": str(ours[name].shape)}
        rows.append(row | {"weights": ours[name].weights})
    return rows


def _rows(model, prefix):
    for layer in model.layers:
        name = prefix + layer.name
        if isinstance(layer, keras.Model):
            yield from _rows(layer, f"{name}/")
        elif not isinstance(layer, keras.layers.InputLayer):
            yield LayerRow(name, type(layer).__name__, _output_shape(layer), layer.count_params())


def _output_shape(layer):
    shape = getattr(layer.output, "shape", None)  # a layer with several outputs has no single shape
    return tuple(shape[1:]) if shape is not None else ()
