"""CAM: a layer's feature maps, weighted by the class's own weights."""

from __future__ import annotations

from typing import Unpack

import keras
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.explain.explainer import Options
from lookinside.explain.maps.class_maps import ClassMap
from lookinside.explain.network.activations import activation_name, is_hidden
from lookinside.explain.network.precision import float_kernel

_AVERAGES = keras.layers.GlobalAveragePooling2D | keras.layers.GlobalAveragePooling3D


class CAM(ClassMap):
    """The class activation map: the maps before global average pooling, weighted by the class's own weights.

    Signed: negative where a place speaks against the class. The mean over the map plus the class's bias is the score.

    Args: see `Explainer`.

    Raises:
        LookInsideError: for a model that does not end in global average pooling and one dense layer; else as
            `Explainer`.

    Source: Zhou et al. 2016, Eqs. 1 and 2.
    """

    def __init__(self, model: keras.Model, **options: Unpack[Options]):
        super().__init__(model, **options)
        self._dense = self._graph.writer(self._head.value)
        pool = self._graph.writer(self._dense.inputs[0]) if isinstance(self._dense.layer, keras.layers.Dense) else None
        while pool is not None and isinstance(pool.layer, keras.layers.Dropout) and not is_hidden(pool.layer):
            pool = self._graph.writer(pool.inputs[0])
        averages = pool is not None and isinstance(pool.layer, _AVERAGES)
        activation = getattr(self._dense.layer, "activation", None)
        bent = self._head.squasher is None and activation_name(activation) != "linear"
        if bent or not averages or is_hidden(pool.layer):
            raise LookInsideError(
                f"Model {model.name} does not end in global average pooling and one dense layer: CAM needs both, "
                "GradCAM does not."
            )
        self._value = pool.inputs[0]
        if self._graph.writer(self._value) is None:
            raise LookInsideError(f"Model {model.name} averages the image itself: CAM needs maps before the pooling.")
        self.layer = self._graph.writer(self._value).name
        if self._graph.writer(self._value).shape[:-1] in ((1, 1), (1, 1, 1)):
            raise LookInsideError(f"Layer {self.layer} has maps of one pixel: give the model larger images.")
        float_kernel(self._dense.layer)  # says what it cannot read

    def _low(self, images, target):
        known = self._graph.compute(self._known(images, target), [self._value, self._head.value], self._call)
        wanted = self._wanted(known[self._head.value], target)
        kernel = float_kernel(self._dense.layer)
        if self._head.columns == 1:
            weights = kernel[:, 0] * (2.0 * tf.cast(wanted, tf.float32)[:, None] - 1.0)
        else:
            weights = tf.transpose(tf.gather(kernel, wanted, axis=1))
        return tf.einsum("n...k,nk->n...", tf.cast(known[self._value], tf.float32), weights)
