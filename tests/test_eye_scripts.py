"""The scripts of the eye sets: what they make of a download, in colour, and what they refuse."""

import csv
import errno
import json
import os
import shutil
import warnings
from pathlib import Path

import acrima
import chase_db1
import hygd
import lag
import numpy as np
import pytest
from PIL import Image
from preparing.single_numbers import _areas
from sklearn.metrics import roc_auc_score
from test_data_scripts import left_behind, line, run

from lookinside.data import describe, load_images, load_vessels
from lookinside.errors import LookInsideError

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 40, 48


def eye(height=HEIGHT, width=WIDTH, green=90) -> np.ndarray:
    """Noise in the colours of a fundus."""
    noise = RNG.integers(-20, 20, (height, width, 3))
    return np.clip(np.array([170, green, 40]) + noise, 0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def read(folder: Path, size=HEIGHT, load=load_images, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [load(folder, split, size, **options) for split in ("train", "test")]


# HYGD: 24 patients of two photographs, every third healthy; patient 5 has a third one that lies nowhere.
HEAD = ("Image Name", "Patient", "Label", "Quality Score")


def make_hygd(folder: Path, change=None) -> Path:
    rows = [
        (f"{p}_{k}.jpg", str(p), "GON-" if p % 3 == 0 else "GON+", f"{p / 4:.2f}") for p in range(24) for k in (0, 1)
    ]
    for name, *_ in rows:
        save(folder / "Images" / name, eye())
    rows.append(("5_2.jpg", "5", "GON+", "3.10"))
    with (folder / "Labels.csv").open("w", newline="") as opened:
        csv.writer(opened).writerows([HEAD, *(change(rows) if change else rows)])
    return folder


def test_hygd_by_patient_in_colour(tmp_path, capsys):
    source = make_hygd(tmp_path / "source")
    save(source / "Images" / "stranger.png", eye())
    assert run(hygd, "--from", source, "--out", tmp_path / "hygd", "--size", 40) == 0
    assert "patients: 24 (from Labels.csv), each on one side" in capsys.readouterr().out
    card = json.loads((tmp_path / "hygd/dataset.json").read_text())
    assert card["left_out"]["in the table, no file"] == card["left_out"]["file, not in the table"] == 1
    assert card["original_names"] == {"healthy": "GON-", "glaucoma": "GON+"}
    train, test = (part.only(("healthy", "glaucoma")) for part in read(tmp_path / "hygd", channels=3))
    assert len(train) + len(test) == 48 and not set(train.groups) & set(test.groups)
    for part in (train, test):
        for name, group, label, quality in zip(part.names, part.groups, part.labels, part.tags["quality"], strict=True):
            patient = int(Path(name).stem.split("_")[0])
            assert (group, label, float(quality)) == (str(patient), int(patient % 3 != 0), patient / 4)
        red, green, blue = part.images[:, 14:26, 14:26].reshape(-1, 3).mean(axis=0)
        assert abs(red - 170) < 6 and abs(green - 90) < 6 and abs(blue - 40) < 6  # JPEG's colours are not exact
    assert set(train.tags["width"]) == {str(WIDTH)}


def test_hygd_with_its_surround_for_those_who_want_the_shortcut(tmp_path):
    source = make_hygd(tmp_path / "source")
    corners = []
    for surround in ("black", "kept"):
        out = tmp_path / surround
        assert run(hygd, "--from", source, "--out", out, "--surround", surround) == 0
        train, _ = read(out, WIDTH, channels=3)
        corners.append(train.images[:, 6:9, 1:3])  # the reader has 4 px of black above
        assert ("blackened" in json.loads((out / "dataset.json").read_text())) == (surround == "black")
        assert train.images[:, WIDTH // 2, WIDTH // 2].min() > 0
    assert corners[0].max() == 0 and corners[1].mean() > 50


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: [(*rows[0][:2], "GON", "1"), *rows[1:]], r"line 2: label 'GON' is unknown: write GON- or GON\+"),
        (lambda rows: [*rows, rows[0]], r"0_0\.jpg is listed twice"),
        (lambda rows: [(rows[0][0], " ", *rows[0][2:]), *rows[1:]], "line 2 is cut short"),
        (lambda rows: [rows[0][:2], *rows[1:]], "line 2 is cut short"),
        (lambda rows: [("x.jpg", "1", "GON+", "1")], "holds none of the photographs"),
    ],
)
def test_hygd_refuses_a_table_that_does_not_fit(tmp_path, capsys, change, says):
    source = make_hygd(tmp_path / "source", change)
    assert run(hygd, "--from", source, "--out", tmp_path / "out") == 1
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(line(capsys))
    (source / "Labels.csv").write_text("Image Name,Label\n0_0.jpg,GON+\n")
    assert run(hygd, "--from", source, "--out", tmp_path / "out") == 1
    assert "holds no table with image name, patient, label, quality score" in line(capsys)
    assert left_behind(tmp_path) == ["source"]


