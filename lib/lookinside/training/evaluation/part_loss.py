"""What a classifier's accuracy loses when its test images are drawn again without a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.explain import Interval, paired_difference
from lookinside.training.evaluation.evaluate import Evaluation, evaluate_classifier


class PartLoss(NamedTuple):
    """A classifier on images without a part.

    Attributes:
        accuracy: share of right predictions and its 95 % interval: (estimate, low, high).
        lost: accuracy on the whole images minus this one, with the 95 % interval of the paired difference.
        right: float64 (N,), 1 where the prediction is right without the part.
        changed: how many images are named rightly in one of the two forms only.
    """

    accuracy: tuple[float, float, float]
    lost: Interval
    right: np.ndarray
    changed: int


def accuracy_without(
    model: keras.Model, whole: Evaluation, redrawn: Mapping[str, LabelledImages]
) -> dict[str, PartLoss]:
    """Score a classifier on the same test images drawn again without some of their parts.

    Args:
        model: a Keras model from images (N, H, W, C) in [0, 1] to logits (N, K).
        whole: `evaluate_classifier` of the whole images.
        redrawn: name of what is taken away -> the same images without it, in the same order.

    Raises:
        LookInsideError: for another number of images, or as `evaluate_classifier`.

    Source: single deletion, Hesse, Schaub-Meyer & Roth 2023 (FunnyBirds).
    """
    found = {}
    for name, images in redrawn.items():
        if len(images) != len(whole.right):
            raise LookInsideError(f"{name!r} has {len(images)} images, the whole set {len(whole.right)}: draw each.")
        one = evaluate_classifier(model, images)
        lost = paired_difference(whole.right, one.right)
        found[name] = PartLoss(one.accuracy, lost, one.right, int((one.right != whole.right).sum()))
    return found


def lost_by_class(whole: Evaluation, without: PartLoss, images: LabelledImages) -> dict[str, Interval]:
    """What each class of a test set loses of its accuracy; classes without an image are left out."""
    chosen = {name: images.labels == label for label, name in enumerate(images.class_names)}
    return {name: paired_difference(whole.right[own], without.right[own]) for name, own in chosen.items() if own.any()}
