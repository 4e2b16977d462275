"""What a detector says of a set of images: boxes with scores, the best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lookinside.data import BoxedImages
from lookinside.data.boxes.boxed_arguments import check_boxed
from lookinside.errors import LookInsideError

_NO_BOX = -1  # the label of a row that only fills up


@dataclass(frozen=True, eq=False)
class Detections:
    """The boxes that a detector has found on N images; those of each image are put in order, the highest score first.

    Attributes:
        boxes: N times float32 (K_i, 4), x_min, y_min, x_max, y_max in pixels; they may reach over the image's rim.
        scores: N times float64 (K_i,); higher is surer.
        labels: N times int64 (K_i,), each box's class; without them all are of class 0.
        class_names: what the labels mean, a detector's `class_names`. A test set whose classes are others, or stand in
            another order, is then read by name. Without them the labels count as those of the test set.

    Raises:
        LookInsideError: if their numbers do not agree, a value is not a number, a box ends before it begins, a label
            has no name, or class names are one text or come twice.
    """

    boxes: Sequence[ArrayLike]
    scores: Sequence[ArrayLike]
    labels: Sequence[ArrayLike] | None = None
    class_names: Sequence[str] | None = None

    def __post_init__(self):
        labels = [np.zeros(len(one), np.int64) for one in self.scores] if self.labels is None else self.labels
        if not len(self.boxes) == len(self.scores) == len(labels):
            raise LookInsideError(
                f"boxes of {len(self.boxes)} images, scores of {len(self.scores)} and labels of {len(labels)}: give "
                "all three for each image."
            )
        found = [_ordered(i, *one) for i, one in enumerate(zip(self.boxes, self.scores, labels, strict=True))]
        for name, place in (("boxes", 0), ("scores", 1), ("labels", 2)):
            object.__setattr__(self, name, tuple(one[place] for one in found))
        if self.class_names is not None:
            if isinstance(self.class_names, str) or len(set(self.class_names)) < len(self.class_names):
                raise LookInsideError(f"class_names is {self.class_names!r}: give a list of names, each once.")
            object.__setattr__(self, "class_names", tuple(self.class_names))
            if self._most() >= len(self.class_names):
                raise LookInsideError(
                    f"A box has the label {self._most()}, but there are {len(self.class_names)} names."
                )

    @classmethod
    def from_padded(
        cls,
        boxes: ArrayLike,
        scores: ArrayLike,
        labels: ArrayLike | None = None,
        class_names: Sequence[str] | None = None,
    ) -> Detections:
        """From arrays with M rows an image, as a model gives them: (N, M, 4), (N, M) and (N, M).

        Rows with the label -1 only fill up; without labels, all rows count.
        """
        boxes, scores = np.asarray(boxes), np.asarray(scores)
        labels = np.zeros(scores.shape, np.int64) if labels is None else np.asarray(labels)
        if boxes.shape != (*scores.shape, 4) or scores.ndim != 2 or labels.shape != scores.shape:
            raise LookInsideError(
                f"boxes are {boxes.shape}, scores {scores.shape}, labels {labels.shape}: give (N, M, 4), (N, M) and "
                "(N, M)."
            )
        real = labels != _NO_BOX
        return cls(
            [one[keep] for one, keep in zip(boxes, real, strict=True)],
            [one[keep] for one, keep in zip(scores, real, strict=True)],
            [one[keep] for one, keep in zip(labels, real, strict=True)],
            class_names,
        )

    @classmethod
    def everywhere(
        cls, box: ArrayLike, count: int, label: int = 0, class_names: Sequence[str] | None = None
    ) -> Detections:
        """The same box with the score 1 on each image: a floor, with `median_box` for a box of each class.

        Args:
            box: (4,), x_min, y_min, x_max, y_max in pixels.
            count: number of images.
            label: the box's class.
            class_names: what the labels mean, as for all detections.

        Raises:
            LookInsideError: for what is no box, or a count or label that is no whole number from 0 on.
        """
        if np.shape(box) != (4,):
            raise LookInsideError(f"box is {np.shape(box)}: give one box, (4,), x_min, y_min, x_max, y_max.")
        for name, value in (("count", count), ("label", label)):
            if not isinstance(value, int | np.integer) or value < 0:
                raise LookInsideError(f"{name} is {value!r}: give a whole number, 0 or more.")
        return cls([[box]] * count, [[1.0]] * count, [[label]] * count, class_names)

    def __len__(self) -> int:
        return len(self.boxes)

    def subset(self, indices: ArrayLike) -> Detections:
        """Those of the images at `indices` (whole numbers, or a bool mask of length N)."""
        chosen = np.arange(len(self))[indices]
        kept = ([values[i] for i in chosen] for values in (self.boxes, self.scores, self.labels))
        return Detections(*kept, self.class_names)

    def join(self, *others: Detections) -> Detections:
        """Those of this one's images, then those of `others`, in the order in which `BoxedImages.join` has them."""
        sets = (self, *others)
        if any(one.class_names != self.class_names for one in sets):
            raise LookInsideError("The detections have different class names: they are not of one detector.")
        joined = ([one for each in sets for one in getattr(each, name)] for name in ("boxes", "scores", "labels"))
        return Detections(*joined, self.class_names)

    def _most(self):
        """The largest label; -1 where there is no box."""
        return max((int(one.max(initial=_NO_BOX)) for one in self.labels), default=_NO_BOX)

    def of_class(self, label: int) -> Detections:
        """The boxes of one class, as class 0."""
        kept = [labels == label for labels in self.labels]
        return Detections(
            [boxes[keep] for boxes, keep in zip(self.boxes, kept, strict=True)],
            [scores[keep] for scores, keep in zip(self.scores, kept, strict=True)],
        )


