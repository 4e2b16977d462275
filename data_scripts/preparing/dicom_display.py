"""From the stored values of a DICOM image to the 8-bit grey that a viewer shows (PS3.3 C.7.6.3, C.11.1, C.11.2)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookinside.data.files.dicom_header import Header
from lookinside.data.files.dicom_pixels import as_16_bits, padding_in
from lookinside.data.files.reading import stretch
from lookinside.errors import LookInsideError

_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


def shown(header: Header, stored: np.ndarray, path: Path, *, little_endian: bool) -> np.ndarray:
    """Modality LUT or rescale, then VOI LUT or the first window, then inversion; padding is black at the end.

    Without a window the image's own range, padding left out, becomes 0-255. An enhanced file keeps slope and window in
    its functional groups: they are looked for there first.

    Args:
        header: of the file.
        stored: (H, W), the stored values.
        path: named in messages.
        little_endian: how the bytes of lookup tables are ordered.

    Returns:
        uint8 (H, W).

    Raises:
        LookInsideError: if an element that matters is damaged.
    """
    padding = padding_in(header, stored)
    values = _modality(header, stored, little_endian)
    if not np.isfinite(values).all():
        raise LookInsideError(f"{path}: its values are no numbers once rescaled: replace or delete it")
    grey = _voi(header, values, padding, path, little_endian)
    shape = header.text("PresentationLUTShape") or "IDENTITY"
    if shape not in ("IDENTITY", "INVERSE"):
        raise header.damaged("PresentationLUTShape", f"{shape!r} is unknown")
    # A MONOCHROME1 image that also says INVERSE means one inversion: digital radiographs have to say both.
    if header.text("PhotometricInterpretation") == "MONOCHROME1" or shape == "INVERSE":
        grey = 255 - grey
    grey[padding] = 0
    return grey


def _modality(header, stored, little_endian):
    table = header.item("ModalityLUTSequence")
    if table is not None:
        return _looked_up(table, stored, little_endian)[0]
    source = _functional(header, "PixelValueTransformationSequence") or header
    slope, intercept = source.number("RescaleSlope"), source.number("RescaleIntercept")
    with np.errstate(over="ignore", invalid="ignore"):
        return stored * (1.0 if slope is None else slope) + (0.0 if intercept is None else intercept)


def _voi(header, values, padding, path, little_endian):
    table = header.item("VOILUTSequence")
    if table is not None:
        seen, highest = _looked_up(table, values, little_endian)
        return np.rint(np.clip(seen / highest, 0, 1) * 255).astype(np.uint8)
    source = _functional(header, "FrameVOILUTSequence") or header
    center, width = source.number("WindowCenter"), source.number("WindowWidth")
    function = source.text("VOILUTFunction") or "LINEAR"
    if function not in _FUNCTIONS:
        raise source.damaged("VOILUTFunction", f"{function!r} is unknown")
    # No width, or one that its function does not allow: some writers put 0 where they have no window.
    if center is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        low = values[~padding].min() if not padding.all() else values.min()
        high = values[~padding].max() if not padding.all() else values.max()
        return stretch(np.clip(values, low, high), path)
    with np.errstate(over="ignore"):
        if function == "SIGMOID":
            share = 1 / (1 + np.exp(-4 * (values - center) / width))
        elif function == "LINEAR_EXACT":
            share = (values - center) / width + 0.5
        elif width == 1:
            share = np.where(values > center - 0.5, 1.0, 0.0)
        else:
            share = (values - (center - 0.5)) / (width - 1) + 0.5
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _functional(header, keyword):
    """The first item of a sequence in the functional groups: the frame's own, else the one that all frames share."""
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        group = header.item(groups)
        found = group.item(keyword) if group is not None else None
        if found is not None:
            return found
    return None


def _looked_up(table, values, little_endian):
    """`values` through a lookup table, and the highest value that the table can hold."""
    descriptor = table.value("LUTDescriptor")
    try:
        count, first, bits = (int(number) for number in descriptor)
    except (TypeError, ValueError):
        raise table.damaged("LUTDescriptor", f"{descriptor!r} is not three numbers") from None
    count &= 0xFFFF  # 65,536 entries are written as 0
    count = count or 0x10000
    if not 8 <= bits <= 16:
        raise table.damaged("LUTDescriptor", f"{bits} bits are neither 8 nor up to 16")
    first = as_16_bits(first, signed=values.min() < 0)
    entries = _entries(table, count, bits, little_endian)
    places = np.clip(np.rint(values.astype(np.float64) - first), 0, count - 1).astype(np.int64)
    return entries[places], 2**bits - 1


def _entries(table, count, bits, little_endian):
    data = table.value("LUTData")
    if isinstance(data, bytes):
        packed = bits == 8 and len(data) < 2 * count  # one byte an entry
        kind = "u1" if packed else f"{'<' if little_endian else '>'}u2"
        data = np.frombuffer(data[: len(data) // 2 * 2], kind)
    try:
        entries = np.asarray([] if data is None else data, np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise table.damaged("LUTData", "it holds no numbers") from None
    if len(entries) < count:
        raise table.damaged("LUTData", f"it holds {len(entries)} of {count} entries")
    return entries[:count]
