"""How sure is a share of right answers? Intervals of accuracy and of balanced accuracy."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import recall_score


def proportion_interval(successes: int, trials: int) -> tuple[float, float, float]:
    """Share of successes with its 95 % Wilson interval: (estimate, low, high), each in [0, 1] (Wilson 1927)."""
    interval = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return successes / trials, float(interval.low), float(interval.high)


def balanced_accuracy_interval(
    labels: np.ndarray, predictions: np.ndarray, groups: Sequence[str] | None = None
) -> tuple[float, float, float]:
    """Mean over the classes present of the share of each that was found, with its 95 % bootstrap interval.

    Args:
        labels, predictions: (N,) true and predicted classes, numbers.
        groups: (N,) the patient of each image: whole patients are drawn anew, then their images. Without them the
            images of a class are drawn as if each were of its own patient.

    Returns:
        (estimate, low, high), each in [0, 1]. Source: Efron & Tibshirani 1993, chapter 8.
    """
    resamples = 1000
    found, present = np.zeros(resamples), np.unique(labels)
    for label in present:
        draw = np.random.default_rng(int(label))
        right = predictions[labels == label] == label
        if groups is None:
            found += draw.binomial(len(right), right.mean(), resamples) / len(right)
            continue
        members = np.unique(np.asarray(groups)[labels == label], return_inverse=True)[1]
        sizes = np.bincount(members)
        times = draw.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), resamples)  # (resamples, groups)
        drawn = draw.binomial(times * sizes, np.bincount(members, weights=right) / sizes)
        found += drawn.sum(axis=1) / (times * sizes).sum(axis=1)
    low, high = np.quantile(found / len(present), (0.025, 0.975))
    # The mean recall over the classes present; scikit-learn's balanced_accuracy_score warns of predicted other ones.
    estimate = recall_score(labels, predictions, labels=present, average="macro", zero_division=0)
    return float(estimate), float(low), float(high)
