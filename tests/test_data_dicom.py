"""DICOM radiographs, made here: what a viewer would show, or a refusal that names the reason."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from preparing.dicom import read_dicom
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_windowing
from pydicom.uid import (
    MPEG2MPML,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from lookinside.errors import LookInsideError

RAMP = (np.arange(24 * 32).reshape(24, 32) * 5 + 40).astype(np.uint16)  # 40 to 3875, 12 bits


def dicom(pixels=RAMP, syntax=ExplicitVRLittleEndian, bits=12, **elements) -> pydicom.Dataset:
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.3"
    data.Rows, data.Columns = pixels.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = pixels.dtype.itemsize * 8, bits, bits - 1
    data.PixelRepresentation = int(np.issubdtype(pixels.dtype, np.signedinteger))
    raw = pixels.astype(pixels.dtype.newbyteorder(">")) if syntax == ExplicitVRBigEndian else pixels
    data.PixelData = raw.tobytes()
    data["PixelData"].VR = "OW"
    for name, value in elements.items():
        setattr(data, name, value)
    return data


def saved(data: pydicom.Dataset, tmp_path: Path) -> Path:
    path = tmp_path / "x.dcm"
    data.save_as(path, enforce_file_format=True)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(LookInsideError) as caught:
        read_dicom(path)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(str(path))
    return str(caught.value)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_without_a_window_the_own_range_is_shown(tmp_path, syntax):
    shown = read_dicom(saved(dicom(syntax=syntax), tmp_path))
    assert shown.dtype == np.uint8 and shown.shape == (24, 32)
    np.testing.assert_array_equal(shown, np.rint((RAMP - 40) * (255 / 3835)).astype(np.uint8))


def test_monochrome1_is_inverted(tmp_path):
    plain = read_dicom(saved(dicom(WindowCenter=2000, WindowWidth=3000), tmp_path))
    inverted = dicom(PhotometricInterpretation="MONOCHROME1", WindowCenter=2000, WindowWidth=3000)
    np.testing.assert_array_equal(read_dicom(saved(inverted, tmp_path)), 255 - plain)


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_agree_with_pydicom(tmp_path, function):
    signed = (RAMP.astype(np.int32) - 1800).astype(np.int16)
    elements = {"WindowCenter": 120, "WindowWidth": 900, "RescaleSlope": 0.5, "RescaleIntercept": 100}
    data = dicom(signed, bits=16, **elements, **({"VOILUTFunction": function} if function else {}))
    shown = read_dicom(saved(data, tmp_path))
    theirs = apply_windowing(apply_modality_lut(signed, data), data)
    low, high = -(2**15) * 0.5 + 100, (2**15 - 1) * 0.5 + 100  # the range that pydicom maps the window to
    assert np.abs(shown - (theirs - low) / (high - low) * 255).max() <= 1
    assert np.unique(shown).size > 0 and shown.min() < 30 and shown.max() > 225


def test_the_first_of_several_windows(tmp_path):
    both = read_dicom(saved(dicom(WindowCenter=[1000, 3000], WindowWidth=[500, 100]), tmp_path))
    np.testing.assert_array_equal(both, read_dicom(saved(dicom(WindowCenter=1000, WindowWidth=500), tmp_path)))


def test_a_window_wider_than_the_image_is_not_stretched(tmp_path):
    shown = read_dicom(saved(dicom(WindowCenter=4000, WindowWidth=8000), tmp_path))
    assert shown.max() < 130


def test_a_lookup_table_of_values(tmp_path):
    table = pydicom.Dataset()
    table.LUTDescriptor = [4096, 0, 10]
    table.LUTData = np.minimum(np.arange(4096) // 2, 1023).astype(np.uint16).tobytes()
    table["LUTDescriptor"].VR, table["LUTData"].VR = "US", "OW"
    shown = read_dicom(saved(dicom(VOILUTSequence=[table]), tmp_path))
    np.testing.assert_array_equal(shown, np.rint(np.minimum(RAMP // 2, 1023) / 1023 * 255).astype(np.uint8))


def test_padding_is_left_out_of_the_range(tmp_path):
    padded = RAMP.copy()
    padded[:4] = 4095
    data = dicom(padded, PixelPaddingValue=4095)
    data["PixelPaddingValue"].VR = "US"
    shown = read_dicom(saved(data, tmp_path))
    assert (shown[:4] == 0).all() and shown[4, 0] == 0 and shown[-1, -1] == 255


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_without_loss(tmp_path, syntax):
    pixels = np.tile(RAMP, (3, 3))
    data = dicom(pixels)
    data.compress(syntax)
    assert data.file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(read_dicom(saved(data, tmp_path)), read_dicom(saved(dicom(pixels), tmp_path)))


def jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def test_compressed_as_jpeg(tmp_path):
    grey = (RAMP / 16).astype(np.uint8)
    data = dicom(grey, JPEGBaseline8Bit, bits=8, PixelData=encapsulate([jpeg(grey)]))
    data["PixelData"].VR = "OB"
    shown = read_dicom(saved(data, tmp_path)).astype(int)
    assert np.abs(shown - np.rint((grey - 2.0) * (255 / (grey.max() - 2.0)))).max() <= 6


@pytest.mark.parametrize("syntax", [MPEG2MPML, pydicom.uid.UID("1.2.3.4.5")])
def test_unknown_syntax_is_refused_by_name(tmp_path, syntax):
    data = dicom(PixelData=encapsulate([b"\0" * 64]))
    data["PixelData"].VR = "OB"
    data.file_meta.TransferSyntaxUID = syntax
    path = tmp_path / "x.dcm"
    data.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=True)
    assert f"its transfer syntax, {syntax.name} ({syntax})" in refusal(path)


def test_a_broken_stream_names_its_syntax(tmp_path):
    data = dicom(syntax=HTJ2KLossless, PixelData=encapsulate([b"\0" * 64]))
    data["PixelData"].VR = "OB"
    assert HTJ2KLossless.name in refusal(saved(data, tmp_path))


def test_pixels_that_are_cut_short(tmp_path):
    assert "could not be decoded" in refusal(saved(dicom(PixelData=RAMP.tobytes()[:500]), tmp_path))


def test_what_is_no_radiograph(tmp_path):
    stack = np.zeros((3, 24, 32), np.uint16)
    assert "holds 3 frames" in refusal(saved(dicom(stack, NumberOfFrames=3), tmp_path))
    assert "is RGB" in refusal(saved(dicom(PhotometricInterpretation="RGB"), tmp_path))
    assert "only 8x8 px" in refusal(saved(dicom(RAMP[:8, :8].copy()), tmp_path))
    report = dicom()
    del report.PixelData
    assert "holds no image" in refusal(saved(report, tmp_path))
    (tmp_path / "x.dcm").write_text("a text")
    assert "is no DICOM file" in refusal(tmp_path / "x.dcm")
    (tmp_path / "x.dcm").write_bytes(b"")
    assert "is no DICOM file" in refusal(tmp_path / "x.dcm") or "cut short" in refusal(tmp_path / "x.dcm")
