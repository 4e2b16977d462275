"""Which value of a graph a layer's maps are."""

from __future__ import annotations

import keras

from lookinside.errors import CourseError
from lookinside.explain.activations import activation_name
from lookinside.explain.graph import Graph

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
_RECTIFIERS = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)
_JOINS = (keras.layers.Add, keras.layers.Concatenate)
_BELONGING = (keras.layers.BatchNormalization, keras.layers.Activation, *_RECTIFIERS)


def map_value(graph: Graph, layer: str | None, score: int | None = None) -> int:
    """Return the number of the value that holds a layer's maps.

    A convolution stands for its maps behind the batch normalisation and activation that follow it.

    Args:
        graph: of the model.
        layer: its name, "outer/inner" in a nested model; None is the last convolution whose maps have more than one
            pixel, behind the sum or concatenation that it goes into (a residual block's end).
        score: number of the value that the maps lead to; None where any output will do.

    Raises:
        CourseError: for a name that does not exist, a layer without maps or with maps of one pixel, or a model
            without convolution.
    """
    # Where a class's map is drawn, one pixel shows nothing; the deconvnet may be asked for it.
    too_small = lambda step: score is not None and step.shape[:2] == (1, 1)  # noqa: E731
    if layer is None:
        steps = graph.steps if score is None else graph.steps_to([score])
        convolutions = [step for step in steps if isinstance(step.layer, CONVOLUTIONS) and not too_small(step)]
        if not convolutions:
            raise CourseError("This model has no convolution: name the layer whose maps you want to see.")
        value = convolutions[-1].outputs[0]
    else:
        value = graph.value_of(layer)
    step = graph.writer(value)
    if too_small(step):
        raise CourseError(f"Layer {step.name} has maps of one pixel: choose a layer before it.")
    if len(step.shape) != 3:
        raise CourseError(f"Layer {step.name} has no maps, its output is {step.shape}: choose a layer before it.")
    activated = not isinstance(step.layer, CONVOLUTIONS) or activation_name(step.layer.activation) != "linear"
    joins = layer is None and score is not None
    while not activated:
        readers = graph.readers(value)
        if len(readers) != 1 or not _belongs_to_convolution(readers[0].layer, joins):
            break
        step = readers[0]
        value = step.outputs[0]
        activated = not isinstance(step.layer, (keras.layers.BatchNormalization, *_JOINS))
    return value


def _belongs_to_convolution(layer, joins: bool) -> bool:
    if joins and isinstance(layer, _JOINS):
        return True
    return isinstance(layer, _BELONGING) or (not isinstance(layer, keras.Layer) and activation_name(layer) == "relu")
