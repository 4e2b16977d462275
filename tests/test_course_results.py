"""The results store: rows are replaced, never doubled; quick runs leave no trace; a broken file is named."""

import json

import numpy as np
import pytest

from lookinside.course.results import Results, plain
from lookinside.errors import LookInsideError


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "desk")
    monkeypatch.setenv("COURSE_DATASET", str(tmp_path / "private" / "my_set"))
    return Results("01_anatomy_landmarks", tmp_path)


def record(results, net="deep", seed=0, accuracy=(0.5, 0.4, 0.6)):
    return results.record(net, seed=seed, seconds=1.23, settings={"size": np.int64(64)}, values={"accuracy": accuracy})


def test_measuring_again_replaces_the_row(results):
    record(results)
    record(results, accuracy=(0.7, 0.6, 0.8))
    record(results, seed=1)
    assert [row["values"]["accuracy"][0] for row in results.rows(net="deep")] == [0.7, 0.5]
    assert results.rows(seed=1)[0]["settings"] == {"size": 64}


def test_the_quick_profile_writes_nothing(results, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert not record(results)
    assert not results.path.exists()


def test_a_row_names_its_command_and_no_folder_of_a_machine(results, tmp_path):
    record(results, seed=2)
    text = results.path.read_text()
    assert "COURSE_PROFILE=desk make results CHAPTER=01 DATASETS=my_set SEEDS=2" in text
    assert str(tmp_path) not in text


def test_the_summary_spans_the_seeds(results):
    record(results, seed=0, accuracy=(0.5, 0.4, 0.6))
    record(results, seed=1, accuracy=(0.7, 0.5, 0.9))
    mean, low, high, seeds = results.summary("accuracy")["my_set", "deep"]
    assert (round(mean, 6), low, high, seeds) == (0.6, 0.4, 0.9, 2)
    assert results.summary("no such value") == {}


def test_a_broken_file_is_named(results):
    results.path.write_text("{")
    with pytest.raises(LookInsideError, match=r"01_anatomy_landmarks\.json"):
        results.rows()


def test_numbers_become_json(results):
    value = plain({"a": np.float32(1 / 3), "b": np.array([1, 2]), "c": float("nan"), 4: (1, "x")})
    assert json.loads(json.dumps(value)) == {"a": 0.333333, "b": [1, 2], "c": None, "4": [1, "x"]}


def test_values_are_added_to_a_recorded_row(results):
    record(results)
    results.add("deep", seed=0, values={"landmark_share": (1.5, 1.4, 1.6)})
    assert set(results.rows()[0]["values"]) == {"accuracy", "landmark_share"}
    with pytest.raises(LookInsideError, match="no row of deep, seed 1"):
        results.add("deep", seed=1, values={})


def test_only_drawn_images_are_kept_as_a_figure(results, monkeypatch, tmp_path):
    from lookinside.figures import image_sheet

    figure = image_sheet(np.zeros((1, 8, 8)), ["one"])
    assert not results.keep_figure("sheet", figure)  # the fixture's data set is a user's own
    monkeypatch.setenv("COURSE_DATASET", "phantoms")
    assert results.keep_figure("sheet", figure)
    assert [path.name for path in tmp_path.glob("*.jpg")] == ["01_anatomy_landmarks_sheet.jpg"]