def test_hygd_takes_copies_but_no_two_pictures_of_one_name(tmp_path, capsys):
    source = make_hygd(tmp_path / "source")
    shutil.copytree(source / "Images", source / "Images again")
    assert run(hygd, "--from", source, "--out", tmp_path / "out") == 0
    save(source / "Images again/3_1.jpg", eye())
    assert run(hygd, "--from", source, "--out", tmp_path / "out", "--force") == 1
    assert "3_1.jpg: two pictures of one name: keep one" in capsys.readouterr().err


def make_acrima(folder: Path) -> tuple[Path, list[int], list[bool]]:
    """30 crops; eyes with glaucoma tend to be wider and are less green."""
    widths, sick = [], []
    for number in range(30):
        sick.append(number % 3 == 0)
        widths.append(int(RNG.integers(30, 60)) + 15 * sick[-1])
        name = f"Im{number:03d}_{'g_' * sick[-1]}ACRIMA.jpg"
        save(folder / "Database/Images" / name, eye(48, widths[-1], green=60 if sick[-1] else 90))
    (folder / "Readme.txt").write_text("x")
    return folder, widths, sick


def test_acrima_says_what_size_and_colour_tell(tmp_path, capsys):
    source, widths, sick = make_acrima(tmp_path / "source")
    save(source / "other.png", eye())
    assert run(acrima, "--from", source, "--out", tmp_path / "acrima", "--size", 32) == 0
    assert "green / red 1.00 [1.00, 1.00] (glaucoma has less)" in capsys.readouterr().out
    told = json.loads((tmp_path / "acrima/dataset.json").read_text())["confounding"]["auc"]
    # By hand: the share of pairs in which the sick eye is wider, half a pair where both are alike.
    pairs = [(w > v) + (w == v) / 2 for w, s in zip(widths, sick, strict=True) if s
             for v, t in zip(widths, sick, strict=True) if not t]  # fmt: skip
    assert told["width"]["area"] == pytest.approx(np.mean(pairs), abs=6e-4) and np.mean(pairs) > 0.5
    low, high = told["width"]["interval"]
    assert low < told["width"]["area"] < high <= 1 and low > 0.5
    train, test = read(tmp_path / "acrima", 32, channels=3)
    assert {name: train.counts()[name] + test.counts()[name] for name in train.class_names} == {
        "glaucoma": 10,
        "healthy": 20,
    }
    ratios = np.array([float(value) for value in train.tags["green_to_red"]])
    assert abs(ratios[train.labels == 0].mean() - 60 / 170) < 0.03 and train.groups is None
    red, green, blue = train.images[train.labels == 0].sum(axis=(0, 1, 2), dtype=float)
    assert abs(green / red - 60 / 170) < 0.03 and abs(blue / red - 40 / 170) < 0.03
    for path in (source / "Database/Images").glob("*_g_*"):
        path.unlink()
    assert run(acrima, "--from", source, "--out", tmp_path / "out") == 1
    assert "holds healthy eyes only" in line(capsys)


def test_areas_of_many_draws_are_those_of_scikit_learn():
    positive, numbers = RNG.random((20, 30)) < 0.4, RNG.integers(0, 9, (20, 30)).astype(float)
    expected = [roc_auc_score(sick, values) for sick, values in zip(positive, numbers, strict=True)]
    np.testing.assert_allclose(_areas(positive, numbers), expected)


def test_lag_in_its_authors_layout(tmp_path, capsys):
    for number in range(20):
        place = tmp_path / "source/LAG_database_part_1" / ("non_glaucoma" if number % 2 else "suspicious_glaucoma")
        save(place / f"image/{number:04d}.jpg", eye())
        save(place / f"attention_map/{number:04d}.jpg", eye())
        (place / "label").mkdir(exist_ok=True)
        (place / f"label/{number:04d}.txt").write_text(str(1 - number % 2))
    assert run(lag, "--from", tmp_path / "source", "--out", tmp_path / "lag") == 0
    assert "patients: not known" in capsys.readouterr().out
    card = json.loads((tmp_path / "lag/dataset.json").read_text())
    assert card["left_out"]["attention map"] == 20
    train, test = read(tmp_path / "lag", channels=3)
    assert train.counts() == {"glaucoma": 9, "healthy": 9} and test.counts() == {"glaucoma": 1, "healthy": 1}
    for name, label in zip(train.names, train.labels, strict=True):
        assert int(Path(name).stem) % 2 == label  # odd numbers are healthy
    assert run(lag, "--from", tmp_path / "source/LAG_database_part_1/non_glaucoma", "--out", tmp_path / "out") == 1
    assert "there is no folder non_glaucoma/image" in line(capsys)
    assert run(lag, "--out", tmp_path / "out") == 1
    assert "is given out on request" in line(capsys)
    (tmp_path / "LAG_database_part_1.rar").write_bytes(b"Rar!")  # as its authors give it out
    assert run(lag, "--from", tmp_path / "LAG_database_part_1.rar", "--out", tmp_path / "out") == 1
    assert "LAG_database_part_1.rar: is no .zip or .tar archive, or cut short: unpack it, and give" in line(capsys)
    shutil.rmtree(tmp_path / "source/LAG_database_part_1/non_glaucoma")
    shutil.make_archive(str(tmp_path / "mine"), "zip", tmp_path / "source")
    assert run(lag, "--from", tmp_path / "mine.zip", "--out", tmp_path / "out") == 1
    # Not the folder that it was unpacked into, which is gone.
    assert line(capsys).startswith(f"lag: {tmp_path / 'mine.zip'}/LAG_database_part_1: there is no folder")


