"""Read any source picture, a file, a part of an array or what is made of one, and measure its flat borders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lookinside.data.files.reading import SMALLEST, is_picture, read_picture
from preparing.dicom import read_dicom

BAR_SHARE = 0.05  # of the side: less is a film's rim
_FLAT = 20  # grey levels between the 2nd and the 98th percentile of a row


@dataclass(frozen=True, eq=False)
class Stored:
    """A picture that lies with others in one file: uint8 (H, W), row by row from byte `start` on.

    It is read when it is wanted, so that a large array never has to fit into memory.
    """

    path: Path
    start: int
    shape: tuple[int, int]
    name: str

    @property
    def stem(self) -> str:
        """The name that its file gets, without the ending."""
        return self.name

    def read(self) -> np.ndarray:
        """Its pixels."""
        height, width = self.shape
        return np.fromfile(self.path, np.uint8, height * width, offset=self.start).reshape(self.shape)


@dataclass(frozen=True, eq=False)
class Made:
    """A picture that `make` makes when it is wanted, uint8 (H, W): a slice of a volume, for one."""

    name: str
    make: Callable[[], np.ndarray]

    @property
    def stem(self) -> str:
        """The name that its file gets, without the ending."""
        return self.name

    def read(self) -> np.ndarray:
        """Its pixels."""
        return self.make()


Source = Path | Stored | Made


def is_source(path: Path) -> bool:
    """Whether a script can read the file: DICOM (`.dcm`) or a picture."""
    return is_picture(path) or (path.suffix.lower() == ".dcm" and not path.name.startswith("."))


def read_source(source: Source, channels: int = 1) -> np.ndarray:
    """A DICOM or picture file, or another source, as uint8 (H, W); LookInsideError names what cannot be read.

    With three channels a picture file is read in colour, (H, W, 3).
    """
    if not isinstance(source, Path):
        return source.read()
    return read_dicom(source) if source.suffix.lower() == ".dcm" else read_picture(source, channels).pixels


def wide_enough(pixels: np.ndarray) -> np.ndarray:
    """Uint8 (H, W) or (H, W, 3) with black on both sides where the reader would find it too small.

    The reader pads to a square anyway.
    """
    missing = [max(0, SMALLEST - side) for side in pixels.shape[:2]] + [0] * (pixels.ndim - 2)
    return np.pad(pixels, [(less // 2, less - less // 2) for less in missing])


def as_grey(pixels: np.ndarray) -> np.ndarray:
    """Uint8 (H, W) as it is, colour (H, W, 3) as its luminance (H, W)."""
    return pixels if pixels.ndim == 2 else np.asarray(Image.fromarray(pixels).convert("L"))


def flat_borders(pixels: np.ndarray) -> tuple[float, float, float, float]:
    """The share of the side that is flat at the (top, bottom, left, right) of uint8 (H, W) or (H, W, 3).

    Letterbox bars of scanned films are seldom quite black: a row counts as flat where 96 % of it lies within 20 grey
    levels. Empty background counts too, nothing tells it from a bar.
    """
    grey = as_grey(pixels)
    return *_flat_ends(grey), *_flat_ends(grey.T)


def _flat_ends(pixels: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(pixels, (2, 98), axis=1)
    busy = np.flatnonzero(high - low > _FLAT)
    if not len(busy):
        return 1.0, 1.0
    return busy[0] / len(pixels), (len(pixels) - 1 - busy[-1]) / len(pixels)
