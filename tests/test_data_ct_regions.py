"""CT regions: scans and slices of four sources become one set, in one window and one orientation."""

import csv
import json
import shutil
import warnings
from pathlib import Path

import ct_regions
import numpy as np
import pytest
from PIL import Image
from preparing.ct_slices import read_ct
from scans import dicom_slices, write_dicom, write_nifti
from test_data_scripts import left_behind, line

from lookinside.data import load_images, write_volume

LIDC = "lidc_idri_0314_ct"
LIDC_LABELS = ["liver"] * 4 + ["boundary_lungs_liver"] * 2 + ["lungs"] * 4 + ["boundary_neck_lungs", "neck", "neck"]
TS = "totalsegmentator_example"
TS_LABELS = ["legs_boundary"] * 5 + ["pelvis"] * 3 + ["other_midabdomen"] * 2 + ["liver", "exclude_outlier"]
TEST_LABELS = {
    "000001_01_2_3.png": ("000001", "neck"),
    "000001_02_2_9.png": ("000001", "lungs"),
    "000306_01_2_125.png": ("000306", "legs"),  # one of those that show the pelvis, too
    "001760_01_3_249.png": ("001760", "legs"),
    "000002_01_2_3.png": ("000002", "boundary_lungs_liver"),
    "000003_01_2_3.png": ("000003", "liver"),
    "000004_01_2_3.png": ("000004", "pelvis"),
    "000005_01_2_3.png": ("000005", "exclude_outlier"),
    "000006_01_2_3.png": ("000006", "other_midabdomen"),
}
SIDE = 40


def grey(hu) -> np.ndarray:
    """-100 to 200 HU as 0 to 255, in double precision; the window's own single precision may differ where it rounds."""
    return np.clip((np.asarray(hu, np.float64) + 100) / 300 * 255, 0, 255)


def scan(seed: int, depth: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-300, 400, (depth, SIDE, SIDE)).astype(np.int16)


def head(z: int) -> np.ndarray:
    """Levels in the round field of a scanner, 0 around it."""
    levels = np.random.default_rng(100 + z).integers(1, 120, (64, 64), dtype=np.uint8)
    y, x = np.indices(levels.shape)
    return np.where((x - 30) ** 2 + (y - 34) ** 2 <= 18**2, levels, 0).astype(np.uint8)


def table(path: Path, columns, rows) -> None:
    with path.open("w", newline="") as opened:
        csv.writer(opened).writerows([columns, *rows])


def make(folder: Path) -> Path:
    for name in (LIDC, TS, f"{ct_regions.HEAD}/slices", f"{ct_regions.TEST}/images"):
        (folder / name).mkdir(parents=True)
    write_volume(folder / LIDC / "lidc_idri_0314_256.nii.gz", scan(1, len(LIDC_LABELS)))
    # To the patient's right, the front and the head, as TotalSegmentator's files are.
    stored = scan(2, len(TS_LABELS))[:, ::-1, ::-1]
    write_nifti(folder / TS / "example_ct.nii.gz", stored, np.diag([-3.0, -3.0, 3.0]), np.zeros(3))
    for name, labels in ((LIDC, LIDC_LABELS), (TS, TS_LABELS)):
        table(folder / name / ct_regions.REGIONS_FILE, ct_regions.SCAN_COLUMNS, enumerate(labels))
    for z in range(48):
        Image.fromarray(head(z)).save(folder / ct_regions.HEAD / f"slices/{z:03d}.png")
    for number, name in enumerate(TEST_LABELS):
        Image.fromarray(scan(50 + number, 1)[0].astype(np.uint8)).save(folder / ct_regions.TEST / "images" / name)
    rows = [(name, patient, "0.5", label) for name, (patient, label) in TEST_LABELS.items()]
    table(
        folder / ct_regions.TEST / "labels.csv",
        [*ct_regions.TEST_COLUMNS[:2], "score", ct_regions.TEST_COLUMNS[2]],
        rows,
    )
    return folder


@pytest.fixture
def source(tmp_path) -> Path:
    read_ct.cache_clear()
    return make(tmp_path / "source")


def prepared(*arguments) -> int:
    return ct_regions.main([str(a) for a in arguments])


