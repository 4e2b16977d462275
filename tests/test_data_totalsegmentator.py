"""TotalSegmentator: a folder of the publisher's format becomes slices whose regions the masks tell."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import totalsegmentator
from preparing.cli import run
from preparing.ct_slices import read_ct
from scans import write_nifti
from test_data_archives import md5, packed, server  # noqa: F401  (a fixture)
from test_data_scripts import left_behind, line

from lookinside.data import load_images, read_volume, write_volume
from lookinside.phantoms import whole_volume
from lookinside.phantoms.body.parts import PART_GROUPS
from lookinside.phantoms.tomography.regions import regions_in

FILES = [file for files in totalsegmentator.PARTS.values() for file in files]
# What each kind of slice shows: mask -> rows of the body, which has 19, and the regions that this makes. Two rows are
# a tenth of the body, but not of the body and the couch.
KINDS = {
    "shins": ({}, ()),
    "thighs": ({"femur_left": 1, "femur_right": 1}, ("legs",)),
    "hips": ({"hip_left": 1, "femur_left": 1}, ("pelvis",)),
    "belly": ({}, ()),
    "liver": ({"liver": 5}, ("liver",)),
    "tip of the liver": ({"liver": 1}, ()),  # less than a tenth
    "dome": ({"liver": 2, "lung_lower_lobe_right": 1, "lung_middle_lobe_right": 1}, ("liver", "lungs")),
    "lungs": ({"lung_upper_lobe_left": 3, "lung_upper_lobe_right": 4}, ("lungs",)),
    "neck": ({"vertebrae_C7": 1}, ("neck",)),
}
WHOLE = [kind for kind in KINDS for _ in range(4)]


def in_their_orientation(path: Path, hu: np.ndarray, spacing) -> None:
    """As the publisher's files lie: to the patient's right, the front and the head."""
    steps = np.diag([-spacing[0], -spacing[1], spacing[2]])
    corner = (np.array(hu.shape[::-1]) - 1) * spacing * (1, 1, 0)
    write_nifti(path, hu[:, ::-1, ::-1], steps, corner)


def patient(folder: Path, kinds, seed: int) -> Path:
    """A body of 19 x 24 voxels of 4 mm with a couch below it, bright on the front right; a slice for each kind."""
    (folder / "segmentations").mkdir(parents=True)
    draw = np.random.default_rng(seed)
    hu = np.full((len(kinds), 32, 32), -1000, np.int16)
    hu[:, 4:23, 4:28] = draw.integers(-60, 60, (len(kinds), 19, 24))
    hu[:, 4, 4] = 500
    hu[:, 25:28, 4:28] = 300  # 3 of 19 rows
    masks = {file: np.zeros(hu.shape, np.uint8) for file in FILES}
    for z, kind in enumerate(kinds):
        row = 6
        for file, rows in KINDS[kind][0].items():
            masks[file][z, row : row + rows, 4:28] = 1
            if file.startswith("lung"):
                hu[z, row : row + rows, 7:25] = -850
            row += rows
    in_their_orientation(folder / "ct.nii.gz", hu, (4.0, 4.0, 5.0))
    for file, mask in masks.items():
        in_their_orientation(folder / f"segmentations/{file}.nii.gz", mask, (4.0, 4.0, 5.0))
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Seven patients: four whole ones, one whose scan is of the trunk, one of the legs, one of what has no region."""
    folder = tmp_path_factory.mktemp("made") / "Totalsegmentator_dataset_small_v201"
    for number in range(4):
        patient(folder / f"s00{10 + number}", WHOLE, number)
    patient(folder / "s0020", WHOLE[12:32], 20)
    patient(folder / "s0021", WHOLE[:8], 21)
    patient(folder / "s0022", ["belly"] * 3, 22)
    (folder / "meta.csv").write_text("image_id;age\ns0010;50\n")
    return folder


@pytest.fixture(autouse=True)
def fresh():
    read_ct.cache_clear()


def prepared(*arguments) -> int:
    return totalsegmentator.main([str(a) for a in arguments])


