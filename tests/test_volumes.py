"""Volumes from NIfTI and ITK files: always the same orientation, or a refusal in one line."""

import gzip
import itertools
import os
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from scans import BACK, HEAD, LEFT, ORIGIN, SPACING, directions, marked_scan, nifti_bytes, stored_as, write_nifti
from scipy.ndimage import binary_fill_holes
from scipy.spatial.transform import Rotation

from lookinside.data import DataWarning, Volume, read_volume, write_volume
from lookinside.errors import LookInsideError
from lookinside.phantoms import whole_volume

EVERY = [
    "".join(letters) for order in itertools.permutations(["LR", "PA", "SI"]) for letters in itertools.product(*order)
]
ROOT = Path(__file__).resolve().parents[1]


def read_silently(path, **options) -> Volume:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_volume(path, **options)


def refusal(path, **options) -> str:
    with pytest.raises(LookInsideError) as caught:
        read_volume(path, **options)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(str(path))
    return str(caught.value)


def is_the_marked_scan(volume: Volume) -> None:
    """Left is at the end of x, the back at the end of y, the head at the end of z."""
    assert [tuple(np.argwhere(volume.hu == mark)[0]) for mark in (LEFT, BACK, HEAD)] == [
        (3, 4, 10),
        (3, 8, 5),
        (6, 4, 5),
    ]
    np.testing.assert_array_equal(volume.hu, marked_scan())
    assert volume.hu.dtype == np.int16 and volume.hu.flags.c_contiguous and volume.hu.flags.writeable
    np.testing.assert_allclose(volume.spacing, SPACING, atol=1e-5)
    np.testing.assert_allclose(volume.origin, ORIGIN, atol=1e-4)


@pytest.mark.parametrize("letters", EVERY)
def test_every_orientation_comes_out_the_same(tmp_path, letters):
    """48 of them; ITK's own reading and turning agrees."""
    path = write_nifti(tmp_path / "x.nii.gz", *stored_as(letters))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        volume = read_volume(path)
    is_the_marked_scan(volume)
    assert volume.path == path and volume.level(4) == pytest.approx(ORIGIN[2] + 10)
    kind = "axial" if letters[2] in "SI" else "coronal" if letters[2] in "PA" else "sagittal"
    if kind == "axial":
        assert volume.remarks == (() if letters == "LPS" else (f"re-oriented from {letters} axes",)) and not said
    else:
        assert volume.remarks == (f"re-oriented from {kind} slices ({letters} axes): axial slices are cut across them",)
        assert [str(one.message) for one in said] == [f"{path}: {volume.remarks[0]}"]
        assert said[0].category is DataWarning and said[0].filename == __file__
    theirs = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(path)), "LPS")
    np.testing.assert_array_equal(volume.hu, SimpleITK.GetArrayFromImage(theirs))
    np.testing.assert_allclose(volume.origin, theirs.GetOrigin(), atol=1e-4)


@pytest.mark.parametrize("letters", ["LPS", "RAS", "LAS", "PIR", "ASL", "RSP"])
def test_the_qform_speaks_where_there_is_no_sform(tmp_path, letters):
    stored, steps, first = stored_as(letters)
    axes = np.diag([-1, -1, 1]) @ directions(letters)  # to the right, the front and the head
    flip = round(np.linalg.det(axes))
    b, c, d, a = Rotation.from_matrix(axes * [1, 1, flip]).as_quat()
    quaternion = *(np.array([b, c, d]) * (1 if a >= 0 else -1)), flip
    path = write_nifti(tmp_path / "x.nii", stored, steps, first, sform=0, qform=1, quaternion=quaternion)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        is_the_marked_scan(read_volume(path))
    # Both, and they agree.
    is_the_marked_scan(read_volume(write_nifti(path, *stored_as("LPS"), qform=1, quaternion=(0, 0, 1, 1))))
    # Both, and they do not.
    path = write_nifti(path, *stored_as("RPS"), qform=1, quaternion=(0, 0, 1, 1))
    assert "its sform and qform say different orientations: convert it again" in refusal(path)


@pytest.mark.parametrize("kind", ["<i2", ">i2", "<i4", "<f4", ">f8", "<f8"])
def test_kinds_of_numbers(tmp_path, kind):
    stored, steps, first = stored_as("RAS")
    path = write_nifti(tmp_path / "x.nii.gz", stored.astype(kind[1:]), steps, first, order=kind[0])
    is_the_marked_scan(read_silently(path))


