"""What the maps of a network hold, and which of them are at work: how many a ReLU leaves at zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.explain.calls.bars import bar
from lookinside.explain.calls.inputs import Inputs
from lookinside.explain.network.activations import activation_name, is_hidden, unwrapped
from lookinside.explain.network.backward import Caller
from lookinside.explain.network.graph import Graph, Step
from lookinside.explain.network.layers import activated, is_convolution
from lookinside.explain.network.tracing import traced


@dataclass(frozen=True, eq=False)
class DeadMaps:
    """On how many images each map of each layer is zero everywhere.

    Attributes:
        zero_images: layer -> int64 (maps,), on how many images each of its maps is zero at every pixel.
        images: how many images there were.
    """

    zero_images: dict[str, np.ndarray]
    images: int

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers' names, from the image on."""
        return tuple(self.zero_images)

    @property
    def maps(self) -> np.ndarray:
        """int64 (L,): how many maps each layer has."""
        return np.array([len(zero) for zero in self.zero_images.values()])

    @property
    def share_dead(self) -> np.ndarray:
        """float64 (L,) in [0, 1]: share of a layer's maps that are zero on every image."""
        return np.array([np.mean(zero == self.images) for zero in self.zero_images.values()])

    @property
    def share_zero(self) -> np.ndarray:
        """float64 (L,) in [0, 1]: share of (image, map) pairs in which the map is zero everywhere."""
        return np.array([np.mean(zero) / self.images for zero in self.zero_images.values()])

    @property
    def overall(self) -> dict[str, float]:
        """The same over all layers together: how many maps, share that is dead, share of (image, map) pairs at zero."""
        maps = self.maps
        shares = {"dead": self.share_dead, "zero": self.share_zero}
        return {"maps": int(maps.sum())} | {name: float(one @ maps / maps.sum()) for name, one in shares.items()}

    @property
    def rows(self) -> dict[str, dict[str, float]]:
        """Layer -> column -> value: `figures.table(found.rows, units={"dead": "%", "zero": "%"})`."""
        columns = zip(self.layers, self.maps.tolist(), self.share_dead.tolist(), self.share_zero.tolist(), strict=True)
        return {name: {"maps": maps, "dead": dead, "zero": zero} for name, maps, dead, zero in columns}


def dead_maps(
    model: keras.Model,
    images: ArrayLike,
    layers: Sequence[str] | None = None,
    *,
    input: str | int | None = None,
    chunk: int = 16,
    progress: bool | Callable = True,
) -> DeadMaps:
    """Count the maps that a network's ReLUs leave at zero, layer by layer.

    A map that is zero on every image takes no part and, its ReLU's gradient being zero too, learns nothing more from
    these images (a dying ReLU). A map that is zero on some images has said no to them: that is what it is for.

    Args:
        model: any functional or Sequential Keras model, nested ones too; it is left alone. The activations are read as
            an explainer reads them, in float32.
        images: (N, H, W, C), of volumes (N, D, H, W, C), as the model takes them; integers are cast, not rescaled. Of
            several inputs a list of them, or a dict by name.
        layers: names of layers ("outer/inner" in a nested model); a convolution or dense layer stands for its values
            behind the normalisation and activation that follow it, and a unit is a map of one pixel. None: every ReLU
            that writes maps, wherever it is; it bears the name of its convolution where it follows one, and
            "name (call 2)" at a further call of one layer.
        input: by name, to look only at what one of several inputs leads to; an encoder of two images is then its call
            on this one. None: all layers.
        chunk: images at a time; it bounds the memory.
        progress: as for every `Explainer`.

    Returns:
        `DeadMaps`, in the order in which the network computes the layers.

    Raises:
        LookInsideError: for a model without a ReLU that writes maps, a layer that does not exist, has no maps, is
            called several times or does not depend on `input`, images that do not fit to the model, activations that
            are nan or infinite, and as the explainers for models that do not show their layers.

    Source: ours, to count what Khan & Yong 2016, section IV, judge by eye ("most of the features maps are dumped out").
    """
    if not is_whole(chunk):
        raise LookInsideError(f"chunk is {chunk}: give a whole number, 1 or more.")
    inputs, values, read = _reader(model, layers, input)
    images, others = inputs.checked(images)

    def count(part, beside):
        """For each layer, on how many of the images each map is zero, and whether all its values are finite."""
        maps = read(part, beside)
        zero = [tf.reduce_all(one == 0, axis=range(1, len(one.shape) - 1)) for one in maps]
        counts = [tf.reduce_sum(tf.cast(one, tf.int64), axis=0) for one in zero]
        return counts, [tf.reduce_all(tf.math.is_finite(one)) for one in maps]

    traced_count = traced(count)
    totals = [0] * len(values)
    with bar(progress, len(images), "dead maps") as shown:
        for part, beside in _batches(images, others, chunk):
            counts, finite = traced_count(part, beside)
            for name, good in zip(values, finite, strict=True):
                if not good:
                    raise LookInsideError(
                        f"Layer {name} holds nan or infinite values: look at the weights and the images' range."
                    )
            totals = [total + one.numpy() for total, one in zip(totals, counts, strict=True)]
            shown.update(len(part))
    return DeadMaps(dict(zip(values, totals, strict=True)), len(images))


