"""A CT volume as the course holds it: CT numbers in one orientation, and where they lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookinside.errors import LookInsideError


@dataclass(frozen=True, eq=False)
class Volume:
    """A CT volume in HU.

    Attributes:
        hu: int16 (Z, Y, X), CT numbers. Indices grow to the head, to the back and to the patient's left (the axes x, y,
            z are ITK's and DICOM's L, P, S), so a slice hu[z] is seen from the feet, the patient's right on the left.
            `lookinside.phantoms.CTVolume` has the same orientation.
        spacing: (x, y, z) mm from voxel to voxel.
        origin: (x, y, z) mm, the middle of the voxel hu[0, 0, 0] in the coordinates of the file.
        path: the file or folder that it was read from; None where it was made.
        remarks: what was done while it was read ("re-oriented from RAS axes", ...); empty where nothing was.

    Raises:
        LookInsideError: if `hu` is not int16 with three axes, or spacing and origin are not three numbers each.
    """

    hu: np.ndarray
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    path: Path | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self):
        if not isinstance(self.hu, np.ndarray) or self.hu.dtype != np.int16 or self.hu.ndim != 3 or not self.hu.size:
            kind, shape = getattr(self.hu, "dtype", type(self.hu).__name__), getattr(self.hu, "shape", "")
            raise LookInsideError(f"hu is {kind} {shape}: give CT numbers as int16 (Z, Y, X)")
        object.__setattr__(self, "spacing", three_numbers(self.spacing, "spacing", positive=True))
        object.__setattr__(self, "origin", three_numbers(self.origin, "origin"))
        object.__setattr__(self, "remarks", tuple(self.remarks))

    def __repr__(self) -> str:
        depth, height, width = self.hu.shape
        step = " x ".join(f"{side:g}" for side in self.spacing)
        return f"Volume({depth} slices of {height}x{width}, {step} mm, {self.path or 'made in memory'})"

    def level(self, z: int) -> float:
        """Height of slice z in mm, in the coordinates of the file: it grows to the head, its zero means nothing."""
        return self.origin[2] + z * self.spacing[2]


def three_numbers(values: Sequence[float], what: str, *, positive: bool = False) -> tuple[float, float, float]:
    """(x, y, z) in mm as floats.

    Raises:
        LookInsideError: if these are not three finite numbers, or not above 0 where they have to be; `what` names them.
    """
    try:
        x, y, z = (float(value) for value in values)
    except (TypeError, ValueError):
        x = y = z = math.nan
    if not all(math.isfinite(value) and (value > 0 or not positive) for value in (x, y, z)):
        raise LookInsideError(f"{what} is {values!r}: give three numbers{' above 0' * positive}, (x, y, z) in mm")
    return x, y, z
