"""What the filters of a convolution are made of: low or high spatial frequencies."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError

_PADDED = 64


def spatial_frequency(kernels: ArrayLike) -> np.ndarray:
    """The mean spatial frequency of each filter, weighted by its power spectrum.

    A filter that only averages is near 0; white noise has 0.38; a chessboard of ones and minus ones, the highest
    frequency that a grid can hold, has 0.71 (half a cycle a pixel along both axes). The mean of a filter counts, too.

    Args:
        kernels: float (h, w, c, n), as `layer.get_weights()[0]` of a Conv2D; the spectra of its c slices are added.

    Returns:
        float64 (n,), cycles a pixel; nan for a filter of zeros.

    Raises:
        LookInsideError: for another shape, or values that are not numbers.
    """
    kernels = np.asarray(kernels, np.float64)
    if kernels.ndim != 4 or not np.isfinite(kernels).all():
        raise LookInsideError(f"kernels are {kernels.shape}: give finite numbers (h, w, c, n), a Conv2D's kernel.")
    size = max(_PADDED, *kernels.shape[:2])
    power = np.abs(np.fft.fft2(kernels, s=(size, size), axes=(0, 1))) ** 2
    along = np.fft.fftfreq(size)
    frequency = np.hypot(along[:, None], along)
    power = power.sum(axis=2)
    total = power.sum(axis=(0, 1))
    weighted = (frequency[..., None] * power).sum(axis=(0, 1))
    return np.where(total > 0, weighted / np.where(total > 0, total, 1), np.nan)