def test_a_slope_and_an_intercept(tmp_path):
    stored, steps, first = stored_as("RAS")
    path = tmp_path / "x.nii"
    half = ((stored.astype(np.int32) + 1024) * 2).astype(np.uint16)
    is_the_marked_scan(read_silently(write_nifti(path, half, steps, first, scale=(0.5, -1024))))
    for none in (0, np.nan):  # the format's way, and another one, to say that nothing is scaled
        is_the_marked_scan(read_silently(write_nifti(path, stored, steps, first, scale=(none, 7))))
    odd = read_silently(write_nifti(path, half + np.uint16(1), steps, first, scale=(0.5, -1024)))
    assert "values rounded to whole HU" in odd.remarks
    assert np.abs(odd.hu - marked_scan() - 0.5).max() == 0.5
    high = read_silently(write_nifti(path, stored + np.float32(0.7), steps, first))
    np.testing.assert_array_equal(high.hu, marked_scan() + 1)


def test_units_other_than_millimetres(tmp_path):
    stored, steps, first = stored_as("LPS")
    for units, scale in ((1, 1e-3), (3, 1e3), (0, 1), (10, 1)):
        is_the_marked_scan(
            read_silently(write_nifti(tmp_path / "x.nii", stored, steps * scale, first * scale, units=units))
        )


