"""Anchors: the boxes from which a region proposal network starts (Ren et al. 2015)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from lookinside.layers.arguments import check_counts


@keras.saving.register_keras_serializable("lookinside")
class AnchorGenerator(keras.layers.Layer):
    """Boxes of given sizes around the cells of a feature map, in pixels of the image.

    The map is taken to cover the image without a gap: cell (i, j) covers the pixels from (i, j) * stride to
    (i + 1, j + 1) * stride, and its anchors stand around its middle. A structure that is flatter than a cell falls
    between two rows of anchors; `rows_per_cell` puts several rows into each cell. On a map of stride 16, two of them
    stand 8 pixels apart.

    It has no weights and knows the map's shape alone. Anchors reach beyond the image where they stand near its border.

    Args:
        sizes: pairs (width, height) in pixels, such as `fit_anchor_sizes` gives.
        stride: pixels from one cell to the next, along both axes.
        rows_per_cell: rows of anchors in each row of cells, 1 or more.

    Input shape: (B, H, W, C), a feature map; H and W need not be known.

    Output shape: (H * W * A, 4) with A = rows_per_cell * len(sizes), float32, for each anchor x_min, y_min, x_max,
        y_max. The order is that of a convolution's output (B, H, W, A * 4) when it is reshaped to (B, -1, 4): cells in
        reading order; in a cell row by row, in a row size by size.

    Raises:
        ValueError: for sizes that are not pairs above 0, or a stride or number of rows outside its range.

    Source: Ren et al. 2015, section 3.1.1.
    """

    def __init__(self, sizes: Sequence[Sequence[float]], stride: int, rows_per_cell: int = 1, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # half precision has no place for a box's corners
        check_counts(1, stride=stride, rows_per_cell=rows_per_cell)
        self.sizes = _pairs(sizes)
        self.stride, self.rows_per_cell = int(stride), int(rows_per_cell)

    @property
    def per_cell(self) -> int:
        """A, the number of anchors in a cell."""
        return self.rows_per_cell * len(self.sizes)

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:
        rows, columns = ops.shape(features)[1:3]
        x = (_counted(columns) + 0.5) * self.stride
        y = (_counted(rows * self.rows_per_cell) + 0.5) * (self.stride / self.rows_per_cell)
        y, x = ops.reshape(y, (-1, 1, self.rows_per_cell, 1)), ops.reshape(x, (1, -1, 1, 1))
        half_width, half_height = np.array(self.sizes, "float32").T / 2
        sides = [x - half_width, y - half_height, x + half_width, y + half_height]
        shape = ops.shape(y + x + half_width)
        return ops.reshape(ops.stack([ops.broadcast_to(side, shape) for side in sides], axis=-1), (-1, 4))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        rows, columns = input_shape[1:3]
        return (None if None in (rows, columns) else rows * columns * self.per_cell), 4

    def compute_output_spec(self, features: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(features.shape), "float32")

    def get_config(self) -> dict[str, Any]:
        config = {"sizes": self.sizes, "stride": self.stride, "rows_per_cell": self.rows_per_cell}
        return {**super().get_config(), **config}


def _counted(count):
    return ops.cast(ops.arange(count), "float32")


def _pairs(sizes):
    try:
        pairs = [(float(width), float(height)) for width, height in sizes]
    except (TypeError, ValueError):
        pairs = []
    if not pairs or not all(0 < side < math.inf for pair in pairs for side in pair):
        raise ValueError(f"sizes is {sizes!r:.80}: give pairs (width, height) in pixels, above 0.")
    return pairs
