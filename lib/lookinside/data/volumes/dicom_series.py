"""A DICOM series as CT numbers: stored values, rescaled, slice by slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom

from lookinside.data.files.dicom_header import Header
from lookinside.data.files.dicom_pixels import in_one_line, padding_in, stored_values
from lookinside.data.volumes.ct_numbers import CTNumbers
from lookinside.data.volumes.dicom_folder import find_series
from lookinside.data.volumes.dicom_geometry import stacked
from lookinside.data.volumes.remarks import Remarks
from lookinside.errors import LookInsideError


def read_series(folder: Path, series: int | str | None, remarks: Remarks) -> CTNumbers:
    """Read the slices below a folder; one file is held at a time.

    Args:
        folder: of one series, see `find_series`.
        series: its number or UID where there are several.
        remarks: what was done, and where the values cannot be HU, is added.

    Raises:
        LookInsideError: see `find_series` and `stacked`; or if a file is damaged, in colour, in a transfer syntax that
            cannot be read, or a CT that does not say its rescale slope, with values that are no HU as they are stored.
    """
    files, grid = stacked(find_series(folder, series, remarks), folder, remarks)
    numbers = CTNumbers(grid, (len(files), *files[0].shape), folder)
    unscaled, units = [], set()
    for k, file in enumerate(files):
        with in_one_line(file.path):
            data = pydicom.dcmread(file.path)
            header = Header(data, file.path)
            stored = _grey(data, header, file.path)
            slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
            if slope is None or intercept is None:
                unscaled.append(file.path)
            values = _rescaled(stored, 1.0 if slope is None else slope, intercept or 0.0)
            numbers.put(k, values, padding_in(header, stored))
            units.add(header.text("RescaleType") or "HU")
    _say_units(files[0].modality, unscaled, units, numbers, remarks)
    return numbers


def _grey(data, header: Header, path: Path) -> np.ndarray:
    kind = header.text("PhotometricInterpretation") or "MONOCHROME2"
    if not kind.startswith("MONOCHROME"):
        raise LookInsideError(f"{path}: is in colour ({kind}): a CT has one number a pixel, give the series itself")
    if "ModalityLUTSequence" in header:
        raise LookInsideError(f"{path}: its ModalityLUTSequence is not read: save it with a rescale slope")
    if "PixelData" not in header:
        raise LookInsideError(f"{path}: is cut short or damaged (it holds no pixels): copy it again")
    return stored_values(data, path)[0]


def _rescaled(stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    if slope == 1 and intercept == int(intercept):
        return stored.astype(np.int64) + int(intercept)
    return stored * slope + intercept


def _say_units(modality: str, unscaled: list[Path], units: set[str], numbers: CTNumbers, remarks: Remarks) -> None:
    if modality not in ("CT", ""):
        remarks.warn(f"is {modality}, no CT: its values are not HU")
        numbers.remark(remarks, ct=False)
        return
    if unscaled:
        names = f"{unscaled[0].name} says no RescaleSlope or RescaleIntercept"
        if numbers.lowest >= 0:
            raise LookInsideError(
                f"{unscaled[0]}: says no RescaleSlope or RescaleIntercept, and its values are not HU as they are "
                f"stored (the lowest is {numbers.lowest:.0f}): set both (for most scanners 1 and -1024)"
            )
        more = f" (and {len(unscaled) - 1} more)" if len(unscaled) > 1 else ""
        remarks.warn(f"{names}{more}: its stored values are taken for HU")
    for unit in sorted(units - {"HU"}):
        remarks.warn(f"its RescaleType is {unit}: its values are not HU")
    numbers.remark(remarks)
