"""CT numbers as int16: what does not fit, is padding or is no number is refused, or changed and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookinside.data.volumes.orienting import Grid, Turned
from lookinside.data.volumes.remarks import Remarks
from lookinside.errors import LookInsideError

AIR = -1024  # HU; the lowest CT number of 12 bits, and what scanners write outside of their field
_DENSEST = 3071  # HU, the highest of 12 bits: only metal lies above
_HIGHEST = np.iinfo(np.int16).max
_SURELY_NO_TISSUE = -200  # HU; lung and air lie below, fat and everything denser above


class CTNumbers:
    """Collects the slices of a volume as they are stored, one at a time, so that only one is held as floats.

    Attributes:
        hu: int16 (Z, Y, X), the axes of `Volume.hu`.
        turned: how the file's axes became these.
        lowest: of the values put in so far, padding left out.
    """

    def __init__(self, grid: Grid, shape: tuple[int, int, int], path: Path):
        if min(shape) < 2:
            raise LookInsideError(f"{path}: holds one slice only, a volume is expected: give the whole scan")
        self.turned = Turned(grid, shape)
        try:
            self.hu, self._stored = self.turned.empty()
        except (MemoryError, ValueError):
            size = f"{np.prod(shape, dtype=float) * 2 / 2**30:.0f} GB"
            raise LookInsideError(f"{path}: would take {size} of memory: give a smaller volume") from None
        self.lowest = float("inf")
        self._path = path
        self._below, self._bottom, self._padded, self._above, self._top = 0, 0.0, 0, 0, 0.0
        self._rounded = False

    def put(self, index: int, values: np.ndarray, padding: np.ndarray | None = None) -> None:
        """Put in one slice.

        Args:
            index: which one.
            values: (J, I), whole numbers or floats, in HU.
            padding: bool (J, I), pixels that the header says are none; they become air where they look like metal
                (a header that calls a value of tissue padding is wrong).

        Raises:
            LookInsideError: if a value is not a number.
        """
        if values.dtype.kind == "f":
            values = self._whole(values)
        if padding is not None and padding.any():
            padding = padding & (values > _DENSEST)
            self._padded += int(padding.sum())
            values = np.where(padding, AIR, values)
        low, high = values.min(), values.max()
        if low < AIR:
            below = values < AIR
            self._below += int(np.count_nonzero(below))
            self._bottom = min(self._bottom, float(low))
            if self.lowest > AIR:  # with a lower one already seen there is no need to look
                low = np.where(below, _HIGHEST, values).min()
            values = np.maximum(values, AIR)
        if high > _HIGHEST:
            self._above += int(np.count_nonzero(values > _HIGHEST))
            self._top = max(self._top, float(high))
            values = np.minimum(values, _HIGHEST)
        self.lowest = min(self.lowest, max(float(low), AIR))
        self._stored[index] = values

    def remark(self, remarks: Remarks, *, ct: bool = True) -> None:
        """Say what was changed, and where the values cannot be HU (`ct` is False where that was said already)."""
        if self._rounded:
            remarks.note("values rounded to whole HU")
        if self._padded:
            remarks.note(f"padding above {_DENSEST} set to {AIR}, air ({self._share(self._padded)})")
        if self._below:
            remarks.note(
                f"values below {AIR} (down to {self._bottom:.0f}) set to {AIR}, air ({self._share(self._below)})"
            )
        if self._above:
            top = f"values above {_HIGHEST} (up to {self._top:.6g})"
            remarks.warn(f"{top} set to {_HIGHEST} ({self._share(self._above)}): these are no CT numbers")
        if ct and self.lowest >= _SURELY_NO_TISSUE:
            remarks.warn(
                f"no value lies below {_SURELY_NO_TISSUE} (the lowest is {self.lowest:.0f}), so it shows no air: "
                "it is no CT in HU (MR, a label map, values shifted or windowed), or only the inside of a body"
            )

    def _whole(self, values):
        if not np.isfinite(values).all():
            raise LookInsideError(
                f"{self._path}: holds values that are not numbers (NaN or infinite): "
                f"set them to {AIR}, as air, and save it again"
            )
        whole = np.rint(values)
        self._rounded = self._rounded or bool((whole != values).any())
        return whole

    def _share(self, count):
        share = count / self.hu.size
        percent = f"{share:.1%}" if share >= 0.001 else "under 0.1%"
        return f"{count:,} voxel{'s' * (count > 1)}, {percent}"
