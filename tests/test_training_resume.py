"""A killed run goes on: same rows, same stop, same weights as the run in one piece."""

import csv
import logging

import keras
import numpy as np
import pytest
from test_training_fit import TRAIN, VALIDATION, small_net

from lookinside.training import augmentation, fit_classifier
from lookinside.training.resume import run_key

SETTINGS = {"epochs": 5, "batch_size": 8, "learning_rate": 0.03, "seed": 4}
STEPS = 6


class Killed(Exception):
    """Stands for a kill."""


def killer(after_steps):
    """A progress bar that kills the run at a step."""

    class Bar:
        done = 0

        def update(self, steps):
            self.done += steps
            if self.done > after_steps:
                raise Killed

        def set_postfix_str(self, text):
            pass

        def close(self):
            pass

    return lambda steps, description, unit: Bar()


def fit(folder, progress=False, **changes):
    model = small_net()
    augment = augmentation((12, 12, 1), shear=0, stretch=0, crop=0, finer=1, seed=2)  # few layers: quick to trace
    history = fit_classifier(
        model, TRAIN, VALIDATION, augment=augment, run_folder=folder, progress=progress, **{**SETTINGS, **changes}
    )
    return model, history


def kill(folder, after_steps, **changes):
    with pytest.raises(Killed):
        fit(folder, killer(after_steps), **changes)
    (run,) = folder.iterdir()
    return run


@pytest.fixture(scope="module")
def one_piece(tmp_path_factory):
    return fit(tmp_path_factory.mktemp("one_piece"))


def assert_same_run(result, expected, resumed_after):
    (model, history), (whole_model, whole) = result, expected
    assert history.resumed_after == resumed_after
    assert history.epochs == whole.epochs
    assert history.best_epoch == whole.best_epoch
    assert history.stopped_early == whole.stopped_early
    for column, values in whole.curves.items():
        np.testing.assert_allclose(history.curves[column], values, rtol=1e-3, atol=1e-4, err_msg=column)
    for weight, expected_weight in zip(model.get_weights(), whole_model.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected_weight, rtol=1e-2, atol=1e-3)


