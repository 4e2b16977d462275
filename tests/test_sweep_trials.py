"""Trials by number: what a sweep needs, one trial a command, a Dask cluster that loses a worker, records merged."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from lookinside.course.measuring import merging
from lookinside.course.measuring.needed_code import sweep_code
from lookinside.course.places import chapter_sources

LIBRARY = Path(__file__).parents[1] / "lib" / "lookinside"

# Everything that is shown fails, so that it is noticed where it is executed for the record.
CHAPTER = """# %%
import os, time
from pathlib import Path
from lookinside.course import Results, profile, trials
from lookinside.course import results as module
module.hardware = lambda: "a test's machine"
folder = Path.cwd()
names, scale, shown = ["x"], 1, {}
names.append("y")

# %%
for name in names:
    shown[name] = undefined_picture
print(shown["x"])

# %%
def measure(part, seed):
    with (folder / "log").open("a") as log:
        log.write(f"{part}{seed} {os.getpid()}\\n")
    if (folder / "broken").exists() and (part, seed) == ("x", 1):
        raise ZeroDivisionError("a broken trial")
    while (folder / "stop").exists() and (part, seed) == ("x", 1):
        time.sleep(0.05)
    return {"settings": {"scale": scale}, "values": {"seed": seed}}

scale = 3
results = Results("00_tiny")

# %%
rows = results.sweep(trials(part="x", seed=profile.seeds), measure)

# %%
assert rows[0]["values"]["accuracy"] > 0.5

# %% tags=["sweep"]
if profile.on_phantoms:
    name = names[1]
    results.sweep(trials(part=name, seed=profile.seeds), measure)
