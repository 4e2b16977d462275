"""Which of the 15 x 15 cells of a window some evidence lies in."""

from __future__ import annotations

import numpy as np

from lookinside.models.detection.primitive_module import CELLS, Evidence

NONE = -1  # where a way has fewer cells than asked


def primitives_chosen(told: Evidence, count: int, seed: int) -> dict[str, np.ndarray]:
    """The cells of `count` primitives by their vote for the cell that won, by alpha, and of random ones.

    Returns:
        "by vote", "by alpha", "random" -> int (N, count), see `primitive_cells`.
    """
    chance = np.random.default_rng(seed).random(told.votes.shape)
    scores = {"by vote": told.votes, "by alpha": told.alpha, "random": chance}
    return {way: primitive_cells(told, own, count) for way, own in scores.items()}


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
