"""What a single number of each picture, its width or its colour, tells of the class without a look at the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

_DRAWS, _SEED = 1000, 0


def told_apart(values: Mapping[str, Sequence[float]], positive: np.ndarray, name: str) -> dict[str, object]:
    """The area under the ROC curve of each number alone, for `dataset.json`.

    Nothing is learned, so all pictures count. The area is that of the better direction, which is said.

    Args:
        values: what is measured -> (N,) numbers.
        positive: bool (N,), whether a picture is of the class called `name`.
        name: of that class.

    Returns:
        "rule"; "auc": what is measured -> area with its 95 % interval and whether that class has more or less of it;
        "summary": the same in one line.
    """
    drawn = np.random.default_rng(_SEED).integers(0, len(positive), (_DRAWS, len(positive)))
    drawn = drawn[positive[drawn].any(axis=1) & ~positive[drawn].all(axis=1)]
    found = {}
    for what, numbers in values.items():
        signed = np.asarray(numbers, float)
        more = roc_auc_score(positive, signed) >= 0.5
        signed = signed if more else -signed
        low, high = np.percentile(_areas(positive[drawn], signed[drawn]), (2.5, 97.5))
        area = roc_auc_score(positive, signed)
        found[what] = {
            "area": round(float(area), 3),
            "interval": [round(float(low), 3), round(float(high), 3)],
            "direction": f"{name} has {'more' if more else 'less'}",
        }
    lines = [
        f"{what} {one['area']:.2f} [{one['interval'][0]:.2f}, {one['interval'][1]:.2f}] ({one['direction']})"
        for what, one in found.items()
    ]
    return {
        "rule": "area under the ROC curve of one number of the picture before scaling; nothing is learned; 95 % "
        f"interval by bootstrap over pictures ({_DRAWS} draws, seed {_SEED})",
        "auc": found,
        "summary": ", ".join(lines),
    }


def _areas(positive: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The area of each of many draws, both (D, N), from the ranks: scikit-learn takes one draw at a time."""
    ranks = rankdata(numbers, axis=1)
    many = positive.sum(axis=1)
    mean_rank = (ranks * positive).sum(axis=1) / many
    return (mean_rank - (many + 1) / 2) / (positive.shape[1] - many)
