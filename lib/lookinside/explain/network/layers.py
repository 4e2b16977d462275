"""Which value of a graph a layer's maps are."""

from __future__ import annotations

import math

import keras

from lookinside.errors import LookInsideError
from lookinside.explain.network.activations import activation_name, is_activation, unwrapped
from lookinside.explain.network.graph import Graph, Step
from lookinside.explain.network.head import Head, mixes

CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv3D,
    keras.layers.Conv3DTranspose,
)
_MAPS = (3, 4)  # axes of maps without the batch: (h, w, K), or (d, h, w, K) of volumes
_NORMALISATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
)
_PASSING = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.Identity,
    keras.layers.Activation,  # a linear one: the others are activations
)


def map_value(graph: Graph, layer: str | None, head: Head | None = None) -> int:
    """Return the number of the value that holds a layer's maps.

    A convolution stands for its maps behind the normalisation and activation that follow it. A layer that is called
    several times, in an encoder of two images say, stands for its call on the way from the input that is explained.

    Args:
        graph: of the model.
        layer: its name, "outer/inner" in a nested model. None is the last convolution; where the maps lead to a
            score, the first maps from the last convolution on through which all of the score passes, behind a residual
            sum or the concatenation of several branches; where there are none, the last such maps before it. Of a
            per-pixel classifier it is the last convolution among those with the smallest maps, the bottom of a U-Net.
        head: the scores that the maps lead to; None where any output will do.

    Raises:
        LookInsideError: for a name that does not exist, a layer without maps, with maps of one pixel or on which the
            score does not depend, one that is called several times on the way, or a model without convolution.
    """
    score = None if head is None else head.value
    seen = graph.behind(graph.image)
    if layer is not None:
        value = graph.value_of(layer, seen if score is None else seen & graph.before(score))
    elif head is None:
        value = _last_convolution([step for step in graph.steps if seen.intersection(step.outputs)]).outputs[0]
    else:
        value = _smallest_maps(graph, head) if head.per_pixel else _bottleneck(graph, head.value)
    step = graph.writer(value)
    if score is not None and score not in graph.behind(value):
        raise LookInsideError(f"The score does not depend on layer {step.name}: choose a layer on its way.")
    if value not in seen:
        raise LookInsideError(f"Layer {step.name} does not depend on the input that is explained: choose another one.")
    if score is not None and _is_one_pixel(step):  # the deconvnet may be asked for it
        raise LookInsideError(f"Layer {step.name} has maps of one pixel: choose a layer before it.")
    if len(step.shape) not in _MAPS:
        raise LookInsideError(f"Layer {step.name} has no maps, its output is {step.shape}: choose a layer before it.")
    return value if layer and not is_convolution(step) else activated(graph, value)


def convolution_values(graph: Graph, head: Head) -> dict[str, int]:
    """Name of each convolution that leads to the scores -> number of the value that holds its maps.

    They stand behind the normalisation and activation that follow the convolution. Maps of one pixel are left out, and
    the convolution that writes the scores of a per-pixel classifier.

    Raises:
        LookInsideError: for a model without a convolution that has maps of several pixels.
    """
    found: dict[str, int] = {}
    steps = [step for step in _convolutions(graph, head) if not _is_one_pixel(step)]
    for place, step in enumerate(steps or [_last_convolution([])]):
        calls = sum(one.name == step.name for one in steps[:place])
        found[f"{step.name} (call {calls + 1})" if calls else step.name] = activated(graph, step.outputs[0])
    return found


def activated(graph: Graph, value: int) -> int:
    """The value behind the normalisation and activation that follow a layer's, where nothing else reads it."""
    found, step = value, graph.writer(value)
    layer = unwrapped(step.layer)
    if isinstance(layer, (*CONVOLUTIONS, keras.layers.Dense)) and activation_name(layer.activation) != "linear":
        return found
    while True:
        readers = graph.readers(step.outputs[0])
        if len(readers) != 1:
            return found
        step = readers[0]
        if is_activation(step.layer):
            return step.outputs[0]
        if isinstance(step.layer, _NORMALISATIONS):
            found = step.outputs[0]
        elif not isinstance(step.layer, _PASSING):
            return found


def _convolutions(graph, head):
    """The convolutions between the input that is explained and the scores, without one that writes them itself."""
    seen = graph.behind(graph.image) - (_score_maps(graph, head) if head.per_pixel else {head.value})
    return [step for step in graph.steps_to([head.value]) if is_convolution(step) and seen.intersection(step.outputs)]


def _score_maps(graph, head):
    """The values that are the scores of pixels already, before they are resized, cropped, normalised or summed."""
    found = {head.value}
    for step in reversed(graph.steps_to([head.value])):
        if found.intersection(step.outputs) and not mixes(step.layer):
            found.update(step.inputs)
    return found


def _smallest_maps(graph, head):
    """The last convolution among those with the smallest maps, before the scores themselves."""
    steps = _convolutions(graph, head)
    places = [step.shape[:-1] for step in steps]
    if any(None in sides for sides in places):
        names = ", ".join(step.name for step in steps)
        raise LookInsideError(f"The sizes of this model's maps are open: say layer= one of {names:.200}.")
    steps = [step for step in steps if not _is_one_pixel(step)]  # what weighs channels has no places
    fewest = min((math.prod(step.shape[:-1]) for step in steps), default=0)
    return _last_convolution([s for s in steps if math.prod(s.shape[:-1]) == fewest]).outputs[0]


def _bottleneck(graph, score):
    """The maps nearest to the last convolution, behind it if any, without which the image tells the score nothing."""
    seen = graph.behind(graph.image)
    steps = [step for step in graph.steps_to([score]) if seen.intersection(step.outputs)]
    large = [step for step in steps if not _is_one_pixel(step)]
    last = _last_convolution(large)
    first = next(step for step in large if is_convolution(step))
    maps = [step for step in large[large.index(first) :] if len(step.shape) in _MAPS]
    behind = maps[maps.index(last) :]
    for step in [*behind, *reversed(maps[: maps.index(last)])]:
        value = step.outputs[0]
        if not any(graph.image in other.inputs for other in graph.steps_to([score], [value])):
            return value
    raise LookInsideError(
        f"No layer's maps carry the whole score, it has several ways: name one, layer={last.name!r} say."
    )


def _last_convolution(steps):
    convolutions = [step for step in steps if is_convolution(step)]
    if not convolutions:
        raise LookInsideError(
            "This model has no convolution with maps of several pixels: name the layer you want to see."
        )
    return convolutions[-1]


def is_convolution(step: Step) -> bool:
    """Whether a step is a convolution, a wrapped one too, that writes maps (H, W, C) or (D, H, W, C)."""
    return isinstance(unwrapped(step.layer), CONVOLUTIONS) and len(step.shape) in _MAPS


def _is_one_pixel(step):
    """Where a class's map is drawn, one pixel shows nothing."""
    return len(step.shape) in _MAPS and all(side == 1 for side in step.shape[:-1])
