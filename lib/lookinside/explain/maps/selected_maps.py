"""What a selection of feature maps has found, layer by layer, as arrays: for tables, and to count empty sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class SelectedMaps(NamedTuple):
    """The K maps of one layer for N images, and the two sets that were made of them.

    Attributes:
        norms: float32 (N, K), L1 norm of each map.
        moments: float32 (N, K), J of each map (Wang et al. 2019, Eq. 2), in squared pixels of the map times its unit.
        weights: float32 (N, K), signed, the mean gradient of the class's score (Eq. 3).
        active: bool (N, K), kept by Eq. 1.
        low, high: bool (N, K), the two sets; none but active maps.
        low_by_quantile, high_by_quantile: bool (N,), whether a quantile rather than the threshold made the set.
    """

    norms: np.ndarray
    moments: np.ndarray
    weights: np.ndarray
    active: np.ndarray
    low: np.ndarray
    high: np.ndarray
    low_by_quantile: np.ndarray
    high_by_quantile: np.ndarray


class Selection(dict[str, SelectedMaps]):
    """Layer -> `SelectedMaps`, in the order of the explainer's layers."""

    @classmethod
    def unpacked(cls, rows: np.ndarray, counts: Mapping[str, int]) -> Selection:
        """Read rows (N, .) that hold each layer's fields side by side; counts: layer -> how many maps it has."""
        found, start = cls(), 0
        for name, count in counts.items():
            ends = start + np.cumsum([count] * 6 + [1, 1])
            *fields, low, high, rest = np.split(rows[:, start:], ends - start, axis=1)
            truths = [one > 0 for one in (*fields[3:], low[:, 0], high[:, 0])]
            found[name] = SelectedMaps(*fields[:3], *truths)
            start = ends[-1]
        return found

    @property
    def rows(self) -> dict[str, dict[str, float]]:
        """Layer -> column -> value: how many maps there are, and over images the mean number of them in each set, the
        share of images on which a set is empty, and the share on which a quantile made it.
        """
        table = {}
        for name, one in self.items():
            row = {"maps": one.active.shape[1], "active": one.active.sum(axis=1).mean()}
            for which, inside, by_quantile in (
                ("low", one.low, one.low_by_quantile),
                ("high", one.high, one.high_by_quantile),
            ):
                row[which] = inside.sum(axis=1).mean()
                row[f"{which} empty"] = 1 - inside.any(axis=1).mean()
                row[f"{which} by quantile"] = by_quantile.mean()
            table[name] = {column: float(value) for column, value in row.items()}
        return table
