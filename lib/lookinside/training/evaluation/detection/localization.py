"""How well a detector localises one structure: the measures of Liu et al. 2019, intervals, paired differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from sklearn.metrics import roc_auc_score

from lookinside.data import BoxedImages
from lookinside.errors import LookInsideError
from lookinside.explain import Interval
from lookinside.training.evaluation.detection.box_overlap import box_iou, centre_distance
from lookinside.training.evaluation.detection.detected import Detections, one_structure
from lookinside.training.evaluation.detection.precision_recall import class_precision
from lookinside.training.evaluation.detection.resampling import auc_of_draws, drawn_weights, interval, ratio

MEASURES = ("mean_iou", "hit_rate", "centre_error", "auc", "specificity", "sensitivity")


@dataclass(frozen=True)
class DetectionEvaluation:
    """A detector on a test set, for one structure.

    The 95 % intervals say how a measure would vary over other test images (whole groups where the set has them), not
    over other trainings.

    Attributes:
        iou: float64 (N,), intersection over union of each image's top box with the true box it overlaps most; 0 where
            nothing was detected, nan on a negative.
        hits: float64 (N,), 1 where that is greater than the threshold, else 0; nan on a negative.
        centre_errors: float64 (N,), pixels from the top box's centre to the nearest true centre; nan on a negative and
            where nothing was detected.
        mean_iou, hit_rate, centre_error: their means, (estimate, low, high).
        auc: area under the ROC curve over the top boxes of all images, `boxes_an_image` of each: does a box that hits
            have a higher score than one that does not?
        specificity: of those boxes that miss, the share that is not the top box of its image.
        sensitivity: share of the true boxes that a top box hits. Where each image has one, it is the hit rate.
        average_precision: AP@threshold as COCO has it, over all boxes.
        boxes: how many boxes auc and specificity were counted over; N * boxes_an_image if no image had fewer.
        draws: measure -> float64 (1 + resamples,), its value on the set, then those on images drawn anew, the same
            draws for each detector.
    """

    iou: np.ndarray
    hits: np.ndarray
    centre_errors: np.ndarray
    mean_iou: Interval
    hit_rate: Interval
    centre_error: Interval
    auc: Interval
    specificity: Interval
    sensitivity: Interval
    average_precision: float
    boxes: int
    draws: Mapping[str, np.ndarray] = field(repr=False)


def evaluate_detections(
    detections: Detections,
    truth: BoxedImages,
    structure: str | None = None,
    *,
    threshold: float = 0.5,
    boxes_an_image: int = 3,
    resamples: int = 1000,
    seed: int = 0,
) -> DetectionEvaluation:
    """Score what a detector found on a test set.

    The paper takes an image's box with the highest score as its answer, right if its intersection over union with the
    true box is greater than 0.5. It leaves open over which boxes AUC and SPE are counted. A fixed number of boxes an
    image settles it; with three, its SEN of 81.4 % makes an SPE of at most 2 / 2.186 = 91.5 %, and it has 91.2 %.

    Args:
        detections: on the same images in the same order.
        truth: the true boxes; images without one are negatives, on which every box misses.
        structure: the class to look at; None where the set has one.
        threshold: of the intersection over union.
        boxes_an_image: the boxes with the highest scores that auc and specificity are counted over.
        resamples: draws for the intervals.
        seed: of the draws.

    Raises:
        LookInsideError: for another number of images, an unknown class, a set without a true box, or numbers out of
            their range.

    Source: Liu et al. 2019, section 3; the area by scikit-learn; the bootstrap, Efron & Tibshirani 1993.
    """
    if not 0 <= threshold < 1 or boxes_an_image < 1 or resamples < 1:
        raise LookInsideError(
            f"threshold is {threshold}, boxes_an_image {boxes_an_image}, resamples {resamples}: give a threshold from "
            "0 to below 1, and whole numbers from 1 on."
        )
    detections, own = one_structure(detections, truth, structure)
    if not any(map(len, own)):
        raise LookInsideError("The set has no box of this class: there is nothing to find.")
    iou, centres = _top_boxes(detections, own)
    hits = np.where(np.isnan(iou), np.nan, iou > threshold)
    # A missing box is no box: images with fewer than the fixed number bring fewer.
    scores = [one[:boxes_an_image] for one in detections.scores]
    right = [
        (box_iou(boxes[:boxes_an_image], true) > threshold).any(axis=1)
        for boxes, true in zip(detections.boxes, own, strict=True)
    ]
    weights = drawn_weights(len(truth), truth.groups, resamples, seed)
    everything = np.concatenate([np.ones((1, len(truth))), weights])  # the first row is the set itself
    there, measured = (~np.isnan(iou)).astype(float), (~np.isnan(centres)).astype(float)
    misses = np.array([float((~one).sum()) for one in right])
    below = np.array([float((~one[1:]).sum()) for one in right])
    drawn = {
        "mean_iou": ratio(everything, np.nan_to_num(iou), there),
        "hit_rate": ratio(everything, np.nan_to_num(hits), there),
        "centre_error": ratio(everything, np.nan_to_num(centres), measured),
        "auc": np.append(_area(scores, right), auc_of_draws(weights, scores, right)),
        "specificity": ratio(everything, below, misses),
        "sensitivity": ratio(everything, np.nan_to_num(hits), np.array([float(len(true)) for true in own])),
    }
    return DetectionEvaluation(
        iou,
        hits,
        centres,
        **{name: interval(values[0], values[1:]) for name, values in drawn.items()},
        average_precision=class_precision(detections, own, threshold),
        boxes=sum(map(len, scores)),
        draws=drawn,
    )


def detection_difference(first: DetectionEvaluation, second: DetectionEvaluation, measure: str) -> Interval:
    """How much higher a measure is in the first of two evaluations on the same images, with its paired 95 % interval.

    Both see the same images in every draw, so what makes one image easier than another cancels out. An interval clear
    of 0 says that the detectors differ on images like these.

    Args:
        first, second: of two detectors, evaluated on the same set with the same `resamples` and `seed`.
        measure: "mean_iou", "hit_rate", "centre_error", "auc", "specificity" or "sensitivity".

    Raises:
        LookInsideError: for an unknown measure, or evaluations that are not of the same images and draws.

    Source: Efron & Tibshirani 1993, chapters 8 and 13.
    """
    if measure not in MEASURES:
        raise LookInsideError(f"no measure {measure!r}: choose from {', '.join(MEASURES)}.")
    one, other = first.draws[measure], second.draws[measure]
    same = len(first.iou) == len(second.iou) and len(one) == len(other)
    if not same or (np.isnan(first.iou) != np.isnan(second.iou)).any():
        raise LookInsideError(
            "The evaluations are of different images or draws: evaluate both on the same set with the same resamples "
            "and seed."
        )
    differences = one - other
    return interval(differences[0], differences[1:])


def _top_boxes(detections, own):
    """Of each image's top box: overlap with the true box it overlaps most, and distance to the nearest centre."""
    iou, centres = np.full((2, len(own)), np.nan)
    for i, (boxes, true) in enumerate(zip(detections.boxes, own, strict=True)):
        if len(true):
            iou[i] = box_iou(boxes[:1], true).max(initial=0)
            centres[i] = centre_distance(boxes[:1], true).min() if len(boxes) else np.nan
    return iou, centres


def _area(scores, right):
    right = np.concatenate(right)
    return roc_auc_score(right, np.concatenate(scores)) if right.any() and not right.all() else np.nan
