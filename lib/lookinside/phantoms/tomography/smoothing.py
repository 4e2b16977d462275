"""Small tools of the renderers: blurs, smooth random fields, averaging."""

from __future__ import annotations

import functools

import numpy as np


def halved(image: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels: (2H, 2W) -> (H, W)."""
    return 0.25 * (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2])


@functools.lru_cache(maxsize=256)
def _bell(sigma: float) -> np.ndarray:
    """Weights of a Gaussian, out to three and a half standard deviations: they add up to 1."""
    reach = int(np.ceil(3.5 * sigma))
    at = np.arange(-reach, reach + 1, dtype=np.float32)
    bell = np.exp(-0.5 * (at / max(sigma, 1e-3)) ** 2)
    return (bell / bell.sum()).astype(np.float32)


@functools.lru_cache(maxsize=256)
def _inside(count: int, sigma: float) -> np.ndarray:
    """What of a bell's weights lies inside of the image, for each of `count` places."""
    reach = len(_bell(sigma)) // 2
    return np.convolve(np.ones(count), _bell(sigma))[reach : reach + count].astype(np.float32)


def _blurred_down(image, sigma):
    bell = _bell(sigma)
    reach = len(bell) // 2
    if not reach:
        return image
    # Sums of shifted copies: a matrix product would wake up all cores for a small image. Rows that lie one behind the
    # other and no new memory for each copy halve the time.
    image = np.ascontiguousarray(image)
    out = bell[reach] * image
    memory = np.empty_like(out)
    for k in range(1, min(reach, len(image) - 1) + 1):
        out[k:] += np.multiply(image[:-k], bell[reach - k], out=memory[k:])
        out[:-k] += np.multiply(image[k:], bell[reach + k], out=memory[k:])
    out /= _inside(len(image), sigma)[:, None]
    return out


def blurred(image: np.ndarray, sigma: float | tuple[float, float]) -> np.ndarray:
    """Gaussian blur of an image (H, W), sigma in pixels, one number or two (down, across); edges are renormalised."""
    down, across = (sigma, sigma) if np.isscalar(sigma) else sigma
    found = _blurred_down(_blurred_down(image, round(float(down), 2)).T, round(float(across), 2)).T
    return found.copy() if np.isfortran(found) else found  # in the order of rows, as sums over it have always gone


def grain(rng: np.random.Generator, shape: tuple[int, int], sigma: float | tuple[float, float]) -> np.ndarray:
    """A random field of mean 0 and standard deviation about 1, smooth over `sigma` pixels: float32 (H, W)."""
    down, across = (sigma, sigma) if np.isscalar(sigma) else sigma
    # What white noise keeps of its standard deviation when two bells of these widths go over it.
    kept = np.float32(np.prod([np.sqrt(np.sum(_bell(round(float(one), 2)) ** 2)) for one in (down, across)]))
    return blurred(rng.standard_normal(shape, dtype=np.float32), (down, across)) / kept


def slow_field(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> np.ndarray:
    """A factor that drifts over the image, about 1: exp of a random polynomial of second order, float32 (H, W)."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)
    a, b, c, d, e = rng.normal(0.0, strength, 5).astype(np.float32)
    return np.exp(a * x + b * y + c * x * y + d * (x * x - 0.33) + e * (y * y - 0.33))
