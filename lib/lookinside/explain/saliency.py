"""Saliency: the gradient of a class's score by the pixels."""

from __future__ import annotations

from typing import Unpack

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lookinside.explain.explainer import Explainer, Options, reachable
from lookinside.explain.network.tracing import traced


class Saliency(Explainer):
    """The gradient of the class's score by the pixels: absolute value, then the maximum over channels.

    It explains an input of numbers (N, F), too, named by `input=`: the absolute gradient by each, float32 (N, F).

    Source: Simonyan, Vedaldi & Zisserman 2014, section 3. Arguments, errors: see `Explainer`.
    """

    explained = (0, 2, 3)
    needs_layers = False

    def gradients(
        self, images: ArrayLike, classes: ArrayLike | None = None, regions: ArrayLike | None = None
    ) -> np.ndarray:
        """The signed gradients themselves, float32 (N, H, W, C), of numbers (N, F). Arguments as in a call."""
        return self._told_maps(images, classes, self._traced_gradients, regions)

    def __init__(self, model: keras.Model, **options: Unpack[Options]):
        super().__init__(model, **options)
        self._traced_gradients = traced(self._gradients)

    def _maps(self, images, target):
        size = tf.abs(self._gradients(images, target))
        return tf.reduce_max(size, axis=-1) if len(images.shape) > 2 else size

    def _gradients(self, images, target):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            score = tf.reduce_sum(self._score_of(self._logits(images, target), target))
        slopes = tape.gradient(score, images)
        if len(images.shape) == 2:
            return reachable(slopes, "the numbers", "an embedding say: explain another input")
        return reachable(slopes, "the image")
