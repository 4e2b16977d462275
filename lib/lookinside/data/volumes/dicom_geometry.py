"""Where the slices of a DICOM series lie: their order and distances, or what is wrong with them (PS3.3 C.7.6.2)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookinside.data.volumes.dicom_folder import SliceFile
from lookinside.data.volumes.orienting import Grid
from lookinside.data.volumes.remarks import Remarks
from lookinside.errors import LookInsideError

_SAME = 0.01  # mm; slices that lie closer are at the same place
_ALIKE = 1e-3  # of direction cosines, and of spacings in mm
_UNEVEN = 0.1  # of the distance of slices, and in mm: headers are rounded to that


def stacked(files: list[SliceFile], folder: Path, remarks: Remarks) -> tuple[list[SliceFile], Grid]:
    """The slices in their order along the body, each place once, and their grid.

    Raises:
        LookInsideError: if one does not say where it lies or differs from the others in size or direction, a slice is
            alone, missing, doubled or shifted, distances are uneven, or slices are tilted against their axis.
    """
    for file in files:
        _refuse_other(file, files[0])
    row, column = _directions(files[0])
    normal = np.cross(row, column)
    heights = np.array([np.dot(file.position, normal) for file in files])
    order = np.argsort(heights, kind="stable")
    files, heights = [files[i] for i in order], heights[order]
    files, heights = _once(files, heights, folder, remarks)
    if len(files) < 2:
        raise LookInsideError(f"{folder}: holds one slice ({files[0].path.name}): give the folder of a whole series")
    _refuse_gaps(files, heights, folder)
    positions = np.array([file.position for file in files])
    step = (positions[-1] - positions[0]) / (len(files) - 1)
    _refuse_shifted(files, positions, step, normal, folder)
    down, right = files[0].spacing
    grid = Grid(np.column_stack([row * right, column * down, step]), positions[0])
    grid.refuse_slanted(folder)
    return files, grid


def _refuse_other(file: SliceFile, first: SliceFile) -> None:
    if not file.placed:
        names = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
        values = (file.position, file.orientation, file.spacing)
        missing = [name for name, value in zip(names, values, strict=True) if value is None]
        raise LookInsideError(
            f"{file.path}: does not say where it lies ({', '.join(missing)} missing): "
            "export the series again, or take the file away"
        )
    what = ""
    if file.shape != first.shape:
        what = "{} x {} pixels".format(*file.shape), "{} x {}".format(*first.shape)
    elif not np.allclose(file.spacing, first.spacing, rtol=0, atol=_ALIKE):
        what = "pixels of {:g} x {:g} mm".format(*file.spacing), "{:g} x {:g}".format(*first.spacing)
    elif not np.allclose(file.orientation, first.orientation, rtol=0, atol=_ALIKE):
        what = "another direction", "its own"
    if what:
        raise LookInsideError(
            f"{file.path}: has {what[0]}, but {first.path.name} of the same series has {what[1]}: "
            "move those that do not belong together into folders of their own"
        )


def _directions(file: SliceFile) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.reshape(file.orientation, (2, 3))
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if not np.allclose(lengths, 1, atol=0.01) or abs(row @ column) > 0.01 or min(file.spacing) <= 0:
        raise LookInsideError(
            f"{file.path}: its ImageOrientationPatient or PixelSpacing is damaged: "
            "replace the file, or mend it with a DICOM program"
        )
    return row / lengths[0], column / lengths[1]


def _once(files, heights, folder, remarks):
    """Leave out second copies of a file; two different files at one place are refused."""
    kept, copies, doubled = [0], [], []
    for i in range(1, len(files)):
        if heights[i] - heights[kept[-1]] >= _SAME:
            kept.append(i)
        elif files[i].instance and files[i].instance == files[kept[-1]].instance:
            copies.append(files[i])
        else:
            doubled.append((files[kept[-1]], files[i]))
    if doubled:
        first, second = (file.path.relative_to(folder) for file in doubled[0])
        more = f" and {len(doubled) - 1} more like these" if len(doubled) > 1 else ""
        raise LookInsideError(f"{folder}: {first} and {second} lie at the same place{more}: take one of them away")
    if copies:
        what = "file is a copy" if len(copies) == 1 else "files are copies"
        remarks.warn(f"{len(copies)} {what} of another and left out, first: {copies[0].path.name}")
    return [files[i] for i in kept], heights[kept]


def _refuse_gaps(files, heights, folder):
    ways = np.diff(heights)
    step = float(np.median(ways))
    odd = np.flatnonzero(np.abs(ways - step) > max(_UNEVEN, _UNEVEN * step))
    if not odd.size:
        return
    first, way = odd[0], float(ways[odd[0]])
    pair = f"{files[first].path.relative_to(folder)} and {files[first + 1].path.relative_to(folder)}"
    if (ways[odd] > 1.5 * step).all():
        missing = int(np.rint(ways[odd] / step - 1).sum())
        what = "slice is" if missing == 1 else "slices are"
        raise LookInsideError(
            f"{folder}: {missing} {what} missing, the first between {pair} "
            f"({way:.1f} mm apart, elsewhere {step:.1f}): copy the whole series again"
        )
    raise LookInsideError(
        f"{folder}: its slices are uneven, {pair} are {way:.1f} mm apart, elsewhere it is {step:.1f}: "
        "give a series with one distance"
    )


def _refuse_shifted(files, positions, step, normal, folder):
    """A slice that lies beside the line through the others; what is shifted evenly is a tilt, and told by the grid."""
    off = positions - positions[0] - np.arange(len(files))[:, None] * step
    off -= np.outer(off @ normal, normal)
    sideways = np.linalg.norm(off, axis=1)
    worst = int(sideways.argmax())
    if sideways[worst] > max(files[0].spacing):
        raise LookInsideError(
            f"{folder}: its slices do not lie in one line, {files[worst].path.relative_to(folder)} is shifted "
            f"by {sideways[worst]:.1f} mm: give a series in one line"
        )
