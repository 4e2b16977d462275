"""One way to make TensorFlow graphs of a method: traced once for images of a size, however many, from any thread."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

import tensorflow as tf


def traced(method: Callable) -> Callable:
    """The method as TensorFlow graphs: one for tensors of a size, whatever the length of their first axes.

    The method must not ask a tensor for `shape[0]`, which is None; `tf.shape` knows it. What is no tensor or array is
    built into the graph. Each graph is a tf.function of its own: one for all would be traced as often as several
    threads come first, and TensorFlow warns of a function that is traced five times. autograph is off: nothing here
    needs it, and it warns of code that it cannot read.
    """
    functions: dict[tuple, Callable] = {}
    lock = threading.RLock()

    def call(*arguments):
        flat = tf.nest.flatten(arguments)
        tensors = [one for one in flat if hasattr(one, "dtype")]
        key = tuple((one.dtype, *one.shape[1:]) if hasattr(one, "dtype") else one for one in flat)
        if key not in functions:
            with lock:
                if key not in functions:
                    function = _function(method, arguments, flat, tensors)
                    result = function(*tensors)  # traced here, once
                    functions[key] = function
                    return result
        return functions[key](*tensors)

    return call


def _function(method, arguments, flat, tensors):
    """A tf.function of the tensors among the arguments, flat; it keeps nothing of them but their sizes."""
    fixed = [None if hasattr(one, "dtype") else one for one in flat]
    places = [place for place, one in enumerate(flat) if hasattr(one, "dtype")]
    structure = tf.nest.map_structure(lambda _: 0, arguments)

    def run(*given):
        values = list(fixed)
        for place, tensor in zip(places, given, strict=True):
            values[place] = tensor
        return method(*tf.nest.pack_sequence_as(structure, values))

    sizes = [tf.TensorSpec((None, *one.shape[1:]), one.dtype) for one in tensors]
    # TensorFlow counts traces by a function's code, which all of these share; a partial is counted by itself.
    return tf.function(functools.partial(run), autograph=False, input_signature=sizes)
