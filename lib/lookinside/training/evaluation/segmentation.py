"""How well a mask is found: Dice, sensitivity, specificity and AUC inside the field of view, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as field_of

import keras
import numpy as np
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from lookinside.arrays import as_array
from lookinside.data import LabelledImages, field_of_view, without_shading
from lookinside.data.labelled import checked_set
from lookinside.errors import LookInsideError
from lookinside.explain import Interval
from lookinside.explain.calls.arguments import is_number, is_whole
from lookinside.training.evaluation.detection.resampling import drawn_weights, interval, ratio
from lookinside.training.segmenter_checks import check_segmenter

MASK_MEASURES = ("dice", "sensitivity", "specificity", "auc")


@dataclass(frozen=True)
class MaskScores:
    """What a method or an observer found of the masks of N images, counted inside the field.

    The 95 % intervals say how a mean would vary over other images (whole groups where there are any), not over other
    trainings.

    Attributes:
        dice: mean over images of 2 * both / (found + true), see Interval: (estimate, low, high); 1 on an image where
            nothing is true and nothing found, as in scikit-learn's `f1_score` with `zero_division=1` and in the
            history of `fit_segmenter`.
        sensitivity: of the share of the mask's pixels that was found.
        specificity: of the share of the other pixels that was left alone.
        auc: of the area under the ROC curve of the pixels; nan for answers that are yes or no, which have no curve.
        each: measure -> float64 (N,), its value on each image; nan where it is not defined, which Dice always is.
        draws: measure -> float64 (1 + resamples,), its mean on the images, then on images drawn anew, the same draws
            for all that are evaluated on the same images and groups.
    """

    dice: Interval
    sensitivity: Interval
    specificity: Interval
    auc: Interval
    each: Mapping[str, np.ndarray] = field_of(repr=False)
    draws: Mapping[str, np.ndarray] = field_of(repr=False)


def evaluate_masks(
    answers: np.ndarray,
    truth: np.ndarray,
    field: np.ndarray | None = None,
    groups: Sequence[str] | None = None,
    *,
    threshold: float = 0.5,
    resamples: int = 2000,
    seed: int = 0,
) -> MaskScores:
    """Score what was found of a mask, image by image.

    Args:
        answers: float (N, H, W), higher is surer, as `mask_probabilities` gives them; or bool, another observer's mask.
        truth: bool (N, H, W), the first observer's.
        field: bool (N, H, W), where pixels are counted, see `field_of_view`; None counts all of them.
        groups: (N,) the patient of each image; whole patients are drawn anew. Without them each image is its own.
        threshold: an answer above it is a yes.
        resamples: draws for the intervals.
        seed: of the draws.

    Raises:
        LookInsideError: for shapes or types that do not agree, answers that are not numbers, an image without field, or
            a mask that is empty everywhere.

    Source: Dice 1945; areas by scikit-learn; the bootstrap over patients, Efron & Tibshirani 1993.
    """
    answers, truth, field = _checked(answers, truth, field)
    _check_groups(groups, len(truth))
    if not is_number(threshold, -np.inf) or not is_whole(resamples) or not is_whole(seed, 0):
        raise LookInsideError(
            f"threshold is {threshold!r:.60}, resamples {resamples!r:.60}, seed {seed!r:.60}: give a number, and whole "
            "numbers from 1 and 0 on."
        )
    rows = [_one_image(*one, threshold) for one in zip(answers, truth, field, strict=True)]
    each = dict(zip(MASK_MEASURES, np.array(rows, np.float64).T, strict=True))
    weights = np.concatenate([np.ones((1, len(truth))), drawn_weights(len(truth), groups, resamples, seed)])
    draws = {
        name: ratio(weights, np.nan_to_num(values), (~np.isnan(values)).astype(float)) for name, values in each.items()
    }
    means = {name: interval(values[0], values[1:]) for name, values in draws.items()}
    return MaskScores(**means, each=each, draws=draws)


def mask_difference(first: MaskScores, second: MaskScores, measure: str = "dice") -> Interval:
    """How much higher a measure is in the first of two scores of the same images, with its paired 95 % interval.

    Both see the same images in every draw, so what makes one image easier than another cancels out. An interval clear
    of 0 says that the two differ on images like these.

    Args:
        first, second: of two methods or observers, with the same images, groups, `resamples` and `seed`.
        measure: "dice", "sensitivity", "specificity" or "auc".

    Raises:
        LookInsideError: for an unknown measure, or scores that are not of the same images and draws.

    Source: Efron & Tibshirani 1993, chapters 8 and 13.
    """
    for name, one in (("first", first), ("second", second)):
        if not isinstance(one, MaskScores):
            raise LookInsideError(f"{name} is of type {type(one).__name__}: give what evaluate_masks returns.")
    if measure not in MASK_MEASURES:
        raise LookInsideError(f"no measure {measure!r:.60}: choose from {', '.join(MASK_MEASURES)}.")
    own, other = first.draws[measure], second.draws[measure]
    if len(first.each[measure]) != len(second.each[measure]) or len(own) != len(other):
        raise LookInsideError(
            "The scores are of different images or draws: evaluate both on the same images with the same groups, "
            "resamples and seed."
        )
    if (np.isnan(first.each[measure]) != np.isnan(second.each[measure])).any():
        raise LookInsideError(f"{measure} is nan on some images of one of the two: choose another measure.")
    return interval(own[0] - other[0], own[1:] - other[1:])


def best_threshold(
    answers: np.ndarray, truth: np.ndarray, field: np.ndarray | None = None, *, candidates: int = 101
) -> float:
    """The threshold with the highest mean Dice coefficient over images; choose it on training images, never on test.

    Args:
        answers, truth, field: as in `evaluate_masks`.
        candidates: how many thresholds are tried, quantiles of the answers inside the field.

    Raises:
        LookInsideError: as `evaluate_masks`, for answers that are yes or no, and for fewer than two candidates.
    """
    answers, truth, field = _checked(answers, truth, field)
    if answers.dtype == bool:
        raise LookInsideError("answers are bool, and a yes or no has no threshold: give floats, probabilities say.")
    if not is_whole(candidates, 2):
        raise LookInsideError(f"candidates is {candidates!r:.60}: give a whole number, 2 or more.")
    tried = np.unique(np.quantile(answers[field], np.linspace(0, 1, candidates)))
    found = np.zeros(len(tried))
    for values, true, inside in zip(answers, truth, field, strict=True):
        values, true = values[inside], true[inside]
        # How many answers are above each threshold: of all pixels, and of the mask's.
        above = len(values) - np.searchsorted(np.sort(values), tried, side="right")
        both = true.sum() - np.searchsorted(np.sort(values[true]), tried, side="right")
        found += np.divide(2 * both, above + true.sum(), out=np.ones(len(tried)), where=above + true.sum() > 0)
    return float(tried[found.argmax()])


def mask_probabilities(model: keras.Model, images: LabelledImages, *, batch_size: int = 8) -> np.ndarray:
    """The probability that a network gives to each pixel, the sigmoid of its logit: float32 (N, H, W).

    Args:
        model: a Keras model from images (N, H, W, C) in [0, 1] to logits (N, H, W, 1), trained by `fit_segmenter`.
        images: `LabelledImages`, at least one.
        batch_size: images at a time.

    Raises:
        LookInsideError: for images that the model does not take, or a model with another answer.
    """
    check_segmenter(model)
    checked_set(images)
    if not len(images) or images.shape != tuple(model.input_shape[1:]):
        raise LookInsideError(
            f"The images are {images.images.shape}: model {model.name} takes {model.input_shape}, one at least."
        )
    batches = (batch for batch, _ in images.to_tf(batch_size))
    logits = [keras.ops.convert_to_numpy(model(batch, training=False))[..., 0] for batch in batches]
    return expit(np.concatenate(logits))


def vessel_masks(
    model: keras.Model,
    images: LabelledImages,
    *,
    mask: str = "segmented",
    threshold: float = 0.5,
    batch_size: int = 8,
) -> LabelledImages:
    """The images with the vessels that a network finds in them as one more mask, to draw new photographs from.

    Args:
        model, images, batch_size: as for `mask_probabilities`.
        mask: the name that the found mask gets; one of that name is replaced.
        threshold: a probability above it is a vessel, 0 to 1.

    Raises:
        LookInsideError: as `mask_probabilities`, and for a threshold that is not from 0 to 1.
    """
    if not is_number(threshold) or threshold > 1:
        raise LookInsideError(f"threshold is {threshold!r:.60}: give a probability from 0 to 1.")
    found = mask_probabilities(model, images, batch_size=batch_size) > threshold
    return replace(images, masks={**images.masks, mask: found})


def darker_than_surroundings(
    train: LabelledImages, images: LabelledImages, *, mask: str = "vessels", sigma: float | None = None
) -> np.ndarray:
    """A rival without a network: what is darker than its surroundings, cut where Dice is best on other photographs.

    A method that finds vessels has learned something where it does better than this. It goes through the folds of a
    cross-validation as it is, `answers_of_folds(images, 3, darker_than_surroundings)`.

    Args:
        train: fundus photographs in colour with the mask; the cut is chosen on them, inside their field of view.
        images: those in which the mask is looked for, of the same size.
        mask: its name in `masks`.
        sigma: of the blur that is taken for the surroundings, in pixels; None is a thirty-second of the height.

    Returns:
        bool (N, H, W).

    Raises:
        LookInsideError: for grey images or images of two sizes, and as `field_of_view` and `best_threshold`.

    Source: the green channel, in which vessels stand out most; the local mean is subtracted as in `without_shading`.
    """
    for one in (train, images):
        checked_set(one)
    if train.shape[2] != 3 or images.shape != train.shape:
        raise LookInsideError(f"train is {train.shape}, images {images.shape}: give both in colour, in one size.")
    sigma = train.shape[0] / 32 if sigma is None else sigma
    dark, own = (1 - without_shading(one, sigma, 4).pixels[..., 1] for one in (train, images))
    return own > best_threshold(dark, train.masks[mask], field_of_view(train))


def _checked(answers, truth, field):
    """Answers, truth and field as arrays of one shape, or LookInsideError."""
    answers, truth = as_array(answers, "answers"), as_array(truth, "truth")
    field = np.ones(truth.shape, bool) if field is None else as_array(field, "field")
    if truth.ndim != 3 or truth.dtype != bool or field.dtype != bool or not len(truth):
        raise LookInsideError(
            f"truth is {truth.dtype} {truth.shape}, field {field.dtype} {field.shape}: give both as bool (N, H, W)."
        )
    if answers.shape != truth.shape or field.shape != truth.shape:
        raise LookInsideError(
            f"answers are {answers.shape}, truth {truth.shape}, field {field.shape}: give all as (N, H, W)."
        )
    if answers.dtype != bool and not (np.issubdtype(answers.dtype, np.floating) and np.isfinite(answers).all()):
        raise LookInsideError("answers hold values that are not numbers: give finite float or bool (N, H, W).")
    empty = np.flatnonzero(~field.any(axis=(1, 2)))
    if len(empty):
        raise LookInsideError(f"The field of image {empty[0]} is empty: leave the image out, or mend the field.")
    if not (truth & field).any():
        raise LookInsideError("The mask is empty inside the field on every image: there is nothing to find.")
    return answers, truth, field


def _check_groups(groups, count):
    if groups is None:
        return
    if isinstance(groups, str) or np.ndim(as_array(groups, "groups")) != 1:
        raise LookInsideError(f"groups is {groups!r:.60}: give one text for each image, or None.")
    if len(groups) != count:
        raise LookInsideError(f"groups are {len(groups)}, images {count}: give one group for each image.")
    if any(group is None for group in groups):
        raise LookInsideError("The group of some images is None: give every image its patient, or no groups.")


def _one_image(answer, truth, field, threshold):
    """Dice, sensitivity, specificity and area of one image; nan where a share has nothing below."""
    answer, truth = answer[field], truth[field]
    found = answer if answer.dtype == bool else answer > threshold
    both, either = np.count_nonzero(found & truth), np.count_nonzero(found) + np.count_nonzero(truth)
    right, others = np.count_nonzero(~found & ~truth), np.count_nonzero(~truth)
    curve = answer.dtype != bool and 0 < others < len(truth)
    return (
        2 * both / either if either else 1.0,
        both / np.count_nonzero(truth) if truth.any() else np.nan,
        right / others if others else np.nan,
        roc_auc_score(truth, answer) if curve else np.nan,
    )
