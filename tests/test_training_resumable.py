"""Any Keras model and any loop goes on after a kill as if there had been none."""

import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from long_runs import STEPS, run_classifier, run_finder, run_game, spots

from lookinside.errors import LookInsideError
from lookinside.training import Checkpoint, fit_resumable
from lookinside.training.history import Goal

RUNS = {"classifier": run_classifier, "finder": run_finder, "game": run_game}
STEPS_KEPT = {"classifier": 6, "finder": 12, "game": 12}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder with what a process has left that was killed while it trained all three kinds."""
    folder = tmp_path_factory.mktemp("killed")
    script = Path(__file__).with_name("long_runs.py")
    ended = subprocess.run([sys.executable, script, folder], capture_output=True, text=True, timeout=240)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return folder


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", RUNS)
def test_a_killed_process_leaves_a_run_that_goes_on_to_the_same_losses(killed, kind):
    (run,) = (killed / kind).iterdir()
    assert (run / "history.csv").read_text().splitlines()[-1].startswith(f"{STEPS_KEPT[kind]},")
    assert_same(RUNS[kind](killed / kind), RUNS[kind](None))


def test_the_best_epoch_is_that_of_the_monitored_column(killed):
    found = run_finder(killed / "finder")
    columns = {"spot_loss", "place_loss", "spot_accuracy", "gradient_norm", "loss"}
    assert found.keys() >= columns | {f"val_{name}" for name in columns - {"gradient_norm"}}
    accuracy = found["val_spot_accuracy"]
    assert found["best"] == 1 + accuracy.index(max(accuracy))
    assert found["steps"] == [6, 12, 18, 24]
    np.testing.assert_allclose(  # the weight of a loss is used
        found["val_loss"], np.add(found["val_spot_loss"], 5 * np.array(found["val_place_loss"])), rtol=1e-4
    )


def test_what_is_the_best_row_and_when_patience_is_out():
    rows = [{"score": value} for value in (3.0, 1.0, 5.0, 5.0, 1.0)]
    goals = {"min": Goal("score", "min", 3), "max": Goal("score", "max", 3), "last": Goal(None, "min", 3)}
    assert {name: goal.best_row(rows) for name, goal in goals.items()} == {"min": 1, "max": 2, "last": 4}
    assert {name: goal.patience_is_out(rows) for name, goal in goals.items()} == {
        "min": True,
        "max": False,
        "last": False,
    }


def test_nan_ends_in_one_line_and_the_last_good_state_stays(tmp_path):
    def broken(first_epoch, epochs):
        return spots(first_epoch, 2).concatenate(spots(max(2, first_epoch), epochs).map(lambda x, y: (x / 0.0, y)))

    def fit():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
        stream = lambda first, epochs: broken(first, epochs).map(lambda x, y: (x, y["spot"]))  # noqa: E731
        options = {"optimizer": "sgd", "loss": "mse", "monitor": "loss", "progress": False}
        fit_resumable(model, stream, steps_per_epoch=STEPS, epochs=4, run_folder=tmp_path, **options)

    for _ in range(2):  # the second time goes on from the good state, to the same end
        with pytest.raises(LookInsideError, match=r"^loss became (nan|inf) in epoch 3: lower the [^\n]*\.$"):
            fit()
        (run,) = tmp_path.iterdir()
        assert [line.split(",")[0] for line in (run / "history.csv").read_text().split()] == ["step", "6", "12"]
        assert np.isfinite(np.load(run / "state.npz")["variables/0"]).all()


def test_a_checkpoint_refuses_nan_and_keeps_the_last_state(tmp_path):
    weight = keras.Variable(np.zeros(3))
    checkpoint = Checkpoint(tmp_path, weight)
    weight.assign([1, 2, 3])
    checkpoint.save(10, loss=np.float32(0.5))
    weight.assign([np.nan, 2, 3])
    with pytest.raises(LookInsideError, match="loss became nan at step 20: the state after step 10 is kept"):
        checkpoint.save(20, loss=float("nan"))
    other = keras.Variable(np.zeros(3))
    again = Checkpoint(tmp_path, other)
    assert again.restore() == 10
    assert (other.numpy().tolist(), again.rows) == ([1, 2, 3], [{"step": 10, "loss": 0.5}])
    assert Checkpoint(None, other).restore() == 0
    assert Checkpoint(tmp_path, other, key="another").restore() == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"epochs": None}, "Say how long to train"),
        ({"epochs": 2.0}, "epochs is 2.0: give a whole number, 1 or more"),
        ({"epochs": "2"}, "epochs is '2'"),
        ({"epochs": True}, "epochs is True"),
        ({"steps": 1.5}, "steps is 1.5"),
        ({"steps": 0}, "steps is 0"),
        ({"steps_per_epoch": 2.0}, "steps_per_epoch is 2.0"),
        ({"patience": "x"}, "patience is 'x': give a whole number of epochs, or None"),
        ({"patience": 1.5}, "patience is 1.5"),
        ({"patience": -3}, "patience is -3"),
        ({"monitor": 5}, "monitor is 5"),
        ({"seed": "a"}, "seed is 'a': give a whole number"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"seed": 2**70}, "seed is 1180591620717411303424"),
        ({"mode": "best"}, "mode is 'best'"),
        ({"monitor": "val_loss"}, "there is no validation"),
        ({"monitor": "dice"}, "the columns are loss: choose one"),
        ({"optimizer": None}, "loss is given without an optimizer"),
        ({"optimizer": None, "loss": None}, "not compiled"),
        ({"key": [object()]}, "cannot hold a object"),
        ({"model": keras.Sequential([keras.layers.Dense(1)])}, "call sequential.* once on a batch"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, change, says):
    keras.utils.set_random_seed(1)
    model = change.pop("model", None) or keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    stream = lambda first, epochs: spots(first, epochs).map(lambda x, y: (x, y["spot"]))  # noqa: E731
    options = {"optimizer": "sgd", "loss": "mse", "monitor": "loss", "run_folder": tmp_path, "progress": False}
    options |= {"epochs": 1, "steps_per_epoch": 1, **change}
    with pytest.raises(LookInsideError, match=says) as error:
        fit_resumable(model, stream, **options)
    assert "\n" not in str(error.value)


def test_an_optimizer_without_state_is_refused_before_training():
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    with pytest.raises(LookInsideError, match=r"call its build\(model.trainable_variables\)"):
        Checkpoint(None, model, keras.optimizers.Adam())
    with pytest.raises(LookInsideError, match="needs the models"):
        Checkpoint(None)
