"""Are they numbers? What explainers and scores ask of single arguments."""

from __future__ import annotations

from numbers import Real

import numpy as np


def is_whole(value, least: int = 1) -> bool:
    """Whether a number of things is a whole number, `least` or more."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least


def is_number(value, least: float = 0.0) -> bool:
    """Whether a value is one finite number, `least` or more."""
    return isinstance(value, Real | np.floating) and not isinstance(value, bool) and least <= value < np.inf
