"""From the axes of a file to the axes of the body: to the patient's left, to the back, to the head."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lookinside.data.volumes.remarks import Remarks
from lookinside.errors import LookInsideError

_AXES = {"L": 0, "R": 0, "P": 1, "A": 1, "S": 2, "I": 2}  # letter of where an axis points -> x, y, z
_TURNED = "RAI"
_SLICES = ("sagittal", "coronal", "axial")  # slices that lie across x, y, z
_POSSIBLE = 1e-3, 1e3  # mm from voxel to voxel
_SLANT = 1.0  # degrees; a smaller angle comes from rounded numbers


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of a file lie, in mm to the patient's left, to the back and to the head.

    Attributes:
        steps: float64 (3, 3), column a is the way from a voxel to the next along the file's axis a: along a row (i),
            along a column (j), from slice to slice (k).
        origin: float64 (3,), the middle of the first voxel.
    """

    steps: np.ndarray
    origin: np.ndarray

    @property
    def spacing(self) -> np.ndarray:
        """float64 (3,), mm along i, j, k."""
        return np.linalg.norm(self.steps, axis=0)

    def refuse_slanted(self, path: Path) -> None:
        """Refuse what is no grid of boxes.

        Slices of a scan with a tilted gantry are shifted against one another, so their voxels are no boxes.
        Straightening them makes new CT numbers from the measured ones, which a reader should not do unasked, and there
        are programs that do it well.

        Raises:
            LookInsideError: if numbers are missing, or axes stand more than 1 degree off the right angle.
        """
        low, high = _POSSIBLE
        if not (np.isfinite(self.origin).all() and low <= self.spacing.min() <= self.spacing.max() <= high):
            raise LookInsideError(f"{path}: says nothing usable of where its voxels lie: convert it again from DICOM")
        i, j, k = (self.steps / self.spacing).T
        in_plane = _off_right_angle(i @ j)
        if in_plane > _SLANT:
            what = f"rows and columns are {in_plane:.1f} degrees off the right angle"
            raise LookInsideError(f"{path}: {what}: resample it")
        tilt = _off_right_angle(np.hypot(k @ i, k @ j))
        if tilt > _SLANT:
            raise LookInsideError(
                f"{path}: its slices are shifted against one another, as by a gantry tilt of {tilt:.1f} degrees: "
                "straighten it with dcm2niix and give the file whose name ends in _Tilt"
            )


def _off_right_angle(cosine: float) -> float:
    return float(np.degrees(np.arcsin(min(abs(cosine), 1.0))))


@dataclass(frozen=True, eq=False)
class Turned:
    """A file's grid, its axes exchanged and turned to the nearest axes of the body; no voxel is resampled.

    Attributes:
        grid: as the file has it.
        shape: (K, J, I), as the file has it.
        letters: where i, j and k point to, as in "RAS".
    """

    grid: Grid
    shape: tuple[int, int, int]
    letters: str = field(init=False)

    def __post_init__(self):
        from SimpleITK import DICOMOrientImageFilter

        direction = (self.grid.steps / self.grid.spacing).ravel().tolist()
        letters = DICOMOrientImageFilter.GetOrientationFromDirectionCosines(direction)
        object.__setattr__(self, "letters", letters)

    def empty(self) -> tuple[np.ndarray, np.ndarray]:
        """An int16 array (Z, Y, X) as in `Volume.hu`, and a view (K, J, I) to fill it as the file is stored.

        There is only one array that way, whatever the orientation.
        """
        letters = self.letters[::-1]  # of k, j, i, the order of the array's axes
        axes = [2 - _AXES[letter] for letter in letters]  # of (Z, Y, X)
        hu = np.empty([self.shape[axes.index(axis)] for axis in range(3)], np.int16)
        return hu, hu.transpose(axes)[tuple(slice(None, None, -1 if one in _TURNED else 1) for one in letters)]

    def place(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Spacing and origin of the turned volume, (x, y, z) mm each."""
        spacing, origin = np.zeros(3), self.grid.origin.copy()
        for axis, letter in enumerate(self.letters):
            spacing[_AXES[letter]] = self.grid.spacing[axis]
            if letter in _TURNED:
                origin += self.grid.steps[:, axis] * (self.shape[2 - axis] - 1)
        return _rounded(spacing), _rounded(origin)

    def angle(self) -> float:
        """By how many degrees the volume is rotated against the axes of the body."""
        along = [self.grid.steps[_AXES[letter], axis] for axis, letter in enumerate(self.letters)]
        cosine = (np.sum(np.abs(along) / self.grid.spacing) - 1) / 2
        return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))

    def remark(self, remarks: Remarks) -> None:
        """Say how it was turned."""
        kind = _SLICES[_AXES[self.letters[2]]]
        if kind != "axial":
            remarks.warn(f"re-oriented from {kind} slices ({self.letters} axes): axial slices are cut across them")
        elif self.letters != "LPS":
            remarks.note(f"re-oriented from {self.letters} axes")
        angle = self.angle()
        if angle > _SLANT:
            remarks.warn(
                f"lies {angle:.1f} degrees off the axes of the body: the nearest axes are taken, not resampled"
            )


def _rounded(values: np.ndarray) -> tuple[float, float, float]:
    # NIfTI has numbers of 32 bits: 0.7 mm is 0.699999988 there.
    x, y, z = np.round(values, 5).tolist()
    return x, y, z