def feature_maps(
    model: keras.Model,
    images: ArrayLike,
    layers: Sequence[str] | None = None,
    *,
    input: str | int | None = None,
    chunk: int = 16,
) -> dict[str, np.ndarray]:
    """What a network's layers make of images, map by map.

    Args:
        model, images, layers, input, chunk: as for `dead_maps`.

    Returns:
        Layer -> float32 (N, h, w, maps), of volumes (N, d, h, w, maps), or (N, units) for a layer of units, in the
        order in which the network computes the layers. Behind a ReLU no value is below zero.

    Raises:
        LookInsideError: as `dead_maps`; infinite values are returned as they are.
    """
    if not is_whole(chunk):
        raise LookInsideError(f"chunk is {chunk}: give a whole number, 1 or more.")
    inputs, values, read = _reader(model, layers, input)
    images, others = inputs.checked(images)
    found = [[one.numpy() for one in read(*batch)] for batch in _batches(images, others, chunk)]
    return {name: np.concatenate(parts) for name, parts in zip(values, zip(*found, strict=True), strict=True)}


def _batches(images, others, chunk):
    """Some images at a time, and what the model's other inputs hold beside them, as tensors."""
    for start in range(0, len(images), chunk):
        part = slice(start, start + chunk)
        yield tf.constant(images[part].astype(np.float32)), tuple(tf.constant(one[part]) for one in others)


def _reader(
    model: keras.Model, layers: Sequence[str] | None, chosen: str | int | None
) -> tuple[Inputs, dict[str, int], Callable]:
    """The inputs, layer -> number of its value, and what computes these values of a batch, as a list in that order."""
    inputs = Inputs(model, chosen, any_will_do=True)
    graph = Graph(model, inputs.place)
    way = None if chosen is None else graph.behind(graph.image)
    values = _rectified(graph, way) if layers is None else _named(graph, layers, way)
    steps = graph.steps_to(values.values())
    for step in steps:
        if getattr(step.layer, "data_format", "channels_last") == "channels_first":
            raise LookInsideError(f"Layer {step.name} has its channels first: build the model with channels last.")
    call = Caller(steps)

    def read(part, beside):
        found = graph.compute(graph.given(part, beside), values.values(), call)
        return [found[value] for value in values.values()]

    return inputs, values, read


def _rectified(graph: Graph, way: set[int] | None) -> dict[str, int]:
    """Name -> number of the value, of every ReLU on the way (None: everywhere) that writes maps."""
    owners = {activated(graph, step.outputs[0]): step.name for step in graph.steps if is_convolution(step)}
    found: dict[str, int] = {}
    for step in graph.steps:
        value = step.outputs[0]
        if len(step.shape) in (3, 4) and _cuts_off(step) and (way is None or value in way):
            name = owners.get(value, step.name)
            calls = sum(one == name or one.startswith(f"{name} (call ") for one in found)
            found[f"{name} (call {calls + 1})" if calls else name] = value
    if not found:
        where = "This model has" if way is None else "Behind that input there is"
        raise LookInsideError(
            f"{where} no ReLU that writes maps, so they are hardly ever zero: name the layers to look at."
        )
    return found


def _named(graph: Graph, layers: Sequence[str], way: set[int] | None) -> dict[str, int]:
    """Name -> number of the value, of the layers that were asked for, in the order in which they are computed."""
    if isinstance(layers, str) or not isinstance(layers, Sequence) or not layers:
        raise LookInsideError(f"layers is {layers!r:.60}: give a list of names, or None for every ReLU.")
    found = {}
    for name in layers:
        value = graph.value_of(name, way)
        step = graph.writer(value)
        if way is not None and value not in way:
            raise LookInsideError(f"Layer {step.name} does not depend on that input: choose another one.")
        if is_convolution(step) or isinstance(unwrapped(step.layer), keras.layers.Dense):
            value = activated(graph, value)
        if len(step.shape) not in (1, 3, 4):
            raise LookInsideError(f"Layer {step.name} has no maps, its output is {step.shape}: choose another one.")
        found[name] = value
    order = {value: place for place, step in enumerate(graph.steps) for value in step.outputs}
    return dict(sorted(found.items(), key=lambda item: order[item[1]]))


def _cuts_off(step: Step) -> bool:
    """Whether a step ends in a ReLU, capped ones too: all that is negative becomes zero."""
    layer = unwrapped(step.layer) if isinstance(step.layer, keras.Layer) else step.layer
    if is_hidden(layer):
        return False
    if isinstance(layer, keras.Layer) and not isinstance(layer, keras.layers.ReLU):
        layer = getattr(layer, "activation", None)
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope
    return activation_name(layer) in ("relu", "relu6")
