"""Local response normalization (Krizhevsky et al. 2012): a map is damped where its neighbouring maps are strong."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("lookinside")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each activation by a power of what the neighbouring maps hold at the same pixel.

    With a the activation of map i at a pixel, and the sum over `n` maps j around i, as far as there are maps:

        b_i = a_i / (k + alpha * sum_j a_j ** 2) ** beta

    The maps are i - n // 2 to i + (n - 1) // 2: as many on both sides for an odd n, one more below for an even n, as in
    PyTorch. PyTorch and Caffe divide alpha by n: `torch.nn.LocalResponseNorm(n, alpha * n, beta, k)` is this layer.
    It has no weights, and computes in float32 where the model computes in half precision (256 squared is too large for
    a half float).

    With the default alpha the sum counts beside k only where activations are about 50 or more, as they are in a network
    that reads pixels from 0 to 255; below, the layer divides by k ** beta, 1.68.

    Args:
        n: number of maps in the sum, 1 or more; may be more than there are.
        k: added to the sum, above 0.
        alpha: factor of the sum, 0 or more.
        beta: the exponent, 0 or more.

    Input shape: (N, ..., C), channels last, C known.

    Output shape: the same.

    Raises:
        ValueError: for an argument outside its range, or an input whose number of channels is not known.

    Source: Krizhevsky, Sutskever & Hinton 2012, section 3.3.
    """

    def __init__(self, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
            raise ValueError(f"n is {n!r}: give a whole number of maps, 1 or more.")
        for name, value in (("k", k), ("alpha", alpha), ("beta", beta)):
            if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value < math.inf:
                raise ValueError(f"{name} is {value!r}: give a finite number, 0 or more.")
        if k == 0:
            raise ValueError("k is 0: give a number above 0, or maps of zeros are divided by zero.")
        self.n, self.k, self.alpha, self.beta = int(n), float(k), float(alpha), float(beta)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        if len(input_shape) < 2 or channels is None:
            raise ValueError(f"The input has shape {tuple(input_shape)}: (N, ..., C) with a known C is needed.")
        # Which maps are neighbours, (C, C): a product with this band sums them ten times as fast as shifted copies do.
        distance = np.arange(channels)[:, None] - np.arange(channels)
        self._neighbours = (distance >= -(self.n // 2)) & (distance <= (self.n - 1) // 2)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        half = self.compute_dtype in ("float16", "bfloat16")
        x = ops.cast(inputs, "float32" if half else self.compute_dtype)
        return ops.cast(x * self.damping(x), self.compute_dtype)

    def damping(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """What each activation is multiplied by: 1 / (k + alpha * sum_j a_j ** 2) ** beta, of the shape of `x`."""
        total = ops.matmul(ops.square(x), ops.cast(self._neighbours, x.dtype))
        # A power by way of the logarithm: its gradient costs less than that of ops.power.
        return ops.exp(-self.beta * ops.log(self.k + self.alpha * total))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n, "k": self.k, "alpha": self.alpha, "beta": self.beta}
