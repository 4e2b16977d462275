"""L_patho, Eq. 6 of Wang et al. 2019: how far the pathology-aware maps of pictures are from those of photographs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.explain import PathologyAware
from lookinside.explain.calls.arguments import is_whole
from lookinside.training.evaluation.synthesis.pictures import checked_pictures

_WHICH = {"low": (0,), "high": (1,), "both": (0, 1)}


class PathoDistance:
    """L_patho of pictures, each beside its own photograph, such as held-out ones; no game is needed.

    The photographs' maps, and the weights of the feature maps in them, are computed once.

        distance = PathoDistance(classifier, test.pixels, which="low")
        distance(gan.draw(test.masks["vessels"])).mean()
        distance(np.full_like(test.pixels, 0.5)).mean()  # a grey square, to compare it with

    Args:
        classifier: takes such photographs, see `Explainer` for which models will do.
        photographs: float (N, H, W, C) in [0, 1].
        which: the set whose map is compared, "low" or "high", or "both" for the mean of the two.
        class_index: the class whose evidence counts.
        maps: further arguments of `PathologyAware`.
        batch_size: how many are compared at a time.

    Raises:
        LookInsideError: for a classifier that does not take them, or an option out of its range.

    Source: Wang et al. 2019, Eq. 6; its unit, the largest value of the photograph's map, is ours, as in `PathoGAN`.
    """

    def __init__(
        self,
        classifier: keras.Model,
        photographs: np.ndarray,
        *,
        which: Literal["low", "high", "both"] = "low",
        class_index: int = 1,
        maps: Mapping[str, Any] | None = None,
        batch_size: int = 20,
    ):
        check_which(which)
        for name, value, least in (("class_index", class_index, 0), ("batch_size", batch_size, 1)):
            if not is_whole(value, least):
                raise LookInsideError(f"{name} is {value!r:.60}: give a whole number from {least} on.")
        photographs = checked_pictures(photographs, "photographs")
        self._shape, self._batch, self._which = photographs.shape, int(batch_size), which
        self._explainer = explainer_of(classifier, self._shape[1:], class_index, maps or {}, "The photographs are")
        self._references = [
            maps_and_weights(self._explainer, own, which, int(class_index)) for own in self._batches(photographs)
        ]

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """L_patho of each picture, float32 (N,); 0 for one that has its photograph's map.

        Args:
            pictures: float (N, H, W, C) in [0, 1], as many as there are photographs, in their order.

        Raises:
            LookInsideError: for pictures of another number, size or range.
        """
        pictures = checked_pictures(pictures, "pictures")
        if pictures.shape != self._shape:
            raise LookInsideError(f"pictures are {pictures.shape}: give one for each photograph, {self._shape}.")
        both = zip(self._batches(pictures), self._references, strict=True)
        return np.concatenate([distance_of_maps(self._explainer, *pair, self._which) for pair in both])

    def _batches(self, images):
        starts = range(0, len(images), self._batch)
        return (tf.constant(images[start : start + self._batch], tf.float32) for start in starts)


def maps_and_weights(
    explainer: PathologyAware, photographs: tf.Tensor, which: str, class_index: int
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """The chosen maps (N, S, H, W) of photographs, and what each of their feature maps weighs."""
    maps, weights = explainer.own_maps(photographs, class_index)
    return tf.gather(maps, _WHICH[which], axis=1), weights


def distance_of_maps(
    explainer: PathologyAware, drawn: tf.Tensor, reference: tuple[tf.Tensor, list[tf.Tensor]], which: str
) -> tf.Tensor:
    """L_patho of each image, (N,), beside the `maps_and_weights` of its photograph."""
    wanted, weights = reference
    found = tf.gather(explainer.weighted(drawn, weights), _WHICH[which], axis=1)
    largest = tf.reduce_max(tf.abs(wanted), axis=(2, 3), keepdims=True)
    return tf.reduce_mean(tf.math.divide_no_nan(tf.abs(wanted - found), largest), axis=(1, 2, 3))


def explainer_of(
    classifier: keras.Model, made: tuple, class_index: int, maps: Mapping, they: str = "The generator makes"
) -> PathologyAware:
    """The classifier's `PathologyAware`, where it takes images of shape `made` and knows the class."""
    try:
        found = PathologyAware(classifier, **maps)
    except TypeError as error:  # an argument that it does not know
        raise LookInsideError(f"maps are {maps!r:.60}: {error}.") from None
    taken = tuple(classifier.inputs[0].shape[1:])
    if taken != tuple(made):
        raise LookInsideError(f"{they} {tuple(made)}, the classifier takes {taken}: build both for one size.")
    found.map_weights(tf.zeros((1, *made)), int(class_index))  # no such class, or no gradient: refused now
    return found


def check_which(which: Any) -> None:
    """Raise LookInsideError for what names no set of maps."""
    if not isinstance(which, str) or which not in _WHICH:
        raise LookInsideError(f"which is {which!r:.60}: give one of {', '.join(_WHICH)}.")
