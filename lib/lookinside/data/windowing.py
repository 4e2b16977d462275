"""CT numbers as grey levels."""

from __future__ import annotations

import numpy as np

from lookinside.errors import LookInsideError

# What Roth et al. 2015 show their network (in the authors' code): -100 HU and less is black, 200 HU and more white.
LOW, HIGH = -100.0, 200.0


def window(hu: np.ndarray, low: float = LOW, high: float = HIGH) -> np.ndarray:
    """CT numbers in HU, any shape -> uint8 of the same shape: `low` and less is 0, `high` and more 255.

    Raises LookInsideError where `low` is not below `high`, or for a value that is not a number.
    """
    if not low < high:
        raise LookInsideError(f"The window runs from {low} to {high}: give a lower end below the upper one.")
    grey = (np.asarray(hu, np.float32) - np.float32(low)) * np.float32(255.0 / (high - low))
    if np.isnan(grey).any():
        raise LookInsideError("The CT numbers hold values that are not a number: clean the volume first.")
    return np.rint(np.clip(grey, 0, 255, out=grey), out=grey).astype(np.uint8)
