"""Small tools of the renderers: blurs, smooth random fields, averaging."""

from __future__ import annotations

import functools

import numpy as np


def halved(image: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels: (2H, 2W) -> (H, W)."""
    return 0.25 * (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2])


@functools.lru_cache(maxsize=64)
def _bells(count: int, sigma: float) -> np.ndarray:
    at = np.arange(count, dtype=np.float32)
    bells = np.exp(-0.5 * ((at[:, None] - at) / max(sigma, 1e-3)) ** 2)
    return (bells / bells.sum(axis=1, keepdims=True)).astype(np.float32)


def blurred(image: np.ndarray, sigma: float | tuple[float, float]) -> np.ndarray:
    """Gaussian blur of an image (H, W), sigma in pixels, one number or two (down, across); edges are renormalised."""
    down, across = (sigma, sigma) if np.isscalar(sigma) else sigma
    return _bells(image.shape[0], round(float(down), 2)) @ image @ _bells(image.shape[1], round(float(across), 2)).T


def grain(rng: np.random.Generator, shape: tuple[int, int], sigma: float | tuple[float, float]) -> np.ndarray:
    """A random field of mean 0 and standard deviation about 1, smooth over `sigma` pixels: float32 (H, W)."""
    down, across = (sigma, sigma) if np.isscalar(sigma) else sigma
    field = blurred(rng.standard_normal(shape, dtype=np.float32), (down, across))
    # What white noise keeps of its standard deviation when two bells of these widths go over it.
    kept = 1.0
    for one, count in ((down, shape[0]), (across, shape[1])):
        kept *= float(np.sqrt(np.mean(np.sum(_bells(count, round(float(one), 2)) ** 2, axis=1))))
    return field / np.float32(kept)


def slow_field(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> np.ndarray:
    """A factor that drifts over the image, about 1: exp of a random polynomial of second order, float32 (H, W)."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)
    a, b, c, d, e = rng.normal(0.0, strength, 5).astype(np.float32)
    return np.exp(a * x + b * y + c * x * y + d * (x * x - 0.33) + e * (y * y - 0.33))
