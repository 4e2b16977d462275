"""The files of a run: a torn one is passed over, and a finished run is not trained again."""

import logging
from pathlib import Path

import keras
import numpy as np
import pytest
from long_runs import STEPS, TRAIN, VALIDATION, bar_that

from lookinside.errors import LookInsideError
from lookinside.training import augmentation, fit_classifier, run_folder
from lookinside.training.keys import run_key
from lookinside.training.run_folder import RunFolder, State

LIMITS = {"epochs": 20, "batch_size": 8, "learning_rate": 0.3, "patience": 2, "seed": 4}


class Killed(Exception):
    """Stands for a kill."""


def killed():
    raise Killed


def plain_net():
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])


def fit(folder, progress=False):
    model = plain_net()
    return model, fit_classifier(model, TRAIN, VALIDATION, run_folder=folder, progress=progress, **LIMITS)


def no_bar(*arguments, **options):
    raise AssertionError("a run that has ended is trained again")


def state(step):
    return State([{"step": step, "loss": 1 / step}], {"variables": [np.full((2, 3), step), np.float32(step)]})


def step_of(found):
    assert found.arrays["variables"][0].tolist() == [[found.rows[-1]["step"]] * 3] * 2
    return found.rows[-1]["step"]


def anything(found):
    return True


@pytest.fixture
def run(tmp_path):
    """A folder with two saved states, after step 1 and after step 2."""
    run = RunFolder(tmp_path, "abc")
    run.save(state(1))
    run.save(state(2))
    return run


def test_the_last_state_is_loaded(run):
    assert step_of(run.load(anything)) == 2


@pytest.mark.parametrize("left", [0, 100, 600])
def test_a_torn_state_gives_way_to_the_one_before_and_never_takes_its_place(run, left):
    run.last.write_bytes(run.last.read_bytes()[:left])
    assert step_of(run.load(anything)) == 1
    run.save(state(2))
    run.last.write_bytes(b"torn again")
    assert step_of(run.load(anything)) == 1


@pytest.mark.parametrize("byte", [8, 10])
def test_a_state_of_an_unknown_or_hidden_kind_of_zip_is_passed_over(run, byte):
    """A byte that tells how a part of the file is compressed, or that it is encrypted."""
    left = bytearray(run.last.read_bytes())
    for begin in (left.index(b"PK\x01\x02"), left.rindex(b"PK\x01\x02")):
        left[begin + byte] = 0x5B
    run.last.write_bytes(left)
    assert step_of(run.load(anything)) == 1


@pytest.mark.parametrize("folder", [5, b"runs", "a\0b", "file", "file/folder", "/proc/runs", "n" * 300])
def test_a_folder_that_will_not_do_is_said_in_one_line_before_the_training(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(LookInsideError, match=r"\Arun_folder (is|'.*) [^\n]*give (another|the path)"):
        fit(folder, no_bar)


def test_a_folder_without_permission_is_said_too(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may write everywhere
    with pytest.raises(LookInsideError, match=r"cannot be written to \(Permission denied\): give another"):
        fit(tmp_path, no_bar)


@pytest.mark.parametrize("save", [RunFolder.save, RunFolder.finish])
def test_a_full_disk_ends_in_one_line_and_the_state_before_stays(run, monkeypatch, save):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_folder.np, "savez", full)
    with pytest.raises(LookInsideError, match=r"\AThe state of run abc cannot be written \(No space left .*\Z"):
        save(run, state(3))
    assert step_of(run.load(anything)) == 2


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_a_kill_while_saving_leaves_a_state(run, monkeypatch, renames):
    from lookinside.training import run_folder

    replace, done = run_folder.os.replace, []

    def replace_some(*paths):
        if len(done) == renames:
            raise Killed
        done.append(replace(*paths))

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(run_folder.os, "replace", replace_some)
        run.save(state(3))
    assert step_of(run.load(anything)) == (3 if renames == 2 else 2)


def test_states_that_are_all_useless_are_set_aside_in_one_line(run, caplog):
    run.last.write_bytes(b"no state")
    with caplog.at_level(logging.WARNING, "lookinside"):
        assert run.load(lambda found: False) is None  # the other one is of another network
    (record,) = caplog.records
    assert "run abc is broken: set aside" in record.getMessage() and "\n" not in record.getMessage()
    assert sorted(path.name for path in run.folder.glob("state*")) == ["state.broken", "state_before.broken"]
    assert run.load(anything) is None


def test_a_finished_run_is_loaded_not_trained_again(tmp_path):
    model, history = fit(tmp_path)
    again, loaded = fit(tmp_path, no_bar)
    assert loaded.resumed_after == history.epochs
    assert (loaded.curves, loaded.best_epoch, loaded.stopped_early) == (history.curves, history.best_epoch, True)
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    (run,) = tmp_path.iterdir()
    assert sorted(path.name for path in run.iterdir()) == ["finished.npz", "history.csv", "lock"]
    (run / "finished.npz").write_bytes(b"torn")
    assert fit(tmp_path)[1].resumed_after == 0


def test_patience_counts_on_over_a_kill_and_after_the_last_epoch_there_is_none(tmp_path, monkeypatch):
    model, whole = fit(None)
    assert whole.stopped_early and whole.epochs == whole.best_epoch + 2
    waiting = whole.best_epoch + 1  # one epoch without a gain is behind it
    with pytest.raises(Killed):
        fit(tmp_path, bar_that(killed, waiting * STEPS + 1))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(RunFolder, "finish", lambda self, state: killed())
        fit(tmp_path)
    again, history = fit(tmp_path, no_bar)
    assert (history.epochs, history.best_epoch, history.stopped_early) == (whole.epochs, whole.best_epoch, True)
    np.testing.assert_allclose(again.get_weights()[0], model.get_weights()[0], rtol=1e-5)


def test_another_configuration_is_another_run():
    def key(**changes):
        base = {"images": TRAIN.images, "augment": augmentation((12, 12, 1)), "net": plain_net(), "rate": 0.1}
        return run_key({**base, **changes})

    assert key() == key()  # Keras has numbered its layers anew
    others = [
        key(images=TRAIN.images[:49]),
        key(images=TRAIN.images.reshape(50, 144)),
        key(augment=augmentation((12, 12, 1), rotation=5)),
        key(augment=None),
        key(rate=0.2),
        key(net=keras.Sequential([plain_net(), keras.layers.Activation("linear")])),
        key(net=keras.optimizers.Adam(0.1)),
        key(net=keras.optimizers.Adam(0.2)),
        key(net=len),
    ]
    assert len({key(), *others}) == 1 + len(others)
    with pytest.raises(LookInsideError, match="cannot hold a generator"):
        run_key(x for x in "abc")
