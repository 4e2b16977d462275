"""Does a map follow the evidence? The same images with and without a part: what the map loses, what the score loses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from lookinside.arrays import as_array, as_numbers
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.explain.truth.intervals import DRAWS_AT_ONCE, Interval, bootstrap_interval
from lookinside.explain.truth.scores import region_share

_FEWEST = 3  # images; a rank correlation of two is always 1 or -1


class Followed(NamedTuple):
    """What the maps of N images lose when a part is taken out of the images, beside what the score loses.

    N counts the images whose region is not empty.

    Attributes:
        heat_lost: float64 (N,), positive heat in the part's region, before minus after, in the map's own unit.
        score_lost: float64 (N,), the score before minus after.
        correlation: Spearman's rank correlation of the two over images, in [-1, 1]: 1 if the map loses most where the
            score does, 0 if it does not know; nan for fewer than three images, or where one of the two is always equal.
        change_inside: the share of the map's change, |before - after| over all pixels, that lies in the region.
        area: the share of the image that the region covers: chance for `change_inside`.
    """

    heat_lost: np.ndarray
    score_lost: np.ndarray
    correlation: Interval
    change_inside: Interval
    area: Interval


def map_follows_score(
    before: ArrayLike,
    after: ArrayLike,
    score_before: ArrayLike,
    score_after: ArrayLike,
    regions: ArrayLike,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Followed:
    """Compare what maps lose with what scores lose, when the same images are drawn again without a part.

    A map that shows evidence loses heat where the evidence was, and most on those images whose score needed it most.
    Give maps as the explainer makes them, not each scaled by its own maximum, or what is lost cannot be compared.

    Args:
        before, after: float (N, H, W), of volumes (N, D, H, W), the maps of the images with and without the part.
        score_before, score_after: float (N,), the explained scores of the same images.
        regions: bool (N, H, W), where the part was; an image whose region is empty is left out.
        resamples: draws of images for the intervals, which are of 95 %.
        seed: of the draws.

    Raises:
        LookInsideError: for shapes that do not agree, values that are not finite, regions that are all empty, or
            resamples or a seed that are no whole numbers.

    Source: ours. The intervention is the phantom's; the bootstrap, Efron & Tibshirani 1993.
    """
    before, after = as_numbers(before, "before"), as_numbers(after, "after")
    regions = as_array(regions, "regions")
    if not is_whole(resamples) or not is_whole(seed, 0):
        raise LookInsideError(f"resamples is {resamples!r:.60}, seed {seed!r:.60}: give whole numbers from 1 and 0.")
    if before.ndim not in (3, 4) or not before.shape == after.shape == regions.shape or regions.dtype != bool:
        raise LookInsideError(
            f"The maps are {before.shape} and {after.shape}, regions {regions.dtype} {regions.shape}: give (N, H, W) "
            "each, regions as bool."
        )
    scores = [as_numbers(one, "A score") for one in (score_before, score_after)]
    if any(one.shape != (len(before),) for one in scores):
        raise LookInsideError(f"The scores are {scores[0].shape} and {scores[1].shape}: give ({len(before)},) each.")
    if not all(np.isfinite(one).all() for one in (before, after, *scores)):
        raise LookInsideError("A map or a score holds nan or infinite values: look at the network's weights.")
    places = tuple(range(1, before.ndim))
    own = regions.any(axis=places)
    if not own.any():
        raise LookInsideError("All regions are empty: give the masks of the images that still have the part.")
    before, after, regions = before[own], after[own], regions[own]
    heat = [(np.maximum(one, 0) * regions).sum(axis=places) for one in (before, after)]
    change = np.abs(before - after)
    total = change.sum(axis=places)
    inside = np.divide((change * regions).sum(axis=places), total, out=np.full(len(total), np.nan), where=total > 0)
    heat_lost, score_lost = heat[0] - heat[1], (scores[0] - scores[1])[own]
    return Followed(
        heat_lost,
        score_lost,
        _rank_correlation(heat_lost, score_lost, resamples, seed),
        bootstrap_interval(inside, resamples=resamples, seed=seed),
        bootstrap_interval(region_share(regions), resamples=resamples, seed=seed),
    )


def _rank_correlation(first, second, resamples, seed):
    """Spearman's correlation (estimate, low, high), images drawn anew for the interval."""
    (value,) = _spearman(first[None], second[None])
    if np.isnan(value):
        return Interval(np.nan, np.nan, np.nan)
    drawn = np.random.default_rng(seed).integers(len(first), size=(resamples, len(first)))
    at_once = max(1, DRAWS_AT_ONCE // len(first))
    parts = (drawn[start : start + at_once] for start in range(0, resamples, at_once))
    values = np.concatenate([_spearman(first[one], second[one]) for one in parts])
    low, high = np.nanquantile(values, (0.025, 0.975))
    return Interval(float(value), float(low), float(high))


def _spearman(first, second):
    """Spearman's correlation of each row of two arrays (D, N): float (D,), nan where a row is the same everywhere."""
    count = first.shape[1]
    if count < _FEWEST:
        return np.full(len(first), np.nan)
    # Ranks are halves, so that these sums are exact, and a row of equal values has exactly 0.
    first, second = (rankdata(one, axis=1) - (count + 1) / 2 for one in (first, second))
    spread = (first**2).sum(axis=1) * (second**2).sum(axis=1)
    found = np.full(len(first), np.nan)
    return np.divide((first * second).sum(axis=1), np.sqrt(spread), out=found, where=spread > 0)
