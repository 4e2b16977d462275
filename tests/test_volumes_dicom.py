"""Volumes from folders of DICOM slices: ordered, turned and rescaled, or refused in one line."""

import shutil
import warnings

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG2MPML,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)
from scans import SPACING, dicom_slices, marked_scan, put_pixels, write_dicom
from test_volumes import is_the_marked_scan, read_silently, refusal

from lookinside.data import DataWarning, read_volume

PATIENTS = {
    "head first, supine": "LPS",
    "head first, prone": "RAS",
    "feet first, supine": "RPI",
    "feet first, prone": "LAI",
    "head first, on the right side": "PRS",
}


@pytest.mark.parametrize("lying", PATIENTS)
def test_axial_slices_however_the_patient_lies(tmp_path, lying):
    write_dicom(tmp_path, dicom_slices(PATIENTS[lying]))
    volume = read_silently(tmp_path)
    is_the_marked_scan(volume)
    # Slices are sorted along the normal of their rows and columns.
    assert len(volume.remarks) == (lying != "head first, supine")


@pytest.mark.parametrize(("kind", "letters"), [("coronal", "LIP"), ("coronal", "LIA"), ("sagittal", "PIL")])
def test_coronal_and_sagittal_slices_are_turned_and_it_is_said(tmp_path, kind, letters):
    write_dicom(tmp_path, dicom_slices(letters))
    with pytest.warns(DataWarning, match=f"re-oriented from {kind} slices"):
        is_the_marked_scan(read_volume(tmp_path))


def test_itk_reads_the_same(tmp_path):
    """GDCM's order, rescaling and place of an axial series."""
    write_dicom(tmp_path, dicom_slices(slope=0.5))
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    theirs, ours = reader.Execute(), read_silently(tmp_path)
    np.testing.assert_array_equal(ours.hu, SimpleITK.GetArrayFromImage(theirs))
    np.testing.assert_allclose(ours.spacing, theirs.GetSpacing(), atol=1e-5)
    np.testing.assert_allclose(ours.origin, theirs.GetOrigin(), atol=1e-5)


def test_names_without_suffix_and_the_folders_of_an_archive(tmp_path):
    slices = dicom_slices()
    write_dicom(tmp_path / "PAT0/STU0/SER0", slices[:4], name="{:08d}")
    write_dicom(tmp_path / "PAT0/STU0/SER1", slices[4:], name="{:08d}")
    (tmp_path / "DICOMDIR").write_bytes(b"index")
    (tmp_path / ".hidden").write_bytes(b"of a Mac")
    is_the_marked_scan(read_silently(tmp_path))
    (tmp_path / "README.TXT").write_text("viewer")
    with pytest.warns(DataWarning, match=r"1 file left out that hold no slice, first: README\.TXT"):
        is_the_marked_scan(read_volume(tmp_path))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEG2000Lossless])
def test_transfer_syntaxes(tmp_path, syntax):
    slices = dicom_slices()
    for data in slices:
        if syntax.is_compressed:
            large = np.frombuffer(data.PixelData, np.int16).reshape(data.Rows, data.Columns).repeat(8, 0).repeat(8, 1)
            put_pixels(data, large)  # JPEG 2000 wants more pixels than the scan has
            data.compress(syntax, generate_instance_uid=False)
        else:
            data.file_meta.TransferSyntaxUID = syntax
            if syntax == ExplicitVRBigEndian:
                data.PixelData = np.frombuffer(data.PixelData, "<i2").astype(">i2").tobytes()
    volume = read_silently(write_dicom(tmp_path, slices))
    step = 8 if syntax.is_compressed else 1
    np.testing.assert_array_equal(volume.hu[:, ::step, ::step], marked_scan())


def test_lossless_jpeg(tmp_path):
    """As most archives compress; written by GDCM."""
    slices = dicom_slices()
    for data in slices:
        image = SimpleITK.GetImageFromArray(np.frombuffer(data.PixelData, np.int16).reshape(data.Rows, data.Columns))
        writer = SimpleITK.ImageFileWriter()
        writer.SetFileName(str(tmp_path / "x.dcm"))
        writer.UseCompressionOn()
        writer.SetCompressor("JPEG")
        writer.Execute(image)
        theirs = pydicom.dcmread(tmp_path / "x.dcm")
        assert theirs.file_meta.TransferSyntaxUID == JPEGLosslessSV1
        data.file_meta.TransferSyntaxUID, data.PixelData = JPEGLosslessSV1, theirs.PixelData
        data["PixelData"].is_undefined_length = True
    is_the_marked_scan(read_silently(write_dicom(tmp_path / "series", slices)))


