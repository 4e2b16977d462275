"""NIfTI files: what the header says of values and axes, and the voxels, slice by slice.

They are not read with ITK: from a file that is cut short it makes a volume that ends in zeros, and says nothing.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookinside.data.volumes.ct_numbers import CTNumbers
from lookinside.data.volumes.inflating import ByteStream
from lookinside.data.volumes.orienting import Grid
from lookinside.errors import LookInsideError

# The fields that are needed, with their offsets: nifti1.h and nifti2.h of nifti.nimh.nih.gov.
_FIELDS = ("magic", "dim", "datatype", "pixdim", "vox_offset", "slope", "inter", "units", "qform", "sform", "q", "srow")
_VERSIONS = {
    348: (
        ("S4", "8i2", "i2", "8f4", "f4", "f4", "f4", "u1", "i2", "i2", "6f4", "(3,4)f4"),
        (344, 40, 70, 76, 108, 112, 116, 123, 252, 254, 256, 280),
    ),
    540: (
        ("S8", "8i8", "i2", "8f8", "i8", "f8", "f8", "i4", "i4", "i4", "6f8", "(3,4)f8"),
        (4, 16, 12, 104, 168, 176, 184, 500, 344, 348, 352, 400),
    ),
}
_KINDS = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_COLOUR, _COMPLEX = (128, 2304), (32, 1792, 2048)
_MILLIMETRES = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # unknown (taken for mm), metres, millimetres, micrometres
_TO_LPS = np.diag([-1.0, -1.0, 1.0])  # NIfTI's axes point to the right, to the front and to the head


@dataclass(frozen=True, eq=False)
class _Header:
    shape: tuple[int, int, int]  # (K, J, I)
    kind: np.dtype
    offset: int  # bytes before the first voxel
    slope: float
    intercept: float
    grid: Grid


def read_nifti(path: Path) -> CTNumbers:
    """Read a .nii or .nii.gz file (NIfTI-1 or -2); of floats only one slice at a time is held.

    Raises:
        LookInsideError: if it is no such file, cut short or damaged, has not three axes, is colour or complex, holds
            NaN, says no orientation or two, or its axes are not at right angles.
    """
    try:
        # What a damaged header makes overflow is refused where it is used.
        with path.open("rb") as file, np.errstate(all="ignore"):
            stream = ByteStream(file)
            header, taken = _header(stream, path)
            numbers = _voxels(stream, header, taken, path)
            stream.finish()
            return numbers
    except EOFError:
        raise LookInsideError(f"{path}: is cut short: copy or download it again") from None
    except zlib.error:
        raise LookInsideError(f"{path}: is damaged, it does not unpack: copy or download it again") from None


def _voxels(stream: ByteStream, header: _Header, taken: int, path: Path) -> CTNumbers:
    numbers = CTNumbers(header.grid, header.shape, path)
    stream.take(header.offset - taken)
    plane = header.shape[1:]
    for k in range(header.shape[0]):
        values = np.frombuffer(stream.take(math.prod(plane) * header.kind.itemsize), header.kind).reshape(plane)
        if (header.slope, header.intercept) != (1, 0):
            values = values * header.slope + header.intercept
        numbers.put(k, values.astype(values.dtype.newbyteorder("="), copy=False))
    return numbers


def _header(stream: ByteStream, path: Path) -> tuple[_Header, int]:
    """The header and how many bytes were taken."""
    start = bytes(stream.take(4))
    order, size = next(
        ((o, n) for o in ("little", "big") for n in _VERSIONS if int.from_bytes(start, o) == n), (None, None)
    )
    if order is None:
        raise LookInsideError(f"{path}: is no NIfTI file, whatever its name says: replace or delete it")
    formats, offsets = _VERSIONS[size]
    kind = np.dtype({"names": _FIELDS, "formats": formats, "offsets": offsets, "itemsize": size})
    raw = np.frombuffer(start + stream.take(size - 4), kind.newbyteorder("<" if order == "little" else ">"))[0]
    if raw["magic"][:3] not in (b"n+1", b"n+2"):
        raise LookInsideError(f"{path}: is no NIfTI file of one piece (.nii or .nii.gz): convert it to one")
    voxels, slope, intercept = _kind(raw, path).newbyteorder(raw["dim"].dtype.byteorder), *_scale(raw)
    offset = max(float(raw["vox_offset"]), size) if np.isfinite(raw["vox_offset"]) else size
    return _Header(_shape(raw, path), voxels, int(offset), slope, intercept, _grid(raw, path)), size


def _shape(raw, path: Path) -> tuple[int, int, int]:
    axes = int(raw["dim"][0])
    sides = [int(side) for side in raw["dim"][1 : 1 + max(axes, 0)]]
    if not 1 <= axes <= 7 or min(sides) < 1:
        raise LookInsideError(f"{path}: its header is damaged (dim is {raw['dim'].tolist()}): replace or delete it")
    while len(sides) > 3 and sides[-1] == 1:
        sides.pop()
    if len(sides) != 3:
        what = " x ".join(map(str, sides))
        more = "one slice" if len(sides) < 3 else "several volumes, save the one to use by itself"
        raise LookInsideError(f"{path}: has {len(sides)} axes ({what}), a volume has three: it holds {more}")
    return sides[2], sides[1], sides[0]


def _kind(raw, path: Path) -> np.dtype:
    code = int(raw["datatype"])
    if code in _KINDS:
        return np.dtype(_KINDS[code])
    what = "in colour" if code in _COLOUR else "complex" if code in _COMPLEX else f"of datatype {code}"
    raise LookInsideError(f"{path}: is {what}: a CT volume has one number a voxel, save it so")


def _scale(raw) -> tuple[float, float]:
    slope, intercept = float(raw["slope"]), float(raw["inter"])
    # The format says that a slope of 0 means no scaling; some write NaN for it.
    if slope == 0 or not math.isfinite(slope):
        return 1.0, 0.0
    return slope, intercept if math.isfinite(intercept) else 0.0


def _grid(raw, path: Path) -> Grid:
    """Where the voxels lie: by the sform where there is one, else by the qform."""
    found = [form(raw) for form, code in ((_sform, raw["sform"]), (_qform, raw["qform"])) if code > 0]
    if not found:
        raise LookInsideError(
            f"{path}: does not say how it lies in the body (sform and qform codes are 0), left and right would be a "
            "guess: convert it again from DICOM, with dcm2niix"
        )
    millimetres = _MILLIMETRES.get(int(raw["units"]) & 7, 1.0)
    grids = [Grid(_TO_LPS @ affine[:, :3] * millimetres, _TO_LPS @ affine[:, 3] * millimetres) for affine in found]
    grids[0].refuse_slanted(path)
    if len(grids) == 2 and not _same_axes(*grids):
        raise LookInsideError(
            f"{path}: its sform and qform say different orientations: "
            "convert it again from DICOM, or set both to the one that is right"
        )
    return grids[0]


def _same_axes(first: Grid, second: Grid) -> bool:
    """Whether no axis of the one is more than 45 degrees off that of the other."""
    cosines = (first.steps / first.spacing * second.steps / np.maximum(second.spacing, 1e-12)).sum(axis=0)
    return bool((cosines > math.sqrt(0.5)).all())


def _sform(raw) -> np.ndarray:
    return raw["srow"].astype(np.float64)


def _qform(raw) -> np.ndarray:
    """(3, 4) from the quaternion (a, b, c, d), nifti1.h, method 2."""
    b, c, d, *shift = raw["q"].astype(np.float64)
    a = math.sqrt(max(1.0 - (b * b + c * c + d * d), 0.0)) if np.isfinite([b, c, d]).all() else math.nan
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    flip, *spacing = raw["pixdim"][:4].astype(np.float64)
    spacing[2] *= -1.0 if flip < 0 else 1.0
    return np.column_stack([rotation * spacing, shift])
