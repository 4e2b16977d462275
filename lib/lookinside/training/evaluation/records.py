"""What a chapter records of a classifier on its test set, and of any scores of its images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from lookinside.data import LabelledImages
from lookinside.explain import bootstrap_interval, dead_maps
from lookinside.training.evaluation.evaluate import Evaluation, evaluate_classifier, recall_by_class
from lookinside.training.evaluation.roc import roc_curves
from lookinside.training.evaluation.share_intervals import proportion_interval
from lookinside.training.evaluation.shared_labels import mistakes
from lookinside.training.history import History


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


def training_to_record(
    model: keras.Model, history: History, images: LabelledImages, *, every: int = 5
) -> dict[str, Any]:
    """The figures of a training and of the network that came out of it, by the names of the record.

    Args:
        model: a Keras model from images (N, H, W, C) in [0, 1] to logits (N, K), with a ReLU that writes maps.
        history: what `fit_classifier` has returned.
        images: the test set.
        every: maps are counted on every so manieth image of it.

    Returns:
        "accuracy": on the test set, with its 95 % Wilson interval;
        "validation_accuracy", "validation_loss": the best of all epochs; "curve", "steps": validation accuracy after
        each epoch, and the steps until then; "last_loss": the training loss of the last epoch; "runtime": seconds;
        "dead", "zero": shares of maps, see `dead_maps`.

    Raises:
        LookInsideError: as `evaluate_classifier` and `dead_maps`.
    """
    curves = history.curves
    maps = dead_maps(model, images.subset(np.arange(len(images)) % every == 0).pixels, progress=False).overall
    return {
        "accuracy": evaluate_classifier(model, images).accuracy,
        "validation_accuracy": max(curves["val_accuracy"]),
        "validation_loss": min(curves["val_loss"]),
        "runtime": sum(history.seconds),
        "steps": history.steps,
        "curve": curves["val_accuracy"],
        "last_loss": curves["loss"][-1],
        "dead": maps["dead"],
        "zero": maps["zero"],
    }


def images_to_record(scores: Mapping[str, np.ndarray]) -> dict[str, dict]:
    """Scores of every image of a test set, by the names of the record: what is paired later, and what is shown.

    Args:
        scores: name -> float (N,), one value for each image; nan where it is not defined.

    Returns:
        "each": name -> the values, rounded to four decimals; "mean": name -> their mean with its 95 % interval over
        images, see `bootstrap_interval`.

    Raises:
        LookInsideError: as `bootstrap_interval`.
    """
    return {
        "each": {name: np.round(values, 4) for name, values in scores.items()},
        "mean": {name: bootstrap_interval(values) for name, values in scores.items()},
    }