def test_a_transfer_syntax_that_is_not_read(tmp_path):
    slices = dicom_slices()
    slices[2].file_meta.TransferSyntaxUID = MPEG2MPML
    slices[2].PixelData = encapsulate([b"\0" * 64])
    slices[2]["PixelData"].is_undefined_length = True
    said = refusal(write_dicom(tmp_path, slices))
    assert "its transfer syntax, MPEG2 Main Profile / Main Level" in said and "save it uncompressed" in said


def test_a_missing_slice(tmp_path):
    slices = dicom_slices()
    write_dicom(tmp_path, slices[:2] + slices[3:], name="{}.dcm")
    said = refusal(tmp_path)
    assert "1 slice is missing, the first between 5.dcm and 4.dcm (5.0 mm apart, elsewhere 2.5): copy the whole" in said
    shutil.rmtree(tmp_path)
    assert "2 slices are missing" in refusal(write_dicom(tmp_path, slices[:2] + slices[4:]))


def test_uneven_slices(tmp_path):
    slices = dicom_slices()
    for data in slices[4:]:
        data.ImagePositionPatient[2] += 0.8
    assert "its slices are uneven" in refusal(write_dicom(tmp_path, slices))
    for data in slices[4:]:
        data.ImagePositionPatient[2] -= 0.72  # rounded to 0.1 mm
    volume = read_silently(write_dicom(tmp_path, slices))
    np.testing.assert_array_equal(volume.hu, marked_scan())
    assert volume.spacing[2] == pytest.approx(SPACING[2] + 0.08 / 6, abs=1e-5)


def test_doubled_slices(tmp_path):
    slices = dicom_slices()
    write_dicom(tmp_path, slices, name="{}.dcm")
    shutil.copy(tmp_path / "0.dcm", tmp_path / "copy of 0.dcm")
    with pytest.warns(DataWarning, match=r"1 file is a copy of another and left out, first: copy of 0\.dcm"):
        is_the_marked_scan(read_volume(tmp_path))
    (other,) = dicom_slices(SOPInstanceUID="1.2.4")[3:4]
    other.save_as(tmp_path / "z.dcm", enforce_file_format=True)
    said = refusal(tmp_path)
    assert said.endswith("and z.dcm lie at the same place: take one of them away")


def test_several_series(tmp_path):
    write_dicom(tmp_path, dicom_slices())
    other = dicom_slices("RPI", SeriesInstanceUID="1.2.10", SeriesNumber=3, SeriesDescription="Lung")[:5]
    write_dicom(tmp_path, other, name="b{}")
    said = refusal(tmp_path)
    assert "holds 2 series, 2 'Body 2.5' (7 files), 3 'Lung' (5 files): give the folder of one" in said
    assert said.endswith("or its number or UID: series=2")
    for series in (2, "2", "1.2.9"):
        is_the_marked_scan(read_silently(tmp_path, series=series))
    assert read_silently(tmp_path, series=3).hu.shape == (5, 9, 11)
    assert "has no single series 7: choose from 2 'Body 2.5' (7 files), 3" in refusal(tmp_path, series=7)
    for data in other:
        data.SeriesNumber = 2  # as in two studies
    write_dicom(tmp_path, other, name="b{}")
    assert "1.2.9 'Body 2.5' (7 files), 1.2.10 'Lung' (5 files)" in refusal(tmp_path, series=2)
    is_the_marked_scan(read_silently(tmp_path, series="1.2.9"))


