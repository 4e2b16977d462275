"""SubtractLocalMean: an image minus its own blur, inside of a network, so that gradients pass."""

from __future__ import annotations

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

    Input shape and output shape: (N, H, W, C), values in [0, 1]; H and W are fixed.

    Args:
        sigma: standard deviation of the blur in pixels.
        gain: what is left is made so many times as strong.

    Raises:
        ValueError: unless sigma and gain are positive, or for images of open size.

    Source: the subtraction of the local mean, with a gain of 4, is Graham's (2015) for fundus photographs.
    """

    def __init__(self, sigma: float, gain: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        if not 0 < sigma < float("inf") or not 0 < gain < float("inf"):
            raise ValueError(f"sigma is {sigma!r} and gain {gain!r}: give two positive numbers.")
        self.sigma, self.gain = float(sigma), float(gain)

    def build(self, input_shape):
        """Make the two matrices of the blur."""
        if len(input_shape) != 4 or input_shape[1] is None or input_shape[2] is None:
            raise ValueError(f"SubtractLocalMean takes images (N, H, W, C) of a fixed size, got {tuple(input_shape)}.")
        self._blurs = [
            gaussian_filter1d(np.eye(side, dtype="float64"), self.sigma, axis=0, mode="nearest").astype("float32")
            for side in input_shape[1:3]
        ]
        self.built = True

    def call(self, inputs):
        """See the class."""
        rows, columns = (ops.cast(ops.convert_to_tensor(one), inputs.dtype) for one in self._blurs)
        blurred = ops.einsum("ih,nhwc->niwc", rows, inputs)
        blurred = ops.einsum("jw,niwc->nijc", columns, blurred)
        return ops.clip(self.gain * (inputs - blurred) + 128 / 255, 0.0, 1.0)

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def get_config(self):
        """Keras' configuration."""
        return super().get_config() | {"sigma": self.sigma, "gain": self.gain}
