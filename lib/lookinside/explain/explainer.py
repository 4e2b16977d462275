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
from lookinside.explain.calls.images import checked_regions
from lookinside.explain.calls.inputs import Inputs
from lookinside.explain.calls.target import Target
from lookinside.explain.network.backward import Caller
from lookinside.explain.network.graph import Step
from lookinside.explain.network.head import find_head
from lookinside.explain.network.opaque import graph_of
from lookinside.explain.network.tracing import traced


class Options(TypedDict, total=False):
    """What every explainer takes by name, see `Explainer`."""

    input: str | int | None
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
    explained: tuple[int, ...] = (2,)  # how many axes of places the input may have: 2 images, 3 volumes, 0 numbers
    per_pixel = False  # whether it takes a per-pixel classifier, whose score is a mean over a region
    needs_layers = True  # False: the gradient or the answers alone are used, and a subclassed model will do

    def __init__(
        self,
        model: keras.Model,
        *,
        input: str | int | None = None,
        output: str | int | None = None,
        chunk: int = 16,
        progress: bool | Callable = True,
    ):
        if not is_whole(chunk):
            raise LookInsideError(f"chunk is {chunk}: give a whole number, 1 or more.")
        self._inputs = Inputs(model, input)
        self._graph = graph_of(model, self._inputs, self.needs_layers)
        for step in self._graph.steps:
            if getattr(step.layer, "data_format", "channels_last") == "channels_first":
                raise LookInsideError(f"Layer {step.name} has its channels first: build the model with channels last.")
        self._input_shape = self._inputs.shape
        self._head = find_head(self._graph, model, output)
        self._check_kind(model)
        self._call = Caller(self.score_steps, self._head.squasher, self.relu)
        self.chunk, self.progress = chunk, progress
        self._traced_predict = traced(self._predict)

    def _check_kind(self, model):
        """Raise LookInsideError for a kind of input or answer that this class does not know, or that do not meet."""
        name, places = self.title or type(self).__name__, len(self._input_shape) - 2
        if places not in self.explained:
            known = " or ".join(_KINDS[one] for one in self.explained)
            raise LookInsideError(f"Model {model.name} takes {self._input_shape}: {name} explains {known}.")
        if self._head.per_pixel and not self.per_pixel:
            raise LookInsideError(f"Model {model.name} gives each pixel a score: {name} needs scores (N, classes).")
        if self._head.per_pixel and len(self._graph.writer(self._head.value).shape) != places + 1:
            raise LookInsideError(f"Model {model.name} has scores for other places than its input's: use (N, classes).")
        if len(self._graph.inputs) > 1 and self._head.value not in self._graph.behind(self._graph.image):
            own = self._inputs.all.names[self._inputs.place]
            raise LookInsideError(f"The scores of model {model.name} do not depend on input {own}: choose another one.")

    @property
    def score_steps(self) -> list[Step]:
        """The steps of the model that lead to the scores, in order."""
        return self._graph.steps_to([self._head.value])

    def predict(self, images: ArrayLike, regions: ArrayLike | None = None) -> np.ndarray:
        """The class with the highest score, int32 (N,): what `classes=None` explains. Arguments as in a call.

        Of a per-pixel classifier without regions: the class of each pixel, int32 (N, h, w).
        """
        if self._head.per_pixel and regions is None:
            return self._per_pixel_classes(images)
        return self._over_chunks(images, None, self._traced_predict, regions)

    def held(
        self, images: ArrayLike, classes: ArrayLike | None = None, regions: ArrayLike | None = None
    ) -> tuple[ArrayLike, np.ndarray | None]:
        """The classes and the regions, found where they are not given: to explain the same of another network."""
        pixels, others = self._inputs.checked(images)
        regions = self._checked_regions(regions, self._checked_classes(classes, len(pixels)), pixels, others)
        regions = None if regions is None else regions > 0
        return (self.predict(images, regions) if classes is None else classes), regions

    def _over_chunks(self, images, classes, compute, regions=None) -> np.ndarray:
        images, others = self._inputs.checked(images)
        classes = self._checked_classes(classes, len(images))
        regions = self._checked_regions(regions, classes, images, others)
        return self._chunk_by_chunk(compute, images, Target(classes, others, regions))

    def _chunk_by_chunk(self, compute, images, target) -> np.ndarray:
        found = None
        with bar(self.progress, len(images), self.title or type(self).__name__) as shown:
            for start in range(0, len(images), self.chunk):
                part = slice(start, start + self.chunk)
                maps = compute(tf.constant(images[part], tf.float32), target.rows(part)).numpy()
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

    def _checked_regions(self, regions, classes, images, others):
        """float32 (N, h, w), 1 where the scores of pixels are averaged; None for scores of whole images."""
        if not self._head.per_pixel:
            if regions is not None:
                raise LookInsideError("This model scores whole images: regions are for per-pixel classifiers.")
            return None
        if regions is not None:
            return checked_regions(regions, images.shape[:-1])
        if (classes < 0).any():
            raise LookInsideError("This model has a class for each pixel: say classes=, regions=, or both.")
        found = self._per_pixel_classes(images, others) == classes.reshape(-1, *[1] * (images.ndim - 2))
        empty = np.flatnonzero(~found.reshape(len(found), -1).any(axis=1))
        if empty.size:
            raise LookInsideError(
                f"Class {classes[empty[0]]} is predicted nowhere on image {empty[0]}: say where to look, regions=."
            )
        return found.astype(np.float32)

    def _per_pixel_classes(self, images, others=None):
        if others is None:
            images, others = self._inputs.checked(images)
        return self._chunk_by_chunk(self._traced_predict, images, Target(np.zeros(len(images), np.int32), others))

    def _predict(self, images, target):
        return self._head.predicted(self._logits(images, target))

    def _known(self, images, target):
        return self._graph.given(images, target.others)

    def _logits(self, images, target):
        known = self._graph.compute(self._known(images, target), [self._head.value], self._call)
        return self._logits_in(known, target)

    def _logits_in(self, known, target):
        """(N, columns), from the values of the graph; for each pixel where a per-pixel classifier has no region."""
        return self._head.over_region(known[self._head.value], target.region)

    def _wanted(self, logits, target):
        """The target's classes, int32 (N,); -1 is replaced by the predicted one."""
        return tf.where(target.classes < 0, self._head.predicted(logits), target.classes)

    def _score_of(self, logits, target):
        """The score of each image's class."""
        return self._head.of_class(logits, self._wanted(logits, target))


