"""Class activation maps: a layer's feature maps, weighted for a class and summed."""

from __future__ import annotations

from abc import abstractmethod

import keras
import numpy as np
import tensorflow as tf

from lookinside.errors import CourseError
from lookinside.explain.activations import activation_name
from lookinside.explain.explainer import Explainer, reachable
from lookinside.explain.layers import map_value
from lookinside.explain.tracing import traced


class _ClassMap(Explainer):
    """What class activation maps share: a layer's maps, weighted and summed in the layer's own size, then enlarged."""

    def __init__(self, model: keras.Model, **options):
        super().__init__(model, **options)
        self._traced_low = traced(self._low)

    def maps(self, images, classes=None) -> np.ndarray:
        """The maps in the layer's own size, float32 (N, h, w), before they are enlarged. Arguments as in a call."""
        return self._over_chunks(images, classes, self._traced_low)

    def _maps(self, images, classes):
        return enlarged(self._low(images, classes), images.shape[1:3])

    @abstractmethod
    def _low(self, images, classes):
        """(N, H, W, C) float32 and (N,) -> (N, h, w)."""


class GradCAM(_ClassMap):
    """Grad-CAM: a layer's maps, weighted by the mean gradient of the class's score, summed, negative parts cut.

    Only the part of the model behind the layer is differentiated.

    Args:
        model: see `Explainer`.
        layer: name of the layer whose maps are summed; a convolution stands for its maps behind the normalisation and
            activation that follow it. None: the last convolution.
        options: see `Explainer`.

    Raises:
        CourseError: for a layer that does not exist (the nearest names are offered), has no maps, or on which the
            score does not depend; a model without convolution; else as `Explainer`.

    Source: Selvaraju et al. 2017, Eqs. 1 and 2.
    """

    def __init__(self, model: keras.Model, layer: str | None = None, **options):
        super().__init__(model, **options)
        self._value = map_value(self._graph, layer, self._head.value)
        self.layer = self._graph.writer(self._value).name
        self._behind = self._graph.behind(self._value)
        if self._head.value not in self._behind:
            raise CourseError(f"The score does not depend on layer {self.layer}: choose a layer on its way.")

    def _low(self, images, classes):
        # What does not depend on the maps stays outside the tape.
        beside = {n for step in self._graph.steps if self._behind & set(step.outputs) for n in step.inputs}
        known = self._graph.compute({0: images}, {self._value, *(beside - self._behind)}, self._call)
        known = {number: tensor for number, tensor in known.items() if number not in self._behind - {self._value}}
        maps = known[self._value]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(maps)
            logits = self._graph.compute(known, [self._head.value], self._call)[self._head.value]
            score = tf.reduce_sum(self._scores(logits, classes))
        weights = tf.reduce_mean(reachable(tape.gradient(score, maps), f"layer {self.layer}"), axis=(1, 2))
        return tf.nn.relu(tf.einsum("nhwk,nk->nhw", maps, weights))


class CAM(_ClassMap):
    """The class activation map: the maps before global average pooling, weighted by the class's own weights.

    Signed: negative where a place speaks against the class. The mean over the map plus the class's bias is the score.

    Args: see `Explainer`.

    Raises:
        CourseError: for a model that does not end in global average pooling and one dense layer; else as `Explainer`.

    Source: Zhou et al. 2016, Eqs. 1 and 2.
    """

    def __init__(self, model: keras.Model, **options):
        super().__init__(model, **options)
        self._dense = self._graph.writer(self._head.value)
        pool = self._graph.writer(self._dense.inputs[0]) if isinstance(self._dense.layer, keras.layers.Dense) else None
        while pool is not None and isinstance(pool.layer, keras.layers.Dropout):
            pool = self._graph.writer(pool.inputs[0])
        activation = getattr(self._dense.layer, "activation", None)
        bent = self._head.lent is None and activation_name(activation) != "linear"
        if bent or pool is None or not isinstance(pool.layer, keras.layers.GlobalAveragePooling2D):
            raise CourseError(
                f"Model {model.name} does not end in global average pooling and one dense layer: CAM needs both, "
                "GradCAM does not."
            )
        self._value = pool.inputs[0]
        if self._graph.writer(self._value) is None:
            raise CourseError(f"Model {model.name} averages the image itself: CAM needs maps before the pooling.")
        self.layer = self._graph.writer(self._value).name

    def _low(self, images, classes):
        known = self._graph.compute({0: images}, [self._value, self._head.value], self._call)
        wanted = tf.where(classes < 0, self._head.predicted(known[self._head.value]), classes)
        kernel = tf.cast(tf.convert_to_tensor(self._dense.layer.kernel), tf.float32)
        if self._head.columns == 1:
            weights = kernel[:, 0] * (2.0 * tf.cast(wanted, tf.float32)[:, None] - 1.0)
        else:
            weights = tf.transpose(tf.gather(kernel, wanted, axis=1))
        return tf.einsum("nhwk,nk->nhw", tf.cast(known[self._value], tf.float32), weights)


def enlarged(maps: tf.Tensor, size) -> tf.Tensor:
    """(N, h, w) -> (N, H, W), bilinear, half pixel centres."""
    return tf.image.resize(maps[..., None], size, "bilinear")[..., 0]