def loaded(folder, size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_images(folder, "train", size), load_images(folder, "test", size)


def test_scans_are_for_training_and_deeplesion_is_the_test(source, tmp_path, capsys):
    assert prepared("--from", source, "--out", tmp_path / "set") == 0
    said = capsys.readouterr().out
    assert "left out: 3 (between pelvis and liver, none of the five regions)" in said
    assert "left out: 2 (not a whole slice of the body)" in said and "left out: 2 (head, above the neck)" in said
    assert "CC BY 3.0" in said and "Apache-2.0" in said and "MIT with an addendum of NIH" in said
    train, test = loaded(tmp_path / "set", SIDE)
    assert train.class_names == test.class_names == ("legs", "liver", "lungs", "neck", "pelvis")
    assert train.cells("regions", "source") == {
        ("legs", "legs+pelvis", "TotalSegmentator"): 3,  # the lowest three, the next two are pelvis
        ("liver", "liver", "LIDC-IDRI"): 4,
        ("liver", "liver", "TotalSegmentator"): 1,
        ("liver", "liver+lungs", "LIDC-IDRI"): 2,
        ("lungs", "lungs", "LIDC-IDRI"): 4,
        ("lungs", "lungs+neck", "LIDC-IDRI"): 1,
        ("neck", "neck", "LIDC-IDRI"): 2,
        ("neck", "neck", "Visible Human"): 46,
        ("pelvis", "pelvis", "TotalSegmentator"): 5,
    }
    assert test.cells("regions") == {
        ("legs", "legs"): 1,
        ("legs", "legs+pelvis"): 1,
        ("liver", "liver"): 1,
        ("liver", "liver+lungs"): 1,
        ("lungs", "lungs"): 1,
        ("neck", "neck"): 1,
        ("pelvis", "pelvis"): 1,
    }
    assert set(train.groups) == {"LIDC-IDRI-0314", "TotalSegmentator example", "Visible Human"}
    assert sorted(test.groups)[:2] == ["DeepLesion 000001"] * 2 and len(set(test.groups)) == 6
    card = json.loads((tmp_path / "set/dataset.json").read_text())
    assert card["split"]["published"] is False and "by eye, not by a radiologist" in card["labels"]
    assert card["scans"]["TotalSegmentator"]["remarks"] == ["re-oriented from RAS axes"]


def test_every_pixel_is_in_the_window_and_lies_as_the_phantoms_do(source, tmp_path):
    assert prepared("--from", source, "--out", tmp_path / "set") == 0
    train, test = loaded(tmp_path / "set", SIDE)

    def of(data, name):
        return data.images[next(i for i, own in enumerate(data.names) if own.endswith(f"/{name}.png"))][..., 0]

    for name, hu in ((f"{LIDC}_004", scan(1, len(LIDC_LABELS))[4]), (f"{TS}_006", scan(2, len(TS_LABELS))[6])):
        np.testing.assert_allclose(of(train, name), grey(hu), atol=0.51)
    # A window from -175 to 275 HU: level 0 is less than -100 HU, so black stays black, and 255 stays white.
    levels = scan(53, 1)[0].astype(np.uint8)
    assert levels.min() == 0 and levels.max() == 255
    np.testing.assert_allclose(of(test, "deeplesion_001760_01_3_249"), grey(levels / 255 * 450 - 175), atol=0.51)


def test_the_heads_field_is_cut_out_and_its_levels_become_hu(source, tmp_path):
    path = source / ct_regions.HEAD / "slices/007.png"
    found = ct_regions._head_slice(path)
    assert found.shape == (37, 37)  # the circle of radius 18 about (30, 34)
    hu = head(7)[34 - 18 : 34 + 19, 30 - 18 : 30 + 19] / 255 * 4095 - 1024
    np.testing.assert_allclose(found, grey(hu), atol=0.51)
    # Levels of fat and muscle, measured on the real slices: black and about a half.
    assert ct_regions._again(np.array([[57, 66]], np.uint8), *ct_regions.HEAD_HU).tolist() == [[0, 116]]


@pytest.mark.parametrize("given", [".", LIDC, ".."])
def test_the_four_folders_are_found(source, tmp_path, given):
    assert prepared("--from", source / given, "--out", tmp_path / "out" / "set") == 0


def test_dicom_slices_in_place_of_the_nifti_file(source, tmp_path):
    """As LIDC-IDRI publishes them; the table lies beside them."""
    (source / LIDC / "lidc_idri_0314_256.nii.gz").unlink()
    hu = scan(1, len(LIDC_LABELS))
    write_dicom(source / LIDC, dicom_slices("LPS", hu), name="{:04d}.dcm")
    assert prepared("--from", source, "--out", tmp_path / "set") == 0
    train, _ = loaded(tmp_path / "set", SIDE)
    place = next(i for i, name in enumerate(train.names) if name.endswith(f"{LIDC}_009.png"))
    np.testing.assert_allclose(train.images[place, ..., 0], grey(hu[9]), atol=0.51)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


IN_LIDC, IN_TEST = f"{LIDC}/{ct_regions.REGIONS_FILE}", f"{ct_regions.TEST}/labels.csv"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda at: shutil.rmtree(at / TS), "holds no totalsegmentator_example: give the folder that holds lidc_idri"),
        (lambda at: (at / IN_LIDC).unlink(), f"{IN_LIDC}: is not there: it tells the region of each slice, columns z,"),
        (lambda at: edit(at / IN_LIDC, "z,", "slice,"), f"{IN_LIDC}: has no column z: it needs z, region_by_eye_draft"),
        (lambda at: edit(at / IN_LIDC, "\n3,liver", "\n3"), "line 5 gives no region_by_eye_draft: complete or remove"),
        (
            lambda at: edit(at / IN_LIDC, "3,liver", "3,spleen"),
            "line 5: the region 'spleen' is unknown: choose from legs,",
        ),
        (
            lambda at: edit(at / IN_LIDC, "12,neck", "13,neck"),
            "there is no slice 13, lidc_idri_0314_256.nii.gz ends with 12",
        ),
        (lambda at: edit(at / IN_LIDC, "12,neck", "-1,neck"), "line 14: z is '-1': give a whole number of 0 or more"),
        (
            lambda at: edit(at / IN_LIDC, "12,neck", "11,neck"),
            "line 14: slice 11 is there twice: keep one of its lines",
        ),
        (lambda at: (at / IN_LIDC).write_bytes(b"\xff\xfez\0"), f"{IN_LIDC}: cannot be read as a table"),
        (lambda at: cut(at / TS / "example_ct.nii.gz"), "example_ct.nii.gz: is cut short: copy or download it again"),
        (lambda at: (at / TS / "example_ct.nii.gz").unlink(), "example_ct.nii.gz: is not there: check the name"),
        (
            lambda at: (at / ct_regions.HEAD / "slices/045.png").unlink(),
            "045.png: is not there: the slices 000.png to 045",
        ),
        (lambda at: cut(at / ct_regions.HEAD / "slices/045.png"), "045.png: is cut short or damaged"),
        (lambda at: edit(at / IN_TEST, "deeplesion_patient", "who"), f"{IN_TEST}: has no column deeplesion_patient"),
        (lambda at: edit(at / IN_TEST, "000003_01_2_3.png", "3.png"), "line 7: there is no file"),
        (lambda at: edit(at / IN_TEST, "000003_01", "000004_01"), "000004_01_2_3.png is listed twice: keep one"),
        (lambda at: edit(at / IN_TEST, "0.5,pelvis", "0.5,hip"), "line 8: the region 'hip' is unknown"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(source, tmp_path, capsys, change, says):
    change(source)
    assert prepared("--from", source, "--out", tmp_path / "set") == 1
    assert says in line(capsys)
    assert left_behind(tmp_path) == ["source"]


def test_an_all_black_head_and_files_without_a_line(source, tmp_path, capsys):
    path = source / ct_regions.HEAD / "slices/003.png"
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
    edit(source / IN_TEST, "000004_01_2_3.png,000004,0.5,pelvis\n", "")
    edit(source / IN_LIDC, "12,neck\n", "")
    assert prepared("--from", source, "--out", tmp_path / "set") == 1
    assert "003.png: is all black: replace it" in line(capsys)
    Image.fromarray(head(3)).save(path)
    assert prepared("--from", source, "--out", tmp_path / "set") == 0
    said = capsys.readouterr().out
    assert "left out: 1 (slice of a scan, not in its table)" in said and "left out: 1 (file, not in the table)" in said


def test_without_from_it_says_where_each_part_is_published(tmp_path, capsys):
    assert prepared("--out", tmp_path / "set") == 1
    text = line(capsys)
    for place in ("FNNDSC/data", "wasserth/TotalSegmentator", "GalMunGral/visible-human-volume", "rsummers11/CADLab"):
        assert place in text
    assert "z, region_by_eye_draft" in text and "--from FOLDER" in text and left_behind(tmp_path) == []


def test_the_real_slices(real_set, tmp_path):
    source = real_set(LIDC)
    read_ct.cache_clear()
    assert prepared("--from", source, "--out", tmp_path / "set", "--size", 64) == 0
    train, test = loaded(tmp_path / "set", 64)
    assert train.counts() == {"legs": 3, "liver": 122, "lungs": 152, "neck": 73, "pelvis": 48}
    assert test.counts() == {"legs": 5, "liver": 22, "lungs": 32, "neck": 4, "pelvis": 25}
    assert len(set(train.groups)) == 3 and len(set(test.groups)) == 84
    assert set(train.tags["source"]) == {"LIDC-IDRI", "TotalSegmentator", "Visible Human"}
    card = json.loads((tmp_path / "set/dataset.json").read_text())
    assert card["left_out"]["between pelvis and liver, none of the five regions"] == 35 + 10
    assert card["left_out"]["head, above the neck"] == 188 and card["duplicates"]["same_class"] == []
    columns, rows = np.meshgrid(np.arange(64), np.arange(64))
    for part in (train, test):
        # The liver, brighter than what lies on the other side, is on the left of the picture ...
        liver = part.only(["liver"]).images[..., 0].astype(float)
        assert (liver * (columns < 32)).sum() > 1.05 * (liver * (columns >= 32)).sum()
        # ... and the spine, white, in the lower half of its middle.
        white = (liver > 240) & (abs(columns - 31.5) < 5)
        assert (rows * white).sum() / white.sum() > 34
        # Air is black, muscle (about 50 HU) half white: levels were taken for the right HU.
        for name in sorted(set(part.tags["source"])):
            own = part.tagged(source=name).images
            values = own[(own > 30) & (own < 220)]
            assert (own == 0).mean() > 0.3 and 95 < np.median(values) < 145, name
