"""The DICOM files below a folder, and which of them are the slices of one series."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from lookinside.data.files.dicom_header import Header
from lookinside.data.files.dicom_pixels import in_one_line
from lookinside.data.volumes.remarks import Remarks
from lookinside.errors import LookInsideError

_SUFFIXES = (".dcm", ".dicom", ".ima")
_INDEX = "DICOMDIR"
_TAGS = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "Modality"),
    *("ImageType", "NumberOfFrames", "Rows", "Columns", "PixelSpacing", "ImagePositionPatient"),
    "ImageOrientationPatient",
)
_MOST_NAMED = 5


@dataclass(frozen=True)
class SliceFile:
    """One DICOM image, as far as its header says where it lies.

    Attributes:
        path: the file.
        instance: SOPInstanceUID; copies of a file have the same.
        series: SeriesInstanceUID; number and description: of the series, None or "" where they are not there.
        modality: "CT", "MR", ...; "" where it does not say.
        localizer: whether it is the overview picture that a scan is planned on.
        shape: (rows, columns).
        position: (x, y, z) mm of the first pixel, or None.
        orientation: the directions of a row and of a column, or None.
        spacing: mm from row to row and from column to column, or None.
    """

    path: Path
    instance: str
    series: str
    number: int | None
    description: str
    modality: str
    localizer: bool
    shape: tuple[int, int]
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None

    @property
    def placed(self) -> bool:
        """Whether it says where it lies."""
        return None not in (self.position, self.orientation, self.spacing)


def find_series(folder: Path, series: int | str | None, remarks: Remarks) -> list[SliceFile]:
    """The slices of the one series below a folder, or of the one that is asked for.

    Overview pictures, reports and captured screens are left out, and so is what is no DICOM file: `remarks` say so.

    Args:
        folder: with files or with folders of files, as an archive writes them.
        series: SeriesNumber or SeriesInstanceUID, or None where there is one only.
        remarks: what was left out is added.

    Raises:
        LookInsideError: if there is no slice, several series (each is named), not the one asked for, or a file is
            damaged or holds many frames.
    """
    images, others = _images(folder)
    groups: dict[str, list[SliceFile]] = {}
    for image in images:
        groups.setdefault(image.series, []).append(image)
    stacks = [group for group in groups.values() if any(one.placed and not one.localizer for one in group)]
    for group in groups.values():
        if group not in stacks:
            others += [one.path for one in group]
    if not stacks:
        raise LookInsideError(f"{folder}: {_what_it_holds(folder, others)}")
    if series is None and len(stacks) > 1:
        raise LookInsideError(
            f"{folder}: holds {len(stacks)} series, {_listed(stacks)}: give the folder of one of them, "
            f"or its number or UID: series={_name(stacks[0], stacks)!r}"
        )
    if series is not None:
        stacks = [_chosen(folder, series, stacks)]
    if others:
        files = "file" if len(others) == 1 else "files"
        remarks.warn(f"{len(others)} {files} left out that hold no slice, first: {sorted(others)[0].name}")
    return stacks[0]


def _images(folder: Path) -> tuple[list[SliceFile], list[Path]]:
    """All DICOM images below the folder, and the files that are none."""
    images, others = [], []
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if name.startswith(".") or name.upper() == _INDEX:
                continue
            image = _image(path)
            if image is None:
                others.append(path)
            else:
                images.append(image)
    return images, others


def _image(path: Path) -> SliceFile | None:
    with in_one_line(path):
        try:
            data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        except InvalidDicomError:
            if path.suffix.lower() in _SUFFIXES:
                raise
            return None
        header = Header(data, path)
        rows, columns = header.whole("Rows"), header.whole("Columns")
        if not rows or not columns:
            kind = header.value("SOPClassUID")
            if kind is None or "Image Storage" in kind.name:
                raise LookInsideError(f"{path}: is cut short or damaged (it says no Rows): copy it again")
            return None
        frames = header.whole("NumberOfFrames") or 1
        if frames > 1:
            what = f"holds {frames} frames in one file, files of one slice are read"
            raise LookInsideError(f"{path}: {what}: convert it to NIfTI with dcm2niix")
        kinds = header.value("ImageType")
        return SliceFile(
            path=path,
            instance=header.text("SOPInstanceUID") or "",
            series=header.text("SeriesInstanceUID") or "",
            number=header.whole("SeriesNumber"),
            description=header.text("SeriesDescription") or "",
            modality=header.text("Modality") or "",
            localizer=kinds is not None and "LOCALIZER" in str(kinds),
            shape=(rows, columns),
            position=header.numbers("ImagePositionPatient", 3),
            orientation=header.numbers("ImageOrientationPatient", 6),
            spacing=header.numbers("PixelSpacing", 2),
        )


def _what_it_holds(folder: Path, others: list[Path]) -> str:
    volumes = [path.name for path in others if ".nii" in path.suffixes or path.suffix in (".mha", ".mhd", ".nrrd")]
    if volumes:
        return f"holds no DICOM slices, but {volumes[0]}: give that file"
    if others:
        first = f"none is a DICOM slice that says where it lies, first: {sorted(others)[0].name}"
        return f"of the files in it ({len(others)}) {first}: give the folder of a CT series"
    return "is empty: give the folder of a CT series"


def _name(stack: list[SliceFile], stacks: list[list[SliceFile]]) -> int | str:
    """The number of a series where that is enough, else its UID."""
    number = stack[0].number
    alone = number is not None and [other[0].number for other in stacks].count(number) == 1
    return number if alone else stack[0].series


def _listed(stacks: list[list[SliceFile]]) -> str:
    named = [
        f"{_name(stack, stacks)}{f' {stack[0].description!r}' if stack[0].description else ''} "
        f"({len(stack)} file{'s' * (len(stack) > 1)})"
        for stack in stacks
    ]
    more = [f"{len(named) - _MOST_NAMED} more"] if len(named) > _MOST_NAMED else []
    return ", ".join(named[:_MOST_NAMED] + more)


def _chosen(folder: Path, series: int | str, stacks: list[list[SliceFile]]) -> list[SliceFile]:
    fitting = [stack for stack in stacks if str(series) in (str(_name(stack, stacks)), stack[0].series)]
    if len(fitting) != 1:
        raise LookInsideError(f"{folder}: has no single series {series!r}: choose from {_listed(stacks)}")
    return fitting[0]
