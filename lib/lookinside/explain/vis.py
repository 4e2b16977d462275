"""The class activation maps that tf-keras-vis computes: one thin adapter hands it the model that it understands.

Left to itself, tf-keras-vis answers wrongly for a softmax head (Score-CAM then hardly depends on the class, and a
Softmax layer is not looked behind), for one logit, for large logits (Grad-CAM++ exponentiates them), for nested models.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.layercam import Layercam
from tf_keras_vis.scorecam import Scorecam

from lookinside.errors import CourseError
from lookinside.explain.arguments import is_whole
from lookinside.explain.cam import enlarged
from lookinside.explain.explainer import Explainer
from lookinside.explain.flat import MAPS, FlatModel
from lookinside.explain.layers import map_value
from lookinside.explain.tracing import traced


class _Vis(Explainer):
    """A class activation map that tf-keras-vis computes."""

    _theirs: type

    def __init__(self, model: keras.Model, layer: str | None = None, **options):
        super().__init__(model, **options)
        value = map_value(self._graph, layer, self._head.value)
        self.layer = self._graph.writer(value).name
        if self._head.value not in self._graph.behind(value):
            raise CourseError(f"The score does not depend on layer {self.layer}: choose a layer on its way.")
        self._flat = FlatModel(self._graph, self._head, value)
        # Most of tf-keras-vis computes with NumPy, step by step: it cannot be traced.
        self._traced, self._traced_low = self._maps, self._low

    def __call__(self, images, classes=None) -> np.ndarray:
        self._flat.update()
        return super().__call__(images, classes)

    def maps(self, images, classes=None) -> np.ndarray:
        """The maps in the layer's own size, float32 (N, h, w), before they are enlarged. Arguments as in a call."""
        self._flat.update()
        return self._over_chunks(images, classes, self._traced_low)

    def _maps(self, images, classes):
        return enlarged(self._low(images, classes), images.shape[1:3])

    def _low(self, images, classes):
        explain = self._theirs(self._flat.model, clone=False)
        wanted = tf.where(classes < 0, self._traced_predict(images), classes)
        maps = explain(
            lambda logits: self._score(tf.gather(logits, wanted, axis=1, batch_dims=1)),
            images,
            penultimate_layer=MAPS,
            seek_penultimate_conv_layer=False,
            expand_cam=False,
            normalize_cam=False,
            **self._extra(),
        )
        return tf.cast(maps, tf.float32)

    def _score(self, logits):
        return logits

    def _extra(self):
        return {}


class GradCAMPlusPlus(_Vis):
    """Grad-CAM++: as Grad-CAM, each place of a map weighted by itself.

    The exponential of the score scales all weights alike, so it is computed at a score of 0 and cannot overflow.

    Args:
        model, options: see `Explainer`.
        layer: as in `GradCAM`.

    Source: Chattopadhay et al. 2018, Eqs. 5 to 8 and 19; computed by tf-keras-vis.
    """

    _theirs = GradcamPlusPlus

    def __init__(self, model: keras.Model, layer: str | None = None, **options):
        super().__init__(model, layer, **options)
        self._traced, self._traced_low = traced(self._maps), traced(self._low)  # all of it is TensorFlow

    def _score(self, logits):
        return logits - tf.stop_gradient(logits)


class LayerCAM(_Vis):
    """LayerCAM: each place of a map weighted by its own positive gradient.

    Args:
        model, options: see `Explainer`.
        layer: as in `GradCAM`; early layers give finer maps.

    Source: Jiang et al. 2021, Eqs. 5 and 6; computed by tf-keras-vis.
    """

    _theirs = Layercam


class ScoreCAM(_Vis):
    """Score-CAM: each map weighted by the class's probability on the image that it masks. Needs no gradient.

    Args:
        model, options: see `Explainer`; it takes one forward pass and one image's memory for each map. `chunk` is 1.
        layer: as in `GradCAM`.
        maps_used: only the maps of largest spread (Faster Score-CAM); None uses all.

    Raises:
        CourseError: for a model of several sigmoid outputs, which are not one distribution over classes; else as
            `Explainer`.

    Source: Wang et al. 2020, Eqs. 5 to 7; computed by tf-keras-vis.
    """

    _theirs = Scorecam

    def __init__(self, model: keras.Model, layer: str | None = None, *, maps_used: int | None = None, **options):
        super().__init__(model, layer, **options)
        if self._head.squashing == "sigmoid" and self._head.columns > 1:
            raise CourseError("Score-CAM weighs by a softmax, this model's outputs are sigmoids: use GradCAM.")
        channels = self._graph.writer(map_value(self._graph, layer, self._head.value)).shape[-1]
        if maps_used is not None and not (is_whole(maps_used) and maps_used <= channels):
            raise CourseError(f"maps_used is {maps_used}: layer {self.layer} has {channels} maps.")
        self.maps_used = maps_used
        self.chunk = 1  # tf-keras-vis holds an image for each map, and chooses `maps_used` over the whole batch

    def _extra(self):
        return {"max_N": self.maps_used}
