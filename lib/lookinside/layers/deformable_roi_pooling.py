"""Deformable pooling of regions (Dai et al. 2017): boxes around a proposal move to where the context is telling."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import keras
from keras import ops

from lookinside.layers.arguments import check_choice, check_counts
from lookinside.layers.region_inputs import exact_boxes, region_shapes
from lookinside.layers.roi_align import Implementation, RoIAlign

_ARGUMENTS = ("size", "contexts", "units", "sampling", "scale", "implementation", "return_boxes", "stretch")
# Where the centres stand from the proposal's, in widths and heights of it: left, right, above, below, two diagonals.
_CENTRES = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1))
_COUNTS = (2, 4, 6)
_STEP = 0.1  # of the union's width and height, for an output of 1


@keras.saving.register_keras_serializable("lookinside")
class DeformableRoIPooling(keras.layers.Layer):
    """Pools context boxes around each proposal, each moved by an offset that the network has learnt.

        context, boxes = DeformableRoIPooling(7, scale=1 / 16, return_boxes=True)([maps, proposals])

    The context boxes x_o stand around a proposal, twice as wide and high unless told, and meet at its centre. Their
    union x_u is pooled, and two fully connected layers read from it how far each box is to move (Eq. 4):

        delta_o = 0.1 * FC(features of x_u) * (width of x_u, height of x_u),    x'_o = x_o + delta_o

    The last of the two begins with zeros, so at first the boxes stand where they were put. Boxes keep their size, and
    may lie outside of the image. All is pooled by `RoIAlign`, whose conventions, precision and implementations these
    are. Gradients reach the maps, and the offsets by way of the boxes; they never reach the proposals.

    Args:
        size: rows and columns of cells, or one number for both.
        contexts: number O of context boxes: 2 is left and right of the proposal, 4 adds above and below, 6 adds above
            on the left and below on the right.
        units: of the first fully connected layer; the second has 2 O.
        sampling: samples a cell along each axis, 1 or more.
        scale: pixels of the maps for one pixel of the image.
        implementation: "auto", "crop" or "matmul", as for `RoIAlign`.
        return_boxes: also return the boxes x'_o.
        stretch: how many times as wide and as high as the proposal a context box is. The paper wants them "to cover a
            large portion of the input image", which boxes around a flat proposal do only if they are much higher.

    Input shape: a list of two. Maps (N, H, W, C), channels last, C known; proposals (N, R, 4) in pixels of the image as
        (x_min, y_min, x_max, y_max), R any number, also 0.

    Output shape: (N, R, O, rows, columns, C). With `return_boxes`, a pair of this and the boxes (N, R, O, 4), float32
        (float64 in a float64 layer) in pixels of the image.

    Raises:
        ValueError: as for `RoIAlign`; for a number of contexts other than 2, 4 or 6; or for an unknown C.

    Source: Liu et al. 2019, section 2.3 and Eq. 4; Dai et al. 2017.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        contexts: int = 4,
        units: int = 256,
        sampling: int = 2,
        scale: float = 1.0,
        implementation: Implementation = "auto",
        return_boxes: bool = False,
        stretch: Sequence[float] = (2.0, 2.0),
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)  # half precision has no place for a box's coordinates
        check_choice(_COUNTS, contexts=contexts)
        check_counts(1, units=units)
        self.align = RoIAlign(size, sampling, scale, implementation, dtype=self.dtype_policy, name="align")
        self.size, self.sampling, self.scale = self.align.size, self.align.sampling, self.align.scale
        self.contexts, self.units, self.implementation = int(contexts), int(units), implementation
        self.return_boxes, self.stretch = bool(return_boxes), checked_stretch(stretch)
        dense = keras.layers.Dense
        self.hidden = dense(self.units, activation="relu", dtype=self.dtype_policy, name="hidden")
        self.offsets = dense(2 * self.contexts, kernel_initializer="zeros", dtype=self.dtype_policy, name="offsets")
        self.supports_jit = self.align.supports_jit
        self._places_dtype = "float64" if self.compute_dtype == "float64" else "float32"

    def build(self, input_shape: Any) -> None:
        channels = region_shapes(input_shape)[0][3]
        if channels is None:
            raise ValueError(f"The inputs have shapes {list(input_shape)}: the maps' number of channels must be known.")
        self.align.build(input_shape)
        self.hidden.build((None, None, self.size[0] * self.size[1] * channels))
        self.offsets.build((None, None, self.units))

    def call(self, inputs: Any) -> Any:
        maps, proposals = inputs
        region_shapes([maps.shape, proposals.shape])
        proposals = ops.stop_gradient(exact_boxes(proposals, self._places_dtype))
        boxes = self.moved_boxes(maps, context_boxes(proposals, self.contexts, self.stretch))
        count, regions = ops.shape(proposals)[:2]
        cells = self.align([maps, ops.reshape(boxes, (count, regions * self.contexts, 4))])
        context = ops.reshape(cells, (count, regions, self.contexts, *self.size, maps.shape[3]))
        return (context, boxes) if self.return_boxes else context

    def moved_boxes(self, maps: keras.KerasTensor, boxes: keras.KerasTensor) -> keras.KerasTensor:
        """Eq. 4: where context boxes (N, R, O, 4) move to, by the features of their union on the maps (N, H, W, C)."""
        union = union_boxes(boxes)
        count, regions = ops.shape(union)[:2]
        features = ops.reshape(self.align([maps, union]), (count, regions, self.size[0] * self.size[1] * maps.shape[3]))
        told = ops.cast(self.offsets(self.hidden(features)), self._places_dtype)
        told = ops.reshape(told, (count, regions, self.contexts, 2))
        delta = _STEP * told * (union[..., None, 2:] - union[..., None, :2])
        return boxes + ops.concatenate([delta, delta], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        count, regions, *cells = self.align.compute_output_shape(input_shape)
        context = (count, regions, self.contexts, *cells)
        return (context, (count, regions, self.contexts, 4)) if self.return_boxes else context

    def compute_output_spec(self, inputs: Any) -> Any:
        found = self.compute_output_shape([one.shape for one in inputs])
        if not self.return_boxes:
            return keras.KerasTensor(found, dtype=self.compute_dtype)
        return (
            keras.KerasTensor(found[0], dtype=self.compute_dtype),
            keras.KerasTensor(found[1], dtype=self._places_dtype),
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in _ARGUMENTS}}


