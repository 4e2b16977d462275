"""What notebooks import from lookinside.course: profile, predictions, progress, recorded results."""

import io
import json

import numpy as np
import pytest

from lookinside.course import check, profile, progress, record_result, unsolved
from lookinside.course.environment import environment_report, package_rows, read_pins
from lookinside.course.predict import answers_in
from lookinside.errors import LookInsideError


@pytest.fixture
def clean_environment(monkeypatch):
    for name in ("COURSE_PROFILE", "COURSE_DATASET", "COURSE_QUIET", "COURSE_DATA"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_profile_is_quick_on_phantoms_unless_told(clean_environment):
    assert (profile.name, profile.dataset, profile.on_phantoms) == ("quick", "phantoms", True)
    assert profile.pick(quick=1, desk=2, paper=3) == 1


@pytest.mark.parametrize(("name", "value"), [("quick", 1), ("desk", 2), ("paper", 3)])
def test_profile_picks_its_own_value(clean_environment, name, value):
    clean_environment.setenv("COURSE_PROFILE", name)
    clean_environment.setenv("COURSE_DATASET", "unifesp")
    assert profile.pick(quick=1, desk=2, paper=3) == value
    assert not profile.on_phantoms


def test_unknown_profile_is_refused_in_one_line_that_names_all_three(clean_environment):
    clean_environment.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(LookInsideError, match=r"^COURSE_PROFILE='fast'.*quick, desk or paper\.$") as error:
        profile.pick(quick=1, desk=2, paper=3)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("guess", "answer", "tolerance", "verdict"),
    [
        (0.5, 0.5, 0.1, "Right"),
        (0.3, 0.2, 0.1, "Right"),  # 0.3 - 0.2 is a little over 0.1 in binary
        (0.75, 0.5, 0.1, "Close"),
        (0.9, 0.5, 0.1, "Not this time"),
        (np.float32(2), np.int64(2), None, "Right"),
        (3, 2, None, "Not this time"),
        (" Hand", "hand", None, "Right"),
        (True, False, None, "Not this time"),
        ([1, 2], np.array([1, 2]), None, "Right"),
    ],
)
def test_check_grades_a_guess_and_gives_the_reason(capsys, guess, answer, tolerance, verdict):
    check(guess, answer, "That is why.", tolerance=tolerance)
    said = capsys.readouterr().out
    assert said.startswith(verdict) and said.endswith("That is why.\n")


@pytest.mark.parametrize("guess", [..., None, "", " ... "])
def test_check_without_a_guess_goes_on_and_gives_nothing_away(capsys, guess):
    check(guess, 42.5, "Because of the bones.", tolerance=1)
    said = capsys.readouterr().out
    assert said.startswith("No guess yet")
    assert "42.5" not in said and "bones" not in said


@pytest.mark.parametrize(
    ("guess", "answer", "asked"),
    [
        ("0,3", 0.42, "'0,3' is not a number: write 0.3, with a point and without quotes"),
        ((0, 3), 0.42, "(0, 3) is not a number: write 0.3, with a point and without quotes"),
        (" 12 ", 42, "' 12 ' is not a number: write 12, without quotes"),
        (
            "many",
            np.float32(0.42),
            "'many' is not a number: write one with digits and without quotes, such as",
        ),
        (True, 42, "True is not a number: write one with digits"),
        (float("nan"), 0.42, "nan is not a number: write one with digits"),
        ("x" * 200, 42, "xxx is not a number"),
        (0.3, "bones", "0.3 is not a word: write one that the question names, in quotes"),
        (["bones"], "bones", "['bones'] is not a word"),
        (1, True, "1 is not True or False: write one of these"),
    ],
)
def test_a_guess_of_another_kind_is_told_what_to_write_and_no_answer(capsys, guess, answer, asked):
    check(guess, answer, "Bones are why, 42.", tolerance=None if isinstance(answer, str | bool) else 0.1)
    said = capsys.readouterr().out
    assert asked in said and said.count("\n") == 1 and said.endswith("then run that cell and this one again.\n")
    assert "why" not in said and "42" not in said and not answers_in(said) and len(said) < 200


def test_a_measured_nan_and_an_answer_that_stands_too_are_no_fault_of_the_guess(capsys):
    check(0.3, float("nan"), "No such image.", tolerance=0.1)
    check("feet", 2, "Two.", also=["feet"])
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Not this time: you said 0.3, it is nan") and said[1].startswith("Right: you said feet")


