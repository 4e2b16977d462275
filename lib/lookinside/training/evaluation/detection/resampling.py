"""Images drawn anew, whole patients at a time, and measures of boxes that are computed for all draws at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookinside.explain import Interval


def drawn_weights(count: int, groups: Sequence[str] | None, resamples: int, seed: int) -> np.ndarray:
    """How often each of `count` images is drawn, float64 (resamples, count); whole groups where there are any."""
    members = np.arange(count) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    number = members.max(initial=-1) + 1
    times = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), resamples)
    return times[:, members].astype(np.float64)


def ratio(weights: np.ndarray, above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Sum of `above` (N,) over sum of `below` (N,) in each draw, (resamples,); nan where below is 0."""
    over, under = weights @ above, weights @ below
    return np.divide(over, under, out=np.full(len(over), np.nan), where=under > 0)


def auc_of_draws(weights: np.ndarray, scores: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> np.ndarray:
    """The area under the ROC curve of the boxes in each draw of images, (resamples,); nan where one kind is missing.

    The area is the share of pairs of a right and a wrong box in which the right one has the higher score, ties half
    (Hanley & McNeil 1982). Counted once for each pair of images, it is a product of matrices for any draw.

    Args:
        weights: (resamples, N).
        scores, right: N times (K_i,), score of each box and whether it hits.
    """
    image = np.repeat(np.arange(len(scores)), [len(one) for one in scores])
    scores, right = np.concatenate([*scores, np.zeros(0)]), np.concatenate([*right, np.zeros(0, bool)])
    if not right.any() or right.all():
        return np.full(len(weights), np.nan)
    pairs = np.sign(scores[right][:, None] - scores[~right]) / 2 + 0.5
    ones = np.eye(weights.shape[1])
    good, bad = ones[image[right]], ones[image[~right]]
    between = good.T @ pairs @ bad  # (N, N), right boxes of one image against wrong ones of another
    won = ((weights @ between) * weights).sum(axis=1)
    return np.divide(
        won,
        (weights @ good.sum(axis=0)) * (weights @ bad.sum(axis=0)),
        out=np.full(len(weights), np.nan),
        where=((weights @ good.sum(axis=0)) > 0) & ((weights @ bad.sum(axis=0)) > 0),
    )


def interval(estimate: float, draws: np.ndarray) -> Interval:
    """The estimate with the middle 95 % of the draws; nan among them are left out."""
    if not np.isfinite(draws).any():
        return Interval(float(estimate), np.nan, np.nan)
    low, high = np.nanquantile(draws, (0.025, 0.975))
    return Interval(float(estimate), float(low), float(high))
