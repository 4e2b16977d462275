"""Augmentation by thin-plate splines (Roth et al. 2015): shifted, turned, and bent at a grid of control points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from lookinside.layers.arguments import check_choice, check_numbers, grid_counts, pixel_spacing
from lookinside.layers.image_entries import IMAGES, MASKS, POINTS, entries, image_shape
from lookinside.layers.resampling import FILL_MODES, INTERPOLATIONS, FillMode, Interpolation, resample
from lookinside.layers.spline_basis import SplineBasis, solve_spline
from lookinside.layers.spline_inverse import inverse_points

_ARGUMENTS = ("grid", "translation", "rotation", "displacement", "spacing", "stiffness")
_ARGUMENTS += ("interpolation", "fill_mode", "fill_value", "mask_fill_value", "seed")


@keras.saving.register_keras_serializable("lookinside")
class ThinPlateSpline(keras.layers.Layer):
    """Deforms each image of a batch in its own random way: turned, shifted, and bent at control points.

    The output at a pixel x shows the input at x + d(x), so a mark in the image moves against d. The displacement d is
    the smoothest one that takes given values at the control points w_k, which stand on a regular grid with the image's
    corners as its own:

        d(x) = sum_k c_k phi(|x - w_k|) + a + b x,    phi(r) = r ** 2 log r

    Its affine part a + b x holds rotation and shift, which come back exactly. All of it is linear in the control
    points' displacements, so the system is solved once, in float64, when the layer is built; a call is one matrix
    product and one resampling. In float32 d is right to 0.0001 pixels; on a GPU, where TensorFlow multiplies in
    TensorFloat-32 unless it is told not to, to about 0.01.

    As Keras' own random layers do, it deforms unless `training` is False, and stands in a model or in `Dataset.map`.
    What image i of a batch gets depends on the seed, the number of the call and i, not on the size of the batch.
    XLA draws other numbers, and makes it more than twice as fast: `tf.function(layer, jit_compile=True)`.

    The default maxima are those of the authors' code, which are in mm: give the `spacing`, or they are pixels.

    Args:
        grid: rows and columns of control points, each at least 2.
        translation: largest shift along each axis, in mm where `spacing` is given, else in pixels.
        rotation: largest angle to both sides in degrees, around the image's centre.
        displacement: largest displacement of a control point along each axis, in mm or pixels; beyond a third of the
            distance of two control points the image may fold.
        spacing: mm from one pixel to the next, a number or a pair (rows, columns), or None.
        stiffness: what is added to the diagonal of the system, in mm ** 2 or pixels ** 2: 0 meets every control
            point, more is smoother. It is the `smoothing` of `scipy.interpolate.RBFInterpolator`.
        interpolation: "bilinear" or "nearest".
        fill_mode: what lies outside of the image: "constant", "nearest", "reflect" or "wrap".
        fill_value: outside of images, for "constant"; air in HU is -1000.
        mask_fill_value: outside of masks, for "constant".
        seed: a whole number, or None for another one each time.

    Input shape: (N, H, W, C) or one image (H, W, C), channels last, H, W and C known; or a dictionary with them as
        "images" and any of "segmentation_masks", (N, H, W) or (N, H, W, M) of any type, read at the nearest pixel, and
        "points", (N, P, 2), rows and columns in pixels. Other entries, such as "labels", are passed on.

    Output shape: the same. Images are of the layer's compute type, masks keep theirs, and points are float32 (float64
        in a float64 layer). In half precision, too, places are computed in float32.

    Raises:
        ValueError: for an argument outside its range, images of unknown size or of another size than the first, masks
            or points that do not fit them, or bounding boxes.

    Source: Roth et al. 2015, section 2.3 and Eq. 1; Bookstein 1989 for the affine part.
    """

    def __init__(
        self,
        grid: Sequence[int] = (5, 5),
        translation: float = 10.0,
        rotation: float = 2.5,
        displacement: float = 5.0,
        *,
        spacing: float | Sequence[float] | None = None,
        stiffness: float = 1e-6,
        interpolation: Interpolation = "bilinear",
        fill_mode: FillMode = "constant",
        fill_value: float = 0.0,
        mask_fill_value: float = 0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)  # half precision has no place for a point's coordinates
        check_numbers(0, translation=translation, rotation=rotation, displacement=displacement, stiffness=stiffness)
        check_numbers(-math.inf, fill_value=fill_value, mask_fill_value=mask_fill_value)
        check_choice(INTERPOLATIONS, interpolation=interpolation)
        check_choice(FILL_MODES, fill_mode=fill_mode)
        self.grid, self.spacing = grid_counts(grid), pixel_spacing(spacing)
        self.translation, self.rotation, self.displacement = float(translation), float(rotation), float(displacement)
        self.stiffness, self.interpolation, self.fill_mode = float(stiffness), interpolation, fill_mode
        self.fill_value, self.mask_fill_value, self.seed = float(fill_value), mask_fill_value, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._places_dtype = "float64" if self.compute_dtype == "float64" else "float32"
        self._basis: SplineBasis | None = None

    def build(self, input_shape: Any) -> None:
        self._size = image_shape(input_shape)[:2]
        steps = self.spacing or (1.0, 1.0)
        self._basis = solve_spline(self.grid, self._size, steps, self.stiffness)
        # In the layer's precision, so that a call copies nothing; no weights, because the arguments say it all.
        self._pixels = self._basis.pixels.astype(self._places_dtype)
        self._places = np.indices(self._size).reshape(2, 1, -1).astype(self._places_dtype)
        self._steps = np.array(steps, self._places_dtype)

    @property
    def control_points(self) -> np.ndarray:
        """(K, 2), rows and columns in pixels, one row of the grid after the other; known when the layer is built."""
        return self._solved().points.copy()

    def call(self, inputs: Any, training: bool = True) -> Any:
        if not training:
            return self._given_back(inputs, {})
        images = self._entries(inputs)[IMAGES]
        return self.deform(inputs, self.random_displacements(ops.shape(images)[0] if len(images.shape) == 4 else 1))

    def random_displacements(self, count: int | keras.KerasTensor) -> keras.KerasTensor:
        """Draw displacements of the control points for `count` images, (count, K, 2) in pixels, as a call does.

        Shift, angle and each control point's displacement are uniform between plus and minus their maximum. A draw
        counts as a call: the next one gives others. Row i is the same whatever `count` is.
        """
        points = len(self._solved().points)
        draws = keras.random.uniform((count, 3 + 2 * points), -1.0, 1.0, self._places_dtype, self.seed_generator)
        bend = ops.reshape(draws[:, 3:], (-1, points, 2)) * (self.displacement / self._steps)
        return bend + self.rigid(draws[:, :2] * self.translation, draws[:, 2] * self.rotation)

    def rigid(self, translations: Any, rotations: Any) -> keras.KerasTensor:
        """Displacements of the control points, (N, K, 2) in pixels, that turn an image and then shift it.

        Args:
            translations: (N, 2), down and to the right, in mm where the layer has a spacing, else in pixels.
            rotations: (N,), degrees, counter-clockwise around the image's centre.
        """
        number = lambda value: ops.convert_to_tensor(value, dtype=self._places_dtype)  # noqa: E731
        centred = (self._solved().points - (np.array(self._size) - 1) / 2) * self._steps
        shift, angle = number(translations)[:, None], number(rotations)[:, None] * (math.pi / 180)
        before = number(centred) - shift  # where a pixel was before the shift
        sine, less = ops.sin(angle), -2 * ops.square(ops.sin(angle / 2))  # less is cos - 1, and 0 without an angle
        down = less * before[..., 0] + sine * before[..., 1]
        right = less * before[..., 1] - sine * before[..., 0]
        return (ops.stack([down, right], axis=-1) - shift) / self._steps

    def field(self, displacements: Any) -> keras.KerasTensor:
        """d at every pixel, (N, H, W, 2) in pixels, from the control points' displacements (N, K, 2)."""
        at_pixels = self._at_pixels(self._checked(displacements))
        return ops.reshape(ops.transpose(at_pixels, (1, 2, 0)), (-1, *self._size, 2))

    def deform(self, inputs: Any, displacements: Any) -> Any:
        """Deform images, and their masks and points, by given displacements.

        Args:
            inputs: as for a call.
            displacements: (N, K, 2), down and to the right in pixels at each of `control_points`; N is 1 for one image
                (H, W, C).

        Returns:
            As from a call.
        """
        found, displacements = self._entries(inputs), self._checked(displacements)
        images, rows = found[IMAGES], displacements.shape[0]
        one = len(images.shape) == 3
        count = 1 if one else images.shape[0]
        if None not in (count, rows) and count != rows:
            raise ValueError(f"displacements have {rows} rows for images {tuple(images.shape)}: give one an image.")
        places = self._at_pixels(displacements) + self._places
        values = ops.cast(images, self._places_dtype)
        moved = {IMAGES: self._read(values, one, places, self.interpolation, self.fill_value)}
        if MASKS in found:
            moved[MASKS] = self._read(found[MASKS], one, places, "nearest", self.mask_fill_value)
        if POINTS in found:
            points = ops.cast(found[POINTS], self._places_dtype)
            points = inverse_points(points[None] if one else points, displacements, self._solved())
            moved[POINTS] = points[0] if one else points
        return self._given_back(inputs, moved)

    def _read(self, arrays, one, places, interpolation, fill_value):
        """Images or masks at places (2, N, H * W), in their own shape."""
        shape = tuple(arrays.shape)
        channels = shape[-1] if len(shape) == 4 - one else 1
        stack = ops.reshape(arrays, (-1, *self._size, channels))
        found = resample(stack, places, interpolation, self.fill_mode, fill_value)
        return ops.reshape(found, shape if one else (-1, *shape[1:]))

    def _at_pixels(self, displacements):
        """d as (2, N, H * W), rows and columns apart, as they are computed with."""
        flat = ops.reshape(ops.transpose(displacements, (2, 0, 1)), (-1, len(self._pixels)))
        return ops.reshape(ops.matmul(flat, self._pixels), (2, -1, self._pixels.shape[1]))

    def _given_back(self, inputs, moved):
        """What came in, with what has moved in its place, in the layer's types."""
        found = {**self._entries(inputs), **moved}
        found[IMAGES] = ops.cast(found[IMAGES], self.compute_dtype)
        if POINTS in found:
            found[POINTS] = ops.cast(found[POINTS], self._places_dtype)
        return found if isinstance(inputs, Mapping) else found[IMAGES]

    def _checked(self, displacements):
        """Displacements as a tensor (N, K, 2) in the type of places."""
        displacements = ops.convert_to_tensor(displacements, dtype=self._places_dtype)
        expected = len(self._solved().points), 2
        if tuple(displacements.shape[1:]) != expected:
            raise ValueError(
                f"displacements have shape {tuple(displacements.shape)}: {('N', *expected)} is needed, a row and a "
                f"column for each of {self.grid[0]} x {self.grid[1]} control points."
            )
        return displacements

    def _entries(self, inputs):
        self._solved()
        return entries(inputs, self._size)

    def _solved(self):
        if self._basis is None:
            raise ValueError(f"{self.name} does not know the images' size yet: call it, or say layer.build((H, W, C)).")
        return self._basis

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, inputs: Any, training: bool = True) -> Any:
        # New tensors for all entries: what merely passed through would count as not connected to the layer.
        found = keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape, dtype=x.dtype), self._entries(inputs))
        for name, dtype in ((IMAGES, self.compute_dtype), (POINTS, self._places_dtype)):
            if name in found:
                found[name] = keras.KerasTensor(found[name].shape, dtype=dtype)
        return found if isinstance(inputs, Mapping) else found[IMAGES]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in _ARGUMENTS}}
