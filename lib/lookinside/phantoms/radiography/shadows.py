"""The shadow of an ellipsoid by formula, and the windows of many of them on an image.

A parallel ray through the pixel (u, v) runs a length L sqrt(1 - p u² - 2 q uv - r v²) through an ellipsoid whose centre
is at (0, 0): its shadow is an ellipse, whatever way it is turned.
"""

from dataclasses import dataclass

import numpy as np


def shadow_forms(centres, radii, rotations, view):
    """The shadows of M ellipsoids: (centres (M, 2), peak L (M,) in mm, forms (M, 3) = p, q, r).

    view: float (3, 3), rows u (to the right), v (down), w (along the beam), orthonormal.
    """
    own = np.einsum("mij,kj->mik", rotations, view) / radii[:, :, None]  # (M, own axis, u/v/w)
    form = np.einsum("mik,mil->mkl", own, own)
    a = form[:, 2, 2]
    bu, bv = form[:, 0, 2], form[:, 1, 2]
    forms = np.stack([form[:, 0, 0] - bu * bu / a, form[:, 0, 1] - bu * bv / a, form[:, 1, 1] - bv * bv / a], axis=1)
    return centres @ view[:2].T, 2.0 / np.sqrt(a), forms


@dataclass(frozen=True)
class Shadows:
    """The shadows that touch an image: M ellipsoids in pixels, each with the window that it fills.

    Attributes:
        low, high: int (M, 2), the window's first column and row, and the ones after its last.
        middle: float32 (M, 2), the centre's column and row.
        forms: float32 (M, 4): the squared chord in mm² is s - p u² - q uv - r v² with (s, p, q, r) = forms.
        seen: int, the indices of those whose window holds a pixel.
    """

    low: np.ndarray
    high: np.ndarray
    middle: np.ndarray
    forms: np.ndarray
    seen: np.ndarray

    def squares(self, i, columns, rows):
        """Squared chords, mm² (negative outside) of the ellipsoids i at columns and rows, arrays that broadcast."""
        s, p, q, r = self.forms[i].T
        u, v = columns - self.middle[i, 0], rows - self.middle[i, 1]
        across = q * v + p * u
        across *= u
        return np.subtract(s - r * v * v, across, out=across)


def cast(shapes, view, origin, pixel, size):
    """The `Shadows` of `Shapes` on a square of `size` pixels of `pixel` mm whose middle shows `origin`."""
    view = np.asarray(view, np.float64)
    middle, peak, forms = shadow_forms(shapes.centres - np.asarray(origin, float), shapes.radii, shapes.rotations, view)
    middle = middle / pixel + 0.5 * (size - 1)
    forms = forms * pixel * pixel
    det = forms[:, 0] * forms[:, 2] - forms[:, 1] ** 2
    reach = np.sqrt(np.stack([forms[:, 2], forms[:, 0]], axis=1) / det[:, None])
    low = np.ceil(np.maximum(middle - reach, 0.0)).astype(np.int64)
    high = np.floor(np.minimum(middle + reach, size - 1.0)).astype(np.int64) + 1
    square = (peak * peak)[:, None] * np.stack(
        [np.ones(len(peak)), forms[:, 0], 2.0 * forms[:, 1], forms[:, 2]], axis=1
    )
    seen = np.flatnonzero(np.all(high > low, axis=1))
    return Shadows(low, high, middle.astype(np.float32), square.astype(np.float32), seen)
