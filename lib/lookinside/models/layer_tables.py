"""A network as rows of layer, output shape and weights, to be printed beside a paper's table."""

from typing import NamedTuple

import keras


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
