"""`COURSE_STRATEGY`: two devices train to the losses of one, runs go on with another number, bad values in a line."""

import ast
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from lookinside.course.places import chapter_sources
from lookinside.course.strategy import use_strategy
from lookinside.errors import LookInsideError

SAME = ("classifier", "cropped", "detector", "game")
GONE_ON = ("classifier", "detector", "game")


def run(request, strategy, kinds, *folders):
    environment = {**os.environ, "COURSE_STRATEGY": strategy}
    command = [sys.executable, "device_runs.py", ",".join(kinds), *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=request.path.parent, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.split("FOUND")[1])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Run folders of one device, and of two."""
    return {name: tmp_path_factory.mktemp("runs") for name in ("one", "two")}


@pytest.fixture(scope="module")
def one(request, folders):
    """The losses of one device, in one piece."""
    return run(request, "", (*SAME, "segmenter"), folders["one"])


@pytest.fixture(scope="module")
def two(request, folders):
    """Those of two."""
    return run(request, "mirrored:2", (*SAME, "segmenter"), folders["two"])


def assert_same(found, expected, kinds, rtol=1e-4):
    for kind in kinds:
        assert found[kind].keys() == expected[kind].keys() and found[kind]
        for column, values in expected[kind].items():
            where = f"{kind}, {column}"
            np.testing.assert_allclose(found[kind][column], values, rtol=rtol, atol=1e-5, err_msg=where)


def test_two_devices_train_to_the_losses_of_one(one, two):
    assert_same(two, one, SAME)
    # Adam makes whole steps of gradients that are rounding errors (a bias before a batch normalisation has no other).
    assert_same(two, one, ["segmenter"], rtol=0.05)


def test_a_run_of_one_device_goes_on_on_two(request, folders, one):
    quick = ("classifier", "game")  # to trace a detector for two devices takes half a minute
    assert_same(run(request, "mirrored:2", quick, "-", folders["one"] / "cut"), one, quick)


def test_a_run_of_two_devices_goes_on_on_one(request, folders, one, two):
    assert_same(run(request, "", GONE_ON, "-", folders["two"] / "cut"), one, GONE_ON)


@pytest.mark.parametrize("source", chapter_sources()[1:], ids=lambda path: path.stem)
def test_every_training_of_a_chapter_is_one_that_knows_of_devices(source):
    code = source.read_text(encoding="utf-8")
    tree = ast.parse(code)
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    fits = {name for name in called if name.split(".")[-1] == "fit" or name.split(".")[-1].startswith("fit_")}
    trained = fits - {"layers.fit_anchor_sizes"}
    known = {f"training.fit_{kind}" for kind in ("classifier", "detector", "segmenter", "patho_gan")}
    assert trained and trained <= known
    other = {"train_on_batch", "apply_gradients", "minimize", "train_step"}
    assert not {name for name in called if name.split(".")[-1] in other}
    assert "set_up" in called  # which reads COURSE_STRATEGY


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("all", "COURSE_STRATEGY='all' is no strategy: use mirrored"),
        ("mirrored:0", "is no strategy"),
        ("mirrored:two", "is no strategy"),
        ("mirrored", "needs a GPU, and there is none"),
    ],
)
def test_other_values_are_refused_in_one_line(value, said, monkeypatch):
    monkeypatch.setenv("COURSE_STRATEGY", value)
    with pytest.raises(LookInsideError, match=said):
        use_strategy()


def test_too_late_is_said(monkeypatch):
    import tensorflow as tf

    tf.zeros(1)  # TensorFlow is at work
    monkeypatch.setenv("COURSE_STRATEGY", "mirrored:2")
    with pytest.raises(LookInsideError, match="comes too late: restart the kernel"):
        use_strategy()


def test_without_it_nothing_happens(monkeypatch):
    monkeypatch.delenv("COURSE_STRATEGY", raising=False)
    assert use_strategy() is None
