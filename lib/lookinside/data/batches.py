"""The batches of any set that gathers its images by their indices, for Keras."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import TYPE_CHECKING, Any, Protocol

from lookinside.errors import LookInsideError

if TYPE_CHECKING:
    import tensorflow as tf


class Gathers(Protocol):
    """A set in memory: labelled images, images with boxes."""

    def __len__(self) -> int: ...

    def gatherer(self, **options: Any) -> Callable:
        """A function of indices (B,) that gives their batch."""

    def augmented(self, batch: Any, augment: Callable) -> Any:
        """A batch that has gone through a Keras layer."""


def batched(
    images: Gathers,
    batch_size: int,
    *,
    shuffle: bool = False,
    seed: int = 0,
    augment: Callable | None = None,
    **options: Any,
) -> tf.data.Dataset:
    """The batches of one pass over a set; see `LabelledImages.to_tf`. `options` are those of its `gatherer`.

    Raises:
        LookInsideError: if the set is empty, or the batch size is no whole number from 1 on.
    """
    if not len(images):
        raise LookInsideError("this set holds no image: choose other classes or another split")
    if not isinstance(batch_size, Integral) or isinstance(batch_size, bool) or batch_size < 1:
        raise LookInsideError(f"batch_size is {batch_size!r:.60}: give a whole number, 1 or more")
    import tensorflow as tf  # here, so that scripts which only read files need not wait for it

    order = tf.data.Dataset.range(len(images))
    if shuffle:
        order = order.shuffle(len(images), seed=seed, reshuffle_each_iteration=True)
    batches = order.batch(batch_size).map(images.gatherer(**options), num_parallel_calls=2)
    if augment is not None:
        # (x, y) reaches the function as two arguments, a dictionary as one.
        batches = batches.map(lambda *parts: images.augmented(parts[0] if len(parts) == 1 else parts, augment))
    return batches.prefetch(2)
