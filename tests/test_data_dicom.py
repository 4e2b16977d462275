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


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("window", [{}, {"WindowCenter": 2000, "WindowWidth": 3000}])
@pytest.mark.parametrize(("value", "limit"), [(4095, None), (4000, 4095), (4095, 4000)])
def test_padding_is_black_and_left_out_of_the_range(tmp_path, kind, window, value, limit):
    padded = RAMP.copy()
    padded[:2], padded[2:4] = 4095, 4095 if limit is None else 4050
    data = dicom(padded, PixelPaddingValue=value, PhotometricInterpretation=kind, **window)
    data["PixelPaddingValue"].VR = "US"
    if limit is not None:
        data.PixelPaddingRangeLimit = limit
        data["PixelPaddingRangeLimit"].VR = "US"
    shown = read_dicom(saved(data, tmp_path))
    rest = RAMP[4:].copy()
    alone = read_dicom(saved(dicom(rest, PhotometricInterpretation=kind, **window), tmp_path))
    assert (shown[:4] == 0).all()
    np.testing.assert_array_equal(shown[4:], alone)


def test_padding_below_zero_that_is_written_without_a_sign(tmp_path):
    pixels = RAMP.astype(np.int16) - 1000
    pixels[:4] = -2000
    data = dicom(pixels, bits=16, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0x10000 - 2000)
    data["PixelPaddingValue"].VR = "US"
    shown = read_dicom(saved(data, tmp_path))
    assert (shown[:4] == 0).all() and shown[4, 0] == 255 and shown[-1, -1] == 0


def test_inverse_is_honoured_once(tmp_path):
    window = {"WindowCenter": 2000, "WindowWidth": 3000}
    plain = read_dicom(saved(dicom(**window, PresentationLUTShape="IDENTITY"), tmp_path))
    for kind in ("MONOCHROME1", "MONOCHROME2"):  # digital radiographs of the first kind must say INVERSE too
        data = dicom(PhotometricInterpretation=kind, PresentationLUTShape="INVERSE", **window)
        np.testing.assert_array_equal(read_dicom(saved(data, tmp_path)), 255 - plain)


def item(**elements) -> pydicom.Sequence:
    data = pydicom.Dataset()
    for name, value in elements.items():
        setattr(data, name, value)
    return pydicom.Sequence([data])


@pytest.mark.parametrize("groups", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
def test_an_enhanced_file_keeps_its_window_in_the_functional_groups(tmp_path, groups):
    window = {"WindowCenter": 300, "WindowWidth": 700, "VOILUTFunction": "LINEAR_EXACT"}
    scale = {"RescaleSlope": 0.5, "RescaleIntercept": -100}
    group = item(FrameVOILUTSequence=item(**window), PixelValueTransformationSequence=item(**scale))
    data = dicom(NumberOfFrames=1, WindowCenter=3000, WindowWidth=10, **{groups: group})
    np.testing.assert_array_equal(
        read_dicom(saved(data, tmp_path)), read_dicom(saved(dicom(**window, **scale), tmp_path))
    )


def test_the_frames_own_window_goes_before_the_shared_one(tmp_path):
    own, shared = ({"WindowCenter": c, "WindowWidth": 900} for c in (1000, 3000))
    data = dicom(
        PerFrameFunctionalGroupsSequence=item(FrameVOILUTSequence=item(**own)),
        SharedFunctionalGroupsSequence=item(FrameVOILUTSequence=item(**shared)),
    )
    np.testing.assert_array_equal(read_dicom(saved(data, tmp_path)), read_dicom(saved(dicom(**own), tmp_path)))


def table(values, first, bits) -> pydicom.Sequence:
    found = item(LUTDescriptor=[len(values), first, bits], LUTData=np.asarray(values, "<u2").tobytes())
    found[0]["LUTDescriptor"].VR, found[0]["LUTData"].VR = "SS" if first < 0 else "US", "OW"
    return found


def test_a_table_of_the_modality_and_one_below_zero(tmp_path):
    steps = np.arange(4096) // 16 * 100
    data = dicom(ModalityLUTSequence=table(steps, 0, 16), WindowCenter=9000, WindowWidth=12000)
    theirs = read_dicom(
        saved(dicom(steps[RAMP].astype(np.uint16), bits=16, WindowCenter=9000, WindowWidth=12000), tmp_path)
    )
    np.testing.assert_array_equal(read_dicom(saved(data, tmp_path)), theirs)
    data = dicom(RescaleSlope=1, RescaleIntercept=-1024, VOILUTSequence=table(np.arange(4096), -1024, 12))
    np.testing.assert_array_equal(read_dicom(saved(data, tmp_path)), np.rint(RAMP / 4095 * 255).astype(np.uint8))


def test_a_window_of_one_value_is_a_step(tmp_path):
    shown = read_dicom(saved(dicom(WindowCenter=1000.5, WindowWidth=1), tmp_path))
    np.testing.assert_array_equal(shown, np.where(RAMP > 1000, 255, 0))  # one value of the ramp is 1000


# Unlike any other bytes of the file, so that they can be replaced after it has been written.
MARKED = {"WindowCenter": "2111.1", "WindowWidth": "3222.2", "RescaleSlope": "1.3333", "RescaleIntercept": "-41.44"}


@pytest.mark.parametrize("keyword", MARKED)
@pytest.mark.parametrize("junk", ["1,5", "abc", "nan", "1e999"])
def test_a_number_that_is_none_is_named(tmp_path, keyword, junk):
    path = saved(dicom(**MARKED), tmp_path)
    raw, mark = path.read_bytes(), MARKED[keyword].encode()
    assert raw.count(mark) == 1 and read_dicom(path).any()
    path.write_bytes(raw.replace(mark, junk.encode().ljust(6)))
    assert f"its {keyword} is damaged" in refusal(path)


def test_an_element_that_cannot_be_interpreted_is_named(tmp_path):
    path = saved(dicom(VOILUTFunction="LINEAR_EXACT", WindowCenter=9, WindowWidth=9), tmp_path)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"CS\x0c\x00LIN", b"C\x01\x0c\x00LIN"))
    assert path.read_bytes() != raw and "its VOILUTFunction is damaged (Unknown Value Rep" in refusal(path)


@pytest.mark.parametrize(
    ("elements", "says"),
    [
        ({"VOILUTFunction": "ROUND", "WindowCenter": 9, "WindowWidth": 9}, "its VOILUTFunction is damaged ('ROUND' is"),
        ({"PresentationLUTShape": "OVAL"}, "its PresentationLUTShape is damaged"),
        ({"HighBit": 15}, "its values end at bit 15, but it stores 12 bits"),
        ({"VOILUTSequence": table(range(9), 0, 20)}, "its LUTDescriptor is damaged (20 bits"),
        ({"VOILUTSequence": item(LUTDescriptor=[9, 0, 12])}, "its LUTData is damaged (it holds 0 of 9 entries)"),
        ({"RescaleSlope": 1e307}, "its values are no numbers once rescaled"),
        ({"Rows": 65535, "Columns": 65535}, "is larger than 178 million pixels"),
    ],
)
def test_elements_that_make_no_sense(tmp_path, elements, says):
    data = dicom()
    for name, value in elements.items():
        setattr(data, name, value)
    if "VOILUTSequence" in elements:
        data.VOILUTSequence[0]["LUTDescriptor"].VR = "US"
    assert says in refusal(saved(data, tmp_path))


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