def test_unsolved_stops_with_one_sentence():
    with pytest.raises(LookInsideError, match=r"^Exercise 2 is not solved yet: [^\n]*$"):
        unsolved("Exercise 2")


def test_progress_loops_and_is_silent_when_a_notebook_is_stored(clean_environment, capsys):
    assert list(progress(range(3), "counting")) == [0, 1, 2]
    assert "counting" in capsys.readouterr().err
    clean_environment.setenv("COURSE_QUIET", "1")
    assert list(progress(range(3), "counting")) == [0, 1, 2]
    with progress(2, "stepping") as bar:
        bar.update()
    assert capsys.readouterr().err == ""


def test_record_result_prints_outside_a_notebook_and_refuses_a_long_line(capsys):
    record_result("balanced accuracy 0.8", accuracy=0.8)
    assert capsys.readouterr().out == "Main result: balanced accuracy 0.8\n"
    for sentence in ("", "x" * 101, "two\nlines"):
        with pytest.raises(LookInsideError, match="at most 100 characters"):
            record_result(sentence)


LOCK = """numpy==2.1.0 \\
    --hash=sha256:00
pywin32==300 ; sys_platform == 'win32' \\
    --hash=sha256:11
nothing-of-this-name==1.0 ; sys_platform != 'win32' \\
    --hash=sha256:22
"""


def test_pins_are_read_for_this_platform_only():
    pins = read_pins(LOCK.replace("win32", "another-system"))
    assert pins == {"numpy": "2.1.0", "nothing-of-this-name": "1.0"}


def test_environment_report_fails_a_wrong_and_a_missing_package_with_the_mend(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(LOCK.replace("win32", "another-system").replace("2.1.0", "0.1.0"))
    rows = {row.what: row for row in package_rows(lock)}
    assert not rows["numpy"].ok and "the lock says 0.1.0" in rows["numpy"].mend
    assert str(rows["nothing-of-this-name"]).startswith("[FAIL] nothing-of-this-name missing")
    assert not rows["other packages"].ok


def test_environment_report_names_a_data_folder_that_is_missing(clean_environment, tmp_path):
    clean_environment.setenv("COURSE_DATA", str(tmp_path / "gone"))
    report = environment_report()
    failed = next(row for row in report.rows if row.what == "data")
    assert not failed.ok and not report.ok and "COURSE_DATA" in str(failed)


def test_environment_report_lists_prepared_sets(clean_environment, tmp_path):
    (tmp_path / "clinic").mkdir()
    (tmp_path / "clinic" / "dataset.json").write_text(json.dumps({}))
    clean_environment.setenv("COURSE_DATA", str(tmp_path))
    assert [row.found for row in environment_report().rows if row.what == "data"] == ["phantoms, clinic"]


def test_pictures_are_told_from_plots():
    from matplotlib.figure import Figure

    from lookinside.course.setup import is_picture

    plot, sheet, matrix = Figure(), Figure(), Figure()
    plot.subplots().plot([1, 2])
    for axes in sheet.subplots(1, 3)[:2]:
        axes.imshow(np.zeros((64, 64)))
    matrix.subplots().imshow(np.zeros((24, 24)))
    large, *small = Figure().subplots(
        1, 6
    )  # one scan beside small maps: a palette of 128 colours would dull its frames
    for axes in small:
        axes.imshow(np.zeros((15, 15)))
    large.imshow(np.zeros((144, 192)))
    shown = [is_picture(figure) for figure in (plot, sheet, matrix, large.figure)]
    assert shown == [False, True, False, True]


def test_a_plot_becomes_a_smaller_png_that_looks_the_same():
    from matplotlib.figure import Figure
    from PIL import Image

    from lookinside.course.setup import few_colours

    figure, png = Figure(figsize=(6, 3)), io.BytesIO()
    figure.subplots().plot(np.sin(np.arange(100)))
    figure.savefig(png, format="png")
    small = few_colours(png.getvalue())
    assert len(small) < 0.7 * len(png.getvalue())
    before, after = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), float) for data in (png.getvalue(), small))
    assert before.shape == after.shape and np.abs(before - after).mean() < 1
