"""What a chapter records of a classifier on its test set."""

from __future__ import annotations

from typing import Any

from lookinside.data import LabelledImages
from lookinside.explain import bootstrap_interval
from lookinside.training.evaluation.evaluate import Evaluation, recall_by_class
from lookinside.training.evaluation.roc import roc_curves
from lookinside.training.evaluation.share_intervals import proportion_interval
from lookinside.training.evaluation.shared_labels import mistakes


def scores_to_record(evaluation: Evaluation, images: LabelledImages) -> dict[str, Any]:
    """The figures of a test set, whose images may belong to several classes, by the names of the record.

    Args:
        evaluation: of a classifier on `images`.
        images: the test set, of two classes at least.

    Returns:
        "error": share of wrong labels, with its 95 % Wilson interval;
        "mistakes": share of images that got none of their classes, see `mistakes`, with its bootstrap interval;
        "confusion": int64 (K, K), rows are true classes;
        "auc": class -> area under its ROC curve, and "mean", with intervals over patients, see `roc_curves`;
        "recall": class -> share that was found, with its Wilson interval.

    Raises:
        LookInsideError: if the evaluation is of another set, or all images are of one class.
    """
    wrong, names = mistakes(evaluation, images), images.class_names
    curves = roc_curves(evaluation.probabilities, images.labels, names, images.groups)
    return {
        "error": proportion_interval(int((evaluation.right == 0).sum()), len(images)),
        "mistakes": bootstrap_interval(wrong),
        "confusion": evaluation.confusion,
        "auc": {name: curve.auc for name, curve in curves.items()},
        "recall": recall_by_class(evaluation, names),
    }
