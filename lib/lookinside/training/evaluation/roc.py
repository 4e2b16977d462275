"""ROC curves of each class against the rest, with bands and areas over patients drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_curve

from lookinside.errors import LookInsideError

_GRID = np.linspace(0.0, 1.0, 101)
MEAN = "mean"


@dataclass(frozen=True)
class Roc:
    """The ROC curve of one class against the rest.

    Attributes:
        false_positive_rate: float64 (101,), 0 to 1.
        sensitivity, low, high: float64 (101,), the true positive rate there, and its 95 % band.
        auc: the area under the curve and its 95 % interval: (estimate, low, high).
    """

    false_positive_rate: np.ndarray
    sensitivity: np.ndarray
    low: np.ndarray
    high: np.ndarray
    auc: tuple[float, float, float]


def roc_curves(
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    groups: Sequence[str] | None = None,
    *,
    resamples: int = 300,
    seed: int = 0,
) -> dict[str, Roc]:
    """One curve for each class that the labels hold, and "mean", their mean.

    Args:
        probabilities: float (N, K), each class's score; higher is surer.
        labels: int (N,), true classes.
        class_names: the K names.
        groups: (N,) the patient of each image; whole patients are drawn anew. Without them each image is its own.
        resamples: draws for the bands; a draw that leaves a class empty does not count for that class.
        seed: of the draws.

    Returns:
        Class name -> `Roc`. The mean's interval is that of the mean of the areas in one and the same draw.

    Raises:
        LookInsideError: for shapes that do not agree, scores that are not numbers, or fewer than two classes present.

    Source: Fawcett 2006; areas as scikit-learn's roc_auc_score; the bootstrap over patients, Efron & Tibshirani 1993.
    """
    probabilities, labels = np.asarray(probabilities, np.float64), np.asarray(labels)
    if probabilities.shape != (len(labels), len(class_names)):
        raise LookInsideError(
            f"probabilities are {probabilities.shape}: give ({len(labels)}, {len(class_names)}), images and classes."
        )
    if not np.isfinite(probabilities).all():
        raise LookInsideError("probabilities hold values that are not numbers: look at the network's training.")
    present = [k for k in range(len(class_names)) if (labels == k).any()]
    if len(present) < 2:
        raise LookInsideError("An ROC curve needs images of two classes: the labels hold fewer.")
    members = np.arange(len(labels)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    estimate = _curves(probabilities, labels, present)
    own = [np.flatnonzero(members == number) for number in range(members.max() + 1)]
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(resamples):
        rows = np.concatenate([own[k] for k in rng.integers(0, len(own), len(own))])
        drawn.append(_curves(probabilities[rows], labels[rows], present))
    areas = np.array([[area for area, _ in curves] for curves in drawn])
    lines = np.array([[line for _, line in curves] for curves in drawn])
    found = {class_names[k]: _roc(*estimate[i], areas[:, i], lines[:, i]) for i, k in enumerate(present)}
    whole = float(np.mean([area for area, _ in estimate])), np.mean([line for _, line in estimate], axis=0)
    found[MEAN] = _roc(*whole, areas.mean(axis=1), lines.mean(axis=1))
    return found


def _curves(probabilities, labels, present):
    """(area, sensitivity on the grid) of each class; nan where a draw has none of it, or nothing else."""
    found = []
    for k in present:
        positive = labels == k
        if positive.all() or not positive.any():
            found.append((np.nan, np.full(len(_GRID), np.nan)))
            continue
        false, true, _ = roc_curve(positive, probabilities[:, k])
        found.append((float(np.trapezoid(true, false)), _read(false, true)))
    return found


def _read(false, true):
    """The curve on the grid; where it jumps, the upper end counts."""
    line = np.interp(_GRID, false, true)
    at = np.searchsorted(false, _GRID, side="right") - 1
    exact = np.isclose(false[at], _GRID)
    return np.where(exact, true[at], line)


def _roc(area, line, areas, lines):
    low, high = np.nanquantile(areas, (0.025, 0.975))
    bottom, top = np.nanquantile(lines, (0.025, 0.975), axis=0)
    return Roc(_GRID, line, bottom, top, (area, float(low), float(high)))
