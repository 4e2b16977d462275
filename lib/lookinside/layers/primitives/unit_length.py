"""Vectors of length 1, so that their inner product is the cosine of the angle between them."""

from __future__ import annotations

import keras
from keras import ops

_SHORTEST = 1e-6  # below this length a vector has no direction that could be trusted


def unit_vectors(vectors: keras.KerasTensor) -> keras.KerasTensor:
    """The vectors of the last axis, (..., C), brought to length 1.

    A vector of zeros stays zero and has a finite gradient. In half precision lengths are computed in float32 (256
    squared is too large for a half float).
    """
    kind = keras.backend.standardize_dtype(vectors.dtype)
    full = ops.cast(vectors, "float32") if kind in ("float16", "bfloat16") else vectors
    squares = ops.sum(ops.square(full), axis=-1, keepdims=True)
    return ops.cast(full * ops.rsqrt(ops.maximum(squares, _SHORTEST**2)), kind)
