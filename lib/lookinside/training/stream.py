"""The batches of a whole training run, a pure function of seed, epoch and step: what a resumed run needs."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from lookinside.data import BoxedImages, LabelledImages

_SEEDS_A_STEP = 1024  # random numbers that a layer may draw in one batch


def training_batches(
    train: LabelledImages | BoxedImages,
    batch_size: int,
    *,
    seed: int,
    first_epoch: int,
    epochs: int,
    augment: Callable | None = None,
) -> tf.data.Dataset:
    """Whole batches of the epochs `first_epoch` to `epochs` - 1, one after the other.

    `to_tf(shuffle=True)` counts its epochs from where it was made, so a resumed run would see the
    order of epoch 0 again. Here the order, and the seeds of the augmenting layers, follow from (seed, epoch, step).

    Args:
        train: the images; what is left over in an epoch after whole batches comes in another one's.
        batch_size: images a batch, at most `len(train)`.
        seed: of order and augmentation.
        first_epoch, epochs: as in Keras' `fit` (counted from 0).
        augment: a Keras layer or model, called on whole batches with `training=True`, one batch after the other.

    Returns:
        Dataset of (epochs - first_epoch) * (len(train) // B) batches, each as `train.to_tf(B)` has them.
    """
    gather, seed = train.gatherer(), int(seed)
    count, steps = len(train), len(train) // batch_size

    def one_epoch(epoch):
        key = tf.stack([tf.cast(seed, tf.int64), epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(count), key)
        batches = tf.reshape(order[: steps * batch_size], (steps, batch_size))
        places = epoch * steps + tf.range(steps, dtype=tf.int64)
        return tf.data.Dataset.from_tensor_slices((places, batches))

    states = [v for v in getattr(augment, "variables", ()) if v.name == "seed_generator_state"]

    def augmented(place, batch):
        for number, state in enumerate(states):
            first = tf.cast(place * _SEEDS_A_STEP, state.dtype)
            own = (seed * 1000 + number + 2**63) % 2**64 - 2**63  # a large seed would leave int64
            state.assign(tf.stack([tf.cast(own, state.dtype), first]))
        return train.augmented(batch, augment)

    stream = tf.data.Dataset.range(first_epoch, epochs).flat_map(one_epoch)
    stream = stream.map(lambda place, indices: (place, gather(indices)), num_parallel_calls=2)
    # In sequence: the layers' random state is shared by all batches.
    stream = stream.map((lambda place, batch: batch) if augment is None else augmented)
    return stream.prefetch(2)
