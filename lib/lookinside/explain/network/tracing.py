"""One way to make a TensorFlow graph of a method: traced once a shape, without TensorFlow's false alarms."""

from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf


def traced(method: Callable) -> Callable:
    """The method as a tf.function, traced once for each shape of its tensors.

    autograph is off: nothing here needs it, and it warns of code that it cannot read. The partial hides the method's
    code, by which TensorFlow counts traces: it would take the traces of many explainers for those of one.
    """
    return tf.function(functools.partial(method), autograph=False)
