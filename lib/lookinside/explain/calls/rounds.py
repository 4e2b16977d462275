"""Work on many copies of an image, some at a time: as few rounds as fit, all of the same size, bounded memory."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def even_rounds(steps: int, copies: int, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """How many rounds, and how many steps in each: as few rounds as fit, all of the same size.

    Args:
        steps: how many there are for each image.
        copies: images at a time, at most; at least one step of all images.
        count: number of images.
    """
    at_most = tf.maximum(1, copies // count)
    rounds = -(-steps // at_most)
    return rounds, -(-steps // rounds)


def in_rounds(compute: Callable[[tf.Tensor], tf.Tensor], count: tf.Tensor, steps: int, copies: int) -> tf.Tensor:
    """Return the values of all steps of all images, float32 (N, steps), computed round after round inside a graph.

    Args:
        compute: numbers of steps, int32 (k,) -> their values (N, k).
        count: N, the number of images.
        steps: how many there are; a last round that is not full computes the last step again.
        copies: images at a time, N times k.
    """
    rounds, at_once = even_rounds(steps, copies, count)

    def one_round(number, found):
        numbers = tf.minimum(number * at_once + tf.range(at_once), steps - 1)
        return number + 1, found.write(number, tf.reshape(compute(numbers), (count, at_once)))

    found = tf.TensorArray(tf.float32, rounds, element_shape=(None, None))
    _, found = tf.while_loop(
        lambda number, _: number < rounds,
        one_round,
        (tf.constant(0), found),
        parallel_iterations=1,
        maximum_iterations=rounds,
    )
    return tf.reshape(tf.transpose(found.stack(), (1, 0, 2)), (count, rounds * at_once))[:, :steps]
