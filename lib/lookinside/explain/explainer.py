"""What all explainers of a class share: the checked call, chunk by chunk, one trace an image size, a bar."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypedDict, Unpack

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.explain.calls.bars import bar
from lookinside.explain.calls.blank import told
from lookinside.explain.calls.images import checked_images
from lookinside.explain.network.backward import Caller
from lookinside.explain.network.graph import Graph, Step
from lookinside.explain.network.head import find_head
from lookinside.explain.network.tracing import traced


class Options(TypedDict, total=False):
    """What every explainer takes by name, see `Explainer`."""

    output: str | int | None
    chunk: int
    progress: bool | Callable


class ClassScores:
    """A model's class scores, checked and computed chunk by chunk: what explainers and the scores of maps stand on.

    Arguments and errors: see `Explainer`.
    """

    relu: Callable | None = None  # stands for every ReLU of the model; None leaves them
    title: str | None = None  # what a bar and a warning call it; None is the class's own name
    not_a_map = "makes no map of an image: give GradCAM, say"  # where an explainer of images is wanted

    def __init__(
        self,
        model: keras.Model,
        *,
        output: str | int | None = None,
        chunk: int = 16,
        progress: bool | Callable = True,
    ):
        if not is_whole(chunk):
            raise LookInsideError(f"chunk is {chunk}: give a whole number, 1 or more.")
        self._graph = Graph(model)
        for step in self._graph.steps:
            if getattr(step.layer, "data_format", "channels_last") == "channels_first":
                raise LookInsideError(f"Layer {step.name} has its channels first: build the model with channels last.")
        if len(model.input_shape) != 4:
            raise LookInsideError(f"Model {model.name} takes {model.input_shape}: images (N, H, W, C) are needed.")
        self._head = find_head(self._graph, model, output)
        self._call = Caller(self.score_steps, self._head.squasher, self.relu)
        self._input_shape = model.input_shape
        self.chunk, self.progress = chunk, progress
        self._traced_predict = traced(self._predict)

    @property
    def score_steps(self) -> list[Step]:
        """The steps of the model that lead to the scores, in order."""
        return self._graph.steps_to([self._head.value])

    def predict(self, images: ArrayLike) -> np.ndarray:
        """The class with the highest score, int32 (N,): what `classes=None` explains. Arguments as in a call."""
        return self._over_chunks(images, 0, lambda part, _: self._traced_predict(part))

    def _over_chunks(self, images, classes, compute) -> np.ndarray:
        images = checked_images(images, self._input_shape)
        classes = self._checked_classes(classes, len(images))
        found = None
        with bar(self.progress, len(images), self.title or type(self).__name__) as shown:
            for start in range(0, len(images), self.chunk):
                part = slice(start, start + self.chunk)
                maps = compute(tf.constant(images[part], tf.float32), tf.constant(classes[part])).numpy()
                if not np.isfinite(maps).all():
                    raise LookInsideError(
                        "The maps hold nan or infinite values: look at the weights and the images' range."
                    )
                if found is None:
                    found = np.empty((len(images), *maps.shape[1:]), maps.dtype)
                found[part] = maps
                shown.update(len(maps))
        return found

    def _checked_classes(self, classes, count):
        """int32 (N,); -1 stands for the predicted class."""
        if classes is None:
            return np.full(count, -1, np.int32)
        try:
            classes = np.asarray(classes)
        except ValueError:
            raise LookInsideError(f"classes are {classes}: give one whole number, or one for each image.") from None
        if not np.issubdtype(classes.dtype, np.integer) or classes.shape not in ((), (count,)):
            said = f"{classes.dtype} {classes.shape}" if classes.ndim else repr(classes.item())
            raise LookInsideError(f"classes are {said}: give one whole number, or one for each image.")
        wrong = classes[(classes < 0) | (classes >= self._head.classes)]
        if wrong.size:
            raise LookInsideError(
                f"Class {wrong.flat[0]} is outside the range: this model knows 0 to {self._head.classes - 1}."
            )
        return np.broadcast_to(classes, (count,)).astype(np.int32)

    def _predict(self, images):
        return self._head.predicted(self._logits(images))

    def _logits(self, images):
        return self._graph.compute({0: images}, [self._head.value], self._call)[self._head.value]

    def _score_of(self, logits, classes):
        """The score of each image's class; -1 is replaced by the predicted one."""
        wanted = tf.where(classes < 0, self._head.predicted(logits), classes)
        return self._head.of_class(logits, wanted)


class Explainer(ClassScores, ABC):
    """Explains the score of a class, image by image: `Explainer(model, ...)(images, classes=None)`.

    The score is the class's logit; a softmax or sigmoid at the end is looked behind. Works for functional and
    Sequential models, nested ones too, computes in float32, and never changes the model, whose weights are read at
    each call; several threads may explain one model. Each image's map is independent of its neighbours in the batch.
    Batches of all sizes share one trace, as long as the images' size is the same.

    Args:
        model: a Keras classifier, one image in, scores (N, classes) out; one score tells two classes apart by sign.
        output: which output, by name, where the model has several.
        chunk: images at a time; it bounds the memory.
        progress: True for a bar on the error stream where the work takes over five seconds, False for silence, or a
            callable `(steps, description, unit=)` that returns a bar with `update` and `close`.

    Raises:
        LookInsideError: for a model that does not show its layers, whose class has a call of its own, whose last layer
            may hide a softmax (a black box, a layer of yours), or that has several outputs and none is named.
    """

    def __init__(self, model: keras.Model, **options: Unpack[Options]):
        super().__init__(model, **options)
        self._traced = traced(self._maps)

    def __call__(self, images: ArrayLike, classes: ArrayLike | None = None) -> np.ndarray:
        """One map for each image.

        Args:
            images: (N, H, W, C), as the model takes them; integers are cast, not rescaled.
            classes: int (N,), or one class for all; None explains the predicted class of each image.

        Returns:
            float32 (N, H, W).

        Raises:
            LookInsideError: for images that do not fit to the model, an empty batch, nan or infinite pixels, or a class
                outside the range.

        Warns:
            BlankMapWarning: once, with their number, where maps are empty or the same everywhere.
        """
        return self._told_maps(images, classes, self._traced)

    def _told_maps(self, images, classes, compute) -> np.ndarray:
        """The maps; a BlankMapWarning says how many of them are empty or the same everywhere."""
        return told(self._over_chunks(images, classes, compute), self.title or type(self).__name__)

    @abstractmethod
    def _maps(self, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """(N, H, W, C) float32 and (N,) -> (N, H, W); traced once for images of a size, N open."""


def explainer_of(maker: Callable, model: keras.Model) -> Callable:
    """Make an explainer of a model. Raises LookInsideError for one that is made already, or what is no maker."""
    if isinstance(maker, ClassScores) or not callable(maker):
        raise LookInsideError(f"{maker!r:.60} makes no explainer: give GradCAM, say, rather than GradCAM(model).")
    explain = maker(model)
    if not callable(explain) or (isinstance(explain, ClassScores) and not isinstance(explain, Explainer)):
        said = getattr(explain, "not_a_map", ClassScores.not_a_map)
        raise LookInsideError(f"{type(explain).__name__} {said}.")
    return explain


def reachable(gradient: tf.Tensor | None, what: str) -> tf.Tensor:
    """Return a gradient. Raises LookInsideError where there is none: the score cannot be differentiated by `what`."""
    if gradient is None:
        raise LookInsideError(
            f"No gradient leads from the score to {what}: something on its way stops it, use Occlusion."
        )
    return gradient
