"""The thin-plate spline as matrices, solved once in float64: what it is at any place, given its control points' values.

A spline on K control points is linear in the K values that it takes there. With w_k the points, phi(r) = r ** 2 log r:

    d(x) = sum_k c_k phi(|x - w_k|) + a + b x          (K + 3 terms)
    (Phi + stiffness I) c + P (a, b) = values,   P^T c = 0

so the K + 3 coefficients are a constant matrix times the values, and so is the spline at each pixel. Duchon 1977.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def radial(squared: np.ndarray) -> np.ndarray:
    """phi(r) = r ** 2 log r from r ** 2; 0 at 0, its limit."""
    return 0.5 * squared * np.log(np.where(squared > 0, squared, 1.0))


@dataclass(frozen=True)
class SplineBasis:
    """The splines on a regular grid of control points over an image.

    Lengths inside are shares of the image's longer side: the kernel of another unit differs by an affine function,
    which the affine part takes up, and numbers near 1 keep float32 exact enough for points.

    Attributes:
        points: (K, 2), rows and columns of the control points in pixels, the grid's row by row.
        to_unit: (2,), what turns rows and columns in pixels into lengths.
        coefficients: (K + 3, K), from the points' values to c, a and b.
        pixels: (K, H * W), the share of each point's value that each pixel gets.
    """

    points: np.ndarray
    to_unit: np.ndarray
    coefficients: np.ndarray
    pixels: np.ndarray


def solve_spline(
    grid: tuple[int, int], size: tuple[int, int], spacing: tuple[float, float], stiffness: float
) -> SplineBasis:
    """Solve the spline for a grid whose corners are the image's.

    Args:
        grid: rows and columns of control points, each at least 2.
        size: (H, W) in pixels, each at least 2.
        spacing: distance of two rows and of two columns, in the unit of the kernel's r.
        stiffness: added to the diagonal of Phi, in the square of that unit; 0 goes through every value.

    Returns:
        The basis, float64.
    """
    points = _mesh(*(np.linspace(0, side - 1, count) for side, count in zip(size, grid, strict=True)))
    longest = max((side - 1) * step for side, step in zip(size, spacing, strict=True))
    to_unit = np.array(spacing, np.float64) / longest
    inside = points * to_unit
    count = len(points)
    system = np.zeros((count + 3, count + 3))
    system[:count] = terms(inside, inside)
    system[:count, :count] += stiffness / longest**2 * np.eye(count)
    system[count:, :count] = system[:count, count:].T
    coefficients = np.linalg.solve(system, np.eye(count + 3, count))
    rows = _mesh(*(np.arange(side) for side in size))
    return SplineBasis(points, to_unit, coefficients, (terms(rows * to_unit, inside) @ coefficients).T)


def terms(places: np.ndarray, points: np.ndarray) -> np.ndarray:
    """What the coefficients multiply at places (M, 2): phi of the distance to each of the points (K, 2), 1, y, x."""
    squared = ((places[:, None] - points) ** 2).sum(axis=-1)
    return np.concatenate([radial(squared), np.ones((len(places), 1)), places], axis=1)


def _mesh(rows, columns):
    """All pairs (y, x), (len(rows) * len(columns), 2)."""
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float64)
