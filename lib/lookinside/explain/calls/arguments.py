"""Are they numbers? The checks that arguments of explainers and scores share."""

from __future__ import annotations

from numbers import Real

import numpy as np

from lookinside.errors import LookInsideError


def as_array(values, name: str) -> np.ndarray:
    """Return values as an array. Raises LookInsideError, with their name, for rows of different lengths."""
    try:
        return np.asarray(values)
    except ValueError:
        raise LookInsideError(f"{name} has rows of different lengths: give one array.") from None


def as_numbers(values, name: str) -> np.ndarray:
    """Return values as float64. Raises LookInsideError, with their name, for text, complex numbers or uneven rows."""
    try:
        if np.iscomplexobj(values):
            raise TypeError
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise LookInsideError(f"{name} holds no numbers, or rows of different lengths: give one array.") from None


def is_whole(value, least: int = 1) -> bool:
    """Whether a number of things is a whole number, `least` or more."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least


def is_number(value, least: float = 0.0) -> bool:
    """Whether a value is one finite number, `least` or more."""
    return isinstance(value, Real | np.floating) and not isinstance(value, bool) and least <= value < np.inf