def test_nifti_2(tmp_path):
    """The newer header has the same fields at other places, with more bits."""
    stored, steps, first = stored_as("LPS")
    head = bytearray(544)
    struct.pack_into("<i8shh8q", head, 0, 540, b"n+2\0\r\n\x1a\n", 4, 16, 3, *stored.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<8dq2d", head, 104, 1, *np.linalg.norm(steps, axis=0), 1, 1, 1, 1, 544, 1, 0)
    struct.pack_into("<2i", head, 344, 0, 1)
    right = np.diag([-1.0, -1.0, 1.0]) @ np.column_stack([steps, first])
    struct.pack_into("<12d", head, 400, *right.ravel())
    struct.pack_into("<i", head, 500, 2)
    (tmp_path / "x.nii").write_bytes(bytes(head) + stored.tobytes())
    is_the_marked_scan(read_silently(tmp_path / "x.nii"))


def test_what_the_name_says_of_packing_does_not_matter(tmp_path):
    raw = nifti_bytes(*stored_as("LPS"))
    (tmp_path / "plain.nii.gz").write_bytes(raw)
    (tmp_path / "packed.nii").write_bytes(gzip.compress(raw))
    members = b"".join(gzip.compress(raw[i : i + 100]) for i in range(0, len(raw), 100))  # as packed in parallel
    (tmp_path / "members.nii.gz").write_bytes(members + b"\0" * 512)
    for name in ("plain.nii.gz", "packed.nii", "members.nii.gz"):
        is_the_marked_scan(read_silently(tmp_path / name))


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
def test_a_file_cut_short_anywhere(tmp_path, name):
    """ITK fills what is missing with zeros."""
    whole = write_nifti(tmp_path / name, *stored_as("RAS")).read_bytes()
    for length in (0, 3, 100, 348, 360, len(whole) // 2, len(whole) - 8, len(whole) - 1):
        (tmp_path / name).write_bytes(whole[:length])
        assert "is cut short: copy or download it again" in refusal(tmp_path / name)


def test_a_gzip_file_with_a_changed_byte(tmp_path):
    whole = write_nifti(tmp_path / "x.nii.gz", *stored_as("RAS")).read_bytes()
    for place in (15, 400, len(whole) // 2, len(whole) - 6):
        changed = bytearray(whole)
        changed[place] ^= 0x55
        (tmp_path / "x.nii.gz").write_bytes(changed)
        assert "is damaged" in refusal(tmp_path / "x.nii.gz") or "is cut short" in refusal(tmp_path / "x.nii.gz")


def oblique(degrees, about="x"):
    stored, steps, first = stored_as("LPS")
    return stored, Rotation.from_euler(about, degrees, degrees=True).as_matrix() @ steps, first


def test_an_oblique_volume_takes_the_nearest_axes_and_says_the_angle(tmp_path):
    with pytest.warns(DataWarning, match=r"x\.nii: lies 12\.0 degrees off the axes of the body"):
        volume = read_volume(write_nifti(tmp_path / "x.nii", *oblique(12)))
    is_the_marked_scan(volume)
    assert volume.remarks == ("lies 12.0 degrees off the axes of the body: the nearest axes are taken, not resampled",)
    assert read_silently(write_nifti(tmp_path / "x.nii", *oblique(0.9, "y"))).remarks == ()


def test_sheared_axes(tmp_path):
    stored, steps, first = stored_as("RAS")
    for angle, column in ((8.0, 2), (3.0, 1)):
        sheared = steps.copy()
        sheared[:, column] += np.tan(np.radians(angle)) * steps[:, 0] / SPACING[0] * SPACING[column]
        said = refusal(write_nifti(tmp_path / "x.nii", stored, sheared, first))
        assert f"as by a gantry tilt of {angle} degrees" in said if column == 2 else f"are {angle} degrees off" in said
    sheared = steps.copy()
    sheared[1, 2] += 0.02  # half a degree, rounded numbers
    np.testing.assert_array_equal(
        read_silently(write_nifti(tmp_path / "x.nii", stored, sheared, first)).hu, marked_scan()
    )


def test_padding_becomes_air(tmp_path):
    hu = marked_scan()
    hu[:, 0, :3] = -2000
    volume = read_silently(write_nifti(tmp_path / "x.nii", *stored_as("LPS", hu)))
    assert (volume.hu[:, 0, :3] == -1024).all()
    np.testing.assert_array_equal(volume.hu[:, 1:], hu[:, 1:])
    assert volume.remarks == ("values below -1024 (down to -2000) set to -1024, air (21 voxels, 3.0%)",)


def test_values_beyond_int16(tmp_path):
    stored, steps, first = stored_as("LPS")
    stored = stored.astype(np.float32)
    stored[0, 0, :2] = 40000, -1e30
    with pytest.warns(DataWarning, match=r"values above 32767 \(up to 40000\) set to 32767 \(1 voxel, 0\.1%\)"):
        volume = read_volume(write_nifti(tmp_path / "x.nii.gz", stored, steps, first))
    assert volume.hu[0, 0, :2].tolist() == [32767, -1024]
    np.testing.assert_array_equal(volume.hu[1:], marked_scan()[1:])


def test_no_air_no_ct(tmp_path):
    stored, steps, first = stored_as("LPS", np.abs(marked_scan()))
    with pytest.warns(DataWarning, match=r"no value lies below -200 \(the lowest is 1\), so it shows no air"):
        volume = read_volume(write_nifti(tmp_path / "x.nii", stored, steps, first))
    assert len(volume.remarks) == 1
    stored[0, 0, 0] = -2000  # padding is no air
    with pytest.warns(DataWarning, match="no value lies below -200"):
        read_volume(write_nifti(tmp_path / "x.nii", stored, steps, first))


REFUSED = {
    "does not say how it lies in the body (sform and qform codes are 0)": {"sform": 0},
    "has 4 axes (11 x 9 x 7 x 2), a volume has three: it holds several volumes": {"dims": (11, 9, 7, 2)},
    "has 2 axes (11 x 9), a volume has three: it holds one slice": {"dims": (11, 9)},
    "holds one slice only": {"dims": (11, 9, 1)},
    "its header is damaged (dim is [3, 11, -9, 7, 1, 1, 1, 1])": {"dims": (11, -9, 7)},
    "is in colour": {"kind": 128},
    "is complex": {"kind": 32},
    "is of datatype 1536": {"kind": 1536},
    "is no NIfTI file of one piece": {"magic": b"ni1\0"},
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_is_refused(tmp_path, said):
    assert said in refusal(write_nifti(tmp_path / "x.nii.gz", *stored_as("LPS"), **REFUSED[said]))


def test_a_fourth_axis_of_one(tmp_path):
    is_the_marked_scan(read_silently(write_nifti(tmp_path / "x.nii", *stored_as("LPS"), dims=(11, 9, 7, 1, 1))))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(tmp_path, value):
    stored, steps, first = stored_as("LPS")
    stored = stored.astype(np.float32)
    stored[3, 3, 3] = value
    path = write_nifti(tmp_path / "x.nii", stored, steps, first)
    assert "holds values that are not numbers (NaN or infinite): set them to -1024" in refusal(path)


def test_axes_that_are_no_numbers(tmp_path):
    stored, steps, first = stored_as("LPS")
    for damaged in (steps * np.nan, steps * [1, 1, 0], steps * 1e4, steps * 1e-9):
        assert "says nothing usable of where its voxels lie" in refusal(
            write_nifti(tmp_path / "x.nii", stored, damaged, first)
        )


def test_damaged_headers_never_end_in_a_traceback(tmp_path):
    """Bytes of the header changed in hundreds of files: read, or refused in one line."""
    whole = nifti_bytes(*stored_as("RAS"), qform=1, quaternion=(0, 0, 0, 1))
    draw, path, refused = np.random.default_rng(7), tmp_path / "x.nii", 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DataWarning)
        for _ in range(400):
            changed = bytearray(whole)
            for place in draw.integers(0, 352, 8):
                changed[place] = draw.integers(256)
            path.write_bytes(changed)
            try:
                read_volume(path)
            except LookInsideError as problem:
                assert "\n" not in str(problem) and str(problem).startswith(str(path))
                refused += 1
    assert 100 < refused < 350


def test_what_is_no_volume(tmp_path):
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    assert "is no file that volumes are read from: give a .nii, .nii.gz" in refusal(tmp_path / "x.png")
    (tmp_path / "x.nii.gz").write_bytes(b"<html>not found</html>" * 20)
    assert "is no NIfTI file, whatever its name says" in refusal(tmp_path / "x.nii.gz")
    assert "is not there: check the name" in refusal(tmp_path / "y.nii.gz")
    (tmp_path / "x.nii.gz").rename(tmp_path / "x.mha")
    assert "is cut short, damaged or no such file" in refusal(tmp_path / "x.mha")
    for nothing in (None, "", 3, marked_scan()):
        with pytest.raises(LookInsideError, match=r"\Apath is [^\n]*: give a \.nii, \.nii\.gz[^\n]*\Z"):
            read_volume(nothing)
    assert "series=2 picks one in a folder of DICOM slices" in refusal(
        write_nifti(tmp_path / "z.nii", *stored_as("LPS")), series=2
    )


@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd", ".nhdr"])
@pytest.mark.parametrize("letters", ["LPS", "RAI", "PIR"])
def test_other_files_of_itk(tmp_path, suffix, letters):
    stored, steps, first = stored_as(letters)
    image = SimpleITK.GetImageFromArray(stored)
    image.SetSpacing(np.linalg.norm(steps, axis=0))
    image.SetDirection(directions(letters).ravel())
    image.SetOrigin(first)
    SimpleITK.WriteImage(image, str(tmp_path / f"x{suffix}"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        is_the_marked_scan(read_volume(tmp_path / f"x{suffix}"))
    raw = next((path for path in tmp_path.iterdir() if "raw" in path.name), tmp_path / f"x{suffix}")
    raw.write_bytes(raw.read_bytes()[:-200])
    assert "is cut short, damaged or no such file" in refusal(tmp_path / f"x{suffix}")


def test_files_of_itk_without_orientation_or_with_a_fourth_axis(tmp_path):
    image = SimpleITK.GetImageFromArray(marked_scan())
    lines = {
        "x.nrrd": (b"space: ", b"space directions: ", b"space origin: "),
        "x.mha": (b"TransformMatrix", b"Anatomi"),
    }
    for name, starts in lines.items():
        SimpleITK.WriteImage(image, str(tmp_path / name))
        head, mark, rest = (tmp_path / name).read_bytes().partition(b"endian" if "nrrd" in name else b"ElementSp")
        kept = [line for line in head.splitlines(keepends=True) if not line.startswith(starts)]
        (tmp_path / name).write_bytes(b"".join(kept) + mark + rest.replace(b"space origin: (0,0,0)\n", b"", 1))
        assert SimpleITK.ReadImage(str(tmp_path / name)).GetSize() == (11, 9, 7)
        assert "does not say how it lies in the body" in refusal(tmp_path / name)
    SimpleITK.WriteImage(SimpleITK.JoinSeries([image, image]), str(tmp_path / "x.mha"))
    assert "has 4 axes (11 x 9 x 7 x 2)" in refusal(tmp_path / "x.mha")


def test_a_phantom_written_and_read_is_the_same(tmp_path):
    phantom = whole_volume(1, spacing=(4, 4, 6), shape=(160, 128, 128))
    write_volume(tmp_path / "x.nii.gz", phantom.hu, phantom.spacing, phantom.origin)
    volume = read_silently(tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(volume.hu, phantom.hu)
    assert (volume.spacing, volume.origin) == (phantom.spacing, phantom.origin)
    assert [volume.level(z) for z in (0, 100)] == [phantom.level(z) for z in (0, 100)]
    assert [path.name for path in tmp_path.iterdir()] == ["x.nii.gz"]
    image = SimpleITK.ReadImage(str(tmp_path / "x.nii.gz"))
    assert image.GetMetaData("sform_code") != "0" and image.GetMetaData("qform_code") != "0"
    lung = np.argwhere(phantom.labels == 1 + phantom.part_names.index("lung_left"))[0][::-1]
    place = image.TransformIndexToPhysicalPoint(lung.tolist())  # to the left, the back, the head
    assert place[0] > 0 and np.allclose(place, np.array(phantom.origin) + lung * phantom.spacing)


def test_what_is_not_written(tmp_path):
    hu = marked_scan()
    far = hu.astype(np.int32) + 40000
    for bad, said in ((hu / 2, "hu is float64"), (hu[0], r"hu is int16 \(9, 11\)"), (far, "that fit into int16")):
        with pytest.raises(LookInsideError, match=said):
            write_volume(tmp_path / "x.nii.gz", bad)
    for name, said in (("x.png", "ends in .nii.gz or .nii"), ("no/x.nii", "is no folder")):
        with pytest.raises(LookInsideError, match=said):
            write_volume(tmp_path / name, hu)
    with pytest.raises(LookInsideError, match=r"spacing is \(1, 0, 1\): give three numbers above 0"):
        write_volume(tmp_path / "x.nii", hu, (1, 0, 1))
    assert not list(tmp_path.iterdir())
    write_volume(tmp_path / "x.nii", hu.astype(np.int64), SPACING, ORIGIN)
    is_the_marked_scan(read_silently(tmp_path / "x.nii"))


def test_without_simpleitk(tmp_path, monkeypatch):
    path = write_nifti(tmp_path / "x.nii", *stored_as("LPS"))
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    for call in (lambda: read_volume(path), lambda: write_volume(path, marked_scan())):
        with pytest.raises(LookInsideError, match=r"^The course needs SimpleITK: say `make run`"):
            call()


def test_a_volume_made_in_memory():
    volume = Volume(marked_scan(), SPACING)
    assert volume.level(2) == 5.0 and volume.path is None and volume.remarks == ()
    assert repr(volume) == "Volume(7 slices of 9x11, 0.8 x 1.1 x 2.5 mm, made in memory)"
    for hu in (marked_scan().astype(float), marked_scan()[0], marked_scan().tolist(), marked_scan()[:0]):
        with pytest.raises(LookInsideError, match=r"^hu is .*: give CT numbers as int16 \(Z, Y, X\)"):
            Volume(hu, SPACING)
    for spacing in ((1, 2), (1, 2, -3), "abc", 2, (1, 2, np.nan)):
        with pytest.raises(LookInsideError, match=r"^spacing is "):
            Volume(marked_scan(), spacing)


MEASURE = """
import resource, sys
import lookinside.data, SimpleITK
kb = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = kb()
volume = lookinside.data.read_volume(sys.argv[1])
print((kb() - before) * 1024 / volume.hu.nbytes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in kilobytes on Linux only")
@pytest.mark.parametrize(("kind", "letters"), [("i2", "LPS"), ("i2", "RAS"), ("f8", "LAI")])
def test_memory(tmp_path, kind, letters):
    """A volume is held once, whatever its numbers and orientation."""
    hu = np.tile(marked_scan()[:, :8, :10], (30, 25, 20))  # 84 MB as floats of 64 bits
    stored, steps, first = stored_as(letters, hu)
    path = write_nifti(tmp_path / "x.nii.gz", stored.astype(kind), steps, first)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    found = subprocess.run([sys.executable, "-c", MEASURE, path], env=environment, capture_output=True, text=True)
    assert float(found.stdout) < 1.5, found.stderr


def test_real_scans(real_set):
    """Spine at the back, liver on the right, legs below: the patient is where the axes say."""
    chest = read_silently(real_set("lidc_idri_0314_ct") / "lidc_idri_0314_256.nii.gz")
    assert chest.hu.shape == (275, 256, 256) and chest.spacing == (1.5625, 1.5625, 1.0)
    pelvis = read_silently(real_set("totalsegmentator_example") / "example_ct.nii.gz")
    assert pelvis.remarks[-1] == "re-oriented from RAS axes"
    for volume, z in ((chest, 40), (pelvis, 104)):  # at the liver: the air beside it lies on the left
        body = volume.hu[z] > -300
        y, x = np.argwhere(body).mean(axis=0)
        air = np.argwhere(binary_fill_holes(body) & (volume.hu[z] < -500))
        spine = np.argwhere(volume.hu[z] > 250)
        assert air[:, 1].mean() > x + 10 and spine[:, 0].mean() > y + 10
    bone = (pelvis.hu > 250).mean(axis=(1, 2))
    assert bone[:20].mean() > 2 * bone[-20:].mean()  # hip joints below, the last ribs above
    gas = [(binary_fill_holes(chest.hu[z] > -300) & (chest.hu[z] < -500)).mean() for z in (10, 137, 260)]
    assert gas[1] > 20 * max(gas[0], gas[2])  # abdomen, lungs, neck
    with pytest.warns(DataWarning, match="no value lies below -200"):
        read_volume(real_set("totalsegmentator_example") / "example_mr_sm.nii.gz")
