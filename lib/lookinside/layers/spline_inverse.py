"""Where a point goes when its image is deformed: the inverse of x -> x + d(x), by Newton's method."""

from __future__ import annotations

import keras
from keras import ops

from lookinside.layers.spline_basis import SplineBasis

_STEPS = 10
_LEAST_AREA = 0.05  # below, the image is nearly folded there, and a Newton step would leap away


def inverse_points(
    points: keras.KerasTensor, displacements: keras.KerasTensor, basis: SplineBasis
) -> keras.KerasTensor:
    """The places x with x + d(x) = p for points p, where what stood at p is seen after the deformation.

    A rotation and a shift are met in one step, a bend in a few: each squares the error. Where the image folds, several
    places show p, and one of them is found, or none.

    Args:
        points: (N, P, 2), rows and columns in pixels, inside of the image or not; NaN stays NaN.
        displacements: (N, K, 2), the spline's values at its control points in pixels, of the points' type.
        basis: the solved spline.

    Returns:
        (N, P, 2).
    """
    fixed = lambda array: ops.convert_to_tensor(array, dtype=points.dtype)  # noqa: E731
    control, to_unit = fixed(basis.points * basis.to_unit), fixed(basis.to_unit)
    weights = ops.matmul(fixed(basis.coefficients), displacements)  # (N, K + 3, 2)
    bend, shift, affine = weights[:, :-3], weights[:, -3:-2], weights[:, -2:]
    places = points
    for _ in range(_STEPS):
        here = places * to_unit
        apart = here[:, :, None] - control  # (N, P, K, 2)
        squared = ops.sum(ops.square(apart), axis=-1)
        logarithm = ops.log(ops.where(squared > 0, squared, ops.ones_like(squared)))
        value = ops.matmul(0.5 * squared * logarithm, bend) + shift + ops.matmul(here, affine)
        slope = apart * (logarithm[..., None] + 1.0)  # of phi, along rows and along columns
        down, right = (ops.matmul(slope[..., axis], bend) + affine[:, axis : axis + 1] for axis in (0, 1))
        places = places - _solved(down * to_unit[0], right * to_unit[1], places + value - points)
    return places


def _solved(down, right, error):
    """The step s with (I + J) s = error; `down` and `right` (N, P, 2) are J's columns, d's slopes along the axes."""
    a, c = 1.0 + down[..., 0], down[..., 1]
    b, d = right[..., 0], 1.0 + right[..., 1]
    area = a * d - b * c
    area = ops.where(ops.abs(area) < _LEAST_AREA, ops.full_like(area, _LEAST_AREA), area)
    first = (d * error[..., 0] - b * error[..., 1]) / area
    second = (a * error[..., 1] - c * error[..., 0]) / area
    return ops.stack([first, second], axis=-1)