_KINDS = {0: "numbers (N, F)", 2: "images (N, H, W, C)", 3: "volumes (N, D, H, W, C)"}


class Explainer(ClassScores, ABC):
    """Explains the score of a class, image by image: `Explainer(model, ...)(images, classes=None)`.

    The score is the class's logit; a softmax or sigmoid at the end is looked behind. Works for functional and
    Sequential models, nested ones too, computes in float32, and never changes the model, whose weights are read at
    each call; several threads may explain one model. Each image's map is independent of its neighbours in the batch.
    Batches of all sizes share one trace, as long as the images' size is the same.

    What a model may be, beside a classifier of images:

    - per-pixel: scores (N, H, W, classes), a U-Net's for instance. The score is the mean of the class's logit over a
      region that you give, or over the pixels where the class is predicted; the region is held still.
    - of volumes (N, D, H, W, C); maps are then (N, D, H, W).
    - of several inputs: give a list of them, or a dict by name. One is explained, the others are held still.
    - subclassed, which does not show its layers: for `Saliency`, `SmoothGrad` and `Occlusion`, which need none. It must
      end in logits; probabilities are refused.

    Args:
        model: a Keras classifier, scores (N, classes) or one row for each pixel; one score tells two classes apart by
            its sign.
        input: which input is explained, by name, where several are images.
        output: which output, by name, where the model has several.
        chunk: images at a time; it bounds the memory.
        progress: True for a bar on the error stream where the work takes over five seconds, False for silence, or a
            callable `(steps, description, unit=)` that returns a bar with `update` and `close`.

    Raises:
        LookInsideError: for a model that does not show its layers or whose class has a call of its own, where they are
            needed; whose last layer may hide a softmax (a black box, a layer of yours); that has several outputs, or
            inputs of images, and none is named; whose scores do not depend on the input; or of a kind that this
            explainer does not know.

    Source: of the score of a region, Vinogradova et al. 2020, Eq. 2 (there: the sum over the region).
    """

    per_pixel = True

    def __init__(self, model: keras.Model, **options: Unpack[Options]):
        super().__init__(model, **options)
        self._traced = traced(self._maps)

    def __call__(
        self, images: ArrayLike, classes: ArrayLike | None = None, regions: ArrayLike | None = None
    ) -> np.ndarray:
        """One map for each image.

        Args:
            images: (N, H, W, C), as the model takes them; integers are cast, not rescaled. Of a model of several inputs
                a list of them, or a dict by name.
            classes: int (N,), or one class for all; None explains the predicted class of each image.
            regions: of a per-pixel classifier, bool (N, h, w) of its answer: where its scores count. None: where the
                class is predicted.

        Returns:
            float32 (N, H, W).

        Raises:
            LookInsideError: for images that do not fit to the model, an empty batch, nan or infinite pixels, a class
                outside the range, or a region that is empty.

        Warns:
            BlankMapWarning: once, with their number, where maps are empty or the same everywhere.
        """
        return self._told_maps(images, classes, self._traced, regions)

    def _told_maps(self, images, classes, compute, regions=None) -> np.ndarray:
        """The maps; a BlankMapWarning says how many of them are empty or the same everywhere."""
        return told(self._over_chunks(images, classes, compute, regions), self.title or type(self).__name__)

    @abstractmethod
    def _maps(self, images: tf.Tensor, target: Target) -> tf.Tensor:
        """(N, H, W, C) float32 and what is explained of each -> (N, H, W); traced once for images of a size, N open."""


def explainer_of(maker: Callable, model: keras.Model) -> Callable:
    """Make an explainer of a model. Raises LookInsideError for one that is made already, or what is no maker."""
    if isinstance(maker, ClassScores) or not callable(maker):
        raise LookInsideError(f"{maker!r:.60} makes no explainer: give GradCAM, say, rather than GradCAM(model).")
    explain = maker(model)
    if not callable(explain) or (isinstance(explain, ClassScores) and not isinstance(explain, Explainer)):
        said = getattr(explain, "not_a_map", ClassScores.not_a_map)
        raise LookInsideError(f"{type(explain).__name__} {said}.")
    return explain


def reachable(gradient: tf.Tensor | None, what: str, mend: str = "use Occlusion") -> tf.Tensor:
    """Return a gradient. Raises LookInsideError where there is none: the score cannot be differentiated by `what`."""
    if gradient is None:
        raise LookInsideError(f"No gradient leads from the score to {what}: something on its way stops it, {mend}.")
    return gradient
