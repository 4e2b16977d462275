"""A floor without any network: the same box on every image."""

from __future__ import annotations

import numpy as np

from lookinside.data import BoxedImages
from lookinside.data.boxes.boxed_arguments import check_boxed
from lookinside.errors import LookInsideError


def median_box(train: BoxedImages, structure: str | None = None) -> np.ndarray:
    """The median of each corner of the training boxes: what a detector must beat.

    `evaluate_detections(Detections.everywhere(median_box(train), len(test)), test)` scores it. Of a set with several
    classes each has a floor of its own:

        floors = {c: Detections.everywhere(median_box(train, c), len(test), 0, [c]) for c in test.class_names}
        scores = {c: evaluate_detections(floor, test, c) for c, floor in floors.items()}

    Args:
        train: images of the same size as those that it is used on.
        structure: the class; None takes the boxes of all.

    Returns:
        float32 (4,), x_min, y_min, x_max, y_max in pixels.

    Raises:
        LookInsideError: for what is no `BoxedImages`, an unknown class, or where there is no box.
    """
    check_boxed(train=train)
    boxes = np.concatenate([*(train if structure is None else train.only([structure])).boxes, np.zeros((0, 4))])
    if not len(boxes):
        raise LookInsideError("The training set has no box: give one that has.")
    return np.median(boxes, axis=0).astype(np.float32)
