"""Feature visualisation: the image that a class's score likes best, found by tf-keras-vis."""

from __future__ import annotations

from typing import Unpack

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tf_keras_vis.activation_maximization import ActivationMaximization as Ascent
from tf_keras_vis.activation_maximization.callbacks import Callback
from tf_keras_vis.activation_maximization.input_modifiers import Rotate2D

from lookinside.arrays import as_array
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_number, is_whole
from lookinside.explain.calls.bars import bar
from lookinside.explain.explainer import ClassScores, Options
from lookinside.explain.network.flat import FlatModel

SHIFT = 4  # pixels by which the image moves between steps, so that no single pixel can win


class ActivationMaximization(ClassScores):
    """An image made from noise that raises a class's score: what the class looks like to the network. No image goes in.

    The image is also pulled to be smooth (total variation) and dark (L1), by tf-keras-vis' own weights.

    Args:
        model: see `Explainer`.
        value_range: smallest and largest pixel that the model takes.
        steps: of the ascent.
        seed: of the noise that it starts from, and of the small shifts and turns on its way.
        options: `output`, `chunk` (classes at a time) and `progress`, see `Explainer`.

    Raises:
        LookInsideError: as `Explainer`, and for a model whose image size is open.

    Source: Erhan et al. 2009, section 3; computed by tf-keras-vis.
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        value_range: tuple[float, float] = (0.0, 1.0),
        steps: int = 200,
        seed: int = 0,
        **options: Unpack[Options],
    ):
        super().__init__(model, **options)
        if len(self._graph.inputs) > 1:
            raise LookInsideError(f"Model {model.name} has {len(self._graph.inputs)} inputs: give one of images alone.")
        self._shape = self._input_shape[1:]
        if None in self._shape:
            raise LookInsideError(f"Model {model.name} takes images of any size: build it with a fixed one.")
        if not is_whole(steps) or not is_whole(seed, 0):
            raise LookInsideError(f"steps is {steps}, seed {seed}: give whole numbers, from 1 and from 0 on.")
        if not _is_range(value_range):
            raise LookInsideError(f"value_range is {value_range}: give two numbers, the low before the high.")
        self._flat = FlatModel(self._graph, self._head)
        self.value_range, self.steps, self.seed = tuple(map(float, value_range)), steps, seed
        low, high = self.value_range
        # Climbed in shares of the range: what pulls the image to be smooth and dark does not know its units.
        share = keras.Input(self._shape)
        self._climbed = keras.Model([share], self._flat.model([keras.layers.Rescaling(high - low, low)(share)]))

    def __call__(self, classes: ArrayLike) -> np.ndarray:
        """One image for each class: int (K,) -> float32 (K, H, W, C) in `value_range`."""
        classes = np.atleast_1d(as_array(classes, "classes"))
        classes = self._checked_classes(classes, len(classes))
        if not classes.size:
            raise LookInsideError("classes are empty: name one or more.")
        self._flat.update()
        found, at_once = [], self.chunk
        rounds = -(-len(classes) // at_once)
        with bar(self.progress, rounds * self.steps, type(self).__name__, unit="step") as shown:
            for start in range(0, len(classes), at_once):
                found.append(self._ascent(classes[start : start + at_once], shown))
        low, high = self.value_range
        return np.concatenate(found) * np.float32(high - low) + np.float32(low)

    def _ascent(self, classes, shown):
        random, turn = np.random.default_rng(self.seed), Rotate2D(degree=1)
        turn.random_generator = random
        start = random.random((1, *self._shape)).astype(np.float32)
        found = Ascent(self._climbed, clone=False)(
            lambda logits: tf.gather(logits, classes, axis=1, batch_dims=1),
            seed_input=np.repeat(start, len(classes), axis=0),
            input_range=(0.0, 1.0),
            # tf-keras-vis' own shift draws from NumPy's global state, which no seed of ours should touch.
            input_modifiers=[lambda images: tf.roll(images, random.integers(-SHIFT, SHIFT + 1, 2), (1, 2)), turn],
            steps=self.steps,
            optimizer=keras.optimizers.RMSprop(1 / 255, 0.999),
            callbacks=[_Steps(shown)],
        )
        return np.clip(np.asarray(found, np.float32), 0, 1)


class _Steps(Callback):
    """Tells a bar of each step of the ascent."""

    def __init__(self, shown):
        self.shown = shown

    def __call__(self, *values, **more_values):
        self.shown.update(1)


def _is_range(values) -> bool:
    pair = isinstance(values, tuple | list | np.ndarray) and len(values) == 2
    return pair and all(is_number(one, -np.inf) for one in values) and -np.inf < values[0] < values[1]