"""


@pytest.fixture
def clone(tmp_path):
    """A clone with one tiny chapter and the library as it is."""
    ignored = shutil.ignore_patterns("__pycache__", "explain", "layers", "models", "training", "figures")
    shutil.copytree(LIBRARY, tmp_path / "lib" / "lookinside", ignore=ignored)
    # jsonschema does without this package, and takes two seconds of each process to read its grammar.
    (tmp_path / "lib" / "rfc3987_syntax.py").write_text("raise ImportError")
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "chapters" / "results").mkdir(parents=True)
    (tmp_path / "chapters" / "00_tiny.py").write_text(CHAPTER)
    return tmp_path


def command(clone, *arguments):
    """`make results` in that clone, as it is started."""
    environment = {**os.environ, "PYTHONPATH": str(clone / "lib"), "COURSE_PROFILE": "", "COURSE_QUIET": "1"}
    program = [sys.executable, "-m", "lookinside.course.measuring.measure", "--chapters", "00", "--seeds", "0,1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*program, *arguments], env=environment, cwd=clone, **pipes)


def run(clone, *arguments):
    program = command(clone, *arguments)
    out, err = program.communicate(timeout=300)
    return program.returncode, out, err


def recorded(clone):
    path = clone / "chapters" / "results" / "00_tiny.json"
    return json.loads(path.read_text())["rows"] if path.exists() else []


def measured(clone):
    log = clone / "chapters" / "log"
    return Counter(line.split()[0] for line in log.read_text().splitlines()) if log.exists() else Counter()


def until(true, program):
    deadline = time.monotonic() + 240
    while not true():
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_each_trial_is_a_command_with_a_number(clone):
    def listed():
        status, out, err = run(clone, "--list")
        assert status == 0, err
        return [line.split(None, 2) for line in out.splitlines()[2:]]

    expected = [f"part {part}, seed {seed}" for part in "xy" for seed in (0, 1)]
    assert listed() == [[str(number), "missing", words] for number, words in enumerate(expected)]
    assert not measured(clone)
    for _ in range(2):
        status, out, err = run(clone, "--trial", "2")
        assert status == 0 and "trial 2 is recorded" in out, err
    assert measured(clone) == {"y0": 1}
    (row,) = recorded(clone)
    assert (row["part"], row["seed"], row["settings"]) == ("y", 0, {"scale": 3})
    now = ["recorded" if number == 2 else "missing" for number in range(4)]
    assert listed() == [[str(number), now[number], words] for number, words in enumerate(expected)]


def test_a_number_that_is_none_and_a_trial_that_fails_cost_one_line(clone):
    (clone / "chapters" / "broken").touch()
    for number, said in (
        ("4", "00_tiny has no trial 4: there are 4"),
        ("x", "TRIAL='x' is no number"),
        ("1", "ZeroDivisionError: a broken trial"),
    ):
        status, _, err = run(clone, "--trial", number)
        assert status == 1 and said in err.splitlines()[-1] and "Traceback" not in err


def test_a_cluster_that_loses_a_worker_loses_no_trial_and_measures_none_twice(clone):
    pytest.importorskip("distributed")
    import psutil

    (clone / "chapters" / "stop").touch()
    program = command(clone, "--scheduler", "local:2")
    try:
        until(lambda: len(recorded(clone)) == 3 and measured(clone)["x1"] == 1, program)
        trial = psutil.Process(int((clone / "chapters" / "log").read_text().split("x1 ")[1].split()[0]))
        worker = trial.parent()
        worker.kill()
        assert psutil.wait_procs([trial], 30)[0], "a trial outlives its worker"
        until(lambda: measured(clone)["x1"] == 2, program)  # another one has it now
        (clone / "chapters" / "stop").unlink()
        out, err = program.communicate(timeout=240)
    finally:
        program.kill()
    assert program.returncode == 0, err
    assert measured(clone) == {"x0": 1, "x1": 2, "y0": 1, "y1": 1}
    assert [(row["part"], row["seed"]) for row in recorded(clone)] == [(part, seed) for part in "xy" for seed in (0, 1)]
    assert "4/4" in err


def test_a_trial_that_fails_on_a_cluster_is_tried_again_and_named(clone):
    pytest.importorskip("distributed")
    (clone / "chapters" / "broken").touch()
    status, _, err = run(clone, "--scheduler", "local:1")
    assert status == 1 and measured(clone) == {"x0": 1, "x1": 3, "y0": 1, "y1": 1}
    assert "A trial failed (profile desk, dataset phantoms, part x, seed 1): 00_tiny: ZeroDivisionError" in err
    assert [(row["part"], row["seed"]) for row in recorded(clone)] == [("x", 0), ("y", 0), ("y", 1)]


def test_without_the_extra_a_cluster_is_refused_and_nothing_of_it_imported(clone):
    code = "import sys; sys.modules['distributed'] = None; from lookinside.course.measuring import cluster, measure\n"
    code += "cluster.find_spec = lambda name: None\n"
    code += "sys.exit(measure.main(['--chapters', '00', '--scheduler', 'local:2']))"
    environment = {**os.environ, "PYTHONPATH": str(clone / "lib"), "COURSE_PROFILE": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == 'A Dask cluster needs the extra `cluster`: say `pip install -e ".[cluster]"` in the clone.\n'


# --- what a sweep needs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", chapter_sources()[1:], ids=lambda path: path.stem)
def test_the_sweeps_of_every_chapter_are_found_without_what_is_shown(source):
    code = "\n".join(cell.source for cell in sweep_code(source).cells)
    assert code.count(".sweep(") == source.read_text(encoding="utf-8").count(".sweep(") > 0
    assert "set_up(" in code
    for shown in ("figures.", "check(", "record_result(", "my_guess", ".keep_figure("):
        assert shown not in code, f"{source.stem} would execute {shown} for the record"
    listing = "\n".join(cell.source for cell in sweep_code(source, measured=False).cells)
    assert len(listing) < len(code) and "fit_" not in listing


def test_what_changes_a_needed_name_stays_and_what_only_reads_it_goes(tmp_path):
    def needed(body):
        source = tmp_path / "00_x.py"
        source.write_text(f"# %%\nimport os, data\n{body}\nresults.sweep(a, measure)\n")
        return [line for cell in sweep_code(source).cells for line in cell.source.splitlines()][:-1]

    assert needed("a = 1\nb = a\nprint(a)") == ["a = 1"]
    assert needed("a = []\na.append(1)\nb = []\nb.append(a)") == ["a = []", "a.append(1)"]
    assert needed("a = {}\na['x'] = 1\na = {}") == ["a = {}"]
    assert needed("a = 1\na += 1\nb = 1") == ["a = 1", "a += 1"]
    assert needed("b = 1\na = b\nb = 2") == ["b = 1", "a = b"]
    assert needed("b = 1\nif b:\n    a = 2\na = 1") == ["a = 1"]
    assert needed("a = 1\nif c:\n    a = 2") == ["a = 1", "if c:", "    a = 2"]
    function = ["def measure():", "    return c", "c = 1", "a = 3"]
    assert needed("def measure():\n    return c\nc = 1\nd = 2\na = 3") == function
    library = ["import os, data", "data.option = 1", "set_up(seed=0)", "a = 1"]
    assert needed("data.option = 1\nset_up(seed=0)\na = 1") == library
    assert needed("n = 0\nfor n in 'ab':\n    print(n)\na = [n for n in 'ab']") == ["a = [n for n in 'ab']"]
    kept = ["import keras", "results = 1", "a = keras"]
    assert needed("import keras\nresults = 1\nresults.figure()\na = keras") == kept


# --- merging ------------------------------------------------------------------------------------------------------


def row(seed, value, hardware="here", **more):
    about = {"command": "make", "date": "2026-01-01", "hardware": hardware, "versions": {"keras": "3"}, "seconds": 1.5}
    key = {"profile": "desk", "dataset": "phantoms", "network": "deep", "seed": seed}
    return key | about | {"settings": {"size": 64}, "values": {"accuracy": value}} | more


def write(path, rows, chapter="01_anatomy_landmarks"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"chapter": chapter, "rows": rows}))
    return path


@pytest.fixture
def own(tmp_path, monkeypatch):
    results = merging.Results
    monkeypatch.setattr(merging, "Results", lambda chapter: results(chapter, tmp_path / "own"))
    return write(tmp_path / "own" / "01_anatomy_landmarks.json", [row(0, 0.5)])


def rows_of(path):
    return json.loads(path.read_text())["rows"]


def test_records_of_several_machines_become_one(own, tmp_path, capsys):
    write(tmp_path / "a" / "01_anatomy_landmarks.json", [row(0, 0.5, "a"), row(2, 0.7, "a", seconds=9.0)])
    write(tmp_path / "a" / "bench.json", [])  # no chapter's
    b = write(tmp_path / "b.json", [row(1, 0.6, "b"), row(2, 0.7, "b")])
    assert merging.merge([tmp_path / "a", b]) == 0
    assert rows_of(own) == [row(0, 0.5), row(1, 0.6, "b"), row(2, 0.7, "a", seconds=9.0)]
    said = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in said] == ["1 new rows of 2", "1 new rows of 2"]
    before = own.read_bytes()
    assert merging.merge([tmp_path / "a", b]) == 0  # once more changes nothing
    assert own.read_bytes() == before


def test_what_contradicts_or_is_broken_is_left_out_whole_and_named(own, tmp_path, capsys):
    files = {
        "other.json": ([row(3, 0.1), row(0, 0.9, "there")], "seed 0 was measured twice, with other values (here, 2026"),
        "twice.json": ([row(4, 0.1), row(4, 0.2)], "seed 4 was measured twice"),
        "settings.json": ([row(0, 0.5, settings={"size": 32})], "seed 0 was measured twice"),
        "short.json": ([row(5, 0.1), {"profile": "desk"}], "its row 1 is none: it needs profile, dataset"),
    }
    paths = [write(tmp_path / name, rows) for name, (rows, _) in files.items()]
    paths += [write(tmp_path / "chapter.json", [], "99_none"), tmp_path / "half.json", tmp_path / "missing.json"]
    (tmp_path / "half.json").write_text('{"chapter": "01_anat')
    said = [part for _, part in files.values()] + ["no chapter '99_none'", "it is no JSON", "it cannot be read"]
    good = write(tmp_path / "good.json", [row(6, 0.3)])
    assert merging.merge([*paths, good]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(paths)
    for line, path, part in zip(lines, paths, said, strict=True):
        assert line.startswith(f"{path} is left out: ") and part in line
    assert rows_of(own) == [row(0, 0.5), row(6, 0.3)]


def test_a_merge_that_is_cut_off_leaves_the_old_record(own, tmp_path, monkeypatch):
    before = own.read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("lookinside.course.kept_files.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        merging.merge([write(tmp_path / "b.json", [row(1, 0.6)])])
    assert own.read_bytes() == before


def test_figures_and_weights_come_along_where_there_are_none_and_replace_nothing(own, tmp_path, capsys):
    there = tmp_path / "there"
    write(there / "01_anatomy_landmarks.json", [row(1, 0.6)])
    files = {"01_anatomy_landmarks_new.npz": b"new", "01_anatomy_landmarks_figure.jpg": b"theirs", "01_x.npz": b"no"}
    for name, content in {**files, "01_anatomy_landmarks_half.part": b"half"}.items():
        (there / name).write_bytes(content)
    figure = own.with_name("01_anatomy_landmarks_figure.jpg")
    figure.write_bytes(b"ours")
    assert merging.merge([there]) == 0
    assert own.with_name("01_anatomy_landmarks_new.npz").read_bytes() == b"new" and figure.read_bytes() == b"ours"
    kept = {one.name for one in own.parent.iterdir() if one.is_file()}
    assert kept == {own.name, figure.name, "01_anatomy_landmarks_new.npz"}
    said = capsys.readouterr().out
    assert "01_anatomy_landmarks_new.npz: taken" in said and "figure.jpg differs from the one that is here" in said
    assert merging.merge([there]) == 0  # once more takes nothing
    assert "taken" not in capsys.readouterr().out
