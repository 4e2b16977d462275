"""The explainers that tf-keras-vis computes: one thin adapter hands it the model that it understands.

Left to itself, tf-keras-vis answers wrongly for a softmax head (Score-CAM then hardly depends on the class, and a
Softmax layer is not looked behind), for one logit, for large logits (Grad-CAM++ exponentiates them), for nested models.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from lookinside.errors import CourseError
from lookinside.explain.cam import enlarged
from lookinside.explain.explainer import Explainer, Scores
from lookinside.explain.flat import MAPS, FlatModel
from lookinside.explain.images import is_whole
from lookinside.explain.layers import map_value


class _Vis(Explainer):
    """A class activation map that tf-keras-vis computes."""

    kind = ""

    def __init__(self, model: keras.Model, layer: str | None = None, **options):
        super().__init__(model, **options)
        value = map_value(self._graph, layer, self._head.value)
        self.layer = self._graph.writer(value).name
        if self._head.value not in self._graph.behind(value):
            raise CourseError(f"The score does not depend on layer {self.layer}: choose a layer on its way.")
        self._flat = FlatModel(self._graph, self._head, value)
        self._traced = self._maps  # tf-keras-vis runs step by step: it cannot be traced

    def maps(self, images, classes=None) -> np.ndarray:
        """The maps in the layer's own size, float32 (N, h, w), before they are enlarged. Arguments as in a call."""
        return self._over_chunks(images, classes, self._low)

    def _maps(self, images, classes):
        return enlarged(self._low(images, classes), images.shape[1:3])

    def _low(self, images, classes):
        explain = _class_of(self.kind)(self._flat.update(), clone=False)
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
        return tf.convert_to_tensor(np.asarray(maps, np.float32))

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

    kind = "gradcam_plus_plus.GradcamPlusPlus"

    def _score(self, logits):
        return logits - tf.stop_gradient(logits)


class LayerCAM(_Vis):
    """LayerCAM: each place of a map weighted by its own positive gradient.

    Args:
        model, options: see `Explainer`.
        layer: as in `GradCAM`; early layers give finer maps.

    Source: Jiang et al. 2021, Eqs. 5 and 6; computed by tf-keras-vis.
    """

    kind = "layercam.Layercam"


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

    kind = "scorecam.Scorecam"

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


class ActivationMaximization:
    """An image made from noise that raises a class's score: what the class looks like to the network. No image goes in.

    Args:
        model: see `Explainer`.
        output: which output, by name, where the model has several.
        value_range: smallest and largest pixel that the model takes.
        steps: of the ascent.
        seed: of the noise that it starts from.

    Raises:
        CourseError: as `Explainer`, and for a model whose image size is open.

    Source: Erhan et al. 2009, section 3; computed by tf-keras-vis.
    """

    def __init__(self, model: keras.Model, *, output=None, value_range=(0.0, 1.0), steps: int = 200, seed: int = 0):
        self._scores = Scores(model, output=output, progress=False)
        self._shape = model.input_shape[1:]
        if None in self._shape:
            raise CourseError(f"Model {model.name} takes images of any size: build it with a fixed one.")
        if not is_whole(steps) or not value_range[0] < value_range[1]:
            raise CourseError(f"steps is {steps}, value_range {value_range}: give 1 or more, and a low before a high.")
        self._flat = FlatModel(self._scores._graph, self._scores._head)
        self.value_range, self.steps, self.seed = tuple(map(float, value_range)), steps, seed

    def __call__(self, classes) -> np.ndarray:
        """One image for each class: int (K,) -> float32 (K, H, W, C) in `value_range`."""
        from tf_keras_vis.activation_maximization import ActivationMaximization as Ascent

        classes = np.atleast_1d(classes)
        classes = self._scores._checked_classes(classes, len(classes))
        low, high = self.value_range
        start = np.random.default_rng(self.seed).uniform(low, high, (1, *self._shape)).astype(np.float32)
        found = Ascent(self._flat.update(), clone=False)(
            lambda logits: tf.gather(logits, classes, axis=1, batch_dims=1),
            seed_input=np.repeat(start, len(classes), axis=0),
            input_range=self.value_range,
            steps=self.steps,
            optimizer=keras.optimizers.RMSprop((high - low) / 255, 0.999),
        )
        return np.clip(np.asarray(found, np.float32), low, high)


def _class_of(kind):
    from importlib import import_module

    module, name = kind.rsplit(".", 1)
    return getattr(import_module(f"tf_keras_vis.{module}"), name)
