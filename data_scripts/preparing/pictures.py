"""Read any source picture, and measure its flat borders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookinside.data.reading import is_picture, read_picture
from preparing.dicom import read_dicom

BAR_SHARE = 0.05  # of the side: less is a film's rim
_FLAT = 20  # grey levels between the 2nd and the 98th percentile of a row


def is_source(path: Path) -> bool:
    """Whether a script can read the file: DICOM (`.dcm`) or a picture."""
    return is_picture(path) or (path.suffix.lower() == ".dcm" and not path.name.startswith("."))


def read_source(path: Path) -> np.ndarray:
    """A DICOM or picture file as uint8 (H, W); LookInsideError names the file that cannot be read."""
    return read_dicom(path) if path.suffix.lower() == ".dcm" else read_picture(path).pixels


def flat_borders(pixels: np.ndarray) -> tuple[float, float, float, float]:
    """The share of the side that is flat at the (top, bottom, left, right) of uint8 (H, W).

    Letterbox bars of scanned films are seldom quite black: a row counts as flat where 96 % of it lies within 20 grey
    levels. Empty background counts too, nothing tells it from a bar.
    """
    return *_flat_ends(pixels), *_flat_ends(pixels.T)


def _flat_ends(pixels: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(pixels, (2, 98), axis=1)
    busy = np.flatnonzero(high - low > _FLAT)
    if not len(busy):
        return 1.0, 1.0
    return busy[0] / len(pixels), (len(pixels) - 1 - busy[-1]) / len(pixels)
