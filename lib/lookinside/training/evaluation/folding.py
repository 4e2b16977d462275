"""Cross-validation: a set divided k times, whole patients on one side."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from lookinside.data import BoxedImages, LabelledImages
from lookinside.data.boxes.boxed import rarest_classes
from lookinside.errors import LookInsideError

Images = TypeVar("Images", LabelledImages, BoxedImages)


def folds(images: Images, k: int, seed: int = 0) -> Iterator[tuple[Images, Images]]:
    """(train, test) k times: each image is in the test part once, and no group is on both sides.

    The classes are spread as evenly as whole groups allow; of images with boxes, the rarest class of each counts, and
    negatives are a class of their own.

    Args:
        images: labelled images or images with boxes; without groups each image is one.
        k: 2 or more, at most as many as there are groups.
        seed: whole number; the same seed gives the same folds.

    Returns:
        The folds one after the other, so that only one is in memory at a time.

    Raises:
        LookInsideError: if k is less than 2 or there are fewer than k groups.

    Source: scikit-learn's StratifiedGroupKFold.
    """
    return ((images.subset(train), images.subset(test)) for train, test in _divided(images, k, seed))


def answers_of_folds(
    images: Images, k: int, answer: Callable[[Images, Images], np.ndarray], seed: int = 0
) -> np.ndarray:
    """What a method answers to each image after it has learnt from the other folds, in the images' own order.

    Args:
        images, k, seed: as for `folds`.
        answer: `answer(train, test)` learns from the one and returns an array (len(test), ...) for the other.

    Raises:
        LookInsideError: as `folds`, and for an array of another length or of another shape than the fold before.
    """
    found = None
    for train, test in _divided(images, k, seed):
        own = np.asarray(answer(images.subset(train), images.subset(test)))
        if own.ndim < 1 or len(own) != len(test) or (found is not None and own.shape[1:] != found.shape[1:]):
            raise LookInsideError(f"The answers are {own.shape} for {len(test)} images: give an array of one for each.")
        if found is None:
            found = np.zeros((len(images), *own.shape[1:]), own.dtype)
        found[test] = own
    return found


def _divided(images, k, seed):
    """(train, test) k times, as positions."""
    groups = np.arange(len(images)) if images.groups is None else np.unique(images.groups, return_inverse=True)[1]
    count = len(np.unique(groups))
    if k < 2 or count < k:
        raise LookInsideError(f"k is {k} and there are {count} groups: give 2 or more, at most that many.")
    labels = rarest_classes(images.labels) if isinstance(images, BoxedImages) else images.labels
    # A class with fewer images than folds cannot be in each: scikit-learn counts images where we count groups.
    common = np.isin(labels, [label for label in np.unique(labels) if (labels == label).sum() >= k])
    labels = np.where(common, labels, labels.min(initial=0) - 1)
    if not (np.bincount(np.unique(labels, return_inverse=True)[1]) >= k).any():
        labels = np.zeros_like(labels)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")
        divided = list(StratifiedGroupKFold(k, shuffle=True, random_state=seed).split(labels, labels, groups))
    return divided
