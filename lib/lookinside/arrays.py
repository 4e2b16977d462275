"""Arguments as arrays, or one line that names them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lookinside.errors import LookInsideError


def as_array(values: Any, name: str) -> np.ndarray:
    """Return values as an array. Raises LookInsideError, with their name, for rows of different lengths."""
    try:
        return np.asarray(values)
    except ValueError:
        raise LookInsideError(f"{name} has rows of different lengths: give one array.") from None


def as_numbers(values: Any, name: str) -> np.ndarray:
    """Return values as float64. Raises LookInsideError, with their name, for text, complex numbers or uneven rows."""
    try:
        if np.iscomplexobj(values):
            raise TypeError
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise LookInsideError(f"{name} holds no numbers, or rows of different lengths: give one array.") from None
