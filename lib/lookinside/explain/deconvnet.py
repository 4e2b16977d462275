"""The deconvnet of Zeiler & Fergus 2014, as Kumar & Menkovski 2016 use it: what the strongest maps saw."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.explain.calls.bars import bar
from lookinside.explain.calls.blank import told
from lookinside.explain.calls.inputs import Inputs
from lookinside.explain.network.graph import Graph
from lookinside.explain.network.layers import map_value
from lookinside.explain.network.rules import reversals_of
from lookinside.explain.network.tracing import traced

_FLOATS_AT_ONCE = 2**22  # 16 MiB for the largest signal: on a CPU larger ones cost more in fresh memory than they save


class Projections(NamedTuple):
    """The strongest maps of each image, strongest first, projected back one at a time.

    Attributes:
        maps: float32 (N, n, H, W), signed; over several channels the sum of absolute values.
        indices: int64 (N, n), which map of the layer each is.
        peaks: float32 (N, n), the largest activation of each map, by which they are ranked.
    """

    maps: np.ndarray
    indices: np.ndarray
    peaks: np.ndarray


class Deconvnet:
    """Projects the strongest feature maps of a layer back to the image (Zeiler & Fergus 2014, section 2.1).

    The maps are ranked by their largest activation. Each is projected alone, the layer's other maps set to zero:
    max pooling sends a value back to the pixel it came from, a ReLU keeps what is positive, batch normalisation
    multiplies by gamma / sqrt(variance + epsilon), local response normalization by what it has multiplied by, a
    convolution becomes its transpose; biases are dropped. It takes no class: it shows what the strongest maps saw,
    whatever the network makes of it.

    A residual sum hands what comes back to each of its branches, which go back by their own ReLUs and switches; where
    they part, it adds up. A concatenation gives each branch the maps that were its own.

    Works for functional and Sequential models, nested ones too, whose layers up to `layer` are convolution (Conv2D,
    DepthwiseConv2D), batch normalisation, LocalResponseNormalization, ReLU (layer or argument), max pooling
    (overlapping too), Add, Concatenate (of maps), dropout, zero padding, cropping, rescaling and normalisation. It
    computes in float32, also for a mixed precision model, reads the model's weights at each call, and never changes
    them.

    Args:
        model: the network; what comes behind `layer` does not matter.
        layer: name of the layer whose maps are projected ("outer/inner" in a nested model). A convolution stands for
            its maps behind the batch normalisation and activation that follow it, an encoder of two images for its call
            on the one that is explained. None: the last convolution.
        top_n: how many maps; all of them where the layer has fewer.
        chunk: how many maps, over all images, go back at once; it bounds the memory. None: as many as keep the largest
            signal below 16 MiB, about the fastest on a CPU; a GPU likes more.
        input: as for every `Explainer`. Of other inputs `layer` may not depend.
        progress: as for every `Explainer`.

    Raises:
        LookInsideError: for a layer that does not exist (the nearest names are offered) or that cannot be gone back
            through (by its name), a model that does not show its layers, or a number below 1.
    """

    def __init__(
        self,
        model: keras.Model,
        layer: str | None = None,
        top_n: int = 25,
        chunk: int | None = None,
        *,
        input: str | int | None = None,
        progress: bool | Callable = True,
    ):
        if not is_whole(top_n) or not (chunk is None or is_whole(chunk)):
            raise LookInsideError(f"top_n is {top_n} and chunk {chunk}: give whole numbers, 1 or more.")
        self._inputs = Inputs(model, input)
        graph = Graph(model, self._inputs.place)
        self._image, self._target = graph.image, map_value(graph, layer)
        self._way = [(step, reversals_of(step)) for step in graph.steps_to([self._target])]
        for step, _ in self._way:
            if set(step.inputs) & set(graph.inputs) - {graph.image}:
                raise LookInsideError(f"Layer {step.name} reads another input: choose a layer before it.")
        self.layer = graph.writer(self._target).name
        self.top_n, self.chunk, self.progress = top_n, chunk, progress
        self._look = traced(self._look_once)
        self._project = traced(self._project_once)

    def __call__(self, images: ArrayLike) -> np.ndarray:
        """The sum of the absolute projections of the strongest maps.

        Args:
            images: (N, H, W, C), as the model takes them; integers are cast, not rescaled. Of several inputs see
                `Explainer`.

        Returns:
            float32 (N, H, W), 0 or more; absolute values are summed over channels.

        Raises:
            LookInsideError: for images that do not fit to the model, an empty batch, nan or infinite pixels.

        Warns:
            BlankMapWarning: once, with their number, where maps are empty or the same everywhere.
        """
        heat = [sum(np.abs(maps).sum(axis=1) for maps in group.parts()) for group in self._groups(images)]
        return told(np.concatenate(heat), "Deconvnet")

    def maps(self, images: ArrayLike) -> Projections:
        """The single projections, with the numbers of their maps; see `Projections`. Arguments as in a call."""
        rows = [
            (np.concatenate(list(group.parts()), axis=1), group.indices.numpy(), group.peaks.numpy())
            for group in self._groups(images)
        ]
        maps, indices, peaks = (np.concatenate(column) for column in zip(*rows, strict=True))
        return Projections(told(maps, "Deconvnet"), indices.astype(np.int64), peaks)

    def _groups(self, images) -> Iterator[_Group]:
        """As many images at a time as the chunk allows."""
        images, _ = self._inputs.checked(images)
        shapes = self._shapes(images.shape[1:])
        count = min(self.top_n, shapes[self._target][-1])
        chunk = self.chunk or max(1, _FLOATS_AT_ONCE // max(map(math.prod, shapes.values())))
        size = max(1, chunk // count)
        with bar(self.progress, len(images), "Deconvnet") as shown:
            for start in range(0, len(images), size):
                group = images[start : start + size].astype(np.float32)
                chosen, indices, peaks, memories = self._look(group, count)
                yield _Group(self._project, chosen, indices, peaks, memories, images.shape[1:], min(chunk, count))
                shown.update(len(group))

    def _shapes(self, shape):
        """Number of a value -> its (H, W, C), of the image and behind each step."""
        shapes = {self._image: shape}
        for step, reversals in self._way:
            shapes[step.outputs[0]] = reversals[0].shape(step.layer, [shapes[number] for number in step.inputs])
        return shapes

    def _look_once(self, images, count):
        """Forward: the strongest maps (B, h, w, n), their numbers and peaks (B, n), and what the way back needs."""
        memories, values = [], {self._image: images}
        for step, reversals in self._way:
            read = [values[number] for number in step.inputs]
            for reversal in reversals:
                x, memory = reversal.forward(*read)
                memories.append(memory)
                read = [x]
            values[step.outputs[0]] = x
        x = values[self._target]
        peaks, indices = tf.math.top_k(tf.reduce_max(x, axis=(1, 2)), count)
        return tf.gather(x, indices, axis=3, batch_dims=1), indices, peaks, memories

    def _project_once(self, chosen, indices, memories, shape):
        """Backward: maps (B, h, w, m) and their numbers (B, m) -> projections (B, m, H, W)."""
        shapes = self._shapes(shape)
        _, height, width, maps = chosen.shape
        alone = tf.reshape(tf.transpose(chosen, (0, 3, 1, 2)), (-1, height, width, 1))
        signals = {self._target: alone * tf.one_hot(tf.reshape(indices, (-1, 1, 1)), shapes[self._target][-1])}
        memories = list(memories)
        for step, reversals in reversed(self._way):
            signal, after = signals.pop(step.outputs[0]), shapes[step.outputs[0]]
            for reversal in reversals[:0:-1]:  # a convolution's activation
                signal = reversal.backward(signal, memories.pop(), after)
            parts = reversals[0].branches(signal, memories.pop(), [shapes[number] for number in step.inputs])
            for number, part in zip(step.inputs, parts, strict=True):
                signals[number] = signals[number] + part if number in signals else part
        signal = tf.reshape(signals[self._image], (-1, maps, *shape))
        return signal[..., 0] if shape[-1] == 1 else tf.reduce_sum(tf.abs(signal), axis=-1)


class _Group(NamedTuple):
    """Some images, looked at and ready to be projected back."""

    project: Callable
    chosen: tf.Tensor
    indices: tf.Tensor
    peaks: tf.Tensor
    memories: list
    shape: tuple[int, int, int]
    maps_at_once: int

    def parts(self) -> Iterator[np.ndarray]:
        """The projections, `maps_at_once` maps of each image at a time: (B, m, H, W)."""
        for start in range(0, self.indices.shape[1], self.maps_at_once):
            part = slice(start, start + self.maps_at_once)
            yield self.project(self.chosen[..., part], self.indices[:, part], self.memories, self.shape).numpy()
