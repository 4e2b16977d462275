"""The explainers that tf-keras-vis computes: one thin adapter hands it the model that it understands.

Left to itself, tf-keras-vis answers wrongly for a softmax head (Score-CAM then hardly depends on the class, and a
Softmax layer is not looked behind), for one logit, for large logits (Grad-CAM++ exponentiates them), for nested models.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from lookinside.errors import CourseError
from lookinside.explain.arguments import is_number, is_whole
from lookinside.explain.bar import bar
from lookinside.explain.cam import enlarged
from lookinside.explain.explainer import Explainer, Scores
from lookinside.explain.flat import MAPS, FlatModel
from lookinside.explain.layers import map_value
from lookinside.explain.tracing import traced

SHIFT = 4  # pixels by which the ascent's image moves between steps, so that no single pixel can win


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
        explain = _class_of(self.kind)(self._flat.model, clone=False)
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

    kind = "gradcam_plus_plus.GradcamPlusPlus"

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
        value_range: smallest and largest pixel that the model takes.
        steps: of the ascent.
        seed: of the noise that it starts from, and of the small shifts and turns on its way.
        options: `output`, `chunk` (classes at a time) and `progress`, see `Explainer`.

    Raises:
        CourseError: as `Explainer`, and for a model whose image size is open.

    Source: Erhan et al. 2009, section 3; computed by tf-keras-vis.
    """

    def __init__(self, model: keras.Model, *, value_range=(0.0, 1.0), steps: int = 200, seed: int = 0, **options):
        self._scores = Scores(model, **options)
        self._shape = model.input_shape[1:]
        if None in self._shape:
            raise CourseError(f"Model {model.name} takes images of any size: build it with a fixed one.")
        if not is_whole(steps) or not is_whole(seed, 0):
            raise CourseError(f"steps is {steps}, seed {seed}: give whole numbers, from 1 and from 0 on.")
        if not _is_range(value_range):
            raise CourseError(f"value_range is {value_range}: give two numbers, the low before the high.")
        self._flat = FlatModel(self._scores._graph, self._scores._head)
        self.value_range, self.steps, self.seed = tuple(map(float, value_range)), steps, seed

    def __call__(self, classes) -> np.ndarray:
        """One image for each class: int (K,) -> float32 (K, H, W, C) in `value_range`."""
        classes = np.atleast_1d(classes)
        classes = self._scores._checked_classes(classes, len(classes))
        if not classes.size:
            raise CourseError("classes are empty: name one or more.")
        self._flat.update()
        found, at_once = [], self._scores.chunk
        rounds = -(-len(classes) // at_once)
        with bar(self._scores.progress, rounds * self.steps, type(self).__name__, unit="step") as shown:
            for start in range(0, len(classes), at_once):
                found.append(self._ascent(classes[start : start + at_once], shown))
        return np.concatenate(found)

    def _ascent(self, classes, shown):
        from tf_keras_vis.activation_maximization import ActivationMaximization as Ascent
        from tf_keras_vis.activation_maximization.callbacks import Callback
        from tf_keras_vis.activation_maximization.input_modifiers import Rotate2D

        class Step(Callback):
            def __call__(self, *ignored, **also_ignored):
                shown.update(1)

        low, high = self.value_range
        random, turn = np.random.default_rng(self.seed), Rotate2D(degree=1)
        turn.random_generator = random
        start = random.uniform(low, high, (1, *self._shape)).astype(np.float32)
        found = Ascent(self._flat.model, clone=False)(
            lambda logits: tf.gather(logits, classes, axis=1, batch_dims=1),
            seed_input=np.repeat(start, len(classes), axis=0),
            input_range=self.value_range,
            # tf-keras-vis' own shift draws from NumPy's global state, which no seed of ours should touch.
            input_modifiers=[lambda images: tf.roll(images, random.integers(-SHIFT, SHIFT + 1, 2), (1, 2)), turn],
            steps=self.steps,
            optimizer=keras.optimizers.RMSprop((high - low) / 255, 0.999),
            callbacks=[Step()],
        )
        return np.clip(np.asarray(found, np.float32), low, high)


def _is_range(values) -> bool:
    pair = isinstance(values, tuple | list | np.ndarray) and len(values) == 2
    return pair and all(is_number(one, -np.inf) for one in values) and -np.inf < values[0] < values[1]


def _class_of(kind):
    from importlib import import_module

    module, name = kind.rsplit(".", 1)
    return getattr(import_module(f"tf_keras_vis.{module}"), name)