def test_overviews_and_reports_are_left_out(tmp_path):
    write_dicom(tmp_path, dicom_slices())
    scout = dicom_slices("LIP", SeriesInstanceUID="1.2.1", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])[:1]
    screen = dicom_slices(SeriesInstanceUID="1.2.2")[:1]
    report = dicom_slices(SeriesInstanceUID="1.2.3", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.67")[:1]
    del screen[0].ImagePositionPatient
    for name in ("Rows", "Columns", "PixelData"):
        delattr(report[0], name)
    for name, slices in (("scout", scout), ("screen", screen), ("report", report)):
        write_dicom(tmp_path / name, slices)
    with pytest.warns(DataWarning, match="3 files left out that hold no slice, first: IM0000"):
        is_the_marked_scan(read_volume(tmp_path))
    shutil.rmtree(tmp_path)
    assert "of the files in it (1) none is a DICOM slice" in refusal(write_dicom(tmp_path, screen))


def test_folders_that_hold_no_series(tmp_path):
    assert "is empty: give the folder of a CT series" in refusal(tmp_path)
    (tmp_path / "a.nii.gz").touch()
    assert "holds no DICOM slices, but a.nii.gz: give that file" in refusal(tmp_path)
    (tmp_path / "a.nii.gz").rename(tmp_path / "a.txt")
    assert "of the files in it (1) none is a DICOM slice" in refusal(tmp_path)
    write_dicom(tmp_path / "one", dicom_slices()[:1])
    assert "holds one slice (IM0000): give the folder of a whole series" in refusal(tmp_path / "one")
    one = tmp_path / "one/IM0000"
    assert refusal(one).endswith(f"is one DICOM file, a volume is a folder of them: give {tmp_path / 'one'}")


def test_a_tilted_gantry(tmp_path):
    """Slices tilt by 15 degrees about the patient's left-right axis, the table moves along the body."""
    slices = dicom_slices()
    cosine, sine = np.cos(np.radians(15)), np.sin(np.radians(15))
    for data in slices:
        data.ImageOrientationPatient = [1, 0, 0, 0, cosine, sine]
    said = refusal(write_dicom(tmp_path, slices))
    assert "its slices are shifted against one another, as by a gantry tilt of 15.0 degrees: straighten it" in said
    # The same tilt with a table that moves along the slices' normal is an oblique volume.
    for k, data in enumerate(slices):
        data.ImagePositionPatient = [0, -sine * 2.5 * k, cosine * 2.5 * k]
    with pytest.warns(DataWarning, match=r"lies 15\.0 degrees off"):
        np.testing.assert_array_equal(read_volume(write_dicom(tmp_path, slices)).hu, marked_scan())


def test_a_slice_that_is_unlike_the_others(tmp_path):
    def changed(**elements):
        slices = dicom_slices()
        for name, value in elements.items():
            setattr(slices[4], name, value)
        return refusal(write_dicom(tmp_path, slices))

    assert "has pixels of 1 x 1 mm, but" in changed(PixelSpacing=[1, 1])
    assert "has another direction, but" in changed(ImageOrientationPatient=[0, 1, 0, 1, 0, 0])
    assert "does not say where it lies (ImagePositionPatient missing)" in changed(ImagePositionPatient=None)
    assert "is shifted by 20.0 mm" in changed(ImagePositionPatient=[-11, -42.5, 117.25])
    assert "its ImagePositionPatient is damaged" in changed(ImagePositionPatient=[1, 2])
    assert "holds 3 frames in one file" in changed(NumberOfFrames=3)
    slices = dicom_slices()
    put_pixels(slices[4], np.zeros((5, 6), np.int16))
    assert "has 5 x 6 pixels, but" in refusal(write_dicom(tmp_path, slices))
    slices = dicom_slices(ImageOrientationPatient=[1, 0, 0, 1, 0, 0])
    assert "its ImageOrientationPatient or PixelSpacing is damaged" in refusal(write_dicom(tmp_path, slices))


def test_files_cut_short(tmp_path):
    slices = dicom_slices()
    write_dicom(tmp_path, slices, name="{}.dcm")
    whole = (tmp_path / "3.dcm").read_bytes()
    for length in (len(whole) - 2, len(whole) - 150, 600, 200, 100, 0):
        (tmp_path / "3.dcm").write_bytes(whole[:length])
        said = refusal(tmp_path)
        assert str(tmp_path / "3.dcm") in said and any(what in said for what in ("cut short", "no DICOM", "decoded"))


def test_each_slice_has_its_own_slope(tmp_path):
    slices = dicom_slices()
    for k, data in enumerate(slices):
        slope, intercept = (1.0, 0.5, 2.0)[k % 3], -1000 - 2 * k
        data.RescaleSlope, data.RescaleIntercept = slope, intercept
        put_pixels(data, np.rint((marked_scan()[k].astype(float) // 2 * 2 - intercept) / slope).astype(np.int16))
    np.testing.assert_array_equal(read_silently(write_dicom(tmp_path, slices)).hu, marked_scan() // 2 * 2)


def test_no_rescale_slope(tmp_path):
    def without(slices, *names):
        for data in slices:
            for name in names:
                delattr(data, name)
        return write_dicom(tmp_path, slices)

    hu = dicom_slices(intercept=0.0)
    with pytest.warns(DataWarning, match=r"says no RescaleSlope or RescaleIntercept \(and 6 more\): its stored values"):
        is_the_marked_scan(read_volume(without(hu, "RescaleSlope", "RescaleIntercept")))
    shifted = dicom_slices(intercept=-1024.0)
    assert "its values are not HU as they are stored (the lowest is 2" in refusal(
        without(shifted, "RescaleSlope", "RescaleIntercept")
    )
    for data in shifted:
        stored = np.frombuffer(data.PixelData, np.int16).copy().reshape(data.Rows, data.Columns)
        stored[0, 0] = -2000  # padding does not make them HU
        put_pixels(data, stored)
    assert "its values are not HU as they are stored (the lowest is 2" in refusal(write_dicom(tmp_path, shifted))


@pytest.mark.parametrize(("signed", "padding"), [(1, -2000), (0, 63536), (0, -2000)])
def test_padding_that_the_header_names(tmp_path, signed, padding):
    """63536 is -2000 read without its sign: it would be brighter than any metal."""
    slices = dicom_slices(PixelRepresentation=signed, PixelPaddingValue=padding)
    for data in slices:
        data["PixelPaddingValue"].VR = "SS" if padding < 0 else "US"
        stored = np.frombuffer(data.PixelData, np.int16).copy().reshape(data.Rows, data.Columns)
        stored[:2] = -2000
        put_pixels(data, stored)
    volume = read_silently(write_dicom(tmp_path, slices))
    assert (volume.hu[:, :2] == -1024).all()
    np.testing.assert_array_equal(volume.hu[:, 2:], marked_scan()[:, 2:])
    assert len(volume.remarks) == 1 and "set to -1024, air (154 voxels, 22.2%)" in volume.remarks[0]


def test_padding_that_is_tissue_stays(tmp_path):
    """Some headers call a common value padding."""
    value = int(marked_scan()[2, 2, 2]) + 1024
    is_the_marked_scan(read_silently(write_dicom(tmp_path, dicom_slices(PixelPaddingValue=value))))


def test_what_is_no_ct(tmp_path):
    with pytest.warns(DataWarning, match="is MR, no CT: its values are not HU") as said:
        volume = read_volume(write_dicom(tmp_path, dicom_slices(hu=np.abs(marked_scan()), Modality="MR")))
    assert len(said) == 1 and volume.remarks == ("is MR, no CT: its values are not HU",)
    with pytest.warns(DataWarning, match="its RescaleType is Z_EFF: its values are not HU"):
        read_volume(write_dicom(tmp_path, dicom_slices(RescaleType="Z_EFF")))
    colour = dicom_slices(PhotometricInterpretation="RGB")
    assert "is in colour (RGB)" in refusal(write_dicom(tmp_path, colour))


def test_damaged_headers_never_end_in_a_traceback(tmp_path):
    """Bytes of one file's header changed: the series is read, or refused in one line."""
    write_dicom(tmp_path, dicom_slices(), name="{}.dcm")
    whole = (tmp_path / "3.dcm").read_bytes()
    draw, refused = np.random.default_rng(5), 0
    for _ in range(150):
        changed = bytearray(whole)
        for place in draw.integers(132, len(whole) - 198, 2):
            changed[place] = draw.integers(256)
        (tmp_path / "3.dcm").write_bytes(changed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            try:
                read_volume(tmp_path)
            except ValueError as problem:
                assert type(problem).__name__ == "LookInsideError" and "\n" not in str(problem)
                refused += 1
    assert 20 < refused < 150
