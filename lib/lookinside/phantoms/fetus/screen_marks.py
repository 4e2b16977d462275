"""What a scanner writes on its screen: the grey scale, ticks of depth, and calipers."""

from __future__ import annotations

import numpy as np

from lookinside.phantoms.fetus.scanner import Scanner
from lookinside.phantoms.fetus.shapes import Strip


def draw_scale(grey: np.ndarray, scanner: Scanner) -> None:
    """Draw a grey bar and a tick every 5 mm at one side of grey levels (H, W), in place; nothing where bar is ""."""
    if not scanner.bar:
        return
    height, width = grey.shape
    top, wide = int(np.ceil(scanner.header * height)), max(1, round(width / 90))
    bottom = top + round(0.26 * height)
    bar = slice(0, wide) if scanner.bar == "left" else slice(width - wide, width)
    grey[top:bottom, bar] = np.linspace(0.75, 0.0, bottom - top)[:, None]
    column = round(width / 32) if scanner.bar == "left" else width - 1 - round(width / 32)
    ticks = (np.arange(scanner.header * scanner.height + 3.0, scanner.height, 5.0) / scanner.height * height).astype(
        int
    )
    grey[ticks[ticks < height], column] = 0.8


def draw_calipers(grey: np.ndarray, scanner: Scanner, band: Strip, strength: float) -> np.ndarray:
    """Draw two crosses where a band is thickest, at its upper and lower edge, on grey levels (H, W), in place.

    Returns:
        bool (H, W), where they are; nothing for strength 0.
    """
    height, width = grey.shape
    mask = np.zeros(grey.shape, bool)
    if strength == 0.0:
        return mask
    arm = max(1, round(height / 96))
    at = band.thickest()
    for share in (0.0, 1.0):
        right, down = scanner.of_window(at, float(band.level(np.float64(at), share)))
        column, row = int(right / scanner.width * width), int(down / scanner.height * height)
        for rows, columns in (
            (slice(max(row - arm, 0), row + arm + 1), slice(max(column, 0), column + 1)),
            (slice(max(row, 0), row + 1), slice(max(column - arm, 0), column + arm + 1)),
        ):
            mask[rows, columns] = True
    grey[mask] += np.float32(strength) * (1.0 - grey[mask])
    return mask