def context_boxes(proposals: keras.KerasTensor, count: int, stretch: Sequence[float] = (2.0, 2.0)) -> keras.KerasTensor:
    """Boxes a few times as wide and as high as a proposal, that meet at its centre; they may leave the image.

    Args:
        proposals: (..., 4), as (x_min, y_min, x_max, y_max).
        count: 2 for left and right, 4 for above and below too, 6 for above on the left and below on the right too.
        stretch: how many times as wide and as high.

    Returns:
        (..., count, 4).
    """
    low, high = proposals[..., None, :2], proposals[..., None, 2:]
    half = (high - low) * ops.convert_to_tensor([side / 2 for side in stretch], dtype=proposals.dtype)
    centres = (low + high) / 2 + ops.convert_to_tensor(_CENTRES[:count], dtype=proposals.dtype) * half
    return ops.concatenate([centres - half, centres + half], axis=-1)


def checked_stretch(stretch: Sequence[float]) -> tuple[float, float]:
    """(width, height), both above 0, as floats. Raises ValueError for anything else."""
    try:
        across, down = (float(side) for side in stretch)
    except (TypeError, ValueError):
        across = down = 0.0
    if not (0 < across < float("inf") and 0 < down < float("inf")):
        raise ValueError(f"stretch is {stretch!r}: give two numbers above 0, such as (2, 2).")
    return across, down


def union_boxes(boxes: keras.KerasTensor) -> keras.KerasTensor:
    """The smallest box around several: (..., O, 4) to (..., 4)."""
    boxes = ops.unstack(boxes, axis=-2)  # ops.min refuses boxes of no proposal
    low, high = reduce(ops.minimum, boxes), reduce(ops.maximum, boxes)
    return ops.concatenate([low[..., :2], high[..., 2:]], axis=-1)
