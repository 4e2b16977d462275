"""Which pixels of the image a cell of a feature map is computed from, by the layers on the way."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np

from lookinside.errors import LookInsideError

_WINDOWS = (keras.layers.Conv2D, keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
_CELL_BY_CELL = (keras.layers.Add, keras.layers.BatchNormalization, keras.layers.Activation, keras.layers.ReLU)


class ReceptiveField(NamedTuple):
    """What cell i along an axis of a map reads: pixels i * stride + low to i * stride + high, both of them included.

    Attributes:
        stride: pixels from one cell to the next.
        low, high: the first and the last pixel that cell 0 reads; below 0 it reads padding.
        spread: pixels, the standard deviation of what reaches the cell if all numbers of a kernel weigh the same, on
            the longest way through the layers: pixels in the middle lead to the cell in many ways, those at the rim in
            one.
    """

    stride: int
    low: int
    high: int
    spread: float

    @property
    def size(self) -> int:
        """Pixels along the axis: the theoretical receptive field."""
        return self.high - self.low + 1

    @property
    def middle(self) -> float:
        """Its middle for cell 0, where the image's first pixel reaches from 0 to 1."""
        return (self.low + self.high + 1) / 2

    @property
    def effective(self) -> float:
        """Pixels along the axis that hold about 95 % of it: two times the spread to either side."""
        return 4 * self.spread


def receptive_field(model: keras.Model, output: str) -> ReceptiveField:
    """The receptive field of a cell of one output of a network of convolutions.

        receptive_field(resnet18_stages((192, 256, 1)), "conv4_x").size    # 211 pixels

    Args:
        model: a functional model with a dictionary of outputs, of convolutions, pooling, padding, additions and layers
            that change each cell for itself; the same along both axes.
        output: name of the output.

    Returns:
        A `ReceptiveField`.

    Raises:
        LookInsideError: for an unknown output, or a layer of another kind.

    Source: Luo et al. 2016, Understanding the Effective Receptive Field: it is close to a Gaussian, and much smaller
        than the theoretical one.
    """
    names = sorted(model.output) if isinstance(model.output, dict) else list(model.output_names)
    if output not in names:
        raise LookInsideError(f"{model.name} has no output {output!r}: choose from {', '.join(names)}")
    wanted = model.output[output] if isinstance(model.output, dict) else model.outputs[names.index(output)]
    found = {id(model.inputs[0]): (1, 0, 0, 0.0)}  # stride, low, high, variance
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        found[id(layer.output)] = _behind(layer, [found[id(one)] for one in inputs])
    stride, low, high, variance = found[id(wanted)]
    return ReceptiveField(stride, low, high, float(np.sqrt(variance)))


def _behind(layer, fields):
    """Stride, low, high and variance behind a layer, from those of its inputs: the longest way counts."""
    strides, lows, highs, variances = zip(*fields, strict=True)
    stride, low, high, variance = max(strides), min(lows), max(highs), max(variances)
    if isinstance(layer, keras.layers.ZeroPadding2D):
        before = layer.padding[0][0] * stride
        return stride, low - before, high - before, variance
    if isinstance(layer, _WINDOWS):
        cells = (layer.kernel_size if isinstance(layer, keras.layers.Conv2D) else layer.pool_size)[0]
        apart = stride * getattr(layer, "dilation_rate", (1, 1))[0]
        before = 0
        if layer.padding == "same":
            if layer.strides[0] > 1 and cells > 1:
                raise LookInsideError(
                    f"Layer {layer.name} pads by the image's size: pad by a layer of its own, then its place is known."
                )
            before = (cells - 1) // 2 * apart
        low, high = low - before, high - before + (cells - 1) * apart
        return stride * layer.strides[0], low, high, variance + apart**2 * (cells**2 - 1) / 12
    if isinstance(layer, _CELL_BY_CELL):
        return stride, low, high, variance
    raise LookInsideError(f"What layer {layer.name}, a {type(layer).__name__}, reads is not known here.")
