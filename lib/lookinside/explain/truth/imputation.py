"""Noisy linear imputation: removed pixels become the mean of their neighbours, all at once (Rong et al. 2022)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from lookinside.arrays import as_array
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_number, is_whole
from lookinside.explain.calls.images import checked_images

_NEIGHBOURS = tuple(
    ((down, right), 1 / 6 if 0 in (down, right) else 1 / 12)
    for down in (-1, 0, 1)
    for right in (-1, 0, 1)
    if (down, right) != (0, 0)
)
NOISE = 0.01  # of the authors' released code, whose pictures lie in [0, 1]; here a share of the image's own range


def linear_imputation(images: ArrayLike, removed: ArrayLike, *, noise: float = NOISE, seed: int = 0) -> np.ndarray:
    """Fill removed pixels with what their neighbours say of them, rather than with a colour that no image has.

    Each removed pixel is the weighted mean of its eight neighbours: those beside, above and below it count 1/6 each,
    the diagonal ones 1/12. Where neighbours are removed as well they are unknowns too, so that all removed pixels of an
    image are solved as one sparse linear system, factorised once for all channels. At the border the neighbours that
    exist share the weight of those that do not. Gaussian noise on top keeps a network from seeing by their
    smoothness which pixels were removed. An image of which nothing is left becomes its mean, channel by channel.

    Args:
        images: (N, H, W, C).
        removed: bool (N, H, W).
        noise: standard deviation of the noise over the image's range (largest minus smallest pixel); 0 for none.
        seed: of the noise; all images get the same draws.

    Returns:
        float32 (N, H, W, C); pixels that are not removed are as they were.

    Raises:
        LookInsideError: for images that are no such array or not finite, `removed` that does not fit to them, negative
            noise, or a seed that is no whole number.

    Source: Rong et al. 2022, noisy linear imputation (ROAD); what is left of an image without pixels is ours.
    """
    images = checked_images(images, (None, None, None, None)).astype(np.float32)
    removed = as_array(removed, "removed")
    if removed.shape != images.shape[:3] or removed.dtype != bool:
        said = f"{removed.dtype} {removed.shape}"
        raise LookInsideError(f"removed is {said} for images {images.shape}: give bool (N, H, W).")
    check_noise(noise, seed)
    draws = drawn_noise(images.shape[1:], noise, seed)
    return np.stack([imputed(one, gone, draws) for one, gone in zip(images, removed, strict=True)])


def check_noise(noise: float, seed: int) -> None:
    """Raise LookInsideError for noise or a seed that is none."""
    if not is_number(noise) or not is_whole(seed, 0):
        raise LookInsideError(f"noise is {noise!r:.60}, seed {seed!r:.60}: give a share from 0 on, a whole number.")


def drawn_noise(shape: tuple[int, ...], noise: float, seed: int) -> np.ndarray:
    """The noise of an image of range 1, float64 (H, W, C)."""
    return np.random.default_rng(seed).normal(0.0, noise, shape)


def imputed(image: np.ndarray, removed: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """One image (H, W, C) with its removed pixels (H, W) imputed; draws: noise (H, W, C) for a range of 1."""
    filled = np.array(image, np.float64)
    if removed.all():
        filled[:] = filled.mean(axis=(0, 1))
    elif removed.any():
        filled[removed] = _solved(filled, removed)
    filled[removed] += draws[removed] * np.ptp(image)
    return filled.astype(np.float32)


def _solved(image, removed):
    """The values (n, C) of the n removed pixels that make each the mean of its neighbours."""
    count = np.count_nonzero(removed)
    # A frame around the image stands for what lies outside: neither known nor unknown.
    numbers = np.full(np.add(removed.shape, 2), -1)
    numbers[1:-1, 1:-1][removed] = np.arange(count)
    known = np.pad(~removed, 1)
    values = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    places = np.argwhere(removed) + 1
    weights, right_side = np.zeros(count), np.zeros((count, image.shape[-1]))
    rows, columns, entries = [np.arange(count)], [np.arange(count)], [weights]
    for step, weight in _NEIGHBOURS:
        there = tuple((places + step).T)
        unknown = np.flatnonzero(numbers[there] >= 0)
        weights += weight * (known[there] | (numbers[there] >= 0))
        right_side += weight * known[there][:, None] * values[there]
        rows.append(unknown)
        columns.append(numbers[there][unknown])
        entries.append(np.full(len(unknown), -weight))
    places = np.concatenate(rows), np.concatenate(columns)
    matrix = csc_matrix((np.concatenate(entries), places), (count, count))
    # It is symmetric and diagonally dominant: no pivots are needed, and an ordering for symmetric patterns fills less.
    return splu(matrix, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}).solve(right_side)
