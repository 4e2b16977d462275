"""Soft-argmax: the position of a map's peak, so that a gradient goes through (Luvizon et al. 2017)."""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from lookinside.layers.arguments import check_choice, check_numbers

Units = Literal["cells", "shares"]
_UNITS = ("cells", "shares")
_LOWEST_PEAK = 1e-12  # a map below it counts as empty


@keras.saving.register_keras_serializable("lookinside")
class SoftArgmax2D(keras.layers.Layer):
    """The position of a map's peak as an expectation.

    The map is divided by its maximum and turned into probabilities p by a softmax over its cells:

        p = softmax(t Phi / max Phi),    (x, y) = sum_i p_i (column of i, row of i)

    The temperature t decides how much the peak outweighs the rest. On 15 x 15 cells with a single peak at (3, 11),
    t = 1 gives (7, 7), the middle, and t = 30 the peak. t is learned as its logarithm, so it stays above 0. A map of
    zeros has its expectation in the middle.

    It computes in float32 where the model computes in half precision. The positions are rounded to half precision then:
    make the layer with dtype="float32", as one does for logits, to keep them.

    Args:
        temperature: t at the start, above 0.
        learn: train the temperature.
        units: "cells", where the middle of the first cell is (0, 0) and that of the last (N - 1, M - 1), or "shares" of
            the map's width and height, where the middle of the first cell is (0.5 / N, 0.5 / M).

    Input shape: (B, M, N), M and N known, values of 0 or more.

    Output shape: (B, 2), x to the right and y down.

    Raises:
        ValueError: for an argument outside its range, or an input whose M or N is not known.

    Source: Liu, Wan & He 2019, section 2.2; Luvizon et al. 2017. Temperature and division by the maximum are ours.
    """

    def __init__(self, temperature: float = 30.0, learn: bool = True, *, units: Units = "cells", **kwargs: Any):
        super().__init__(**kwargs)
        check_numbers(0, temperature=temperature)
        if temperature == 0:
            raise ValueError("temperature is 0: give a number above 0.")
        if not isinstance(learn, bool):
            raise ValueError(f"learn is {learn!r}: give True or False.")
        check_choice(_UNITS, units=units)
        self.start, self.learn, self.units = float(temperature), learn, units
        self._full = "float32" if self.compute_dtype in ("float16", "bfloat16") else self.compute_dtype

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) != 3 or None in input_shape[1:]:
            raise ValueError(f"The input has shape {tuple(input_shape)}: (B, M, N) with known M and N is needed.")
        start = keras.initializers.Constant(math.log(self.start))
        self.log_temperature = self.add_weight((), start, trainable=self.learn, name="log_temperature")
        sides = np.array(input_shape[:0:-1])  # (N, M), as x and y are
        places = np.indices(input_shape[1:])[::-1].reshape(2, -1).T
        self._places = (places + 0.5) / sides if self.units == "shares" else places

    @property
    def temperature(self) -> keras.KerasTensor:
        """t as it is now, a scalar; known when the layer is built."""
        if not self.built:
            raise ValueError(f"{self.name} has no temperature yet: call it on a map first.")
        return ops.exp(ops.convert_to_tensor(self.log_temperature))

    def call(self, phi: keras.KerasTensor) -> keras.KerasTensor:
        positions = ops.matmul(self.weights_of_cells(phi), ops.cast(self._places, self._full))
        return ops.cast(positions, self.compute_dtype)

    def weights_of_cells(self, phi: keras.KerasTensor) -> keras.KerasTensor:
        """p, (B, M * N) in reading order, with a sum of 1: how much the position listens to each cell."""
        flat = ops.cast(ops.reshape(phi, (-1, len(self._places))), self._full)
        peaks = ops.max(flat, axis=-1, keepdims=True)
        # An empty map is left as it is: to divide it by a tiny number would make its gradient huge.
        peaks = ops.where(peaks > _LOWEST_PEAK, peaks, ops.ones_like(peaks))
        return ops.softmax(ops.cast(self.temperature, self._full) * (flat / peaks), axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape[0], 2

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.start, "learn": self.learn, "units": self.units}
