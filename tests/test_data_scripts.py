"""The scripts: what they make of a download, and that they leave a whole set or nothing."""

import csv
import errno
import json
import shutil
import subprocess
import sys
import warnings
from collections import namedtuple
from pathlib import Path

import mednist
import numpy as np
import preparing.disk
import preparing.writing
import pytest
import unifesp
from PIL import Image
from preparing.pictures import flat_borders
from test_data_dicom import dicom

from lookinside.data import describe, load_images
from lookinside.data.files.index_table import read_index

ROOT = Path(__file__).parents[1]


def picture(seed: int, shape=(40, 30)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)


def make_unifesp(folder: Path, targets: dict[str, str], columns=("image", "target"), suffix=".png") -> Path:
    """A small copy of the set: image name -> targets."""
    (folder / "images").mkdir(parents=True)
    for number, name in enumerate(targets):
        Image.fromarray(picture(number)).save(folder / "images" / f"{name}-c{suffix}")
    with (folder / "train.csv").open("w", newline="") as opened:
        csv.writer(opened).writerows([columns, *targets.items()])
    return folder


TARGETS = (
    {f"1{i:03d}": "9 " for i in range(20)} | {f"2{i:03d}": "6" for i in range(10)} | {"3000": "9 21", "3001": "0 3"}
)


@pytest.fixture
def source(tmp_path) -> Path:
    return make_unifesp(tmp_path / "source", TARGETS)


def run(script, *arguments) -> int:
    return script.main([str(a) for a in arguments])


