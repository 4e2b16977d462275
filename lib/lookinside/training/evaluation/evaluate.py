"""What a trained classifier does on images it has never seen: accuracies with intervals, confusion matrix, baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from scipy.special import softmax
from sklearn.metrics import confusion_matrix as count_confusions

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.models import inference_model
from lookinside.training.evaluation.share_intervals import balanced_accuracy_interval, proportion_interval
from lookinside.training.evaluation.synthesis.pictures import checked_pictures


@dataclass(frozen=True)
class Evaluation:
    """A classifier on a test set.

    Attributes:
        predictions: int64 (N,), the class with the highest logit.
        confidence: float32 (N,) in [0, 1], the softmax probability of that class.
        probabilities: float32 (N, K) in [0, 1], those of all classes.
        accuracy: share of right predictions and its 95 % Wilson interval: (estimate, low, high).
        right: float64 (N,), 1 where the prediction is right, else 0: what paired differences are made of.
        balanced_accuracy: mean over the classes present of the share of each that was found, and its 95 % interval:
            (estimate, low, high); the images of each class are drawn anew.
        majority: accuracy of always naming the test set's commonest class.
        confusion: int64 (K, K), rows are true classes, columns predicted ones.
    """

    predictions: np.ndarray
    confidence: np.ndarray
    probabilities: np.ndarray
    right: np.ndarray
    accuracy: tuple[float, float, float]
    balanced_accuracy: tuple[float, float, float]
    majority: float
    confusion: np.ndarray


def evaluate_classifier(model: keras.Model, images: LabelledImages, *, batch_size: int = 64) -> Evaluation:
    """Run a classifier over a labelled set and score it.

    Args:
        model: a Keras model from images (N, H, W, C) in [0, 1] to logits (N, K).
        images: the test set; at least one image.
        batch_size: images at a time; the figures do not depend on it.

    Raises:
        LookInsideError: for an empty set, a model with several outputs, or one that tells another number of classes
            apart than the set has.

    Source of the intervals: Wilson 1927, by SciPy, and the bootstrap over images, class by class; balanced accuracy and
    confusion matrix by scikit-learn.
    """
    classes = len(images.class_names)
    if len(model.outputs) > 1:
        raise LookInsideError(
            f"Model {model.name} has {len(model.outputs)} outputs: give inference_model({model.name}), its first."
        )
    if model.output_shape[-1] != classes:
        raise LookInsideError(f"The model tells {model.output_shape[-1]} classes apart, the set has {classes}.")
    logits = _logits(model, (batch for batch, _ in images.to_tf(batch_size)))
    predictions = logits.argmax(axis=1)
    probabilities = softmax(logits, axis=1)
    right = predictions == images.labels
    return Evaluation(
        predictions=predictions,
        confidence=probabilities.max(axis=1),
        probabilities=probabilities,
        right=right.astype(np.float64),
        accuracy=proportion_interval(int(right.sum()), len(right)),
        balanced_accuracy=balanced_accuracy_interval(images.labels, predictions),
        majority=max(images.counts().values()) / len(images),
        confusion=count_confusions(images.labels, predictions, labels=np.arange(classes)),
    )


def accuracy_of_heads(
    model: keras.Model, images: LabelledImages, *, batch_size: int = 64
) -> dict[str, tuple[float, float, float]]:
    """The accuracy of each output of a classifier, auxiliary classifiers too, with its 95 % Wilson interval, by name.

    Args:
        model: a functional Keras model from images (N, H, W, C) in [0, 1] to logits (N, K), or to a list of them.
        images, batch_size: as for `evaluate_classifier`; so is what it raises.
    """
    found = {}
    for place, name in enumerate(model.output_names):
        head = inference_model(model, place)
        found[name] = evaluate_classifier(head, images, batch_size=batch_size).accuracy
    return found


def class_probabilities(model: keras.Model, images: np.ndarray, *, batch_size: int = 64) -> np.ndarray:
    """The softmax probabilities of images without labels.

    Args:
        model: a Keras model from images (N, H, W, C) in [0, 1] to logits (N, K).
        images: uint8 (N, H, W, C), or float in [0, 1]; at least one.
        batch_size: images at a time.

    Returns:
        float32 (N, K), rows of sum 1.

    Raises:
        LookInsideError: for images that the model does not take, or probabilities in place of logits.
    """
    return softmax(_logits_of(model, images, batch_size), axis=1)


def class_margins(model: keras.Model, images: np.ndarray, class_index: int = 1, *, batch_size: int = 64) -> np.ndarray:
    """How far a class leads: its logit minus the highest of the other classes', image by image.

    Unlike a probability it does not saturate: two images that are both "certainly ill" still differ by it.

    Args:
        model: a Keras model from images (N, H, W, C) in [0, 1] to logits (N, K), K of 2 or more.
        images: uint8 (N, H, W, C), or float in [0, 1]; at least one.
        class_index: the class.
        batch_size: images at a time.

    Returns:
        float32 (N,), above 0 where the class is the predicted one.

    Raises:
        LookInsideError: for images that the model does not take, probabilities in place of logits, or a class that it
            does not have.
    """
    logits = _logits_of(model, images, batch_size)
    if not is_whole(class_index, 0) or class_index >= logits.shape[1] or logits.shape[1] < 2:
        raise LookInsideError(f"class_index is {class_index!r:.60}: model {model.name} has {logits.shape[1]} logits.")
    return logits[:, class_index] - np.delete(logits, class_index, axis=1).max(axis=1)


def _logits_of(model, images, batch_size):
    if not is_whole(batch_size):
        raise LookInsideError(f"batch_size is {batch_size!r:.60}: give a whole number, 1 or more.")
    if getattr(images, "dtype", None) == np.uint8:
        images = np.asarray(images, np.float32) / np.float32(255)
    images = checked_pictures(images, "images").astype(np.float32, copy=False)
    if images.shape[1:] != model.input_shape[1:]:
        raise LookInsideError(f"images are {images.shape}: model {model.name} takes {model.input_shape}.")
    found = _logits(model, (images[i : i + batch_size] for i in range(0, len(images), batch_size)))
    if found.ndim != 2:
        raise LookInsideError(f"Model {model.name} answers with {found.shape}: give one with logits (N, K).")
    if (found >= 0).all() and np.allclose(found.sum(axis=1), 1, atol=1e-4):
        raise LookInsideError(f"Model {model.name} answers with probabilities: give one that ends in logits.")
    return found


def _logits(model, batches):
    # Called batch by batch: `predict` would trace a new graph for every network, which costs more than it saves here.
    return np.concatenate([keras.ops.convert_to_numpy(model(batch, training=False)) for batch in batches])


def recall_by_class(evaluation: Evaluation, class_names: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """The share of each class that was found, with its 95 % Wilson interval; classes without an image are left out.

    Args:
        evaluation: of a classifier.
        class_names: the K names of its classes, in order.

    Raises:
        LookInsideError: for another number of names.
    """
    if len(class_names) != len(evaluation.confusion):
        raise LookInsideError(f"{len(class_names)} names for {len(evaluation.confusion)} classes: give one for each.")
    found = zip(class_names, np.diag(evaluation.confusion), evaluation.confusion.sum(axis=1), strict=True)
    return {name: proportion_interval(int(right), int(own)) for name, right, own in found if own}
