"""What class activation maps share: a layer's feature maps, weighted for a class and summed."""

from __future__ import annotations

from abc import abstractmethod
from typing import Unpack

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lookinside.explain.explainer import Explainer, Options, reachable
from lookinside.explain.maps.enlarging import enlarged
from lookinside.explain.network.layers import map_value
from lookinside.explain.network.tracing import traced


class ClassMap(Explainer):
    """What class activation maps share: a layer's maps, weighted and summed in the layer's own size, then enlarged."""

    def __init__(self, model: keras.Model, **options: Unpack[Options]):
        super().__init__(model, **options)
        self._traced_low = traced(self._low)

    explained = (2, 3)

    def maps(self, images: ArrayLike, classes: ArrayLike | None = None, regions: ArrayLike | None = None) -> np.ndarray:
        """The maps in the layer's own size, float32 (N, h, w), before they are enlarged. Arguments as in a call."""
        return self._told_maps(images, classes, self._traced_low, regions)

    def _maps(self, images, target):
        return enlarged(self._low(images, target), images.shape[1:-1])

    @abstractmethod
    def _low(self, images, target):
        """(N, H, W, C) float32 and what is explained of each -> (N, h, w)."""


class GradientMap(ClassMap):
    """The maps of a layer, weighted by the gradient of the class's score, summed, negative parts cut.

    Only the part of the model behind the layer is differentiated.
    """

    def __init__(self, model: keras.Model, layer: str | None = None, **options: Unpack[Options]):
        super().__init__(model, **options)
        self._value = map_value(self._graph, layer, self._head)
        self.layer = self._graph.writer(self._value).name
        self._behind = self._graph.behind(self._value)

    def _low(self, images, target):
        # What does not depend on the maps stays outside the tape.
        beside = {n for step in self._graph.steps if self._behind & set(step.outputs) for n in step.inputs}
        known = self._graph.compute(self._known(images, target), {self._value, *(beside - self._behind)}, self._call)
        known = {number: tensor for number, tensor in known.items() if number not in self._behind - {self._value}}
        maps = known[self._value]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(maps)
            logits = self._logits_in(self._graph.compute(known, [self._head.value], self._call), target)
            score = tf.reduce_sum(self._score_of(logits, target))
        slopes = reachable(tape.gradient(score, maps), f"layer {self.layer}")
        return tf.nn.relu(self._sum(maps, slopes))

    @abstractmethod
    def _sum(self, maps: tf.Tensor, slopes: tf.Tensor) -> tf.Tensor:
        """Maps and the score's gradient by them, both (N, h, w, K) -> the weighted sum over the maps, (N, h, w)."""


def places_of(maps: tf.Tensor) -> tuple[int, ...]:
    """The axes of maps (N, h, w, K) or (N, d, h, w, K) that are places: (1, 2) or (1, 2, 3)."""
    return tuple(range(1, len(maps.shape) - 1))