def line(capsys) -> str:
    """The one line on the error stream."""
    lines = [text for text in capsys.readouterr().err.split("\n") if text and "\r" not in text]
    assert len(lines) == 1, lines
    return lines[0]


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_unifesp_becomes_class_folders(source, tmp_path, capsys):
    out = tmp_path / "data/unifesp"
    assert run(unifesp, "--from", source, "--out", out) == 0
    said = capsys.readouterr().out
    assert (
        said.startswith("UNIFESP")
        and "CC BY-NC-SA 4.0" in said.split("\n")[1]
        and "left out: 2 (several labels)" in said
    )
    assert left_behind(out.parent) == ["unifesp"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train, test = load_images(out, "train", 40), load_images(out, "test", 40)
    assert train.counts() == {"foot": 8, "hand": 17} and test.counts() == {"foot": 2, "hand": 3}
    assert not {Path(n).name for n in train.names} & {Path(n).name for n in test.names}
    card = json.loads((out / "dataset.json").read_text())
    assert card["counts"] == {"train": train.counts(), "test": test.counts()}
    assert card["left_out"]["several labels"] == 2 and card["original_names"] == {"foot": "Feet", "hand": "Hand"}
    assert card["split"]["seed"] == 0 and card["input"] == {"kind": "folder"}
    assert "non-commercial" in describe(out).licence


def test_the_publishers_layout_of_dicom_files(tmp_path):
    source = tmp_path / "download"
    uid = "1.2.826.0.1.3680043.8.498."
    rows = []
    for i in range(8):
        path = source / f"train/train/{i}/s/{uid}{500 + i}-c.dcm"
        path.parent.mkdir(parents=True)
        kind = "MONOCHROME1" if i % 2 else "MONOCHROME2"
        data = dicom(picture(i, (24, 32)).astype(np.uint16) * 16, PhotometricInterpretation=kind)
        data.save_as(path, enforce_file_format=True)
        rows.append((f"{uid}{500 + i}", f"{3 if i < 4 else 11} "))
    (source / "test").mkdir()
    dicom().save_as(source / f"test/{uid}900-c.dcm", enforce_file_format=True)
    rows.append((f"{uid}777", "3"))
    with (source / "train.csv").open("w", newline="") as opened:
        csv.writer(opened).writerows([("SOPInstanceUID", "Target"), *rows])
    (source / "sample_submission_demo.csv").write_text("SOPInstanceUID,Target\n1,0\n")
    assert run(unifesp, "--from", source, "--out", tmp_path / "out") == 0
    card = json.loads((tmp_path / "out/dataset.json").read_text())
    assert card["counts"] == {"train": {"chest": 3, "knee": 3}, "test": {"chest": 1, "knee": 1}}
    assert card["left_out"]["in the table, no file"] == 1 and card["left_out"]["file, not in the table"] == 1


def test_the_real_table_is_found_among_placeholders(source, tmp_path):
    """Samples of a submission give every image all targets, or all images the same one."""
    (source / "a").mkdir()
    (source / "train.csv").rename(source / "a/train_all.csv")
    every = " ".join(str(number) for number in range(22))
    for name, target in (("train.csv", every), ("sample_submission.csv", "0"), ("placeholder.csv", "22 " * 22)):
        (source / name).write_text("SOPInstanceUID,Target\n" + "".join(f"{image},{target}\n" for image in TARGETS))
    assert run(unifesp, "--from", source, "--out", tmp_path / "out") == 0
    card = json.loads((tmp_path / "out/dataset.json").read_text())
    assert card["counts"]["train"] == {"foot": 8, "hand": 17} and card["left_out"]["several labels"] == 2


def test_a_linked_folder_of_images_and_a_table_with_semicolons(source, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/images").symlink_to(source / "images", target_is_directory=True)
    (source / "images/again").symlink_to(source / "images", target_is_directory=True)  # a circle
    text = (source / "train.csv").read_text()
    (tmp_path / "copy/labels.csv").write_text(text.replace(",", ";"))
    assert run(unifesp, "--from", tmp_path / "copy", "--out", tmp_path / "out") == 0
    assert len(load_images(tmp_path / "out", "train", 16)) == 25


def on_both_sides(out: Path) -> set[str]:
    train, test = (load_images(out, split, 16) for split in ("train", "test"))
    assert len(train) + len(test) == 30
    return set(train.groups) & set(test.groups)


def test_a_patient_stays_on_one_side(source, tmp_path, capsys):
    """20 hands and 10 feet of 10 patients, each with two hands and a foot; one hand's patient is not told."""
    patients = {name: int(name) % 10 for name in TARGETS if name != "1013"}
    (source / "patients.csv").write_text("image,PatientID\n" + "".join(f"{n}-c.png,{p}\n" for n, p in patients.items()))
    shutil.copy(source / "images/1000-c.png", source / "images/1001-c.png")  # the same picture of patients 0 and 1
    for seed in range(3):
        out = tmp_path / f"out{seed}"
        assert run(unifesp, "--from", source, "--out", out, "--seed", seed) == 0
        assert not on_both_sides(out)
        groups = {image: row["group"] for image, row in read_index(out).rows.items()}
        of = {Path(name).stem: group for name, group in groups.items()}
        assert (
            of["1000-c"] == of["1011-c"] == of["2001-c"] == "0" and of["1002-c"] == "2" and len(set(of.values())) == 10
        )
        assert all((out / name).is_file() for name in groups)
    said = capsys.readouterr().out
    assert "patients: 10 (from patients.csv), each on one side" in said and "images without a patient: 1" in said
    card = json.loads((out / "dataset.json").read_text())["split"]
    assert card["patients"] == {"source": "patients.csv", "number": 10, "images_without": 1}
    assert "all images of a patient, and exact duplicates, stay on one side" in card["rule"]


@pytest.mark.parametrize(
    ("same", "source"), [("", "PatientID in the DICOM headers"), ("ANONYMOUS", "StudyInstanceUID in the DICOM headers")]
)
def test_patients_from_dicom_headers(tmp_path, same, source):
    rows = ["SOPInstanceUID,Target"]
    (tmp_path / "source").mkdir()
    for i in range(30):
        pixels = picture(i, (24, 32)).astype(np.uint16) * 16
        data = dicom(pixels, PatientID=same or f"p{i % 10}", StudyInstanceUID=f"1.2.{i % 10 if same else 7}")
        data.save_as(tmp_path / f"source/1.2.{i}-c.dcm", enforce_file_format=True)
        rows.append(f"1.2.{i},{9 if i < 20 else 6}")
    (tmp_path / "source/train.csv").write_text("\n".join(rows))
    assert run(unifesp, "--from", tmp_path / "source", "--out", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out/dataset.json").read_text())["split"]["patients"]["source"] == source
    assert not on_both_sides(tmp_path / "out")


def test_without_patients_nothing_is_said_of_them(source, tmp_path, capsys):
    assert run(unifesp, "--from", source, "--out", tmp_path / "out") == 0
    assert "patients: not known, so one may be on both sides" in capsys.readouterr().out
    assert load_images(tmp_path / "out", "train", 16).groups is None
    card = json.loads((tmp_path / "out/dataset.json").read_text())
    del card["split"]["patients"]  # as an older version wrote it
    (tmp_path / "out/dataset.json").write_text(json.dumps(card))
    assert run(unifesp, "--out", tmp_path / "out") == 0
    assert "30 images, split without regard to patients (--force" in capsys.readouterr().out


def test_the_second_run_says_ready_and_force_makes_it_anew(source, tmp_path, capsys):
    out = tmp_path / "unifesp"
    assert run(unifesp, "--from", source, "--out", out) == 0
    before = (out / "dataset.json").stat().st_ino
    capsys.readouterr()
    assert run(unifesp, "--out", out) == 0
    assert "is ready already: 30 images" in capsys.readouterr().out
    assert (out / "dataset.json").stat().st_ino == before
    assert run(unifesp, "--from", source, "--out", out, "--seed", 5) == 1
    assert "ready already with --seed 0: --force makes it anew with --seed 5" in line(capsys)
    assert run(unifesp, "--from", source, "--out", out, "--seed", 5, "--force") == 0
    assert json.loads((out / "dataset.json").read_text())["split"]["seed"] == 5
    assert left_behind(tmp_path) == ["source", "unifesp"]


def test_same_seed_same_split(source, tmp_path):
    for name in ("a", "b"):
        assert run(unifesp, "--from", source, "--out", tmp_path / name) == 0
    assert load_images(tmp_path / "a", "test", 16).names == load_images(tmp_path / "b", "test", 16).names


def test_force_never_deletes_what_is_no_set(source, tmp_path, capsys):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/thesis.txt").write_text("years of work")
    assert run(unifesp, "--from", source, "--out", tmp_path / "precious", "--force") == 1
    assert "no prepared set: move it away" in line(capsys)
    assert (tmp_path / "precious/thesis.txt").exists()


def test_without_from_unifesp_says_where_to_get_it(tmp_path, capsys):
    assert run(unifesp, "--out", tmp_path / "unifesp") == 1
    text = line(capsys)
    assert "needs an account" in text and "kaggle.com/datasets/" in text and "--from" in text
    assert left_behind(tmp_path) == []


def test_a_folder_that_does_not_exist_is_said_even_where_the_set_is_ready(source, tmp_path, capsys):
    assert run(unifesp, "--from", source, "--out", tmp_path / "unifesp") == 0
    capsys.readouterr()
    assert run(unifesp, "--from", tmp_path / "nix", "--out", tmp_path / "unifesp") == 1
    assert "nix: is not there" in line(capsys)


def test_duplicates_stay_together_and_torn_ones_go(source, tmp_path, capsys):
    for a, b in (("1000", "1001"), ("1000", "1002"), ("2000", "2001"), ("1005", "2005")):
        shutil.copy(source / f"images/{a}-c.png", source / f"images/{b}-c.png")
    for seed in range(4):
        out = tmp_path / f"out{seed}"
        assert run(unifesp, "--from", source, "--out", out, "--seed", seed) == 0
        where = {path.stem: path.parts[-3] for path in out.glob("*/*/*.png")}
        assert where["1000-c"] == where["1001-c"] == where["1002-c"] and where["2000-c"] == where["2001-c"]
        assert "1005-c" not in where and "2005-c" not in where and len(where) == 28
    card = json.loads((out / "dataset.json").read_text())
    assert card["duplicates"]["two_classes_left_out"] == [["hand/1005-c.png", "foot/2005-c.png"]]
    assert ["foot/2000-c.png", "foot/2001-c.png"] in card["duplicates"]["same_class"]
    assert card["left_out"]["same picture under two classes"] == 2


def test_large_pictures_shrink_and_small_ones_stay(source, tmp_path):
    Image.fromarray(picture(0, (800, 400))).save(source / "images/1000-c.png")
    assert run(unifesp, "--from", source, "--out", tmp_path / "out", "--size", 64) == 0
    sizes = {path.stem: Image.open(path).size for path in (tmp_path / "out").glob("*/*/*.png")}
    assert sizes["1000-c"] == (32, 64) and sizes["1001-c"] == (30, 40)


def test_bars_are_kept_and_counted(source, tmp_path):
    barred = picture(0, (100, 80))
    barred[:15] = 31
    barred[85:] = 29
    Image.fromarray(barred).save(source / "images/1000-c.png")
    assert run(unifesp, "--from", source, "--out", tmp_path / "out") == 0
    card = json.loads((tmp_path / "out/dataset.json").read_text())["letterbox"]
    assert card["images"] == 1 and card["two_opposite_sides"] == 1 and card["by_class"] == {"hand": 1}
    kept = next((tmp_path / "out").glob("*/hand/1000-c.png"))
    np.testing.assert_array_equal(np.asarray(Image.open(kept)), barred)


def test_flat_borders_are_measured():
    image = picture(1, (100, 50))
    image[:10] = 30
    image[:, 45:] = 25
    np.testing.assert_allclose(flat_borders(image), (0.1, 0, 0, 0.1))
    assert flat_borders(np.zeros((20, 20), np.uint8)) == (1.0, 1.0, 1.0, 1.0)


def test_broken_pictures_are_all_counted_and_nothing_is_left(source, tmp_path, capsys):
    for name in ("1003", "1007", "2001"):
        (source / f"images/{name}-c.png").write_text("no picture")
    assert run(unifesp, "--from", source, "--out", tmp_path / "out") == 1
    assert "1003-c.png: is no picture" in (text := line(capsys)) and text.endswith("(and 2 more files)")
    assert left_behind(tmp_path) == ["source"]


def test_a_refusal_leaves_the_old_set_alone(source, tmp_path):
    out = tmp_path / "out"
    assert run(unifesp, "--from", source, "--out", out) == 0
    (source / "images/1003-c.png").write_text("no picture")
    assert run(unifesp, "--from", source, "--out", out, "--force") == 1
    assert len(load_images(out, "train", 16)) == 25 and left_behind(tmp_path) == ["out", "source"]


def test_ctrl_c_leaves_nothing(source, tmp_path, capsys, monkeypatch):
    read = preparing.writing.read_source
    monkeypatch.setattr(
        preparing.writing, "read_source", lambda p, *more: stop() if "1005" in p.name else read(p, *more)
    )

    def stop():
        raise KeyboardInterrupt

    assert run(unifesp, "--from", source, "--out", tmp_path / "out") == 130
    assert "nothing half-made is left" in line(capsys)
    assert left_behind(tmp_path) == ["source"]


def test_a_full_disk_is_told_before_and_in_between(source, tmp_path, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        usage = namedtuple("usage", "free")
        patch.setattr(preparing.disk.shutil, "disk_usage", lambda _: usage(1000))
        assert run(unifesp, "--from", source, "--out", tmp_path / "out") == 1
        assert "the disk is full: about 2 MB are needed" in line(capsys)

    def no_room(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(preparing.writing.Image.Image, "save", no_room)
    assert run(unifesp, "--from", source, "--out", tmp_path / "out") == 1
    assert "the disk is full: about 2 MB are needed" in line(capsys)
    assert left_behind(tmp_path) == ["source"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image,target\n1000,22\n", "line 2: target '22' is unknown"),
        ("image,target\n1000,hand\n", "line 2: target 'hand' is unknown"),
        ("image,target\n1000,\n", "line 2: target '' is unknown"),
        ("image,target\n1000\n", "line 2 is cut short"),
        ("image,target\n1000,9\n1000-c.png,9\n", "line 3: image 1000-c.png is listed twice"),
        ("image,target\n77,9\n", "has one label there (1 in the table, no file)"),
        ("image,target\n1000,9 21\n1001,0 3\n", "has one label there (2 several labels)"),
        ("image,target\n", "has one label there (it is empty)"),
        ("image,label\n1000,9\n", "and Target (train.csv has image, label): rename its columns"),
        ("\xff\xff", "train.csv: cannot be read as a table"),
        ("image,target\n1000,9\n1001,9\n", "only the class hand is left"),
    ],
)
def test_tables_that_do_not_fit(source, tmp_path, capsys, text, says):
    (source / "train.csv").write_bytes(text.encode("latin-1"))
    assert run(unifesp, "--from", source, "--out", tmp_path / "out") == 1
    assert says in line(capsys)
    assert left_behind(tmp_path) == ["source"]


def test_a_class_of_one_stays_in_training_and_is_named(tmp_path, capsys):
    source = make_unifesp(tmp_path / "source", TARGETS | {"4000": "19"})
    assert run(unifesp, "--from", source, "--out", tmp_path / "out") == 0
    assert "too few images for a test part: thigh" in capsys.readouterr().out
    assert load_images(tmp_path / "out", "test", 16).counts()["thigh"] == 0


def make_mednist(folder: Path, number=4) -> Path:
    for k, name in enumerate(mednist.CLASSES.values()):
        (folder / name).mkdir(parents=True)
        for i in range(number):
            Image.fromarray(picture(100 * k + i, (64, 64))).save(folder / name / f"{i:06d}.jpeg")
    return folder


def test_mednist_from_a_folder(tmp_path):
    make_mednist(tmp_path / "download/MedNIST")
    assert run(mednist, "--from", tmp_path / "download", "--out", tmp_path / "mednist") == 0
    assert load_images(tmp_path / "mednist", "train", 64).counts() == dict.fromkeys(sorted(mednist.CLASSES), 3)


def test_mednist_that_is_not_whole(tmp_path, capsys):
    make_mednist(tmp_path / "MedNIST")
    shutil.rmtree(tmp_path / "MedNIST/Hand")
    assert run(mednist, "--from", tmp_path / "MedNIST", "--out", tmp_path / "out") == 1
    assert "there is no folder Hand" in line(capsys)
    (tmp_path / "MedNIST/Hand").mkdir()
    assert run(mednist, "--from", tmp_path / "MedNIST", "--out", tmp_path / "out") == 1
    assert "Hand: holds no image" in line(capsys)
    assert run(mednist, "--from", tmp_path / "nowhere", "--out", tmp_path / "out") == 1
    assert "nowhere: is not there" in line(capsys)


def test_the_scripts_run_from_the_root(source, tmp_path):
    command = [sys.executable, "data_scripts/unifesp.py", "--from", source, "--out", tmp_path / "out"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.endswith("out is ready\n")
    done = subprocess.run([*command[:2], "--form", "x"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_names_the_sets_there_are():
    for name, code, says in (
        (
            "bar",
            2,
            "SET= and one of acrima chase_db1 ct_regions fetus hygd lag medmnist mednist organs totalsegmentator "
            "unifesp",
        ),
        ("unifesp", 0, ""),
        ("organs", 0, ""),
    ):
        # Under `make test` an inner make would say which folder it enters.
        command = ["make", "--no-print-directory", "known-set", f"SET={name}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == code and says in done.stderr and done.stdout == ""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_passes_the_options_on():
    for options, said in (
        (["SET=organs", "FROM=a b"], 'data_scripts/organs.py --from "a b"'),
        (["SET=medmnist", "SIZE=128", "VIEW=axial"], 'data_scripts/medmnist.py  --size "128" --view "axial"'),
        (["SET=totalsegmentator", "SLICES=4"], 'data_scripts/totalsegmentator.py    --slices "4"'),
    ):
        command = ["make", "--no-print-directory", "--dry-run", "data", *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stdout.splitlines()[-1].split(" ", 1)[1].strip() == said


def test_width_and_height_before_scaling_are_kept(source, tmp_path):
    assert run(unifesp, "--from", source, "--out", tmp_path / "out", "--size", 20) == 0
    train = load_images(tmp_path / "out", "train", 20)  # 15 x 20 px would be refused: there is black beside them
    assert set(train.tags["width"]) == {"30"} and set(train.tags["height"]) == {"40"} and train.groups is None


def test_the_default_place(tmp_path, monkeypatch, source):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "sets"))
    assert run(unifesp, "--from", source) == 0
    assert len(load_images("unifesp", "test", 16)) == 5