def test_masks_tell_the_regions_of_a_slice(made):
    ct = read_ct(made / "s0010/ct.nii.gz")
    assert totalsegmentator.regions_of(ct, made / "s0010/segmentations") == [KINDS[kind][1] for kind in WHOLE]


def test_slices_of_every_region_and_patients_on_one_side(made, tmp_path, capsys):
    assert prepared("--from", made, "--out", tmp_path / "set", "--slices", 8) == 0
    said = capsys.readouterr().out
    # 8 of the 24 slices with a region, 8 of 12, all 4 of the legs; shins, belly and the liver's tip show none.
    assert f"left out: {4 * 16 + 4} (slice, more than --slices 8 of a patient)" in said
    assert f"left out: {4 * 12 + 8 + 4 + 3} (slice of none of the five regions)" in said
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train, test = load_images(tmp_path / "set", "train", 32), load_images(tmp_path / "set", "test", 32)
    both = train.join(test)
    assert len(both) == 4 * 8 + 8 + 4 and not set(train.groups) & set(test.groups) and len(set(both.groups)) == 6
    card = json.loads((tmp_path / "set/dataset.json").read_text())
    assert card["choices"] == {"slices": "8"} and card["split"]["patients"]["number"] == 6
    assert card["remarks"]["s0010"] == ["re-oriented from RAS axes"]
    classes = {}
    for label, group, regions in zip(both.labels, both.groups, both.tags["regions"], strict=True):
        assert regions.split("+")[0] == both.class_names[label]
        classes.setdefault(group, []).append(regions)
    assert set(classes["s0020"]) == {"liver", "liver+lungs", "lungs"} and classes["s0021"] == ["legs"] * 4
    kinds = [regions.split("+")[0] for regions in classes["s0011"]]
    assert sorted(kinds.count(kind) for kind in set(kinds)) == [1, 1, 2, 2, 2]
    pixels = both.images[..., 0]
    assert (pixels[:, 4, 4] == 255).all() and (pixels[:, 5:23, 5:28] < 200).all()  # front and right: above, on the left
    assert (pixels[:, 25:28, 4:28] == 255).all()  # the couch, below
    assert ((pixels[:, 8, 15] == 0) == ["lungs" in regions for regions in both.tags["regions"]]).all()


def test_as_many_of_each_class_as_there_can_be_evenly():
    labels = {z: "liver" for z in range(10, 40)} | {z: "lungs" for z in range(40, 46)} | {7: "legs"}
    assert totalsegmentator.spread(labels, 9) == [7, 13, 21, 28, 36, 40, 42, 43, 45]
    assert totalsegmentator.spread(labels, 100) == sorted(labels)
    assert totalsegmentator.spread(labels, 1) in ([7], [25], [43]) and totalsegmentator.spread({}, 5) == []


def test_the_rule_is_the_phantoms(tmp_path):
    """A phantom's masks and CT tell the regions that its own labels tell, but for slices at a threshold."""
    volume = whole_volume(5, (2.25, 2.25, 13.0), shape=(70, 200, 240), arms=False)
    (tmp_path / "segmentations").mkdir()
    in_their_orientation(tmp_path / "ct.nii.gz", volume.hu, volume.spacing)
    names = np.array(["", *volume.part_names])
    own = {"lung_lower_lobe_left": ("lung",), "liver": ("liver",), "hip_left": PART_GROUPS["pelvic_bones"]}
    own |= {"femur_right": PART_GROUPS["thigh_bone"]} | {f"vertebrae_C{i}": (f"c{i}",) for i in range(1, 8)}
    for file in FILES:
        begins = tuple(f"{part}_" for part in own.get(file, ()))
        mine = [i for i, name in enumerate(names) if name in own.get(file, ()) or (begins and name.startswith(begins))]
        mask = np.isin(volume.labels, mine).astype(np.uint8)
        in_their_orientation(tmp_path / f"segmentations/{file}.nii.gz", mask, volume.spacing)
    found = totalsegmentator.regions_of(read_ct(tmp_path / "ct.nii.gz"), tmp_path / "segmentations")
    truth = [regions_in(labels, volume.part_names) for labels in volume.labels]
    assert {region for regions in truth for region in regions} == {"legs", "pelvis", "liver", "lungs", "neck"}
    assert sum(a != b for a, b in zip(found, truth, strict=True)) <= 3


