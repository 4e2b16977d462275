"""Insertion and deletion: do the pixels that a map calls important carry the network's decision?"""

from __future__ import annotations

from typing import NamedTuple, Unpack

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from lookinside.arrays import as_numbers
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_number, is_whole
from lookinside.explain.calls.bars import bar
from lookinside.explain.calls.rounds import in_rounds
from lookinside.explain.calls.target import Target
from lookinside.explain.explainer import ClassScores, Options
from lookinside.explain.network.tracing import traced
from lookinside.explain.truth.imputation import NOISE, check_noise, drawn_noise, imputed


class Curves(NamedTuple):
    """The class's probability while pixels come or go, most important first.

    Attributes:
        shares: float64 (K + 1,), the share of pixels changed, 0 to 1.
        probabilities: float32 (N, K + 1).
        areas: float64 (N,), the area under each curve, 0 to 1 (trapezoidal rule).
    """

    shares: np.ndarray
    probabilities: np.ndarray
    areas: np.ndarray


Fill = float | tuple[float, ...] | str  # what stands for a pixel that is not there
IMPUTED = "imputed"


class WalkOptions(Options, total=False):
    """What `insertion` and `deletion` take by name beside every explainer's options."""

    steps: int
    seed: int
    copies: int
    noise: float


def insertion(
    model: keras.Model,
    images: ArrayLike,
    heat: ArrayLike,
    classes: ArrayLike | None = None,
    *,
    blur: float = 5.0,
    fill: Fill | None = None,
    **options: Unpack[WalkOptions],
) -> Curves:
    """The class's probability while the map's pixels are put into a blurred image, most important first.

    A large area is good: the pixels ranked first suffice. What is chance depends on the network: score random heat
    beside it. Ties are broken at random, for a reading order would favour the upper rows.

    Args:
        model: a Keras classifier, as for every `Explainer`.
        images: (N, H, W, C), as the model takes them; of several inputs a list of them, or a dict by name.
        heat: float (N, H, W).
        classes: int (N,), or one for all; None is the predicted class of the whole image.
        blur: standard deviation of the blur that the image starts from, in pixels.
        fill: what stands for the pixels that are not there yet, instead of the blurred image: a number or one for each
            channel, in the images' own units, or "imputed", the mean of their neighbours (`linear_imputation`), made
            anew at each step: on one core 0.3 s for 32 steps of an image of 64 px, 1 s at 112 px, 5 s at 224 px.
        options: steps (32), seed (of ties and noise, 0), copies (images at a time, 32), noise (of imputed pixels, 0.01
            of the image's range), input, output, chunk, progress.

    Raises:
        LookInsideError: for heat that does not fit to the images or is not finite, a negative blur or noise, another
            fill, fewer than one step, or where the model answers nan; else as `Explainer`.

    Source: Petsiuk, Das & Saenko 2018, section 4.3; imputation: Rong et al. 2022.
    """
    return PixelWalk(model, **options).insertion(images, heat, classes, blur=blur, fill=fill)


def deletion(
    model: keras.Model,
    images: ArrayLike,
    heat: ArrayLike,
    classes: ArrayLike | None = None,
    *,
    fill: Fill = 0.0,
    **options: Unpack[WalkOptions],
) -> Curves:
    """The class's probability while the map's pixels are replaced by `fill`, most important first.

    A small area is good: the decision falls soon. But a network may decide by the constant that pixels are replaced by,
    a black shape say, rather than by what is missing: "imputed" replaces them by what their neighbours say. Arguments,
    errors and source as `insertion`; `fill` may not be None.
    """
    return PixelWalk(model, **options).deletion(images, heat, classes, fill=fill)


