"""pydicom's own test files, and hundreds of damaged ones: read as the standard says, or refused in one line."""

import importlib.metadata
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from preparing.dicom import read_dicom, read_patient
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from test_data_dicom import RAMP, dicom, item, table

from lookinside.errors import LookInsideError

FILES = Path(pydicom.__file__).parent / "data"
# What the wheel of pydicom lists, whatever lies on disk; more of its test files would have to be fetched.
SHIPPED = sorted(
    Path(file.locate())
    for file in importlib.metadata.files("pydicom") or []
    if file.parts[:2] == ("pydicom", "data") and file.suffix not in (".py", ".pyc")
)
needs_files = pytest.mark.skipif(not SHIPPED, reason="this pydicom was installed without its test files")


def first(value) -> float:
    return float(value[0] if isinstance(value, pydicom.multival.MultiValue) else value)


def oracle(path: Path) -> np.ndarray | None:
    """(H, W) from 0 to 255 by the standard's own formulas (PS3.3 C.11.1, C.11.2), or None where it is no radiograph."""
    try:
        data = pydicom.dcmread(path)
        if int(data.get("NumberOfFrames") or 1) != 1 or data.PhotometricInterpretation[:-1] != "MONOCHROME":
            return None
        if min(data.Rows, data.Columns) < 16:
            return None
        if data.file_meta.TransferSyntaxUID.is_compressed or data.BitsAllocated == 1:
            stored = data.pixel_array
        else:
            order = "<>"[data.file_meta.TransferSyntaxUID == ExplicitVRBigEndian]
            kind = f"{order}{'ui'[data.PixelRepresentation]}{data.BitsAllocated // 8}"
            stored = np.frombuffer(data.PixelData, kind, data.Rows * data.Columns).reshape(data.Rows, data.Columns)
    except Exception:
        return None
    x = stored * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))
    padding = stored == data.get("PixelPaddingValue", np.inf)
    if "WindowWidth" in data:
        c, w = first(data.WindowCenter), first(data.WindowWidth)
        low, high = c - 0.5 - (w - 1) / 2, c - 0.5 + (w - 1) / 2
        y = np.where(x <= low, 0, np.where(x > high, 255, ((x - (c - 0.5)) / (w - 1) + 0.5) * 255))
    else:
        seen = x[~padding]
        y = np.clip((x - seen.min()) / max(seen.max() - seen.min(), 1e-12), 0, 1) * 255
    if data.PhotometricInterpretation == "MONOCHROME1":
        y = 255 - y
    return np.where(padding, 0, y)


@needs_files
def test_pydicoms_own_files():
    """All that its wheel brings: DICOM files, and some text and compressed ones that are to be refused."""
    missing = [path.name for path in SHIPPED if not path.is_file()]
    assert not missing and len(SHIPPED) >= 200
    read, refused = 0, 0
    for path in SHIPPED:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = oracle(path)
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                shown = read_dicom(path)
        except LookInsideError as problem:
            assert expected is None, f"{path.name}: {problem}"
            assert "\n" not in str(problem) and str(problem).startswith(str(path))
            refused += 1
        else:
            assert expected is not None, f"{path.name} was read"
            assert not said, path.name
            assert np.abs(shown - expected).max() <= 0.5 + 1e-6, path.name
            read += 1
    assert read > 40 and refused > 80 and read + refused == len(SHIPPED)


@needs_files
def test_a_frame_count_that_is_no_number():
    with pytest.raises(LookInsideError, match=r"badVR\.dcm: its NumberOfFrames is damaged \('1A' is no number\)"):
        read_dicom(FILES / "test_files/badVR.dcm")


@needs_files
def test_a_damaged_run_length_stream_does_not_end_the_program(tmp_path, capfd):
    """One of the decoders that pydicom may choose panics on it, which no `except Exception` stops."""
    raw = bytearray((FILES / "test_files/MR_small_RLE.dcm").read_bytes())
    raw[1536 + 5003] = 104
    (tmp_path / "x.dcm").write_bytes(raw)
    assert read_dicom(tmp_path / "x.dcm").shape == (64, 64)  # damaged values look like others
    assert capfd.readouterr().err == ""


def rich(**elements) -> pydicom.Dataset:
    """A file in which every element that the reader looks at is there."""
    window = item(WindowCenter=["2000", "1"], WindowWidth=["3000", "1"], VOILUTFunction="SIGMOID")
    scale = item(RescaleSlope="0.5", RescaleIntercept="-7")
    data = dicom(
        PatientID="P1",
        StudyInstanceUID="1.2.3",
        NumberOfFrames="1",
        PresentationLUTShape="INVERSE",
        PixelPaddingValue=40,
        PixelPaddingRangeLimit=45,
        **elements,
    )
    for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        data[name].VR = "US"
    if "VOILUTSequence" not in elements:
        groups = item(FrameVOILUTSequence=window, PixelValueTransformationSequence=scale)
        data.SharedFunctionalGroupsSequence = groups
    return data


@needs_files
def test_damaged_files_never_end_in_a_traceback(tmp_path, capfd):
    """Bytes of the header changed, cut or doubled in hundreds of files: read, or refused in one line."""
    draw = np.random.default_rng(3)
    whole = []
    for data in (
        rich(),
        rich(syntax=ImplicitVRLittleEndian),
        rich(syntax=ExplicitVRBigEndian),
        rich(VOILUTSequence=table(range(4096), 0, 12), ModalityLUTSequence=table(range(4096), 0, 12)),
        dicom(RAMP, WindowCenter="2000", WindowWidth="3000", RescaleSlope="1", RescaleIntercept="0"),
    ):
        data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
        whole.append((tmp_path / "x.dcm").read_bytes())
    whole += [(FILES / "test_files" / f"{name}.dcm").read_bytes() for name in ("MR_small_RLE", "badVR")]
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(560):
            path = tmp_path / "bent.dcm"
            path.write_bytes(bent(whole[number % len(whole)], draw))
            for reader in (read_dicom, read_patient):
                try:
                    reader(path)
                except LookInsideError as problem:
                    refused += 1
                    assert "\n" not in str(problem) and str(problem).startswith(str(path))
    assert 200 < refused < 900
    assert capfd.readouterr() == ("", "")


def bent(raw: bytes, draw) -> bytes:
    raw, header = bytearray(raw), min(len(raw), 1500)
    kind = draw.integers(8)
    if kind == 0:
        return bytes(raw[: draw.integers(len(raw))])
    if kind == 1:
        start, length = draw.integers(132, header), draw.integers(1, 40)
        return bytes(raw[:start] + raw[start : start + length] + raw[start:])
    for place in draw.integers(132 if kind < 4 else 320, header, draw.integers(1, 6)):
        raw[place] = draw.integers(256) if kind != 7 else draw.choice(np.frombuffer(b"\\,.-eaN 09", np.uint8))
    return bytes(raw)
