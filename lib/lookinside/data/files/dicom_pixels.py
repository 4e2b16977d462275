"""The stored values of a DICOM image, which of them are padding, and one line for whatever damaged files raise."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels import get_decoder
from pydicom.uid import UID, RLELossless

from lookinside.data.files.dicom_header import Header
from lookinside.errors import LookInsideError


@contextmanager
def in_one_line(path: Path) -> Iterator[None]:
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


def stored_values(data: Dataset, path: Path) -> tuple[np.ndarray, UID]:
    """(H, W) as they are stored, before any rescaling, and the transfer syntax.

    Raises:
        LookInsideError: if the transfer syntax (named) cannot be read, or the pixels are damaged, not grey, or not
            aligned as the header says.
    """
    header = Header(data, path)
    highest, bits = header.whole("HighBit"), header.whole("BitsStored")
    if highest is not None and bits is not None and highest != bits - 1:
        raise LookInsideError(
            f"{path}: its values end at bit {highest}, but it stores {bits} bits: save it again with a DICOM program"
        )
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


def padding_in(header: Header, stored: np.ndarray) -> np.ndarray:
    """bool (H, W): stored values from PixelPaddingValue to PixelPaddingRangeLimit, both included."""
    signed = np.issubdtype(stored.dtype, np.signedinteger)
    ends = [header.whole(name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if ends[0] is None:
        return np.zeros(stored.shape, bool)
    ends = [as_16_bits(end, signed) for end in ends if end is not None]
    return (stored >= min(ends)) & (stored <= max(ends))


def as_16_bits(value: int, signed: bool) -> int:
    """An element of 16 bits, as the stored values are; it is often written as if it were of the other sign."""
    if signed and 0x7FFF < value <= 0xFFFF:
        return value - 0x10000
    return value + 0x10000 if not signed and value < 0 else value


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__
