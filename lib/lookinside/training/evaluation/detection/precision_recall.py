"""Average precision, as COCO's own evaluation has it."""

from __future__ import annotations

import numpy as np

from lookinside.data import BoxedImages
from lookinside.data.boxes.boxed_arguments import check_boxed
from lookinside.training.evaluation.detection.box_overlap import box_iou
from lookinside.training.evaluation.detection.detected import Detections, one_structure

MEAN = "mean"
_RECALLS = np.linspace(0.0, 1.0, 101)


def average_precision(
    detections: Detections, truth: BoxedImages, *, threshold: float = 0.5, most: int = 100
) -> dict[str, float]:
    """AP@0.5 of each class, and "mean", their mean.

    The boxes of all images are gone through by falling scores; each takes the free true box of its image that it
    overlaps most, from the threshold on, and is a false positive where there is none. Precision is read at 101 recalls,
    as the highest at that recall or a larger one.

    Args:
        detections: on the same images, labels as in the set's class names.
        truth: the true boxes; images without one count with what is found there.
        threshold: least intersection over union.
        most: boxes an image that count, those with the highest scores (of each class).

    Returns:
        Class name -> average precision in [0, 1]; nan for a class without a true box, which is not in the mean.

    Raises:
        LookInsideError: for another number of images.

    Source: COCO's detection evaluation (Lin et al. 2014); pycocotools gives the same.
    """
    check_boxed(truth=truth)
    found = {
        name: class_precision(*one_structure(detections, truth, name), threshold, most) for name in truth.class_names
    }
    there = [value for value in found.values() if not np.isnan(value)]
    return found | {MEAN: float(np.mean(there)) if there else np.nan}


def class_precision(detections: Detections, own: list[np.ndarray], threshold: float, most: int = 100) -> float:
    """Average precision of detections of one class; `own` are the true boxes of it on each image."""
    count = sum(map(len, own))
    if not count:
        return np.nan
    cut = [(boxes[:most], scores[:most]) for boxes, scores in zip(detections.boxes, detections.scores, strict=True)]
    right = np.concatenate([_taken(boxes, true, threshold) for (boxes, _), true in zip(cut, own, strict=True)])
    order = np.argsort(-np.concatenate([scores for _, scores in cut]), kind="stable")
    hits = np.cumsum(right[order])
    recall, precision = hits / count, hits / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.append(best, 0.0)[place].mean())


def _taken(boxes, true, threshold):
    """Which boxes of an image, by falling scores, find a true box that none before has taken."""
    overlap, right = box_iou(boxes, true), np.zeros(len(boxes), bool)
    for i, own in enumerate(overlap):
        # Of equal overlaps the last, as pycocotools takes it.
        best = len(own) - 1 - int(own[::-1].argmax()) if len(own) else 0
        if len(own) and own[best] >= threshold:
            right[i] = True
            overlap[:, best] = -1
    return right
