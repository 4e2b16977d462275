"""SubtractLocalMean: an image minus its own blur, inside of a network, so that gradients pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.ndimage import gaussian_filter1d


@keras.saving.register_keras_serializable(package="lookinside")
class SubtractLocalMean(keras.layers.Layer):
    """`gain` times (image minus its Gaussian blur), around middle grey, cut off at 0 and 1.

    What `lookinside.data.without_shading` does to a set, up to its rounding to whole grey levels; as a layer it lets a
    network take photographs as they are, and lets gradients through to them. The blur is two matrix products, one for
    rows and one for columns, which are exact up to the border (the outermost pixels go on there).

    Input shape and output shape: (N, H, W, C), floats in [0, 1]; H, W and C are fixed. Floats of 0 to 255 would come
    out black and white.

    Args:
        sigma: standard deviation of the blur in pixels.
        gain: what is left is made so many times as strong.

    Raises:
        ValueError: unless sigma and gain are positive, or for images of open size, of another size than those that the
            layer was built for, or in whole numbers.

    Source: the subtraction of the local mean, with a gain of 4, is Graham's (2015) for fundus photographs.
    """

    def __init__(self, sigma: float, gain: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value in (("sigma", sigma), ("gain", gain)):
            if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < math.inf:
                raise ValueError(f"{name} is {value!r}: give a finite number above 0.")
        self.sigma, self.gain = float(sigma), float(gain)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the two matrices of the blur."""
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise ValueError(f"SubtractLocalMean takes images (N, H, W, C) of a fixed size, got {tuple(input_shape)}.")
        self._blurs = [gaussian_filter1d(np.eye(side), self.sigma, axis=0, mode="nearest") for side in input_shape[1:3]]
        self.input_spec = keras.InputSpec(shape=(None, *input_shape[1:3], None))
        self.built = True

    def call(self, inputs: Any) -> Any:
        """See the class."""
        if not keras.backend.is_float_dtype(inputs.dtype):
            given = keras.backend.standardize_dtype(inputs.dtype)
            raise ValueError(f"The images are {given}: give floats in [0, 1], uint8 images divided by 255.")
        rows, columns = (ops.convert_to_tensor(one, inputs.dtype) for one in self._blurs)
        height, width, channels = inputs.shape[1:]
        # Channel by channel a product of three matrices: faster than a sum over the axes where they are.
        planes = ops.reshape(ops.transpose(inputs, (0, 3, 1, 2)), (-1, height, width))
        planes = ops.matmul(ops.matmul(rows, planes), ops.transpose(columns))
        blurred = ops.transpose(ops.reshape(planes, (-1, channels, height, width)), (0, 2, 3, 1))
        return ops.clip(self.gain * (inputs - blurred) + 128 / 255, 0.0, 1.0)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Sequence[int | None]:
        """The input's."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Keras' configuration."""
        return super().get_config() | {"sigma": self.sigma, "gain": self.gain}
