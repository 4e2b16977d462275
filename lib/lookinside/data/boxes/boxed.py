"""Images with boxes, in memory, and the way from there to tf.data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from lookinside.data.batches import batched
from lookinside.data.boxes.box_checks import clipped, wrong_with_box
from lookinside.data.named import (
    check_images,
    checked_class_names,
    checked_groups,
    checked_masks,
    checked_tags,
    class_numbers,
    joined_known,
    known_of,
    places_of,
    with_tags,
)
from lookinside.data.stratify import stratified_split
from lookinside.errors import LookInsideError

if TYPE_CHECKING:
    import tensorflow as tf

NO_BOX = -1  # the label of a row that only fills up a batch
_ROUNDING = 0.01  # px that a scaled box may reach over the rim; it is cut off there


@dataclass(frozen=True, eq=False)
class BoxedImages:
    """A set of images with any number of boxes on each, and what is known of them.

    Boxes are (x_min, y_min, x_max, y_max) in pixels, from the image's upper left corner: pixel 0 reaches from 0 to 1,
    so that the whole image is (0, 0, W, H). An image without a box is a negative: the structure is not there.

    Attributes:
        images: uint8 (N, H, W, C), 0 (black) to 255; C is 1 (grey) or 3 (red, green, blue).
        boxes: N times float32 (K_i, 4), K_i 0 or more.
        labels: N times int64 (K_i,), each box's position in `class_names`.
        class_names: what the labels mean; classes without a box may be among them.
        names: (N,) file name or phantom name of each image.
        masks: mask name -> bool (N, H, W), the truth; see `LabelledImages.masks`.
        groups: (N,) text, the patient of each image, or None. `split` keeps them together.
        tags: name -> (N,) text, what else is known of each image; see `LabelledImages.tags`.

    Raises:
        LookInsideError: if shapes, types, labels, groups or tags do not agree, or a box is none: not a number, ending
            before it begins, without area, outside of its image.
    """

    images: np.ndarray
    boxes: Sequence[np.ndarray]
    labels: Sequence[np.ndarray]
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: Sequence | None = None
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self):
        images = self.images
        check_images(images)
        count = len(images)
        for what in ("boxes", "labels", "names"):
            if len(getattr(self, what)) != count:
                raise LookInsideError(f"{len(getattr(self, what))} {what} for {count} images: give them for each image")
        object.__setattr__(self, "class_names", checked_class_names(self.class_names))
        object.__setattr__(self, "names", tuple(self.names))
        pairs = [self._checked_boxes(i) for i in range(count)]
        object.__setattr__(self, "boxes", tuple(boxes for boxes, _ in pairs))
        object.__setattr__(self, "labels", tuple(labels for _, labels in pairs))
        object.__setattr__(self, "masks", checked_masks(self.masks, images.shape[:3]))
        object.__setattr__(self, "groups", checked_groups(self.groups, count))
        object.__setattr__(self, "tags", checked_tags(self.tags, count))

    def _checked_boxes(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Boxes and labels of image i, in their types and cut at the rim."""
        name, (height, width) = self.names[i], self.images.shape[1:3]
        boxes, labels = np.asarray(self.boxes[i], np.float32), np.asarray(self.labels[i])
        boxes = boxes.reshape(0, 4) if not boxes.size else boxes
        labels = labels.astype(np.int64) if not labels.size else labels
        if boxes.ndim != 2 or boxes.shape[1] != 4 or labels.shape != (len(boxes),) or labels.dtype.kind not in "iu":
            raise LookInsideError(
                f"{name}: boxes are {boxes.shape} and labels {labels.dtype} {labels.shape}: give floats (K, 4) and "
                "whole numbers (K,)"
            )
        for box, label in zip(boxes, labels, strict=True):
            if wrong := wrong_with_box(box, height, width, _ROUNDING):
                raise LookInsideError(f"{name}: the box {wrong}: correct it or leave it away")
            if not 0 <= label < len(self.class_names):
                raise LookInsideError(
                    f"{name}: a box has the label {label}, but there are {len(self.class_names)} class names: "
                    f"give labels 0 to {len(self.class_names) - 1}"
                )
        return clipped(boxes, height, width), labels.astype(np.int64)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        without = f", {int(self.negatives.sum())} images without a box" if self.negatives.any() else ""
        size = f"{self.shape[0]}x{self.shape[1]} px"
        return f"BoxedImages({len(self)} images of {size}, boxes {self.counts()}{without})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of one image: what a model takes as its input shape."""
        return self.images.shape[1:]

    @property
    def pixels(self) -> np.ndarray:
        """The images as a model of this course takes them: float32 (N, H, W, C) in [0, 1]."""
        return self.images / np.float32(255)

    @property
    def negatives(self) -> np.ndarray:
        """Bool (N,), which images have no box."""
        return np.array([not len(boxes) for boxes in self.boxes], bool)

    @property
    def most_boxes(self) -> int:
        """The number of boxes on the image that has most of them, 1 at least: rows of a padded batch."""
        return max([1, *map(len, self.boxes)])

    def counts(self) -> dict[str, int]:
        """How many boxes each class has, in the order of `class_names` (0 where it has none)."""
        labels = np.concatenate([*self.labels, np.zeros(0, np.int64)])
        return dict(zip(self.class_names, np.bincount(labels, minlength=len(self.class_names)).tolist(), strict=True))

    def subset(self, indices: ArrayLike) -> BoxedImages:
        """The images at `indices` (whole numbers, or a bool mask of length N), class names unchanged.

        Raises:
            LookInsideError: for an index that no image has, or what is no index.
        """
        chosen = places_of(indices, len(self))
        return BoxedImages(
            images=self.images[chosen],
            boxes=[self.boxes[i] for i in chosen],
            labels=[self.labels[i] for i in chosen],
            class_names=self.class_names,
            **known_of(self, chosen),
        )

    def tagged(self, **tags: str) -> BoxedImages:
        """The images with these tags, such as `tagged(side="left")`, class names unchanged.

        Raises:
            LookInsideError: if there is no tag of that name, or no image has that value.
        """
        return self.subset(with_tags(self, tags))

    def only(self, classes: Sequence[str]) -> BoxedImages:
        """All images with the boxes of these classes, relabelled 0, 1, ... in the order given.

        An image that has only boxes of other classes becomes a negative: it shows none of these.

        Raises:
            LookInsideError: if a class is not in the set.
        """
        numbers = class_numbers(classes, self.class_names)
        classes = [self.class_names[number] for number in numbers]
        renumber = np.full(len(self.class_names), NO_BOX, dtype=np.int64)
        renumber[numbers] = np.arange(len(numbers))
        kept = [renumber[labels] != NO_BOX for labels in self.labels]
        return BoxedImages(
            images=self.images,
            boxes=[boxes[keep] for boxes, keep in zip(self.boxes, kept, strict=True)],
            labels=[renumber[labels[keep]] for labels, keep in zip(self.labels, kept, strict=True)],
            class_names=tuple(classes),
            **known_of(self, np.arange(len(self))),
        )

    def split(self, fraction: float, seed: int) -> tuple[BoxedImages, BoxedImages]:
        """(rest, part): `part` holds about `fraction` of the images, and no group is on both sides.

        The same share is taken of the negatives, and of the images whose rarest class is the same, so that each class
        comes to both sides; see `stratified_split`.
        """
        rest, part = stratified_split(rarest_classes(self.labels), fraction, seed, self.groups)
        return self.subset(rest), self.subset(part)

    def join(self, *others: BoxedImages) -> BoxedImages:
        """One set of this one's images, then those of `others`; the same group in two sets is the same patient.

        Raises:
            LookInsideError: if image sizes, class names or the names of masks or tags differ, or only some sets have
                groups.
        """
        known = joined_known(self, others)
        sets = (self, *others)
        return BoxedImages(
            images=np.concatenate([one.images for one in sets]),
            boxes=[boxes for one in sets for boxes in one.boxes],
            labels=[labels for one in sets for labels in one.labels],
            class_names=self.class_names,
            **known,
        )

    def padded(self, most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """All boxes in one array, the same number for each image.

        Args:
            most: M, rows an image; None takes `most_boxes`.

        Returns:
            Boxes float32 (N, M, 4) and labels int64 (N, M); where an image has fewer, zeros and the label -1.

        Raises:
            LookInsideError: if an image has more boxes than `most`.
        """
        rows = self.most_boxes if most is None else most
        if rows < self.most_boxes:
            crowded = int(np.argmax([len(boxes) for boxes in self.boxes]))
            raise LookInsideError(
                f"{self.names[crowded]} has {self.most_boxes} boxes: give {self.most_boxes} rows or more, not {rows}"
            )
        boxes = np.zeros((len(self), rows, 4), np.float32)
        labels = np.full((len(self), rows), NO_BOX, np.int64)
        for i in range(len(self)):
            boxes[i, : len(self.boxes[i])], labels[i, : len(self.labels[i])] = self.boxes[i], self.labels[i]
        return boxes, labels

    def to_tf(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        augment: Callable | None = None,
        most: int | None = None,
    ) -> tf.data.Dataset:
        """Batches for a detector: a dictionary of "images", "boxes" and "labels".

        "images" are float32 (B, H, W, C) in [0, 1], "boxes" float32 (B, M, 4) in pixels, "labels" int64 (B, M); rows
        that only fill up have zeros and the label -1. The last batch may be smaller.

        Args:
            batch_size: images in a batch.
            shuffle: new order in every epoch; the same `seed` gives the same orders.
            seed: of the shuffling.
            augment: Keras layer, called on whole dictionaries with `training=True`, one after the other: see
                `lookinside.layers.BoxAugmentation`.
            most: M, boxes of one image; None takes `most_boxes`.

        Raises:
            LookInsideError: if the set is empty, the batch size is below 1, or an image has more than `most` boxes.
        """
        return batched(self, batch_size, shuffle=shuffle, seed=seed, augment=augment, most=most)

    def gatherer(self, most: int | None = None) -> Callable:
        """Indices (B,), a tensor, -> their batch as `to_tf` has it. What it reads from lies on the CPU."""
        import tensorflow as tf  # here, so that scripts which only read files need not wait for it

        with tf.device("CPU"):
            images, (boxes, labels) = tf.constant(self.images), map(tf.constant, self.padded(most))

        def gather(indices):
            pixels = tf.cast(tf.gather(images, indices), tf.float32) / 255.0
            return {"images": pixels, "boxes": tf.gather(boxes, indices), "labels": tf.gather(labels, indices)}

        return gather

    @staticmethod
    def augmented(batch: dict, augment: Callable) -> dict:
        """A batch as `augment` makes it."""
        return augment(batch, training=True)


def rarest_classes(labels: Sequence[np.ndarray]) -> np.ndarray:
    """Of the classes on each image the one with the fewest boxes in all; -1 for a negative.

    One class an image is what a stratified division goes by.

    Args:
        labels: N times int64 (K_i,), as in `BoxedImages`.

    Returns:
        int64 (N,).
    """
    counts = np.bincount(np.concatenate([*labels, np.zeros(0, np.int64)]))
    return np.array([own[counts[own].argmin()] if len(own) else NO_BOX for own in labels], np.int64)
