"""Grey images with class labels, in memory, and the way from there to tf.data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from lookinside.data.stratify import stratified_split
from lookinside.errors import LookInsideError

if TYPE_CHECKING:
    import tensorflow as tf

_MASKS = ("regions", "bones", "shortcuts")


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """A set of images with one class each.

    Attributes:
        images: uint8 (N, H, W, 1), 0 (black) to 255.
        labels: int64 (N,), the position of the class in `class_names`.
        class_names: what the labels mean; classes without an image may be among them.
        names: (N,) file name or phantom name of each image.
        regions: bool (N, H, W), the landmarks that the class is told by, or None where no truth is known.
        bones: bool (N, H, W), all bones, or None.
        shortcuts: bool (N, H, W), the planted marker, or None.

    Raises:
        LookInsideError: if shapes, types or labels do not agree.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    regions: np.ndarray | None = None
    bones: np.ndarray | None = None
    shortcuts: np.ndarray | None = None

    def __post_init__(self):
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 1:
            raise LookInsideError(f"images are {images.dtype} {images.shape}: give uint8 (N, H, W, 1)")
        count = len(images)
        if labels.shape != (count,) or labels.dtype != np.int64:
            raise LookInsideError(
                f"labels are {labels.dtype} {labels.shape}: give int64 ({count},), one for each image"
            )
        if count and not 0 <= labels.min() <= labels.max() < len(self.class_names):
            raise LookInsideError(
                f"labels run from {labels.min()} to {labels.max()}, but there are {len(self.class_names)} class names: "
                f"give labels 0 to {len(self.class_names) - 1}"
            )
        if len(self.names) != count:
            raise LookInsideError(f"{len(self.names)} names for {count} images: give one name for each image")
        for field in _MASKS:
            mask = getattr(self, field)
            if mask is not None and (mask.dtype != bool or mask.shape != images.shape[:3]):
                raise LookInsideError(f"{field} is {mask.dtype} {mask.shape}: give bool {images.shape[:3]}")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"LabelledImages({len(self)} images of {self.shape[0]}x{self.shape[1]} px, {self.counts()})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of one image: what a model takes as its input shape."""
        return self.images.shape[1:]

    def counts(self) -> dict[str, int]:
        """How many images each class has, in the order of `class_names` (0 where it has none)."""
        numbers = np.bincount(self.labels, minlength=len(self.class_names))
        return dict(zip(self.class_names, numbers.tolist(), strict=True))

    def subset(self, indices) -> LabelledImages:
        """The images at `indices` (whole numbers, or a bool mask of length N), class names unchanged."""
        chosen = np.arange(len(self))[indices]
        masks = {f: None if getattr(self, f) is None else getattr(self, f)[chosen] for f in _MASKS}
        names = tuple(self.names[i] for i in chosen)
        return LabelledImages(self.images[chosen], self.labels[chosen], self.class_names, names, **masks)

    def only(self, classes) -> LabelledImages:
        """The images of these classes, relabelled 0, 1, ... in the order given.

        Raises:
            LookInsideError: if a class is not in the set.
        """
        missing = [c for c in classes if c not in self.class_names]
        if missing:
            raise LookInsideError(f"no class {missing[0]!r} in this set: choose from {', '.join(self.class_names)}")
        renumber = np.full(len(self.class_names), -1, dtype=np.int64)
        renumber[[self.class_names.index(c) for c in classes]] = np.arange(len(classes))
        kept = self.subset(renumber[self.labels] >= 0)
        values = {f.name: getattr(kept, f.name) for f in fields(kept)}
        return LabelledImages(**values | {"labels": renumber[kept.labels], "class_names": tuple(classes)})

    def split(self, fraction: float, seed: int) -> tuple[LabelledImages, LabelledImages]:
        """(rest, part): `part` holds `fraction` of every class, see `stratified_split`."""
        rest, part = stratified_split(self.labels, fraction, seed)
        return self.subset(rest), self.subset(part)

    def to_tf(
        self, batch_size: int, *, shuffle: bool = False, seed: int = 0, augment: Callable | None = None
    ) -> tf.data.Dataset:
        """Batches for `fit` and `evaluate`: float32 (B, H, W, 1) in [0, 1] and int64 (B,).

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
        if not len(self):
            raise LookInsideError("this set holds no image: choose other classes or another split")
        if batch_size < 1:
            raise LookInsideError(f"batch_size is {batch_size}: give 1 or more")
        import tensorflow as tf  # here, so that scripts which only read files need not wait for it

        with tf.device("CPU"):  # tf.data runs there: a copy on a GPU would travel back for every batch
            images, labels = tf.constant(self.images), tf.constant(self.labels)

        def gather(indices):
            batch = tf.cast(tf.gather(images, indices), tf.float32) / 255.0
            return batch, tf.gather(labels, indices)

        order = tf.data.Dataset.range(len(self))
        if shuffle:
            order = order.shuffle(len(self), seed=seed, reshuffle_each_iteration=True)
        batches = order.batch(batch_size).map(gather, num_parallel_calls=2)
        if augment is not None:
            batches = batches.map(lambda x, y: (augment(x, training=True), y))
        return batches.prefetch(2)
