"""Images with class labels, in memory, and the way from there to tf.data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from lookinside.data.batches import batched
from lookinside.data.named import (
    check_images,
    check_labels,
    check_same_kind,
    checked_class_names,
    checked_groups,
    checked_masks,
    checked_tags,
    class_numbers,
    joined_known,
    known_of,
    one_for_each,
    places_of,
    with_tags,
)
from lookinside.data.stratify import stratified_split
from lookinside.errors import LookInsideError

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """A set of images with one class each, and what is known of them.

    A changed copy is made by `dataclasses.replace(data, images=...)`.

    Attributes:
        images: uint8 (N, H, W, C), 0 (black) to 255; C is 1 (grey) or 3 (red, green, blue).
        labels: int64 (N,), the position of the class in `class_names`.
        class_names: what the labels mean; classes without an image may be among them.
        names: (N,) file name or phantom name of each image.
        masks: mask name -> bool (N, H, W), the truth: `masks["landmarks"]`, `masks["bones"]`, ...; empty where none is
            known. A missing name raises LookInsideError with the names there are.
        groups: (N,) text, the patient of each image, or None where patients are not known. `split` keeps them together.
        tags: name -> (N,) text, what else is known of each image: `tags["modality"]`, `tags["source"]`, ...; a missing
            name raises LookInsideError with the names there are.

    Raises:
        LookInsideError: if shapes, types, labels, groups or tags do not agree.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: Sequence | None = None
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self):
        check_images(self.images)
        count = len(self.images)
        # Frozen for its users: what was given as a list or a dict is kept in a form that stays as it is.
        object.__setattr__(self, "class_names", checked_class_names(self.class_names))
        check_labels(self.labels, count, len(self.class_names))
        object.__setattr__(self, "names", one_for_each(self.names, "names", count, "name"))
        object.__setattr__(self, "masks", checked_masks(self.masks, self.images.shape[:3]))
        object.__setattr__(self, "groups", checked_groups(self.groups, count))
        object.__setattr__(self, "tags", checked_tags(self.tags, count))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"LabelledImages({len(self)} images of {self.shape[0]}x{self.shape[1]} px, {self.counts()})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of one image: what a model takes as its input shape."""
        return self.images.shape[1:]

    @property
    def pixels(self) -> np.ndarray:
        """The images as a model of this course takes them: float32 (N, H, W, C) in [0, 1]."""
        return self.images / np.float32(255)

    def counts(self) -> dict[str, int]:
        """How many images each class has, in the order of `class_names` (0 where it has none)."""
        numbers = np.bincount(self.labels, minlength=len(self.class_names))
        return dict(zip(self.class_names, numbers.tolist(), strict=True))

    def cells(self, *tags: str) -> dict[tuple[str, ...], int]:
        """How many images there are of each class with each value of these tags, sorted.

        `cells("modality", "source")` is {("heart", "mri", "HVSMR-2.0"): 36, ...}; what has no image is not there.
        """
        classes = [self.class_names[label] for label in self.labels]
        return dict(sorted(Counter(zip(classes, *(self.tags[tag] for tag in tags), strict=True)).items()))

    def subset(self, indices: ArrayLike) -> LabelledImages:
        """The images at `indices` (whole numbers, or a bool mask of length N), class names unchanged.

        Raises:
            LookInsideError: for an index that no image has, or what is no index.
        """
        chosen = places_of(indices, len(self))
        return LabelledImages(
            images=self.images[chosen],
            labels=self.labels[chosen],
            class_names=self.class_names,
            **known_of(self, chosen),
        )

    def tagged(self, **tags: str) -> LabelledImages:
        """The images with these tags, such as `tagged(modality="ct")`, class names unchanged.

        Raises:
            LookInsideError: if there is no tag of that name, or no image has that value.
        """
        return self.subset(with_tags(self, tags))

    def only(self, classes: Sequence[str]) -> LabelledImages:
        """The images of these classes, relabelled 0, 1, ... in the order given.

        Raises:
            LookInsideError: if a class is not in the set, or named twice.
        """
        numbers = class_numbers(classes, self.class_names)
        renumber = np.full(len(self.class_names), -1, dtype=np.int64)
        renumber[numbers] = np.arange(len(numbers))
        kept = self.subset(renumber[self.labels] >= 0)
        names = tuple(self.class_names[number] for number in numbers)
        return replace(kept, labels=renumber[kept.labels], class_names=names)

    def split(self, fraction: float, seed: int) -> tuple[LabelledImages, LabelledImages]:
        """(rest, part): `part` holds about `fraction` of every class, and no group is on both sides.

        See `stratified_split`.
        """
        rest, part = stratified_split(self.labels, fraction, seed, self.groups)
        return self.subset(rest), self.subset(part)

    def join(self, *others: LabelledImages) -> LabelledImages:
        """One set of this one's images, then those of `others`; the same group in two sets is the same patient.

        Raises:
            LookInsideError: if image sizes, class names or the names of masks or tags differ, or only some sets have
                groups.
        """
        known = joined_known(self, others)
        sets = (self, *others)
        return LabelledImages(
            images=np.concatenate([one.images for one in sets]),
            labels=np.concatenate([one.labels for one in sets]),
            class_names=self.class_names,
            **known,
        )

    def mixed(self, other: LabelledImages, share: float, seed: int) -> LabelledImages:
        """This set, a random share of whose images is as `other` has them: the same set, drawn or read in another way.

        Args:
            other: the same images in the same order; names and labels say so.
            share: of the images that come from `other`, 0 to 1.
            seed: which images these are.

        Raises:
            LookInsideError: if names or labels differ, the share is no share, or the sets do not join.
        """
        check_same_kind(self, other)
        if not isinstance(share, Real) or not 0 <= share <= 1:
            raise LookInsideError(f"share is {share!r:.60}: give a number from 0 to 1")
        if other.names != self.names or not np.array_equal(other.labels, self.labels):
            raise LookInsideError("the two sets hold different images: draw both with the same seed and classes")
        own = np.arange(len(self))
        taken = np.random.default_rng(seed).permutation(len(self)) < int(share * len(self))
        return self.join(other).subset(np.where(taken, len(self) + own, own))

    def to_tf(
        self, batch_size: int, *, shuffle: bool = False, seed: int = 0, augment: Callable | None = None
    ) -> tf.data.Dataset:
        """Batches for `fit` and `evaluate`: float32 (B, H, W, C) in [0, 1] and int64 (B,).

        The images stay in memory as uint8 and become floats one batch at a time. The last batch may be smaller.

        Args:
            batch_size: images in a batch.
            shuffle: new order in every epoch; the same `seed` gives the same orders.
            seed: of the shuffling.
            augment: Keras layer or model, called on whole batches with `training=True`. Batches pass it one after
                the other (while the model trains on the one before): side by side they would draw from the
                layer's random state in an order that differs from run to run.

        Raises:
            LookInsideError: if the set is empty or the batch size is below 1.
        """
        return batched(self, batch_size, shuffle=shuffle, seed=seed, augment=augment)

    def gatherer(self) -> Callable:
        """Indices (B,), a tensor, -> their batch as `to_tf` has it. What it reads from lies on the CPU."""
        import tensorflow as tf  # here, so that scripts which only read files need not wait for it

        with tf.device("CPU"):  # tf.data runs there: a copy on a GPU would travel back for every batch
            images, labels = tf.constant(self.images), tf.constant(self.labels)
        return lambda indices: (tf.cast(tf.gather(images, indices), tf.float32) / 255.0, tf.gather(labels, indices))

    @staticmethod
    def augmented(batch: tuple, augment: Callable) -> tuple:
        """A batch with its images as `augment` makes them."""
        images, labels = batch
        return augment(images, training=True), labels


def checked_set(images) -> None:
    """Raise LookInsideError for what is not `LabelledImages`: an array, a path, a set with boxes."""
    if not isinstance(images, LabelledImages):
        kind = type(images).__name__
        raise LookInsideError(f"The images are of type {kind}: give LabelledImages, as load_images or phantom_eyes do.")
