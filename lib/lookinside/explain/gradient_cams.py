"""Class activation maps weighted by gradients: Grad-CAM and its two successors, on one tape."""

from __future__ import annotations

from abc import abstractmethod
from typing import Unpack

import keras
import tensorflow as tf

from lookinside.explain.cam import ClassMap
from lookinside.explain.explainer import Options, reachable
from lookinside.explain.network.layers import map_value


class _GradientMap(ClassMap):
    """The maps of a layer, weighted by the gradient of the class's score, summed, negative parts cut.

    Only the part of the model behind the layer is differentiated.
    """

    def __init__(self, model: keras.Model, layer: str | None = None, **options: Unpack[Options]):
        super().__init__(model, **options)
        self._value = map_value(self._graph, layer, self._head.value)
        self.layer = self._graph.writer(self._value).name
        self._behind = self._graph.behind(self._value)

    def _low(self, images, classes):
        # What does not depend on the maps stays outside the tape.
        beside = {n for step in self._graph.steps if self._behind & set(step.outputs) for n in step.inputs}
        known = self._graph.compute({0: images}, {self._value, *(beside - self._behind)}, self._call)
        known = {number: tensor for number, tensor in known.items() if number not in self._behind - {self._value}}
        maps = known[self._value]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(maps)
            logits = self._graph.compute(known, [self._head.value], self._call)[self._head.value]
            score = tf.reduce_sum(self._score_of(logits, classes))
        slopes = reachable(tape.gradient(score, maps), f"layer {self.layer}")
        return tf.nn.relu(self._sum(maps, slopes))

    @abstractmethod
    def _sum(self, maps: tf.Tensor, slopes: tf.Tensor) -> tf.Tensor:
        """Maps and the score's gradient by them, both (N, h, w, K) -> the weighted sum over the maps, (N, h, w)."""


class GradCAM(_GradientMap):
    """Grad-CAM: a layer's maps, weighted by the mean gradient of the class's score, summed, negative parts cut.

    Args:
        model: see `Explainer`.
        layer: name of the layer whose maps are summed; a convolution stands for its maps behind the normalisation and
            activation that follow it. None: the first maps from the last convolution on through which all of the score
            passes, behind a residual sum or a concatenation; the explainer's `layer` says which.
        options: see `Explainer`.

    Raises:
        LookInsideError: for a layer that does not exist (the nearest names are offered), has no maps, or on which the
            score does not depend; a model without convolution; else as `Explainer`.

    Source: Selvaraju et al. 2017, Eqs. 1 and 2.
    """

    def _sum(self, maps, slopes):
        return tf.einsum("nhwk,nk->nhw", maps, tf.reduce_mean(slopes, axis=(1, 2)))


class GradCAMPlusPlus(_GradientMap):
    """Grad-CAM++: as Grad-CAM, but only places count where the score rises, the fewer of a map the more each.

    Arguments and errors: see `GradCAM`. The paper's maps are 0 or more, as behind a ReLU; a map whose sum is negative
    counts as if it were 0. The exponential of the score, by which the paper multiplies all weights of an image alike,
    is left out: it overflows.

    Source: Chattopadhay et al. 2018, Eqs. 6, 7 and 19.
    """

    def _sum(self, maps, slopes):
        # Eq. 19, both sides of the fraction divided by the squared slope.
        rising = tf.nn.relu(slopes)
        below = 2.0 + rising * tf.nn.relu(tf.reduce_sum(maps, axis=(1, 2), keepdims=True))
        weights = tf.reduce_sum(rising / below, axis=(1, 2))
        return tf.einsum("nhwk,nk->nhw", maps, weights)


class LayerCAM(_GradientMap):
    """LayerCAM: each place of a map weighted by its own positive gradient; early layers give finer maps.

    Arguments and errors: see `GradCAM`.

    Source: Jiang et al. 2021, Eqs. 5 and 6.
    """

    def _sum(self, maps, slopes):
        return tf.reduce_sum(maps * tf.nn.relu(slopes), axis=-1)
