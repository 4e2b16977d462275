"""The bar: silent while work is short, seen to run while one long step is on, never where a notebook is stored."""

import time

import pytest
from small_nets import IMAGES, net

from lookinside.explain import Saliency
from lookinside.explain.calls import bars


def long_step(monkeypatch, capsys, delay):
    """What the error stream shows of one step that takes long."""
    monkeypatch.setattr(bars, "DELAY", delay)
    monkeypatch.setattr(bars, "TICK", 0.01)
    with bars.bar(True, 2, "patience") as shown:
        time.sleep(0.5)
        before = capsys.readouterr().err
        shown.update(1)
    return before


def test_a_long_step_is_seen_before_it_is_done(monkeypatch, capsys):
    monkeypatch.delenv("COURSE_QUIET", raising=False)
    assert "patience:   0%" in long_step(monkeypatch, capsys, delay=0.05)


@pytest.mark.parametrize(("quiet", "delay"), [("0", 60), ("1", 0.05)])
def test_short_work_and_stored_notebooks_are_silent(monkeypatch, capsys, quiet, delay):
    monkeypatch.setenv("COURSE_QUIET", quiet)
    assert long_step(monkeypatch, capsys, delay) == ""


def test_nothing_is_written_once_it_is_closed(monkeypatch):
    written = []

    class Slow:
        def __init__(self, **options):
            pass

        def refresh(self):
            time.sleep(0.2)
            written.append("refreshed")

        def close(self):
            written.append("closed")

    monkeypatch.delenv("COURSE_QUIET", raising=False)
    monkeypatch.setattr(bars, "tqdm", Slow)
    monkeypatch.setattr(bars, "DELAY", 0.0)
    monkeypatch.setattr(bars, "TICK", 0.01)
    with bars.bar(True, 1, "patience"):
        time.sleep(0.1)  # it is being refreshed now
    time.sleep(0.3)
    assert written == ["refreshed", "closed"]


def test_the_promise_is_five_seconds():
    assert bars.DELAY == 5


def test_explainers_show_it(monkeypatch, capsys):
    monkeypatch.delenv("COURSE_QUIET", raising=False)
    monkeypatch.setattr(bars, "DELAY", 0.0)
    monkeypatch.setattr(bars, "TICK", 0.01)
    Saliency(net())(IMAGES)
    assert "Saliency:" in capsys.readouterr().err
