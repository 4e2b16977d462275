"""RoIAlign (He et al. 2017): of each region of an image, a small grid of features that does not round its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from lookinside.layers.arguments import check_choice, check_counts, check_numbers, rows_and_columns
from lookinside.layers.region_inputs import exact_boxes, region_shapes
from lookinside.layers.region_sampling import pool_by_crops, pool_by_products

Implementation = Literal["auto", "crop", "matmul"]
IMPLEMENTATIONS: tuple[str, ...] = ("auto", "crop", "matmul")


@keras.saving.register_keras_serializable("lookinside")
class RoIAlign(keras.layers.Layer):
    """Pools the feature maps under each box into a grid of cells.

        features = RoIAlign(7, scale=1 / 16)([maps, boxes])  # maps of stride 16

    A cell is the mean of `sampling` x `sampling` samples, spread evenly over it and read bilinearly. The convention is
    the aligned one (half a pixel): a box from 0 to W covers the whole width of an image of W pixels, and the centre of
    its first pixel is at 0.5. ONNX calls it "half_pixel", torchvision and Detectron2 `aligned=True`. Beyond the centre
    of a pixel at the border a sample reads this pixel, up to half a pixel of the maps outside of them; farther out it
    is 0, and still counts in the mean. A box without area reads one point; one that is not finite is refused by "crop",
    and gives NaN with "matmul".

    There are two implementations, equal but for rounding. "crop" is the fast one on a CPU; it computes in float32, and
    XLA cannot compile it. "matmul" is two dense matrix products, which a GPU, XLA, and Keras' other backends can take.
    "auto" is "crop" where TensorFlow sees nothing but CPUs and the layer is not of float64, else "matmul", and Keras is
    told which (`supports_jit`). Gradients to maps and boxes are dense products in both, the same in each run. They need
    R * rows * W * C floats an image; in a traced step, as in `fit`, those to the boxes cost nothing where nobody asks
    for them.

    It has no weights. In half precision boxes stay float32, it computes in float32, and its output is cast; on a GPU
    TensorFlow multiplies in TensorFloat-32 unless it is told not to, so "matmul" is right to about 0.001 there.

    Args:
        size: rows and columns of cells, or one number for both.
        sampling: samples a cell along each axis, 1 or more.
        scale: pixels of the maps for one pixel of the image: 1 / 16 for maps of stride 16.
        implementation: "auto", "crop" or "matmul".

    Input shape: a list of two. Maps (N, H, W, C), channels last; boxes (N, R, 4) in pixels of the image as
        (x_min, y_min, x_max, y_max), R any number, also 0. A box may lie outside of the image, in part or wholly.

    Output shape: (N, R, rows, columns, C).

    Raises:
        ValueError: for an argument outside its range, inputs that are not two or do not fit, or boxes in half
            precision, whose numbers are whole pixels from 1,024 on (128 in bfloat16).

    Source: He et al. 2017, section 3; ONNX RoiAlign-16.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        sampling: int = 2,
        scale: float = 1.0,
        implementation: Implementation = "auto",
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)  # half precision has no place for a box's coordinates
        self.size = rows_and_columns("size", size)
        check_counts(1, sampling=sampling)
        check_numbers(0, scale=scale)
        if scale == 0:
            raise ValueError("scale is 0: give the pixels of the maps for one pixel of the image, above 0.")
        check_choice(IMPLEMENTATIONS, implementation=implementation)
        self.sampling, self.scale, self.implementation = int(sampling), float(scale), implementation
        exact = self.compute_dtype == "float64"
        if implementation == "crop" and (exact or keras.backend.backend() != "tensorflow"):
            raise ValueError(
                'implementation is "crop", which is float32 by TensorFlow alone: give "matmul", or leave it "auto".'
            )
        self._float = "float64" if exact else "float32"
        self._crops = implementation == "crop" or (implementation == "auto" and not exact and _only_cpus())
        self.supports_jit = not self._crops

    def build(self, input_shape: Any) -> None:
        region_shapes(input_shape)

    def call(self, inputs: Any) -> keras.KerasTensor:
        maps, boxes = inputs
        region_shapes([maps.shape, boxes.shape])
        pool = pool_by_crops if self._crops else pool_by_products
        cells = exact_boxes(boxes, self._float) * self.scale
        return ops.cast(pool(ops.cast(maps, self._float), cells, self.size, self.sampling), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        maps, boxes = region_shapes(input_shape)
        return (maps[0] if boxes[0] is None else boxes[0], boxes[1], *self.size, maps[3])

    def get_config(self) -> dict[str, Any]:
        names = ("size", "sampling", "scale", "implementation")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _only_cpus():
    """Whether TensorFlow is the backend, and no GPU or TPU is there for Keras to turn XLA on."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return all(device.device_type == "CPU" for device in tf.config.list_physical_devices())