def make_chase(folder: Path, children=8) -> Path:
    """The vessels of the first observer are white lines in the picture; the second has seen the upper half only."""
    for child in range(1, children + 1):
        for side in "LR":
            pixels, mask = eye(), np.zeros((HEIGHT, WIDTH), bool)
            mask[:, 6 * child % 40 : 6 * child % 40 + 6] = True
            mask[25:30] = True
            pixels[mask] = 255
            half = mask & (np.arange(HEIGHT) < 20)[:, None]
            save(folder / f"Image_{child:02d}{side}.png", pixels)
            for ending, one in (("1stHO", mask), ("2ndHO", half)):
                Image.fromarray(one).save(folder / f"Image_{child:02d}{side}_{ending}.png")
    return folder


@pytest.fixture
def chase(tmp_path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    return make_chase(source)


def test_chase_keeps_both_eyes_of_a_child_together(chase, tmp_path, capsys):
    assert run(chase_db1, "--from", chase, "--out", tmp_path / "set", "--size", 36) == 0
    assert "patients: 8 (from file names)" in capsys.readouterr().out
    train, test = read(tmp_path / "set", 36, load_vessels)
    assert len(train) == 12 and len(test) == 4 and not set(train.groups) & set(test.groups)
    assert describe(tmp_path / "set").counts == {"train": {"pairs": 12}, "test": {"pairs": 4}}
    assert set(train.tags) == {"eye", "width", "height"} and set(train.tags["eye"]) == {"left", "right"}
    assert train.images.shape == (12, 36, 36, 3) and set(train.masks) == {"vessels", "vessels_second"}
    first, second = train.masks["vessels"], train.masks["vessels_second"]
    # The masks lie where the lines are, and what is black beside the picture is no vessel.
    white = train.images.min(axis=-1) > 135
    assert (white & first).sum() / (white | first).sum() > 0.9
    assert (second & ~first).sum() < 0.02 * second.sum() and first.sum() > 1.5 * second.sum() > 0
    assert not first[:, :3].any() and not first[:, -3:].any() and train.images[:, :3].max() == 0
    share = json.loads((tmp_path / "set/dataset.json").read_text())["size"]["vessel_share"]["vessels"]
    assert share["before"] == pytest.approx(share["after"], abs=0.02) and 0.2 < share["before"] < 0.4
    for seed in (1, 2):  # a split by picture keeps children whole by chance, with seed 0 for one
        assert run(chase_db1, "--from", chase, "--out", tmp_path / f"set{seed}", "--size", 36, "--seed", seed) == 0
        train, test = read(tmp_path / f"set{seed}", 36, load_vessels)
        assert len(test) == 4 and not set(train.groups) & set(test.groups)
    with pytest.raises(LookInsideError, match="read it with load_vessels"):
        load_images(tmp_path / "set", "train", 36)


def test_chase_refuses_what_does_not_fit(chase, tmp_path, capsys):
    Image.fromarray(np.zeros((HEIGHT, WIDTH + 1), bool)).save(chase / "Image_02L_1stHO.png")
    save(chase / "Image_03L_2ndHO.png", eye()[..., 0])
    assert run(chase_db1, "--from", chase, "--out", tmp_path / "set") == 1
    assert "Image_02L_1stHO.png: is of 49x40 px, its picture of 48x40" in (text := line(capsys))
    assert text.endswith("(and 1 more files)")
    (chase / "Image_01L_2ndHO.png").unlink()
    assert run(chase_db1, "--from", chase, "--out", tmp_path / "set") == 1
    assert "its mask Image_01L_2ndHO.png is missing" in line(capsys)
    (chase / "Image_01L.png").unlink()
    assert run(chase_db1, "--from", chase, "--out", tmp_path / "set") == 1
    assert "Image_01L_1stHO.png: its picture Image_01L.jpg is missing" in line(capsys)
    assert left_behind(tmp_path) == ["source"]


def test_where_nothing_may_be_written_or_read_is_named(chase, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    assert run(chase_db1, "--from", chase, "--out", tmp_path / "file/set") == 1
    assert f"{tmp_path / 'file'}: cannot be written to" in (text := line(capsys)) and "choose --out" in text
    (chase / "locked").mkdir()
    own = os.scandir

    def scandir(path):
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return own(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert run(chase_db1, "--from", chase, "--out", tmp_path / "set") == 1
    assert line(capsys) == f"chase_db1: {chase / 'locked'}: Permission denied"