def rows_on_disk(folder):
    (run,) = folder.iterdir()
    with (run / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("steps", [2 * STEPS, 4 * STEPS + 5])
def test_a_killed_run_becomes_the_run_in_one_piece(tmp_path, one_piece, steps):
    run = kill(tmp_path, steps)
    assert (run / "backup").exists()
    result = fit(tmp_path)
    assert_same_run(result, one_piece, resumed_after=steps // STEPS)
    rows = rows_on_disk(tmp_path)
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5]
    assert [float(row["val_loss"]) for row in rows] == result[1].curves["val_loss"]
    best = f"best_{result[1].best_epoch:05d}.npz"
    assert sorted(path.name for path in run.iterdir()) == [best, "finished", "history.csv"]


def test_a_finished_run_is_loaded_not_trained_again(tmp_path, one_piece):
    fit(tmp_path)
    assert_same_run(fit(tmp_path), one_piece, resumed_after=5)


def test_a_finished_run_whose_weights_are_torn_is_trained_again(tmp_path, one_piece):
    fit(tmp_path)
    (best,) = tmp_path.rglob("best_*.npz")
    best.write_bytes(best.read_bytes()[:200])
    assert_same_run(fit(tmp_path), one_piece, resumed_after=0)


def test_two_kills(tmp_path, one_piece):
    kill(tmp_path, STEPS + 1)
    kill(tmp_path, 2 * STEPS + 1)
    assert_same_run(fit(tmp_path), one_piece, resumed_after=3)


def test_a_kill_in_the_first_epoch_starts_anew(tmp_path, one_piece):
    kill(tmp_path, 2)
    assert_same_run(fit(tmp_path), one_piece, resumed_after=0)


def test_a_kill_between_the_row_and_the_backup_makes_no_row_twice(tmp_path, one_piece):
    run = kill(tmp_path, 2 * STEPS)
    row = (run / "history.csv").read_text().splitlines()[-1]
    with (run / "history.csv").open("a") as file:
        file.write("3" + row[1:] + "\n")
    assert_same_run(fit(tmp_path), one_piece, resumed_after=2)
    assert len(rows_on_disk(tmp_path)) == 5


def test_a_kill_between_weights_and_their_note_trains_no_epoch_twice(tmp_path, one_piece):
    run = kill(tmp_path, 3 * STEPS)
    (run / "backup" / "training_metadata.json").write_text('{"epoch": 2, "batch": 0}')
    assert_same_run(fit(tmp_path), one_piece, resumed_after=3)


def test_a_torn_backup_goes_back_one_epoch(tmp_path, one_piece):
    run = kill(tmp_path, 3 * STEPS)
    latest = run / "backup" / "latest.weights.h5"
    latest.write_bytes(latest.read_bytes()[:1000])
    assert_same_run(fit(tmp_path), one_piece, resumed_after=2)


def test_a_broken_backup_is_set_aside_in_one_line(tmp_path, one_piece, caplog):
    run = kill(tmp_path, 3 * STEPS)
    for path in (run / "backup").iterdir():
        path.write_bytes(b"not a backup")
    with caplog.at_level(logging.WARNING, "lookinside"):
        result = fit(tmp_path)
    assert_same_run(result, one_piece, resumed_after=0)
    (record,) = caplog.records
    assert "set aside as backup.broken" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert (run / "backup.broken").is_dir()
    assert len(rows_on_disk(tmp_path)) == 5


def test_a_lost_history_starts_anew(tmp_path, one_piece):
    run = kill(tmp_path, 3 * STEPS)
    (run / "history.csv").unlink()
    assert_same_run(fit(tmp_path), one_piece, resumed_after=0)


def test_patience_counts_on_over_a_kill(tmp_path):
    changes = {"epochs": 30, "patience": 3, "learning_rate": 0.1}
    whole = fit(tmp_path / "whole", **changes)
    assert whole[1].stopped_early
    waiting = whole[1].best_epoch + 1  # one epoch without a gain is behind it
    kill(tmp_path / "killed", waiting * STEPS + 1, **changes)
    result = fit(tmp_path / "killed", **changes)
    assert_same_run(result, whole, resumed_after=waiting)


def test_a_kill_after_the_last_epoch_trains_no_more(tmp_path, one_piece, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("lookinside.training.fit.RunFolder.finish", lambda self, best: (_ for _ in ()).throw(Killed))
        patch.setattr(keras.callbacks.BackupAndRestore, "on_train_end", lambda self, logs=None: None)
        with pytest.raises(Killed):
            fit(tmp_path)
    assert_same_run(fit(tmp_path), one_piece, resumed_after=5)


def test_the_next_fit_of_a_resumed_model_runs_all_its_epochs(tmp_path):
    kill(tmp_path, 3 * STEPS)
    model, _ = fit(tmp_path)
    assert fit_classifier(model, TRAIN, VALIDATION, epochs=2, progress=False).epochs == 2


def test_another_configuration_is_another_run(tmp_path):
    base = {"train": TRAIN, "validation": VALIDATION, "augment": augmentation((12, 12, 1)), "lr": 0.1}
    key = run_key(small_net(), **base)
    assert run_key(small_net(), **base) == key  # Keras has numbered its layers anew
    others = [
        run_key(small_net(), **{**base, "train": TRAIN.subset(slice(0, 49))}),
        run_key(small_net(), **{**base, "train": VALIDATION, "validation": TRAIN}),
        run_key(small_net(), **{**base, "augment": augmentation((12, 12, 1), rotation=5)}),
        run_key(small_net(), **{**base, "augment": None}),
        run_key(small_net(), **{**base, "lr": 0.2}),
        run_key(keras.Sequential([small_net(), keras.layers.Activation("linear")]), **base),
    ]
    assert len({key, *others}) == 1 + len(others)
