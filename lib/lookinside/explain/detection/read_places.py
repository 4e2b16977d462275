"""Where in the image the cells of a detector's windows are read from."""

from __future__ import annotations

import numpy as np

from lookinside.models.detection import Detector
from lookinside.models.detection.primitive_module import CELLS
from lookinside.models.receptive_fields import ReceptiveField, receptive_field


def cell_centres(windows: np.ndarray) -> np.ndarray:
    """x and y in pixels of the cells' centres of windows (N, 4), row by row: float64 (N, 225, 2)."""
    windows = np.asarray(windows, np.float64)
    rows, columns = np.divmod(np.arange(CELLS**2), CELLS)
    shares = (np.stack([columns, rows], axis=1) + 0.5) / CELLS
    return windows[:, None, :2] + shares * (windows[:, 2:] - windows[:, :2])[:, None]


def read_centres(model: Detector, step: str, windows: np.ndarray) -> tuple[np.ndarray, ReceptiveField]:
    """The middles of what the cells of a step's windows (N, 4) read, float64 (N, 225, 2), and the receptive field.

    A window is cropped as if cell (i, j) of a map of stride s stood for s x s pixels; it reads around its receptive
    field's middle, which with this trunk is half a stride up and to the left.
    """
    field = receptive_field(model.trunk, model.trunk_maps[step])
    return cell_centres(windows) - field.stride / 2 + field.middle, field


def inside(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Whether points (..., 2), x and y in pixels, lie on an image of (H, W)."""
    return ((points >= 0) & (points < np.array(size[::-1]))).all(axis=-1)
