"""How far apart two clouds of features lie, the Frechet distance, and what few images add to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lookinside.arrays import as_array, as_numbers
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole

_LARGEST = 1e140  # sums of squares of larger numbers are infinite


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The squared Frechet distance of two normal distributions, fitted to features of two sets of images.

    It is the squared distance of their means, plus the trace of S1 + S2 - 2 (S1 S2)^(1/2), where S1 and S2 are their
    covariances (over N - 1). With S = A'A, A the centred rows over the root of N - 1, the trace of that root is the sum
    of the singular values of A1 A2'. No matrix is inverted and no root of one is taken, so covariances without an
    inverse (as many features as images, or more) need no special care. But the fewer images there are, the larger is
    the distance: see `frechet_by_count`.

    Args:
        first, second: float (N, D) and (M, D), 2 rows or more, such as `features` of one layer gives them. The number
            means something beside another one of the same network, layer and counts.

    Returns:
        The distance, 0 or more, in the features' units squared; 0 for two sets of equal means and covariances.

    Raises:
        LookInsideError: for what is no (N, D) and (M, D), fewer than two rows, nan, infinity or numbers near it.

    Source: Dowson & Landau 1982; Heusel et al. 2017, Eq. 6, who take features of Inception.
    """
    return _distance(*_checked(first, second))


class FrechetByCount(NamedTuple):
    """The Frechet distance of fewer and fewer images of two sets.

    Attributes:
        counts: int64 (K,), how many images of each set.
        distances: float64 (K, R), of R random draws of so many images.
        limit: what the line through the means over 1 / count reaches at infinitely many images.
    """

    counts: np.ndarray
    distances: np.ndarray
    limit: float


def frechet_by_count(
    first: np.ndarray, second: np.ndarray, counts: Sequence[int], *, repeats: int = 10, seed: int = 0
) -> FrechetByCount:
    """Show the bias of the Frechet distance at small counts, and where it leads to.

    Of each set `count` images are drawn without repetition and the distance of the draws is taken. Its mean falls with
    the count, about as a line over 1 / count once there are clearly more images than features. Two sets of one
    distribution show what the bias alone makes. Draws of nearly all images are much the same images: their spread is no
    interval. Where `counts` are below the number of features, the line is bent, and the limit is too large.

    Args:
        first, second: float (N, D) and (M, D), as in `frechet_distance`.
        counts: two different whole numbers or more, 2 to min(N, M).
        repeats: draws for each count.
        seed: of the draws.

    Returns:
        `FrechetByCount`; the limit may lie a little below 0 where the sets hardly differ.

    Raises:
        LookInsideError: for counts, repeats or a seed that do not fit, or as `frechet_distance`.

    Source: Chong & Forsyth 2020, who draw the line for generated images only, with real ones in plenty.
    """
    first, second = _checked(first, second)
    most, named = min(len(first), len(second)), np.ravel(as_array(counts, "counts")).tolist()
    if not all(is_whole(n, 2) and n <= most for n in named) or len(set(named)) != len(named) or len(named) < 2:
        raise LookInsideError(f"counts is {named!r:.60}: give two or more different whole numbers, from 2 to {most}.")
    if not (is_whole(repeats) and is_whole(seed, 0)):
        raise LookInsideError(f"repeats is {repeats!r:.60}, seed {seed!r:.60}: give whole numbers, from 1 and from 0.")
    random = np.random.default_rng(seed)
    distances = np.array([[_distance(*_drawn(random, n, first, second)) for _ in range(repeats)] for n in named])
    slope_and_limit = np.polyfit(1 / np.array(named), distances.mean(axis=1), 1)
    return FrechetByCount(np.array(named, np.int64), distances, float(slope_and_limit[1]))


def _drawn(random, count, *sets):
    return [one[random.choice(len(one), count, replace=False)] for one in sets]


def _distance(first, second):
    """See `frechet_distance`; the features are in order."""
    means = [one.mean(axis=0) for one in (first, second)]
    # R of a QR decomposition has the same R'R as the rows themselves, and no more rows than features.
    roots = [
        np.linalg.qr((one - mean) / np.sqrt(len(one) - 1), mode="r")
        for one, mean in zip((first, second), means, strict=True)
    ]
    shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    spread = sum(float((root**2).sum()) for root in roots) - 2 * float(shared)
    return max(float(((means[0] - means[1]) ** 2).sum()) + spread, 0.0)  # rounding may leave a little less than 0


def _checked(first, second):
    """Two clouds of features, float64 (N, D) and (M, D)."""
    found = as_numbers(first, "first"), as_numbers(second, "second")
    for one, name in zip(found, ("first", "second"), strict=True):
        if one.ndim != 2 or len(one) < 2 or not one.shape[1]:
            raise LookInsideError(f"{name} is {one.shape}: give features (N, D) of two images or more.")
        if not np.isfinite(one).all():
            raise LookInsideError(f"{name} holds nan or infinity: look at the images that its features come from.")
        if np.abs(one).max() > _LARGEST:
            raise LookInsideError(f"{name} holds numbers of more than {_LARGEST:g}: scale the features of both down.")
    if found[0].shape[1] != found[1].shape[1]:
        raise LookInsideError(
            f"first has {found[0].shape[1]} features, second {found[1].shape[1]}: take both from one layer."
        )
    return found
