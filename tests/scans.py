"""A small scan that knows where left, back and head are, stored in any orientation: NIfTI and DICOM made by hand."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

SPACING, ORIGIN = (0.8, 1.1, 2.5), (-31.0, -42.5, 107.25)  # x, y, z
LEFT, BACK, HEAD = 901, 1902, 2903  # HU of three marks
TO = {letter: axis * sign for letter, axis, sign in zip("LRPASI", (1, 1, 2, 2, 3, 3), (1, -1) * 3, strict=True)}


def marked_scan() -> np.ndarray:
    """int16 (Z, Y, X) = (7, 9, 11), every voxel another value, three of them marks."""
    draw = np.random.default_rng(11)
    hu = draw.permutation(np.arange(-1000, 800))[: 7 * 9 * 11].reshape(7, 9, 11).astype(np.int16)
    hu[3, 4, 10], hu[3, 8, 5], hu[6, 4, 5] = LEFT, BACK, HEAD
    return hu


def directions(letters: str) -> np.ndarray:
    """Float (3, 3), column a is the unit vector (to left, back, head) to which the file's axis a points."""
    columns = np.zeros((3, 3))
    for axis, letter in enumerate(letters):
        columns[abs(TO[letter]) - 1, axis] = np.sign(TO[letter])
    return columns


def stored_as(letters: str, hu=None, spacing=SPACING, origin=ORIGIN):
    """The scan in the order of a file whose axes point to `letters`, voxel by voxel looked up by where it lies.

    Returns stored (K, J, I), steps (3, 3) with a column for each of i, j, k, and the place of the first voxel.
    """
    hu = marked_scan() if hu is None else hu
    columns, sides = directions(letters), np.array(hu.shape[::-1])
    steps = columns * (np.abs(columns).T @ np.array(spacing))
    first = np.array(origin) + np.where(columns.sum(axis=1) < 0, (sides - 1) * np.array(spacing), 0.0)
    counts = np.rint(np.abs(columns).T @ sides).astype(int)
    i, j, k = np.indices(counts).reshape(3, -1)
    places = first[:, None] + steps @ np.stack([i, j, k])
    x, y, z = np.rint((places - np.array(origin)[:, None]) / np.array(spacing)[:, None]).astype(int)
    stored = np.empty(counts[::-1], hu.dtype)
    stored[k, j, i] = hu[z, y, x]
    return stored, steps, first


def nifti_bytes(
    stored, steps, first, *, sform=1, qform=0, quaternion=(0, 0, 0, 1), kind=None, scale=(1, 0), order="<", **other
) -> bytes:
    """A NIfTI-1 file: stored (K, J, I), axes in mm to the left, back and head; `other`: units, dims, magic."""
    codes = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "c8": 32}
    head = bytearray(352)
    dims = other.get("dims", stored.shape[::-1])
    struct.pack_into(f"{order}i", head, 0, 348)
    struct.pack_into(f"{order}8h", head, 40, len(dims), *dims, *[1] * (7 - len(dims)))
    code = codes[stored.dtype.str[1:]] if kind is None else kind
    struct.pack_into(f"{order}2h", head, 70, code, 8 * stored.dtype.itemsize)
    struct.pack_into(f"{order}8f", head, 76, quaternion[3], *np.linalg.norm(steps, axis=0), 1, 1, 1, 1)
    struct.pack_into(f"{order}3f", head, 108, 352, *scale)
    head[123] = other.get("units", 2)
    struct.pack_into(f"{order}2h", head, 252, qform, sform)
    right = np.diag([-1.0, -1.0, 1.0]) @ np.column_stack([steps, first])  # the format's axes: right, front, head
    struct.pack_into(f"{order}6f", head, 256, *quaternion[:3], *right[:, 3])
    struct.pack_into(f"{order}12f", head, 280, *right.ravel())
    head[344:348] = other.get("magic", b"n+1\0")
    return bytes(head) + stored.astype(stored.dtype.newbyteorder(order)).tobytes()


def write_nifti(path: Path, *args, **options) -> Path:
    raw = nifti_bytes(*args, **options)
    path.write_bytes(gzip.compress(raw, 1) if path.suffix == ".gz" else raw)
    return path


def dicom_slices(letters="LPS", hu=None, slope=1.0, intercept=-1024.0, **elements) -> list[pydicom.Dataset]:
    """One CT data set a slice, from the first along the file's third axis to the last."""
    stored, steps, first = stored_as(letters, hu)
    size = np.linalg.norm(steps, axis=0)
    slices = []
    for k, values in enumerate(stored):
        data = pydicom.Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{k + 1}"
        data.SeriesInstanceUID, data.SeriesNumber, data.SeriesDescription = "1.2.9", 2, "Body 2.5"
        data.Modality, data.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.ImageOrientationPatient = (steps[:, :2] / size[:2]).T.ravel().tolist()
        data.ImagePositionPatient = [round(float(v), 6) for v in first + k * steps[:, 2]]
        data.PixelSpacing = [float(size[1]), float(size[0])]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
        data.RescaleSlope, data.RescaleIntercept = slope, intercept
        put_pixels(data, np.rint((values - intercept) / slope).astype(np.int16))
        for name, value in elements.items():
            setattr(data, name, value)
        slices.append(data)
    return slices


def put_pixels(data: pydicom.Dataset, stored: np.ndarray) -> None:
    data.Rows, data.Columns = stored.shape
    data.PixelData = stored.tobytes()
    data["PixelData"].VR = "OW"


def write_dicom(folder: Path, slices, name="IM{:04d}") -> Path:
    """Write files whose names say nothing of their order."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in zip(np.random.default_rng(3).permutation(len(slices)), slices, strict=True):
        data.save_as(folder / name.format(number), enforce_file_format=True)
    return folder
