"""The record: a row has a key of its own and is never lost; sweeps share their trials; quick runs leave no trace."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lookinside.course import results as results_module
from lookinside.course.build import execution, run
from lookinside.course.measuring import measure, sharing
from lookinside.course.profiles import profile
from lookinside.course.results import Results, key_of, plain
from lookinside.course.sweeps import trials
from lookinside.errors import LookInsideError
from lookinside.locks import locked

RECORDED = Path(__file__).parents[1] / "chapters" / "results" / "01_anatomy_landmarks.json"


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "desk")
    monkeypatch.setenv("COURSE_DATASET", str(tmp_path / "private" / "my_set"))
    monkeypatch.setattr(results_module, "hardware", lambda: "a test's machine")  # the real one asks TensorFlow
    return Results("01_anatomy_landmarks", tmp_path)


def record(results, network="deep", seed=0, accuracy=(0.5, 0.4, 0.6), **key):
    settings, values = {"size": np.int64(64)}, {"accuracy": accuracy}
    return results.record(network=network, seed=seed, seconds=1.23, settings=settings, values=values, **key)


def test_measuring_again_replaces_the_row_with_the_same_key_and_no_other(results):
    record(results)
    record(results, accuracy=(0.7, 0.6, 0.8))
    record(results, seed=1)
    record(results, train_size=100, fold=2)
    record(results, train_size=20, fold=2)
    assert [row["values"]["accuracy"][0] for row in results.rows(network="deep", train_size=None)] == [0.7, 0.5]
    assert [row["train_size"] for row in results.rows(fold=2)] == [20, 100]
    assert results.rows(seed=np.int64(1))[0]["settings"] == {"size": 64}
    for name in ("seconds", "profile"):
        with pytest.raises((LookInsideError, TypeError), match=name):
            record(results, **{name: 3})


def test_the_quick_profile_writes_nothing(results, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert not record(results)
    assert not results.add(network="deep", seed=0, values={})
    assert not list(results.path.parent.iterdir())


def test_a_row_names_its_command_and_no_folder_of_a_machine(results, tmp_path):
    record(results, seed=2)
    text = results.path.read_text()
    assert "COURSE_PROFILE=desk make results CHAPTER=01 DATASETS=my_set SEEDS=2" in text
    assert str(tmp_path) not in text


def test_the_summary_spans_what_is_not_named(results):
    record(results, seed=0, accuracy=(0.5, 0.4, 0.6), size=20)
    record(results, seed=1, accuracy=(0.7, 0.5, 0.9), size=20)
    record(results, seed=0, accuracy=(0.9, 0.8, 1.0), size=50)
    mean, low, high, rows = results.summary("accuracy", "network", "size")["deep", 20]
    assert (round(mean, 6), low, high, rows) == (0.6, 0.4, 0.9, 2)
    assert {key: found[3] for key, found in results.summary("accuracy", "seed").items()} == {0: 2, 1: 1}
    assert results.summary("no such value", "network") == {}
    with pytest.raises(LookInsideError, match="Name the columns"):
        results.summary("accuracy")


def test_the_recorded_file_is_read():
    rows = json.loads(RECORDED.read_text())["rows"]
    assert len(rows) == len({json.dumps(key_of(row)) for row in rows})
    assert all({"profile", "dataset", "network", "seed"} <= set(key_of(row)) for row in rows)


def test_a_broken_file_is_named(results):
    results.path.write_text("{")
    with pytest.raises(LookInsideError, match=r"01_anatomy_landmarks\.json"):
        results.rows()


def test_numbers_become_json():
    value = plain({"a": np.float32(1 / 3), "b": np.array([1, 2]), "c": float("nan"), 4: (1, "x")})
    assert json.loads(json.dumps(value)) == {"a": 0.333333, "b": [1, 2], "c": None, "4": [1, "x"]}


def test_values_are_added_to_a_recorded_row(results):
    record(results)
    results.add(network="deep", seed=0, values={"landmark_share": (1.5, 1.4, 1.6)})
    assert set(results.rows()[0]["values"]) == {"accuracy", "landmark_share"}
    with pytest.raises(LookInsideError, match="no row of network deep, seed 1"):
        results.add(network="deep", seed=1, values={})


def test_only_drawn_images_are_kept_as_a_figure(results, monkeypatch, tmp_path):
    from lookinside.figures import image_sheet

    figure = image_sheet(np.zeros((1, 8, 8)), ["one"])
    assert not results.keep_figure("sheet", figure)  # the fixture's data set is a user's own
    monkeypatch.setenv("COURSE_DATASET", "phantoms")
    assert results.keep_figure("sheet", figure)
    assert [path.name for path in tmp_path.glob("*.jpg")] == ["01_anatomy_landmarks_sheet.jpg"]


def test_small_networks_are_kept_in_half_precision_and_come_back(results, monkeypatch, tmp_path):
    import keras

    def net(units):
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units), keras.layers.BatchNormalization()])

    trained = net(2)
    trained.set_weights([np.random.default_rng(0).normal(size=one.shape) for one in trained.get_weights()])
    assert not results.keep_weights("a net", trained)  # the fixture's data set is a user's own
    monkeypatch.setenv("COURSE_DATASET", "phantoms")
    monkeypatch.setenv("COURSE_SEED", "1")
    assert not results.keep_weights("a net", trained)
    monkeypatch.setenv("COURSE_SEED", "0")
    assert results.keep_weights("a net", trained)
    assert [path.name for path in tmp_path.glob("*.npz")] == ["01_anatomy_landmarks_a_net.npz"]
    found = results.weights("a net", net(2))
    for new, old in zip(found.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old.astype("float16").astype("float32"))
    with pytest.raises(LookInsideError, match="another network"):
        results.weights("a net", net(3))
    with pytest.raises(LookInsideError, match="is not in chapters/results: restore it with git"):
        results.weights("another net", net(2))
    (tmp_path / "01_anatomy_landmarks_a_net.npz").write_bytes(b"no archive")
    with pytest.raises(LookInsideError, match="cannot be read"):
        results.weights("a net", net(2))
    with pytest.raises(LookInsideError, match="more than a megabyte"):
        results.keep_weights("large", keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1000)]))
    assert not list(tmp_path.glob("*large*"))


def test_trials_are_every_combination():
    found = trials(network=["a", "b"], seed=range(2), size=64)
    assert found == [{"network": n, "seed": s, "size": 64} for n in "ab" for s in (0, 1)]
    assert trials(network="shallow") + trials(network="deeper") == [{"network": "shallow"}, {"network": "deeper"}]


class Measure:
    """Notes what it was called with; fails for one network."""

    def __init__(self):
        self.calls = []

    def __call__(self, network, seed):
        self.calls.append((network, seed))
        if network == "broken":
            raise ZeroDivisionError(f"seed {seed}")
        return {"settings": {"size": np.int64(64)}, "values": {"seed_squared": seed**2}}


TRIALS = trials(network=["b", "a"], seed=[3, 2])


def test_a_sweep_measures_what_is_not_recorded_and_returns_all_in_order(results):
    results.sweep(TRIALS[1:2], Measure())
    measured = Measure()
    rows = results.sweep(TRIALS, measured)
    assert measured.calls == [("b", 3), ("a", 3), ("a", 2)]
    assert [(row["network"], row["seed"], row["values"]["seed_squared"]) for row in rows] == [
        ("b", 3, 9),
        ("b", 2, 4),
        ("a", 3, 9),
        ("a", 2, 4),
    ]
    assert {"command", "date", "hardware", "versions", "seconds"} <= set(rows[0])
    assert results.rows() == sorted(rows, key=lambda row: (row["network"], row["seed"]))


def test_a_quick_sweep_measures_all_and_leaves_no_trace(results, monkeypatch):
    results.sweep(TRIALS, Measure())
    written = results.path.read_bytes()
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    measured = Measure()
    rows = results.sweep(TRIALS[:2], measured)
    assert measured.calls == [("b", 3), ("b", 2)]
    assert [(row["profile"], row["values"]) for row in rows] == [("quick", {"seed_squared": s}) for s in (9, 4)]
    assert results.path.read_bytes() == written


def test_a_trial_that_fails_does_not_stop_the_others(results, caplog):
    measured = Measure()
    with pytest.raises(ZeroDivisionError, match="seed 1"):
        results.sweep(trials(network=["broken"], seed=[1, 2]) + TRIALS, measured)
    assert len(measured.calls) == 6
    assert len(results.rows()) == 4
    assert "network broken, seed 1" in caplog.text


def test_a_sweep_refuses_what_would_mix_rows(results):
    with pytest.raises(LookInsideError, match="network b, seed 3 comes twice"):
        results.sweep(TRIALS + TRIALS, Measure())
    with pytest.raises(LookInsideError, match="The measure of a sweep returns"):
        results.sweep(TRIALS, lambda network, seed: {"accuracy": 1})


SWEEPER = """
import os, signal, sys, time
from pathlib import Path
from lookinside.course import results as module
from lookinside.course.results import Results
from lookinside.course.sweeps import trials
module.hardware = lambda: "a test's machine"
folder, fatal, calls = Path(sys.argv[1]), int(sys.argv[2]), []
def measure(network, seed):
    with (folder / "log").open("a") as log:
        log.write(f"{network}{seed}\\n")
    calls.append(seed)
    if len(calls) == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"settings": {}, "values": {"seed": seed}}