def one_structure(
    detections: Detections, truth: BoxedImages, structure: str | None
) -> tuple[Detections, list[np.ndarray]]:
    """The detections of one class, and the true boxes of it on each image.

    Raises:
        LookInsideError: for another number of images, a class that is not there, or none where there are several.
            Labels that the set's classes cannot mean are refused, too.
    """
    if not isinstance(detections, Detections):
        raise LookInsideError(
            f"The detections are a {type(detections).__name__}: give Detections.from_padded(**found, "
            "class_names=model.class_names)."
        )
    check_boxed(truth=truth)
    if len(detections) != len(truth):
        raise LookInsideError(f"The detections are of {len(detections)} images, the set has {len(truth)}.")
    if structure is None and len(truth.class_names) > 1:
        raise LookInsideError(
            f"The set has {len(truth.class_names)} classes: say which with structure=, one of "
            f"{', '.join(truth.class_names)}."
        )
    if structure is not None and structure not in truth.class_names:
        raise LookInsideError(f"no class {structure!r} in this set: choose from {', '.join(truth.class_names)}")
    label = 0 if structure is None else truth.class_names.index(structure)
    own = [boxes[labels == label] for boxes, labels in zip(truth.boxes, truth.labels, strict=True)]
    return detections.of_class(_label_of(truth.class_names[label], label, detections, truth)), own


def _label_of(name, label, detections, truth):
    """The label that a class of the test set has among the detections."""
    if detections.class_names is None:
        if detections._most() >= len(truth.class_names):
            raise LookInsideError(
                f"A box has the label {detections._most()}, the set has {len(truth.class_names)} classes: give "
                "class_names=model.class_names with the detections."
            )
        return label
    if name not in detections.class_names:
        raise LookInsideError(f"The detections have no class {name!r}: theirs are {', '.join(detections.class_names)}")
    return detections.class_names.index(name)


def _ordered(i, boxes, scores, labels):
    """Boxes, scores and labels of image i in their types, by falling scores."""
    boxes, scores, labels = np.asarray(boxes, np.float32), np.asarray(scores, np.float64), np.asarray(labels, np.int64)
    boxes = boxes.reshape(0, 4) if not boxes.size else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes) == len(scores) == len(labels):
        raise LookInsideError(
            f"image {i}: boxes are {boxes.shape}, scores {scores.shape}, labels {labels.shape}: give (K, 4), (K,) and "
            "(K,)."
        )
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise LookInsideError(f"image {i}: a box or a score is not a number: look at the network's training.")
    if (boxes[:, 2:] < boxes[:, :2]).any():
        raise LookInsideError(f"image {i}: a box ends before it begins: give x_min, y_min, x_max, y_max.")
    order = np.argsort(-scores, kind="stable")
    return boxes[order], scores[order], labels[order]
