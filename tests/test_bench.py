"""The bench's arithmetic; what it measures is not asserted here."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lookinside.extras import need

BENCH = Path(__file__).parent / "bench"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    for name in ("measure", "run"):
        spec = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
    return sys.modules["measure"], sys.modules["run"]


def test_a_duel_runs_both_in_turn_and_compares_medians(bench, monkeypatch):
    measure, run = bench
    calls, seconds = [], iter([1, 4, 2, 6, 100, 8])  # ours 1, 2, 100; theirs 4, 6, 8
    monkeypatch.setattr(measure, "clock", lambda call: (call(), next(seconds))[1])
    row = measure.Duel(
        "fast", "slow", 3, lambda: (lambda: calls.append("ours"), lambda: calls.append("theirs")), rounds=3
    ).measure()
    assert calls == ["ours", "theirs"] * 4
    assert row["value"] == 3
    assert row["rounds"] == [0.08, 4]
    assert run.line(row) == "fast (2000 ms): 3.0 times as fast as slow (rounds 0.08 to 4.0; at least 3: ok)"


def test_a_duel_of_calls_that_make_several_things_compares_one_with_one(bench, monkeypatch):
    measure, run = bench
    seconds = iter([0.064, 0.4])
    monkeypatch.setattr(measure, "clock", lambda call: next(seconds))
    row = measure.Duel("fast", "slow", 60, lambda: (lambda: 0, lambda: 0), rounds=1, counts=(32, 4)).measure()
    assert row["value"] == 50
    assert run.line(row) == "fast (2.0 ms): 50.0 times as fast as slow (rounds 50.0 to 50.0; at least 60: MISSED)"


def test_a_rate_counts_things_a_second(bench, monkeypatch):
    measure, run = bench
    seconds = iter([2, 4, 5])
    monkeypatch.setattr(measure, "clock", lambda call: next(seconds))
    row = measure.Rate("made", "things a second", 6, lambda: (lambda: None, 20), rounds=3).measure()
    assert row["value"] == 5
    assert "MISSED" in run.line(row)


def test_a_word_that_no_row_has(bench, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run.py", "nosuchrow"])
    assert bench[1].main() == 2
    assert "nosuchrow" in capsys.readouterr().out


def test_a_row_without_its_package_says_so_and_the_others_are_measured(bench, monkeypatch, capsys):
    measure, run = bench

    def without():
        need("nothing_such")

    there = measure.Rate("there", "things a second", 0, lambda: (lambda: None, 1), rounds=1)
    rows = [measure.Duel("one that lacks it", "theirs", 1, without), there]
    monkeypatch.setitem(sys.modules, "some_rows", SimpleNamespace(ROWS=rows))
    monkeypatch.setattr(run, "MODULES", ("some_rows",))
    monkeypatch.setattr(sys, "argv", ["run.py", "e"])
    assert run.main() == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("one that lacks it: not measured. The course needs nothing_such: say `make run`")
    assert second.startswith("there: ") and second.endswith("ok)")