while not fatal and not (folder / "log").exists():
    time.sleep(0.01)
rows = Results("00_sweep", folder).sweep(trials(network=["a", "b"], seed=range(100)), measure)
assert [row["values"]["seed"] for row in rows] == 2 * list(range(100))
"""


def test_processes_share_a_sweep_and_lose_no_row_and_no_trial_of_one_that_is_killed(tmp_path):
    environment = {**os.environ, "COURSE_PROFILE": "desk", "COURSE_QUIET": "1"}
    command = [sys.executable, "-c", SWEEPER, tmp_path]
    sweepers = [subprocess.Popen([*command, fatal], env=environment) for fatal in ("5", "0", "0")]
    assert [sweeper.wait(120) for sweeper in sweepers] == [-signal.SIGKILL, 0, 0]
    calls = Counter((tmp_path / "log").read_text().split())
    assert len(Results("00_sweep", tmp_path).rows()) == len(calls) == 200
    assert sorted(calls.values())[-2:] == [1, 2]  # the one that the killed process had in hand was measured again


def test_the_lock_of_a_killed_process_goes_with_it(tmp_path):
    code = "import sys, time; from pathlib import Path; from lookinside.locks import locked\n"
    code += "with locked(Path(sys.argv[1])):\n print('held', flush=True); time.sleep(120)"
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path / "lock"], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        with locked(tmp_path / "lock", wait=False) as mine:
            assert not mine
    finally:
        holder.kill()
        holder.wait()
    with locked(tmp_path / "lock", wait=False) as mine:
        assert mine


CHAPTER = """# %%
import os, time
from pathlib import Path
from lookinside.course import profile, results as module
from lookinside.course.results import Results
from lookinside.course.sweeps import trials
module.hardware = lambda: "a test's machine"
folder = Path.cwd()

