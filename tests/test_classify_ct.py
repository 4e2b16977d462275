"""`python -m lookinside.course.classify_ct`: a picture and a table for a person who has one CT."""

import csv

import keras
import numpy as np
import pytest
from PIL import Image
from scans import dicom_slices, write_dicom

from lookinside.course import classify_ct
from lookinside.data import write_volume
from lookinside.phantoms import whole_volume
from lookinside.training import BodyProfile


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A drawn patient from the thighs to the chest, as a file."""
    volume = whole_volume(3, (8, 8, 40), shape=(16, 50, 60), bottom=-200)
    path = tmp_path_factory.mktemp("ct") / "patient.one.nii.gz"
    write_volume(path, volume.hu, volume.spacing, volume.origin)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A network that says `legs` for dark slices and `neck` for bright ones."""
    image = keras.Input((16, 16, 1))
    mean = keras.layers.GlobalAveragePooling2D()(image)
    weights = np.array([[0.0, 0, 0, 0, 40]]), np.array([4.0, -9, -9, -9, 0])
    path = tmp_path_factory.mktemp("model") / "mine.keras"
    net = keras.Model(image, keras.layers.Dense(5)(mean))
    net.layers[-1].set_weights(weights)
    net.save(path)
    return path


def test_a_picture_and_a_table(scan, model, tmp_path, capsys):
    assert classify_ct.main([str(scan), "--model", str(model), "--out", str(tmp_path / "new")]) == 0
    picture, table = (tmp_path / "new" / f"patient.one_regions.{kind}" for kind in ("png", "csv"))
    assert capsys.readouterr().out.split() == [str(picture), str(table)]
    assert Image.open(picture).size > (800, 400)
    rows = list(csv.DictReader(table.open()))
    assert [float(row["height_mm"]) for row in rows] == [-200 + 40 * z for z in range(16)]
    names = ("legs", "pelvis", "liver", "lungs", "neck")
    for row in rows:
        probabilities = {name: float(row[name]) for name in names}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-3)
        assert row["region"] == max(probabilities, key=probabilities.get)
    assert {row["region"] for row in rows} == {"legs", "neck"}


@pytest.mark.parametrize(
    ("names", "marked"),
    [(("liver", "lungs", "neck"), 25.0), (("lungs", "liver", "neck"), None), (("legs", "liver", "neck"), "not asked")],
)
def test_the_picture_marks_where_the_lungs_take_over(names, marked, tmp_path, monkeypatch):
    seen = {}
    draw = classify_ct.figures.body_profile
    monkeypatch.setattr(classify_ct.figures, "body_profile", lambda *a, **k: draw(*a, **seen.update(k) or k))
    first = np.array([0.9, 0.9, 0.9, 0.1, 0.1, 0.1], np.float32)
    shares = np.stack([first, 0.9 - first + 0.1, 0 * first], axis=1)
    profile = BodyProfile(10.0 * np.arange(6), shares, names, np.zeros((6, 6), np.uint8), (10.0, 10.0))
    classify_ct.write_profile(profile, tmp_path, "one")
    if marked == "not asked":
        assert seen["marked"] is None
    else:
        assert seen["marked"].height == (None if marked is None else pytest.approx(marked, abs=0.01))


def test_one_of_several_series(model, tmp_path, capsys):
    for number in (2, 3):
        slices = dicom_slices(SeriesInstanceUID=f"1.2.{number}", SeriesNumber=number)
        write_dicom(tmp_path / "in", slices, name=f"{number}-{{}}")
    arguments = [str(tmp_path / "in"), "--model", str(model), "--out", str(tmp_path / "out")]
    assert classify_ct.main(arguments) == 1
    assert "holds 2 series" in (said := capsys.readouterr().err) and said.endswith("its number or UID: --series 2\n")
    assert classify_ct.main([*arguments, "--series", "3"]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"path": "nowhere.nii.gz"}, "nowhere.nii.gz: is not there"),
        ({"--model": "nowhere.keras"}, "nowhere.keras: is no Keras model"),
        ({"--classes": "legs,neck"}, "2 classes"),
    ],
)
def test_what_goes_wrong_is_one_line(scan, model, tmp_path, capsys, change, said):
    given = {"path": str(scan), "--model": str(model), "--out": str(tmp_path)} | change
    arguments = [given.pop("path"), *(part for pair in given.items() for part in pair)]
    assert classify_ct.main(arguments) == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line.strip() and "slices" not in line]
    assert len(error) == 1 and said in error[0]
    assert not list(tmp_path.iterdir())


def test_before_minutes_are_spent_on_training(scan, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(classify_ct, "trained_on_phantoms", lambda: pytest.fail("a network was trained"))
    (tmp_path / "file").write_text("")
    assert classify_ct.main([str(scan), "--out", str(tmp_path / "file")]) == 1
    assert "give another --out" in capsys.readouterr().err
    assert classify_ct.main([str(scan), "--classes", "a,b", "--out", str(tmp_path)]) == 1
    assert "give --model, too" in capsys.readouterr().err


def test_without_a_model_one_is_trained_and_kept(scan, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(classify_ct, "repository", lambda: tmp_path)
    monkeypatch.setattr(classify_ct, "_COUNTS", dict.fromkeys(classify_ct.REGIONS, 6))
    monkeypatch.setattr(classify_ct, "_STEPS", 2)
    assert classify_ct.main([str(scan), "--out", str(tmp_path)]) == 0
    assert "trained on drawn bodies first" in capsys.readouterr().err
    kept = tmp_path / "build" / "models" / "ct_regions.keras"
    made = kept.stat().st_mtime_ns
    assert classify_ct.main([str(scan), "--out", str(tmp_path)]) == 0
    assert "trained" not in capsys.readouterr().err and kept.stat().st_mtime_ns == made
