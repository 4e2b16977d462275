"""Which value of a graph a layer's maps are."""

from __future__ import annotations

import keras

from lookinside.errors import CourseError
from lookinside.explain.activations import activation_name
from lookinside.explain.graph import Graph

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
_RECTIFIERS = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)
_BELONGING = (keras.layers.BatchNormalization, keras.layers.Activation, *_RECTIFIERS)


def map_value(graph: Graph, layer: str | None) -> int:
    """Return the number of the value that holds a layer's maps.

    A convolution stands for its maps behind the batch normalisation and activation that follow it.

    Args:
        graph: of the model.
        layer: its name, "outer/inner" in a nested model; None is the last convolution.

    Raises:
        CourseError: for a name that does not exist, a layer without maps, or a model without convolution.
    """
    if layer is None:
        convolutions = [step for step in graph.steps if isinstance(step.layer, CONVOLUTIONS)]
        if not convolutions:
            raise CourseError("This model has no convolution: name the layer whose maps you want to see.")
        value = convolutions[-1].outputs[0]
    else:
        value = graph.value_of(layer)
    step = graph.writer(value)
    if len(step.shape) != 3:
        raise CourseError(f"Layer {step.name} has no maps, its output is {step.shape}: choose a layer before it.")
    activated = not isinstance(step.layer, CONVOLUTIONS) or activation_name(step.layer.activation) != "linear"
    while not activated:
        readers = graph.readers(value)
        if len(readers) != 1 or not _belongs_to_convolution(readers[0].layer):
            break
        step = readers[0]
        value = step.outputs[0]
        activated = not isinstance(step.layer, keras.layers.BatchNormalization)
    return value


def _belongs_to_convolution(layer) -> bool:
    return isinstance(layer, _BELONGING) or (not isinstance(layer, keras.Layer) and activation_name(layer) == "relu")
