"""One way to make TensorFlow graphs of a method: traced once a shape, from several threads too."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

import tensorflow as tf


def traced(method: Callable) -> Callable:
    """The method as TensorFlow graphs, one for each shape of its tensors.

    Each shape has a tf.function of its own: one function would be traced as often as several threads come first, and
    TensorFlow warns of a function that is traced five times. autograph is off: nothing here needs it, and it warns of
    code that it cannot read. The partial hides the method's code, by which TensorFlow counts traces: it would take the
    traces of many explainers for those of one.
    """
    functions: dict[tuple, Callable] = {}
    lock = threading.RLock()

    def call(*arguments):
        key = tuple(_kind(one) for one in tf.nest.flatten(arguments))
        if key not in functions:
            with lock:
                if key not in functions:
                    function = tf.function(functools.partial(method), autograph=False)
                    result = function(*arguments)
                    functions[key] = function
                    return result
        return functions[key](*arguments)

    return call


def size_for(count: int, at_most: int) -> int:
    """How many images are computed at a time: all, filled up to a power of two, so that few sizes are ever traced.

    Args:
        count: of the images.
        at_most: no more than so many at a time.
    """
    return min(at_most, 1 << (count - 1).bit_length())


def _kind(value):
    """What decides whether a graph fits: shape and type of an array, another value itself."""
    return (tuple(value.shape), value.dtype) if hasattr(value, "dtype") else value