def measure(part, seed):
    with (folder / "log").open("a") as log:
        log.write(f"{part}{seed} {os.environ.get('OMP_NUM_THREADS')}\\n")
    while (folder / "stop").exists() and seed == 5:
        time.sleep(0.05)
    return {"settings": {}, "values": {"seed": seed}}

results = Results("00_tiny", folder)

# %% tags=["sweep"]
first = results.sweep(trials(part="x", seed=profile.seeds), measure)

# %% tags=["sweep"]
second = results.sweep(trials(part="y", seed=profile.seeds), measure)

# %%
assert len(first + second) == 6, "all rows are there"
(folder / "whole").open("a").write("once")
"""
RUNNER = """
import sys
from pathlib import Path
from lookinside.course.measuring import measure
measure.chapter_sources = lambda name: [Path(sys.argv[1])]
measure.repository = lambda: Path(sys.argv[1]).parent
sys.exit(measure.main(["--seeds", "4,5 6", "--jobs", sys.argv[2]]))
"""


def test_make_results_goes_on_where_it_was_killed(tmp_path):
    source, log, stop = tmp_path / "00_tiny.py", tmp_path / "log", tmp_path / "stop"
    source.write_text(CHAPTER)
    stop.touch()
    environment = {**os.environ, "COURSE_PROFILE": "", "OMP_NUM_THREADS": "", "COURSE_DATASET": "phantoms"}
    command, pipe = [sys.executable, "-c", RUNNER, source], subprocess.PIPE
    killed = subprocess.Popen([*command, "1"], env=environment, stdout=pipe, stderr=pipe)
    try:
        deadline = time.monotonic() + 100
        while not (log.exists() and "x5" in log.read_text()) and time.monotonic() < deadline and killed.poll() is None:
            time.sleep(0.05)
    finally:
        killed.kill()
        killed.communicate()
    assert [row["seed"] for row in Results("00_tiny", tmp_path).rows()] == [4]
    assert not (tmp_path / "whole").exists()
    stop.unlink()
    again = subprocess.run([*command, "2"], env=environment, capture_output=True, text=True, timeout=200)
    assert again.returncode == 0, again.stdout + again.stderr
    rows = Results("00_tiny", tmp_path).rows()
    assert [(row["profile"], row["part"], row["seed"]) for row in rows] == [
        ("desk", p, s) for p in "xy" for s in (4, 5, 6)
    ]
    calls = Counter(line.split()[0] for line in log.read_text().splitlines())
    assert {name: count for name, count in calls.items() if count > 1}.keys() <= {"x5"}  # the one that was cut off
    assert (tmp_path / "whole").read_text() == "once"
    assert "6/6" in again.stderr and "ran to its end" in again.stdout
    assert (tmp_path / "build" / "results" / "00_tiny.html").exists()


def test_a_chapter_whose_sweep_failed_is_not_executed_whole(monkeypatch, capsys, tmp_path):
    whole = []
    monkeypatch.setattr(sharing, "sweep_chapter", lambda source, *rest: "In [2]: no" if source.stem == "bad" else None)
    monkeypatch.setattr(run, "run_chapters", lambda sources, *rest: whole.extend(sources) or 0)
    assert measure.measure_chapters([Path("bad"), Path("good")], tmp_path, {}, jobs=1) == 1
    assert whole == [Path("good")]
    assert "bad: In [2]: no" in capsys.readouterr().out


def test_make_results_says_what_it_cannot_do(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert measure.main([]) == 1
    monkeypatch.setenv("COURSE_PROFILE", "desk")
    assert measure.main(["--jobs", "many"]) == 1
    said = capsys.readouterr().err
    assert "not in quick" in said and "JOBS=many" in said


def test_seeds_are_those_of_the_record_and_one_of_them_is_shown(monkeypatch):
    for name in ("COURSE_SEED", "COURSE_SEEDS", "COURSE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_SEEDS", "3, 4")
    assert (profile.seed, profile.seeds) == (0, (0,))  # quick has one, whatever is measured elsewhere
    monkeypatch.setenv("COURSE_PROFILE", "desk")
    assert (profile.seed, profile.seeds) == (3, (3, 4))
    monkeypatch.setenv("COURSE_SEED", "4")
    assert (profile.seed, profile.seeds) == (4, (3, 4))
    monkeypatch.delenv("COURSE_SEEDS")
    assert profile.seeds == (0, 1, 2)
    monkeypatch.setenv("COURSE_SEED", "1,2")
    with pytest.raises(LookInsideError, match="'1,2': give one whole number"):
        _ = profile.seed


def test_picks_by_name_belong_together(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert profile.pick(quick={"a": 1}, desk={"a": 2, "b": 2}, paper={"b": 3, "a": 3}) == {"a": 1}
    with pytest.raises(LookInsideError, match="desk names 'deper', paper does not"):
        profile.pick(quick={"deeper": 1}, desk={"deper": 2, "deeper": 2}, paper={"deeper": 3})
    with pytest.raises(LookInsideError, match="paper is no mapping"):
        profile.pick(quick={"deeper": 1}, desk={"deeper": 2}, paper=3)


def test_a_table_has_none_where_a_row_has_no_such_value(results):
    for network, values in (
        ("one", {"accuracy": 0.5, "steps": [1, 2], "curve": [0.1, 0.2]}),
        ("two", {"share": [2, 1, 3]}),
    ):
        results.record(seconds=1, settings={}, values=values, network=network, seed=0)
    table = results.table({"accuracy": "accuracy", "landmark share": "share"}, "network")
    assert table == {
        "one": {"accuracy": (0.5, 0.5, 0.5), "landmark share": None},
        "two": {"accuracy": None, "landmark share": (2, 1, 3)},
    }
    chosen = results.table({"accuracy": "accuracy"}, "network", groups=["three", "one"])
    assert list(chosen.items()) == [("three", {"accuracy": None}), ("one", {"accuracy": (0.5, 0.5, 0.5)})]
    assert results.curves("steps", "curve", "network") == {"one": [([1, 2], [0.1, 0.2])]}


def test_rows_of_this_run_are_summed_up_as_those_of_the_record_are(results, monkeypatch):
    record(results, network="recorded")
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    rows = results.sweep(TRIALS, Measure())
    columns = {"squared": "seed_squared"}
    assert results.table(columns, "network", rows=rows, seed=3) == {n: {"squared": (9, 9, 9)} for n in "ba"}
    assert results.summary("seed_squared", "network", rows=rows)["a"] == (6.5, 4, 9, 2)
    assert results.rows(rows=rows, network="a", change=None) == rows[2:]
    assert set(results.table({"accuracy": "accuracy"}, "network")) == {"recorded"}
    assert results.table(columns, "network", rows=[]) == {}


def test_no_more_processes_than_there_is_room_for(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(execution, "cores", lambda: 2)
    assert [execution.most_at_once(jobs) for jobs in (0, 1)] == [1, 1] and 1 <= execution.most_at_once(5) <= 2
    capsys.readouterr()
    source = tmp_path / "09_none.py"
    source.write_text("# %%\nprint(1)\n", encoding="utf-8")
    assert sharing.sweep_chapter(source, {}, jobs=16) is None  # it has no sweep
    assert "JOBS=16 is more than cores and memory have room for" in capsys.readouterr().out


def test_rows_that_belong_together_are_paired_by_their_seed(results):
    for network, seed, ssim in (
        ("a", 2, [0.2, 0.3]),
        ("b", 10, [0.7, 1]),
        ("b", 2, [0.5, float("nan")]),
        ("a", 10, [0, 0.1]),
    ):
        results.record(seconds=1, settings={}, values={"each": {"SSIM": ssim}}, network=network, seed=seed)
    results.record(seconds=1, settings={}, values={"each": {"SSIM": [9, 9]}}, network="a", seed=3)  # has no partner
    results.record(seconds=1, settings={}, values={"each": {}}, network="b", seed=3)
    first, second = results.paired("each/SSIM", "network", "a", "b", profile="desk")
    np.testing.assert_array_equal(first, [[0.2, 0.3], [0, 0.1]])
    np.testing.assert_array_equal(second, [[0.5, np.nan], [0.7, 1]])
    assert [len(one) for one in results.paired("each/SSIM", "network", "a", "c")] == [0, 0]
