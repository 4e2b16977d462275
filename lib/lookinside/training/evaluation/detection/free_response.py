"""FROC: how many structures are found at how many false boxes an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.data import BoxedImages
from lookinside.errors import LookInsideError
from lookinside.training.evaluation.detection.box_overlap import box_iou
from lookinside.training.evaluation.detection.detected import Detections, one_structure

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Froc:
    """A free-response ROC curve, a point for each score from which boxes can be counted on.

    Attributes:
        false_positives: float64 (P,), false boxes an image, rising.
        sensitivity: float64 (P,), share of the structures that are found.
        at: false boxes an image -> highest sensitivity with no more of them.
        mean: of these sensitivities, the competition performance metric.
    """

    false_positives: np.ndarray
    sensitivity: np.ndarray
    at: dict[float, float]
    mean: float


def froc(
    detections: Detections,
    truth: BoxedImages,
    structure: str | None = None,
    *,
    threshold: float = 0.5,
    rates: Sequence[float] = RATES,
) -> Froc:
    """The FROC curve of one class over all images, negatives among them.

    A structure is found by any box whose intersection over union with it is greater than the threshold; a box that
    finds none is a false one. A further box on a found structure counts neither way.

    Args:
        detections: on the same images.
        truth: the true boxes.
        structure: the class; None where the set has one.
        threshold: of the intersection over union.
        rates: false boxes an image to read the curve at.

    Raises:
        LookInsideError: for another number of images, an unknown class, a set without a true box, or numbers out of
            their range.

    Source: Bunch et al. 1978; the rates and their mean, van Ginneken et al. 2010.
    """
    detections, own = one_structure(detections, truth, structure)
    if not 0 <= threshold < 1:
        raise LookInsideError(f"threshold is {threshold}: give an intersection over union from 0 to below 1.")
    known = np.asarray(rates)
    if known.ndim != 1 or not known.size or known.dtype.kind not in "iuf" or not (known >= 0).all():
        raise LookInsideError(f"rates is {rates!r}: give a list of false boxes an image, such as (0.5, 1, 2).")
    count = sum(map(len, own))
    if not count:
        raise LookInsideError("FROC needs a structure to find: the set has no box of this class.")
    scores = np.concatenate([*detections.scores, np.zeros(0)])
    overlaps = [box_iou(boxes, true) > threshold for boxes, true in zip(detections.boxes, own, strict=True)]
    false = np.concatenate([*(~hits.any(axis=1) for hits in overlaps), np.zeros(0, bool)])
    # A structure is found from the score of its best box on.
    best = [
        one[hits[:, k]].max()
        for one, hits in zip(detections.scores, overlaps, strict=True)
        for k in range(hits.shape[1])
        if hits[:, k].any()
    ]
    levels = np.unique(scores)[::-1]
    alarms = (np.sort(scores[false])[:, None] >= levels).sum(axis=0) / len(own) if false.any() else 0.0 * levels
    found = np.searchsorted(np.sort(-np.array(best)), -levels, side="right") / count
    alarms, found = np.append(0.0, alarms), np.append(0.0, found)
    at = {rate: float(found[alarms <= rate].max()) for rate in rates}
    return Froc(alarms, found, at, float(np.mean(list(at.values()))))
