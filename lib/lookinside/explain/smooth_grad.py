"""SmoothGrad: the gradient averaged over noisy copies of the image."""

from __future__ import annotations

from typing import Unpack

import keras
import numpy as np
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_number, is_whole
from lookinside.explain.calls.images import checked_images
from lookinside.explain.calls.rounds import even_rounds
from lookinside.explain.explainer import Options
from lookinside.explain.saliency import Saliency


class SmoothGrad(Saliency):
    """The gradient averaged over noisy copies of the image, then as `Saliency`.

    The noise is Gaussian, its standard deviation a share of the image's own range (largest minus smallest pixel). All
    images get the same draws, so a map does not depend on its neighbours.

    Args:
        model: see `Explainer`.
        samples: noisy copies of each image.
        noise: standard deviation of the noise over the image's range, 0 to 1.
        seed: of the noise.
        draws: noise of your own instead, float (samples, H, W, C); it is scaled like the drawn one.
        copies: noisy images at a time, over all images of a chunk; it bounds the memory.
        options: see `Explainer`.

    Raises:
        LookInsideError: for fewer than one sample or copy, negative noise, or draws that do not fit to the images; else
            as `Explainer`.

    Source: Smilkov et al. 2017, section 2; Wang et al. 2019 call it SmoothBP.
    """

    explained = (2, 3)

    def __init__(
        self,
        model: keras.Model,
        *,
        samples: int = 50,
        noise: float = 0.15,
        seed: int = 0,
        draws: np.ndarray | None = None,
        copies: int = 8,
        **options: Unpack[Options],
    ):
        super().__init__(model, **options)
        if draws is not None:
            draws = checked_images(draws, self._input_shape).astype(np.float32)
            samples = len(draws)
        whole = is_whole(samples) and is_whole(copies) and is_whole(seed, 0)
        if not whole or not is_number(noise):
            raise LookInsideError(
                f"samples {samples}, copies {copies}, noise {noise}, seed {seed}: give whole numbers, noise from 0 on."
            )
        self.samples, self.noise, self.seed, self.draws, self.copies = samples, noise, seed, draws, copies

    def _gradients(self, images, target):
        count, shape = tf.shape(images)[0], tuple(images.shape[1:])
        if self.draws is not None and self.draws.shape[1:] != shape:
            raise LookInsideError(f"The draws have shape {self.draws.shape}, the images are {shape}: draw anew.")
        rounds, at_once = even_rounds(self.samples, self.copies, count)
        axes, ones = tuple(range(1, len(shape) + 1)), [1] * len(shape)
        scale = self.noise * (
            tf.reduce_max(images, axis=axes, keepdims=True) - tf.reduce_min(images, axis=axes, keepdims=True)
        )
        # The class is that of the clean image, found only where it is not given.
        classes = tf.cond(
            tf.reduce_any(target.classes < 0),
            lambda: self._wanted(self._logits(images, target), target),
            lambda: target.classes,
        )
        repeated = target._replace(classes=classes).repeated(at_once)

        def one_round(number, total):
            numbers = number * at_once + tf.range(at_once)
            noisy = images[:, None] + scale[:, None] * self._drawn(numbers, shape)[None]
            gradients = super(SmoothGrad, self)._gradients(tf.reshape(noisy, (-1, *shape)), repeated)
            counted = tf.cast(numbers < self.samples, tf.float32)  # the last round may hold a few too many
            gradients = tf.reshape(gradients, (count, at_once, *shape)) * tf.reshape(counted, (1, -1, *ones))
            return number + 1, total + tf.reduce_sum(gradients, axis=1)

        start = (tf.constant(0), tf.zeros_like(images))
        _, total = tf.while_loop(
            lambda number, _: number < rounds, one_round, start, parallel_iterations=1, maximum_iterations=rounds
        )
        return total / self.samples

    def _drawn(self, numbers, shape):
        """The noise of some samples, (samples, H, W, C), each a function of its number and the seed alone."""
        if self.draws is not None:
            return tf.gather(self.draws, numbers % self.samples)
        draw = lambda number: tf.random.stateless_normal(shape, (self.seed, number))  # noqa: E731
        return tf.map_fn(draw, numbers, fn_output_signature=tf.TensorSpec(shape, tf.float32))
