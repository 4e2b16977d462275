"""What a classifier's accuracy loses when its test images are drawn again without a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.explain import (
    Interval,
    PartImportance,
    bootstrap_interval,
    mean_importance,
    paired_difference,
    part_importance,
)
from lookinside.training.evaluation.evaluate import Evaluation, evaluate_classifier

BOTH = " + "  # between the names of parts that are taken away together


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


def accuracy_on(
    model: keras.Model, sets: Mapping[str, LabelledImages]
) -> tuple[dict[str, tuple[float, float, float]], dict[str, Interval]]:
    """Accuracy on several forms of the same test images, and what each form loses against the first.

    Args:
        model: a Keras model from images (N, H, W, C) in [0, 1] to logits (N, K).
        sets: name of a form -> the images in it, all in the same order; the first is where the others start from.

    Returns:
        Form -> accuracy, and form -> paired difference of the first minus this one; both with 95 % intervals.

    Raises:
        LookInsideError: for no set, for another number of images, or as `evaluate_classifier`.
    """
    if not sets:
        raise LookInsideError("sets is empty: give at least one form of the test images.")
    start = evaluate_classifier(model, next(iter(sets.values())))
    found = accuracy_without(model, start, sets)
    return {name: one.accuracy for name, one in found.items()}, {name: one.lost for name, one in found.items()}


def lost_by_class(whole: Evaluation, without: PartLoss, images: LabelledImages) -> dict[str, Interval]:
    """What each class of a test set loses of its accuracy; classes without an image are left out."""
    chosen = {name: images.labels == label for label, name in enumerate(images.class_names)}
    return {name: paired_difference(whole.right[own], without.right[own]) for name, own in chosen.items() if own.any()}


def lost_by_tag(whole: Evaluation, without: PartLoss, images: LabelledImages, tag: str) -> dict[str, Interval]:
    """What the images of each value of a tag (each modality, say) lose of their accuracy, sorted by value.

    Raises LookInsideError where the set has no such tag.
    """
    values = np.array(images.tags[tag])
    chosen = {value: values == value for value in sorted(set(images.tags[tag]))}
    return {value: paired_difference(whole.right[own], without.right[own]) for value, own in chosen.items()}


def uses_of_parts(
    model: keras.Model,
    whole: LabelledImages,
    redrawn: Mapping[str, LabelledImages],
    *,
    together: Mapping[tuple[str, ...], LabelledImages] | None = None,
    anew: Mapping[str, LabelledImages] | None = None,
) -> dict[str, Any]:
    """What a classifier uses of its images, as a table for the record.

    Args:
        model: a Keras model from images (N, H, W, C) in [0, 1] to logits (N, K).
        whole: the test images.
        redrawn: name of what is taken away -> the same images without it, in the same order.
        together: names of `redrawn` -> the same images without all of them, of which only the importance is asked.
        anew: the same for images that are exposed anew for what is left.

    Returns:
        Under "without" the accuracy, under "lost" its paired difference from the whole images, under
        "without_exposed_anew" and "lost_by_class" (name -> class -> loss) what `anew` tells, under "importance" the
        mean drop of the logit over the runner-up, and under "importance_for_another_class" the mean drop of the logit
        of a class half the list away, which should be near zero. "beyond_the_sum" tells whether parts stand in for one
        another: how much more is lost without all of `together` than without each alone, on the images that show any of
        them. Numbers are (estimate, low, high) with 95 % intervals.

    Raises:
        LookInsideError: for a name in `together` that `redrawn` lacks, or as `accuracy_without` and `part_importance`.
    """
    together = {BOTH.join(names): (names, images) for names, images in (together or {}).items()}
    unknown = [name for names, _ in together.values() for name in names if name not in redrawn]
    if unknown:
        raise LookInsideError(f"together names {unknown[0]!r}, which redrawn lacks: give the images without it.")
    score = evaluate_classifier(model, whole)
    left = accuracy_without(model, score, redrawn)
    exposed = accuracy_without(model, score, anew or {})
    pixels = {name: one.pixels for name, one in redrawn.items()}
    pixels |= {name: images.pixels for name, (_, images) in together.items()}
    kinds = len(whole.class_names)
    missed = part_importance(model, whole.pixels, pixels, whole.labels)
    unrelated = part_importance(model, whole.pixels, pixels, (whole.labels + kinds // 2) % kinds)
    return {
        "without": {name: one.accuracy for name, one in left.items()},
        "lost": {name: one.lost for name, one in left.items()},
        "without_exposed_anew": {name: one.accuracy for name, one in exposed.items()},
        "lost_by_class": {name: lost_by_class(score, one, whole) for name, one in exposed.items()},
        "importance": mean_importance(missed),
        "beyond_the_sum": {name: _beyond_the_sum(missed, name, names) for name, (names, _) in together.items()},
        "importance_for_another_class": mean_importance(unrelated, "logit"),
    }


def _beyond_the_sum(missed: PartImportance, all_of: str, names: tuple[str, ...]) -> Interval:
    """What the lead loses without all parts, minus what it loses without each; a part that is not shown costs 0."""
    lost = dict(zip(missed.parts, missed.margin.T, strict=True))
    shown = np.isfinite(lost[all_of])
    return bootstrap_interval((lost[all_of] - sum(np.nan_to_num(lost[name]) for name in names))[shown])
