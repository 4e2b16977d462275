"""The 15 x 15 cells of the windows that primitives are looked for in, and which of them some evidence lies in."""

from __future__ import annotations

import numpy as np

from lookinside.models.detection.primitive_module import CELLS, Evidence

NONE = -1  # where a way has fewer cells than asked


def cell_centres(windows: np.ndarray) -> np.ndarray:
    """x and y in pixels of the cells' centres of windows (N, 4), row by row: float64 (N, 225, 2)."""
    windows = np.asarray(windows, np.float64)
    rows, columns = np.divmod(np.arange(CELLS**2), CELLS)
    shares = (np.stack([columns, rows], axis=1) + 0.5) / CELLS
    return windows[:, None, :2] + shares * (windows[:, 2:] - windows[:, :2])[:, None]


def primitive_cells(told: Evidence, scores: np.ndarray, count: int) -> np.ndarray:
    """The cells that the `count` primitives with the highest scores (N, K) are found in: int (N, count).

    A primitive's cell is the one that answers to it most. Several primitives may be found in the same cell.
    """
    best = np.argsort(-scores, axis=1)[:, :count]
    flat = told.responses.reshape(len(scores), CELLS**2, -1)
    return np.take_along_axis(flat.argmax(axis=1), best, axis=1)


def highest_cells(values: np.ndarray, possible: np.ndarray, count: int, chance: np.ndarray) -> np.ndarray:
    """The `count` cells with the highest values (N, 225), ties by chance (N, 225): int (N, count).

    Args:
        values: of each cell.
        possible: bool (N, 225), the cells that may be taken; where there are fewer than `count`, the rest is `NONE`.
        count: how many.
        chance: numbers that say which of two equal cells comes first.
    """
    order = np.lexsort((chance, -values, ~possible), axis=1)[:, :count]
    return np.where(np.take_along_axis(possible, order, axis=1), order, NONE)


def inside(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Whether points (..., 2), x and y in pixels, lie on an image of (H, W)."""
    return ((points >= 0) & (points < np.array(size[::-1]))).all(axis=-1)
