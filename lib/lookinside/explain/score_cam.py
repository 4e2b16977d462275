"""Score-CAM, computed by tf-keras-vis on the model that it understands.

Left to itself, it answers wrongly for a softmax head (the maps then hardly depend on the class), for one logit and for
nested models.
"""

from __future__ import annotations

from typing import Unpack

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tf_keras_vis.scorecam import Scorecam

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.explain.explainer import Explainer, Options
from lookinside.explain.maps.enlarging import enlarged
from lookinside.explain.network.flat import MAPS, FlatModel
from lookinside.explain.network.layers import map_value


class ScoreCAM(Explainer):
    """Score-CAM: each map weighted by the class's probability on the image that it masks. Needs no gradient.

    Args:
        model, options: see `Explainer`. It takes one forward pass and the memory of some five images for each map, so
            `chunk` is always 1.
        layer: as in `GradCAM`.
        maps_used: only the maps of largest spread (Faster Score-CAM); None uses all.

    Raises:
        LookInsideError: for a model of several sigmoid outputs, which are not one distribution over classes, and for a
            layer that cannot be copied; else as `GradCAM`.

    Source: Wang et al. 2020, Eqs. 5 to 7; computed by tf-keras-vis.
    """

    per_pixel = False

    def __init__(
        self,
        model: keras.Model,
        layer: str | None = None,
        *,
        maps_used: int | None = None,
        **options: Unpack[Options],
    ):
        super().__init__(model, **options)
        if len(self._graph.inputs) > 1:
            raise LookInsideError(f"Model {model.name} has {len(self._graph.inputs)} inputs: use GradCAM.")
        value = map_value(self._graph, layer, self._head)
        step = self._graph.writer(value)
        self.layer = step.name
        if self._head.squashing == "sigmoid" and self._head.columns > 1:
            raise LookInsideError("Score-CAM weighs by a softmax, this model's outputs are sigmoids: use GradCAM.")
        if maps_used is not None and not (is_whole(maps_used) and maps_used <= step.shape[-1]):
            raise LookInsideError(f"maps_used is {maps_used}: layer {self.layer} has {step.shape[-1]} maps.")
        self.maps_used = maps_used
        self.chunk = 1  # tf-keras-vis holds an image for each map, and chooses `maps_used` over the whole batch
        self._flat = FlatModel(self._graph, self._head, value)
        self._traced = self._maps  # tf-keras-vis computes with NumPy, step by step: it cannot be traced

    def __call__(
        self, images: ArrayLike, classes: ArrayLike | None = None, regions: ArrayLike | None = None
    ) -> np.ndarray:
        self._flat.update()
        return super().__call__(images, classes, regions)

    def maps(self, images: ArrayLike, classes: ArrayLike | None = None) -> np.ndarray:
        """The maps in the layer's own size, float32 (N, h, w), before they are enlarged. Arguments as in a call."""
        self._flat.update()
        return self._told_maps(images, classes, self._low)

    def _maps(self, images, target):
        return enlarged(self._low(images, target), images.shape[1:3])

    def _low(self, images, target):
        wanted = tf.where(target.classes < 0, self._traced_predict(images, target), target.classes)
        maps = Scorecam(self._flat.model, clone=False)(
            lambda probabilities: tf.gather(probabilities, wanted, axis=1, batch_dims=1),
            images,
            penultimate_layer=MAPS,
            seek_penultimate_conv_layer=False,
            expand_cam=False,
            normalize_cam=False,
            max_N=self.maps_used,
        )
        return tf.cast(maps, tf.float32)
