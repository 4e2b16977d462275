"""One DICOM radiograph as 8-bit grey, the way a viewer shows it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels import get_decoder
from pydicom.uid import UID, RLELossless

from lookinside.data.reading import SMALLEST
from lookinside.errors import LookInsideError
from preparing.dicom_display import shown
from preparing.dicom_header import Header

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
    with _one_line(path):
        data = pydicom.dcmread(path)
        header = Header(data, path)
        _refuse_what_is_no_radiograph(header, path)
        stored, syntax = _stored_values(data, path)
        return shown(header, stored, path, little_endian=syntax.is_little_endian)


def read_patient(path: Path) -> tuple[str, str]:
    """(PatientID, StudyInstanceUID) of a file, "" where it does not say; no pixel is read.

    Raises:
        LookInsideError: if it is no DICOM file, or one of them is damaged.
    """
    names = ("PatientID", "StudyInstanceUID")
    with _one_line(path):
        header = Header(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(names)), path)
        return header.text(names[0]) or "", header.text(names[1]) or ""


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    """Whatever a damaged file makes pydicom raise becomes one line; pydicom's own warnings are silent."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except LookInsideError:
        raise
    except InvalidDicomError:
        what = "is no DICOM file, or its header is missing, whatever its name says"
        raise LookInsideError(f"{path}: {what}: replace or delete it") from None
    except Exception as error:
        raise LookInsideError(f"{path}: is cut short or damaged ({_reason(error)}): replace or delete it") from None


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
    highest, bits = header.whole("HighBit"), header.whole("BitsStored")
    if highest is not None and bits is not None and highest != bits - 1:
        raise LookInsideError(
            f"{path}: its values end at bit {highest}, but it stores {bits} bits: save it again with a DICOM program"
        )


def _stored_values(data: Dataset, path: Path) -> tuple[np.ndarray, UID]:
    text = Header(getattr(data, "file_meta", Dataset()), path).text("TransferSyntaxUID")
    if text is None:
        raise LookInsideError(f"{path}: does not say its transfer syntax: save it again with a DICOM program")
    syntax = UID(text)
    name = f"{path}: its transfer syntax, {syntax.name} ({syntax}),"
    mend = "save it uncompressed with a DICOM program, such as gdcmconv --raw"
    try:
        known = get_decoder(syntax).is_available
    except NotImplementedError:
        known = False
    if not known:
        raise LookInsideError(f"{name} is one that no installed decoder reads: {mend}")
    try:
        if syntax == RLELossless:  # pydicom's own decoder: the other one ends the program on a damaged stream
            data.pixel_array_options(decoding_plugin="pydicom")
        stored = data.pixel_array
    except Exception as error:  # each decoder plugin raises its own kinds
        raise LookInsideError(f"{name} could not be decoded ({_reason(error)}): replace it, or {mend}") from None
    if stored.ndim != 2:
        raise LookInsideError(f"{path}: its pixels are {stored.shape}, one grey image is expected: delete it")
    return stored, syntax


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__