class PixelWalk(ClassScores):
    """From one image to another, pixel by pixel in a map's order, with the class's probability at each step.

    For many maps of one network: it is traced once, where `insertion` and `deletion` trace at each call. Arguments,
    results, errors and source as theirs.
    """

    title = "Insertion or deletion"
    explained = (2, 3)
    needs_layers = False

    def __init__(
        self,
        model: keras.Model,
        *,
        steps: int = 32,
        seed: int = 0,
        copies: int = 32,
        noise: float = NOISE,
        **options: Unpack[Options],
    ):
        if not is_whole(steps) or not is_whole(copies) or not is_whole(seed, 0):
            raise LookInsideError(
                f"steps is {steps}, copies {copies}, seed {seed}: give whole numbers, from 1 or 0 on."
            )
        check_noise(noise, seed)
        super().__init__(model, **options)
        self.steps, self.seed, self.copies, self.noise = steps, seed, copies, noise
        self._traced_walk, self._traced_answers = traced(self._walk), traced(self._answers)

    def insertion(
        self,
        images: ArrayLike,
        heat: ArrayLike,
        classes: ArrayLike | None = None,
        *,
        blur: float = 5.0,
        fill: Fill | None = None,
    ) -> Curves:
        """As the function `insertion`."""
        if not is_number(blur):
            raise LookInsideError(f"blur is {blur}: give 0 or more pixels.")
        whole, beside = self._checked(images, classes)
        sigmas = (0, *[blur] * (whole.ndim - 2), 0)
        start = gaussian_filter(whole, sigmas) if fill is None else self._filled(whole, fill)
        return self._curves(start, whole, heat, whole, beside)

    def deletion(
        self, images: ArrayLike, heat: ArrayLike, classes: ArrayLike | None = None, *, fill: Fill = 0.0
    ) -> Curves:
        """As the function `deletion`."""
        whole, beside = self._checked(images, classes)
        return self._curves(whole, self._filled(whole, fill), heat, whole, beside)

    def checked(self, images: ArrayLike) -> np.ndarray:
        """The images alone, of a model of several inputs too: float32 (N, H, W, C)."""
        return self._inputs.checked(images)[0].astype(np.float32)

    def _checked(self, images, classes):
        """The images, float32, and their classes and other inputs as arrays."""
        whole, others = self._inputs.checked(images)
        classes = self.predict(images) if classes is None else self._checked_classes(classes, len(whole))
        return whole.astype(np.float32), Target(classes, others)

    def _filled(self, images, fill):
        """What the images are without their pixels; None where that depends on the pixels that are left."""
        if isinstance(fill, str) and fill == IMPUTED:
            if images.ndim != 4:
                raise LookInsideError(f"fill is {IMPUTED!r}, which is for images: give a number for volumes.")
            return None
        if isinstance(fill, str):
            raise LookInsideError(f"fill is {fill!r:.60}: give a number, one for each channel, or {IMPUTED!r}.")
        values = as_numbers(fill, "fill").astype(np.float32)
        if values.shape not in ((), images.shape[-1:]) or not np.isfinite(values).all():
            said = f"one number, one for each of {images.shape[-1]} channels, or {IMPUTED!r}"
            raise LookInsideError(f"fill is {fill!r:.60}: give {said}.")
        return np.broadcast_to(values, images.shape)

    def _curves(self, start, end, heat, images, target) -> Curves:
        heat = as_numbers(heat, "heat")
        if heat.shape != images.shape[:-1]:
            raise LookInsideError(
                f"heat is {heat.shape} for images {images.shape}: give (N, H, W), a map for each image."
            )
        if not np.isfinite(heat).all():
            raise LookInsideError("The heat holds nan or infinite values: look for them in the images or the weights.")
        pixels = heat[0].size
        changed = np.round(np.arange(self.steps + 1) * pixels / self.steps).astype(np.int32)
        size = max(1, self.copies // len(changed))
        found = []
        with bar(self.progress, len(images), "pixel by pixel") as shown:
            for first in range(0, len(images), size):
                part = slice(first, first + size)
                ranks = np.stack([self._ranks(one) for one in heat[part]])
                if start is None or end is None:
                    found.append(self._imputed_walk(images[part], ranks, target.rows(part), changed, start is None))
                else:
                    way = map(tf.constant, (start[part], end[part], ranks))
                    found.append(self._traced_walk(*way, target.rows(part), tf.constant(changed)).numpy())
                shown.update(len(ranks))
        probabilities = np.concatenate(found)
        if not np.isfinite(probabilities).all():
            number = int(np.flatnonzero(~np.isfinite(probabilities).all(axis=1))[0])
            raise LookInsideError(
                f"The model answers nan or infinity on image {number} with some of its pixels changed."
            )
        shares = changed / pixels
        return Curves(shares, probabilities, np.trapezoid(probabilities, shares, axis=1))

    def _ranks(self, heat):
        """int32 (H, W): 0 for the most important pixel, and so on; equal ones in random order."""
        order = np.lexsort((np.random.default_rng(self.seed).permutation(heat.size), -heat.ravel()))
        ranks = np.empty(heat.size, np.int32)
        ranks[order] = np.arange(heat.size, dtype=np.int32)
        return ranks.reshape(heat.shape)

    def _walk(self, start, end, ranks, target, changed):
        count, places = tf.shape(start)[0], [1] * (len(start.shape) - 2)

        def probabilities_at(numbers):
            passed = ranks[:, None] < tf.reshape(tf.gather(changed, numbers), (1, -1, *places))
            mixed = tf.where(passed[..., None], end[:, None], start[:, None])
            return self._answers(tf.reshape(mixed, (-1, *start.shape[1:])), target.repeated(tf.size(numbers)))

        return in_rounds(probabilities_at, count, tf.size(changed), self.copies)

    def _imputed_walk(self, images, ranks, target, changed, inserting):
        """As `_walk`, with pixels that are imputed from those that are left: they are others at each step."""
        found, draws = [], drawn_noise(images.shape[1:], self.noise, self.seed)
        for number, (image, rank) in enumerate(zip(images, ranks, strict=True)):
            row, own = [], target.rows(slice(number, number + 1))
            for first in range(0, len(changed), self.copies):
                passed = [rank < count for count in changed[first : first + self.copies]]
                pictures = np.stack([imputed(image, ~one if inserting else one, draws) for one in passed])
                row.append(self._traced_answers(tf.constant(pictures), own.repeated(len(pictures))).numpy())
            found.append(np.concatenate(row))
        return np.stack(found)

    def _answers(self, pictures, target):
        """The probability of each picture's class."""
        logits, classes = self._logits(pictures, target), target.classes
        if self._head.columns == 1 or self._head.squashing == "sigmoid":
            return tf.sigmoid(self._head.of_class(logits, classes))
        return tf.gather(tf.nn.softmax(logits), classes, axis=1, batch_dims=1)
