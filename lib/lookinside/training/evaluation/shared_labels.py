"""Answers to images that belong to several classes: any of them is right."""

from __future__ import annotations

import numpy as np

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.training.evaluation.evaluate import Evaluation


def mistakes(evaluation: Evaluation, images: LabelledImages, *, tag: str = "regions") -> np.ndarray:
    """Which images got an answer that is none of their classes, each image once however many copies the set has.

    Args:
        evaluation: of a classifier on `images`.
        images: a set whose tag names the classes of each image, "liver+lungs"; without the tag the label counts alone.
        tag: its name.

    Returns:
        float64 (M,), 1 for a mistake, 0 else, for the M different names in the order of the set.

    Raises:
        LookInsideError: if the evaluation is of another number of images.
    """
    if len(evaluation.predictions) != len(images):
        raise LookInsideError(f"The evaluation is of {len(evaluation.predictions)} images, the set has {len(images)}.")
    own = [images.class_names[label] for label in images.labels]
    belongs = images.tags.get(tag, own)
    first = sorted(np.unique(images.names, return_index=True)[1])
    answers = [images.class_names[answer] for answer in evaluation.predictions]
    return np.array([float(answers[i] not in (own[i], *belongs[i].split("+"))) for i in first])


def floor_of(images: LabelledImages) -> float:
    """The lowest error that a classifier can have on a set with copies, 0 to 1: of each image, one label is met.

    Copies are images of one name with different labels, as `two_labels` makes them.
    """
    return (len(images) - len(set(images.names))) / len(images)
