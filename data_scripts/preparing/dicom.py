"""One DICOM radiograph as 8-bit grey, the way a viewer shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom

from lookinside.data.files.dicom_header import Header
from lookinside.data.files.dicom_pixels import in_one_line, stored_values
from lookinside.data.files.reading import SMALLEST
from lookinside.errors import LookInsideError
from preparing.dicom_display import shown

_MOST_PIXELS = 178_000_000  # as many as a picture may have


def read_dicom(path: Path) -> np.ndarray:
    """Read a radiograph: rescale, window, and bones bright whatever the file's convention; padding is black.

    Args:
        path: the file. Compressed pixels are read where a decoder is installed (pylibjpeg).

    Returns:
        uint8 (H, W).

    Raises:
        LookInsideError: if it is no DICOM, has no pixels, several frames or colour, is under 16 px a side, an element
            that matters is damaged (named), or its transfer syntax (named) cannot be read.
    """
    with in_one_line(path):
        data = pydicom.dcmread(path)
        header = Header(data, path)
        _refuse_what_is_no_radiograph(header, path)
        stored, syntax = stored_values(data, path)
        return shown(header, stored, path, little_endian=syntax.is_little_endian)


def read_patient(path: Path) -> tuple[str, str]:
    """(PatientID, StudyInstanceUID) of a file, "" where it does not say; no pixel is read.

    Raises:
        LookInsideError: if it is no DICOM file, or one of them is damaged.
    """
    names = ("PatientID", "StudyInstanceUID")
    with in_one_line(path):
        header = Header(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(names)), path)
        return header.text(names[0]) or "", header.text(names[1]) or ""


def _refuse_what_is_no_radiograph(header: Header, path: Path) -> None:
    if "PixelData" not in header:
        floats = "FloatPixelData" in header or "DoubleFloatPixelData" in header
        what = "holds floats, whole numbers are expected" if floats else "this DICOM file holds no image, or is damaged"
        raise LookInsideError(f"{path}: {what}: replace or delete it")
    frames = header.whole("NumberOfFrames") or 1
    if frames != 1:
        raise LookInsideError(f"{path}: holds {frames} frames, one is expected: save the one to use by itself")
    kind = header.text("PhotometricInterpretation") or "unknown"
    if kind not in ("MONOCHROME1", "MONOCHROME2"):
        raise LookInsideError(f"{path}: is {kind}, a grey radiograph (MONOCHROME1 or 2) is expected: delete it")
    rows, columns = header.whole("Rows") or 0, header.whole("Columns") or 0
    if min(rows, columns) < SMALLEST:
        raise LookInsideError(f"{path}: is only {columns}x{rows} px: give {SMALLEST} px a side or more")
    if rows * columns > _MOST_PIXELS:
        raise LookInsideError(f"{path}: is larger than {_MOST_PIXELS // 10**6} million pixels: save it smaller")
