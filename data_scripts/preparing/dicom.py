"""One DICOM radiograph as 8-bit grey, the way a viewer shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.pixels import apply_modality_lut, apply_voi, get_decoder

from lookinside.data.reading import SMALLEST, stretch
from lookinside.errors import LookInsideError


def read_dicom(path: Path) -> np.ndarray:
    """Read a radiograph: rescale, window, and bones bright whatever the file's convention.

    The order is DICOM PS3.3 C.11: modality LUT or rescale, then VOI LUT or the file's first window, to 0-255, then
    MONOCHROME1 inverted. Without a window the image's own range becomes 0-255, padding left out.

    Args:
        path: the file. Compressed pixels are read where a decoder is installed (pylibjpeg).

    Returns:
        uint8 (H, W).

    Raises:
        LookInsideError: if it is no DICOM, has no pixels, several frames or colour, is under 16 px a side, or its
            transfer             syntax (named) cannot be read.
    """
    try:
        data = pydicom.dcmread(path)
    except InvalidDicomError:
        raise LookInsideError(f"{path}: is no DICOM file, whatever its name says: replace or delete it") from None
    except (EOFError, OSError, ValueError, KeyError) as error:
        raise LookInsideError(f"{path}: is cut short or damaged ({error}): replace or delete it") from None
    _refuse_what_is_no_radiograph(data, path)
    stored = _stored_values(data, path)
    shown = _window(data, stored, path)
    return 255 - shown if data.PhotometricInterpretation == "MONOCHROME1" else shown


def _refuse_what_is_no_radiograph(data: pydicom.Dataset, path: Path) -> None:
    if "PixelData" not in data:
        raise LookInsideError(f"{path}: this DICOM file holds no image: delete it")
    frames = int(data.get("NumberOfFrames") or 1)
    if frames > 1:
        raise LookInsideError(f"{path}: holds {frames} frames, one is expected: save the one to use by itself")
    kind = data.get("PhotometricInterpretation", "unknown")
    if kind not in ("MONOCHROME1", "MONOCHROME2"):
        raise LookInsideError(f"{path}: is {kind}, a grey radiograph (MONOCHROME1 or 2) is expected: delete it")
    if min(data.get("Rows") or 0, data.get("Columns") or 0) < SMALLEST:
        raise LookInsideError(
            f"{path}: is only {data.get('Columns')}x{data.get('Rows')} px: give {SMALLEST} px a side or more"
        )


def _stored_values(data: pydicom.Dataset, path: Path) -> np.ndarray:
    syntax = data.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise LookInsideError(f"{path}: does not say its transfer syntax: save it again with a DICOM program")
    name = f"{path}: its transfer syntax, {syntax.name} ({syntax}),"
    mend = "save it uncompressed with a DICOM program, such as gdcmconv --raw"
    try:
        known = get_decoder(syntax).is_available
    except NotImplementedError:
        known = False
    if not known:
        raise LookInsideError(f"{name} is one that no installed decoder reads: {mend}")
    try:
        return data.pixel_array
    except Exception as error:  # each decoder plugin raises its own kinds
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise LookInsideError(f"{name} could not be decoded ({reason}): replace it, or {mend}") from None


def _window(data: pydicom.Dataset, stored: np.ndarray, path: Path) -> np.ndarray:
    values = np.asarray(apply_modality_lut(stored, data), np.float64)
    if data.get("VOILUTSequence") and np.issubdtype(stored.dtype, np.integer):
        bits = int(data.VOILUTSequence[0].LUTDescriptor[2])
        seen = np.asarray(apply_voi(np.asarray(apply_modality_lut(stored, data)), data), np.float64)
        return np.rint(np.clip(seen / (2**bits - 1), 0, 1) * 255).astype(np.uint8)
    center, width = _first(data.get("WindowCenter")), _first(data.get("WindowWidth"))
    function = data.get("VOILUTFunction") or "LINEAR"
    if center is None or width is None or width < 1 or (function == "LINEAR" and width == 1):
        padding = data.get("PixelPaddingValue")
        seen = stored != padding if padding is not None else np.ones(stored.shape, bool)
        low = values[seen].min() if seen.any() else values.min()
        return stretch(np.where(seen, values, low), path)
    if function == "SIGMOID":
        share = 1 / (1 + np.exp(-4 * (values - center) / width))
    elif function == "LINEAR_EXACT":
        share = (values - center) / width + 0.5
    else:
        share = (values - (center - 0.5)) / (width - 1) + 0.5
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _first(value) -> float | None:
    """A window's number; files may offer several windows, the first is the default."""
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return None if value in (None, "") else float(value)