def test_real_masks(real_set, tmp_path):
    """The tool's own map of 30 slices, from the kidneys up to where the lungs begin beside the liver."""
    place = real_set("totalsegmentator_example")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a label map is no CT
        organs = read_volume(place / "example_seg.nii.gz")
    numbers = {"liver": 5, "lung_lower_lobe_left": 11, "lung_lower_lobe_right": 14}
    for file in FILES:
        mask = (organs.hu == numbers.get(file, -1)).astype(np.uint8)
        write_volume(tmp_path / f"{file}.nii.gz", mask, organs.spacing, organs.origin)
    found = totalsegmentator.regions_of(read_ct(place / "example_ct_sm.nii.gz"), tmp_path)
    assert found == [()] * 10 + [("liver",)] * 18 + [("liver", "lungs")] * 2


def test_fetched_with_its_checksum(server, made, tmp_path, capsys):  # noqa: F811
    assert totalsegmentator.CARD.address.endswith("10047263/files/Totalsegmentator_dataset_small_v201.zip")
    assert totalsegmentator.CARD.checksum == "md5:6b5524af4b15e6ba06ef2d700c0c73e0"
    body = packed(made, tmp_path / "Totalsegmentator_dataset_small_v201.zip").read_bytes()
    server.files["/small.zip"] = body
    options = ["--out", str(tmp_path / "data/set"), "--slices", "4"]
    address = f"{server.address}/small.zip"
    assert run(replace(totalsegmentator.CARD, address=address), options) == 1
    assert "small.zip: the checksum is not md5:6b5524af" in line(capsys)
    assert run(replace(totalsegmentator.CARD, address=address, checksum=md5(body)), options) == 0
    assert left_behind(tmp_path / "data") == ["downloads", "set"]
    assert sum(sum(n.values()) for n in json.loads((tmp_path / "data/set/dataset.json").read_text())["counts"].values())


def test_a_patient_that_cannot_be_read_is_named_and_left_out(made, tmp_path, capsys):
    folder = tmp_path / "few"
    for number, name in enumerate(("s1", "s2", "s3", "s4", "s5")):
        patient(folder / name, WHOLE[:20], number)
    cut = folder / "s2/ct.nii.gz"
    cut.write_bytes(cut.read_bytes()[:-3000])
    (folder / "s3/segmentations/liver.nii.gz").unlink()
    in_their_orientation(folder / "s4/segmentations/hip_left.nii.gz", np.zeros((20, 32, 32), np.uint8), (4.0, 4.0, 4.0))
    assert prepared("--from", folder, "--out", tmp_path / "set") == 0
    said = capsys.readouterr().out
    assert "left out: 1 (patient: s2/ct.nii.gz: is cut short: copy or download it again)" in said
    assert "left out: 1 (patient: s3/segmentations/liver.nii.gz: is not there: unpack the archive again)" in said
    assert "left out: 1 (patient: s4/segmentations/hip_left.nii.gz: lies on another grid than " in said
    assert str(folder) not in (tmp_path / "set/dataset.json").read_text()


def test_folders_that_hold_no_patient_or_no_region(made, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert prepared("--from", tmp_path / "empty", "--out", tmp_path / "set") == 1
    assert "holds no patient: give the folder of s0011/ct.nii.gz and its like, or the archive" in line(capsys)
    assert prepared("--from", made / "s0022", "--out", tmp_path / "set") == 1
    assert "no slice is left" in line(capsys)
    cut = tmp_path / "one/s1/ct.nii.gz"
    cut.parent.mkdir(parents=True)
    cut.write_bytes(b"no volume")
    assert prepared("--from", tmp_path / "one", "--out", tmp_path / "set") == 1
    assert "no slice is left: patient: s1/ct.nii.gz: is no NIfTI file" in line(capsys)
