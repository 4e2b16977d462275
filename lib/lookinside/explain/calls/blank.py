"""Maps that came out empty, or the same at every pixel: said once a call, with their number."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from lookinside.errors import BlankMapWarning

_SAME = 1e-6  # share of a map's largest value by which rounding may make its pixels differ
_left_to_caller = ContextVar("left_to_caller", default=False)


def are_blank(maps: np.ndarray) -> np.ndarray:
    """Which maps are the same at every pixel, zeros for instance: (N, ...) -> bool (N,)."""
    axes = tuple(range(1, maps.ndim))
    high, low = maps.max(axis=axes), maps.min(axis=axes)
    largest = np.maximum(np.abs(high), np.abs(low))
    return (largest == 0) | ((maps[0].size > 1) & (high - low <= _SAME * largest))  # one pixel may hold something


def told(maps: np.ndarray, name: str) -> np.ndarray:
    """Return the maps as they are, having warned of the blank ones: (N, ...), and what made them."""
    if not _left_to_caller.get():
        warn_of_blank(int(are_blank(maps).sum()), len(maps), name)
    return maps


def tell_of_sets(maps: Mapping[str, np.ndarray], name: str) -> None:
    """Warn of the blank maps of an explainer that makes several of an image: set -> (N, ...), and what made them."""
    if not _left_to_caller.get():
        blank = {one: int(are_blank(those).sum()) for one, those in maps.items()}
        warn_of_rows(blank, len(next(iter(maps.values()))), name, "they show nothing")


def warn_of_blank(
    blank: int, count: int, name: str, what: str = "maps are empty or the same everywhere: they show nothing"
) -> None:
    """Warn, where there are any, of `blank` of `count` maps; the warning points at the line that called the library."""
    if blank:
        level, frame = 1, sys._getframe()
        while frame.f_back and frame.f_globals.get("__name__", "").startswith("lookinside."):
            level, frame = level + 1, frame.f_back
        warnings.warn(f"{name}: {blank} of {count} {what}.", BlankMapWarning, stacklevel=level)


def warn_of_rows(blank: Mapping[str, int], count: int, name: str, so: str) -> None:
    """Warn once of the blank maps in the rows of a table, row -> how many of `count`; `so` says what that means."""
    rows = [f"{row} {number}" for row, number in blank.items() if number]
    what = f"maps are empty or the same everywhere ({', '.join(rows)} of {count}): {so}"
    warn_of_blank(sum(blank.values()), count * len(blank), name, what)


@contextmanager
def left_to_caller() -> Iterator[None]:
    """In here explainers do not warn: the caller has many of them at work, and warns once."""
    token = _left_to_caller.set(True)
    try:
        yield
    finally:
        _left_to_caller.reset(token)
