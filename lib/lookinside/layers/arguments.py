"""What a layer's arguments must be; what is not is refused in one line that says what to give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any


def check_numbers(least: float, **values: Any) -> None:
    """Raise ValueError for a value, named as its argument, that is no finite number of at least `least`."""
    for name, value in values.items():
        if not _real(value) or not least <= value < math.inf or value == -math.inf:
            bound = f", {least} or more" if math.isfinite(least) else ""
            raise ValueError(f"{name} is {value!r}: give a finite number{bound}.")


def check_counts(least: int, **values: Any) -> None:
    """Raise ValueError for a value, named as its argument, that is no whole number of at least `least`."""
    for name, value in values.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} is {value!r}: give a whole number, {least} or more.")


def check_choice(choices: Sequence[Any], **values: Any) -> None:
    """Raise ValueError for a value that is none of the choices."""
    for name, value in values.items():
        if value not in choices:
            raise ValueError(f"{name} is {value!r}: give one of {', '.join(map(str, choices))}.")


def rows_and_columns(name: str, size: Any) -> tuple[int, int]:
    """Rows and columns, 1 or more each, of a pair or of one number for both, or ValueError."""
    counts = tuple(size) if isinstance(size, Sequence) else (size, size)
    if len(counts) != 2 or not all(_whole(n) for n in counts):
        raise ValueError(f"{name} is {size!r}: give a whole number, 1 or more, or a pair (rows, columns).")
    return int(counts[0]), int(counts[1])


def grid_counts(grid: Any) -> tuple[int, int]:
    """Rows and columns of control points, 2 or more each, or ValueError."""
    counts = tuple(grid) if isinstance(grid, Sequence) else ()
    if len(counts) != 2 or any(not isinstance(n, Integral) or isinstance(n, bool) or n < 2 for n in counts):
        raise ValueError(f"grid is {grid!r}: give the rows and columns of control points, each 2 or more.")
    return int(counts[0]), int(counts[1])


def pixel_spacing(spacing: Any) -> tuple[float, float] | None:
    """The mm from row to row and from column to column, of one number or a pair; None stays None."""
    if spacing is None:
        return None
    steps = tuple(spacing) if isinstance(spacing, Sequence) else (spacing, spacing)
    if len(steps) != 2 or any(not _real(step) or not 0 < step < math.inf for step in steps):
        raise ValueError(f"spacing is {spacing!r}: give the mm of a pixel, above 0, or a pair (rows, columns).")
    return float(steps[0]), float(steps[1])


def _real(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def _whole(value):
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= 1
