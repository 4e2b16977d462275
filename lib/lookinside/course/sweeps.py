"""Working off the trials of a sweep, in any order, beside other processes that do the same."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lookinside.course.progressbar import progress
from lookinside.locks import locked

WORKER = "COURSE_WORKER"  # set by `make results` in the processes whose sweeps it draws as one bar
_LOG = logging.getLogger("lookinside")
TRIAL_FAILED = "A trial failed"
_LINE = "sweep {name} {done} {total}"


def trials(**values: Any) -> list[dict]:
    """Return the trials of a sweep: every combination of the values, the last name changing fastest.

    `trials(network=["shallow", "deeper"], seed=[0, 1, 2])` are six; lists of trials are joined by `+`. A value that is
    not a list, tuple or range stands for itself.
    """
    columns = [value if isinstance(value, list | tuple | range) else [value] for value in values.values()]
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*columns)]


def work_off(
    keys: Sequence[dict], claims: Path, recorded: Callable[[], set[str]], measure: Callable[[dict], None]
) -> None:
    """Call `measure` for every key that is not recorded, until all are, by this process or by others.

    A process claims a key by locking a file of its name, so that no other one measures it at the same time. The lock
    of a process that dies goes with it, and another one takes the key over. A key that fails does not stop the others.

    Args:
        keys: what is to be measured.
        claims: folder of the files to lock.
        recorded: gives the keys that have been measured, as `key_text`.
        measure: measures a key and records it.

    Raises:
        Exception: the first one that `measure` has raised, when nothing is left to do.
    """
    left, failure = {key_text(key): key for key in keys}, None
    failed = set()
    with _bar(keys) as bar:
        while True:
            done = recorded() | failed
            left = {text: key for text, key in left.items() if text not in done}
            if not left:
                break
            bar.show(len(keys) - len(left) - len(failed))
            for text, key in left.items():
                with locked(claims / f"{key_name(key)}.lock", wait=False) as mine:
                    if not mine:
                        continue
                    if text not in recorded():  # or somebody has finished it a moment ago
                        try:
                            measure(key)
                        except Exception as error:
                            _LOG.warning("%s (%s): %s", TRIAL_FAILED, in_words(key), error)
                            failed.add(text)
                            failure = failure or error
                    break
            else:
                time.sleep(0.2)  # the others are at work on what is left
        bar.show(len(keys) - len(failed))
    if failure is not None:
        raise failure


class Enough(Exception):
    """The one trial that was wanted is recorded: what follows in the chapter need not run."""


@dataclass
class Numbering:
    """The trials of a chapter's sweeps, numbered from 0 in the order of the chapter, whatever is recorded already.

    Attributes:
        wanted: the number of the trial that is measured; None measures none.
        keys: those of the trials so far.
    """

    wanted: int | None = None
    keys: list[dict] = field(default_factory=list)

    def chosen(self, keys: Sequence[dict]) -> list[dict]:
        """Number the keys of the next sweep; return the wanted one, or nothing."""
        first = len(self.keys)
        self.keys.extend(keys)
        return [key for number, key in enumerate(keys, first) if number == self.wanted]


_numbering: Numbering | None = None


@contextmanager
def numbered(wanted: int | None = None) -> Iterator[Numbering]:
    """While the block runs, sweeps measure the wanted trial alone, and then raise `Enough`."""
    global _numbering
    _numbering = Numbering(wanted)
    try:
        yield _numbering
    finally:
        _numbering = None


def numbering() -> Numbering | None:
    """The numbering in force, or None."""
    return _numbering


def key_text(key: dict) -> str:
    """A key as a text that is the same for equal keys only."""
    return json.dumps(key, sort_keys=True)


def key_name(key: dict) -> str:
    """A file's name for a key: its values, so that people can read it, and a hash, so that no two are the same."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(str(value) for value in key.values())).strip("-")
    return f"{words[:60]}-{hashlib.blake2b(key_text(key).encode(), digest_size=6).hexdigest()}"


def in_words(key: dict) -> str:
    """A key as people read it: "network deeper, seed 0"."""
    return ", ".join(f"{name} {value}" for name, value in key.items())


class SweepCount:
    """How far the sweeps of one chapter are, read from the lines that its worker processes write.

    Attributes:
        done, total: numbers of trials, over all sweeps that have begun.
    """

    def __init__(self) -> None:
        self._sweeps: dict[str, tuple[int, int]] = {}
        self._pattern = re.compile(_LINE.format(name=r"(\w+)", done=r"(\d+)", total=r"(\d+)\n"))

    def read(self, text: str) -> None:
        """Take in a piece of a worker's error stream; a worker knows of the others' trials too, so the most counts."""
        for name, done, total in self._pattern.findall(text):
            before = self._sweeps.get(name, (0, 0))[0]
            self._sweeps[name] = max(before, int(done)), int(total)

    @property
    def done(self) -> int:
        """Trials that are recorded."""
        return sum(done for done, _ in self._sweeps.values())

    @property
    def total(self) -> int:
        """Trials in all."""
        return sum(total for _, total in self._sweeps.values())


def _bar(keys: Sequence[dict]) -> Any:
    return _Lines(keys) if os.environ.get(WORKER) else _Bar(keys)


class _Bar:
    """A bar of its own, where a notebook is executed alone."""

    def __init__(self, keys: Sequence[dict]):
        self._bar = progress(len(keys), "trials", unit="trial")

    def show(self, done: int) -> None:
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()


class _Lines:
    """A line at every change, where another process draws the bar."""

    def __init__(self, keys: Sequence[dict]):
        self._total, self._done = len(keys), -1
        self._name = hashlib.blake2b(json.dumps(list(keys)).encode(), digest_size=4).hexdigest()

    def show(self, done: int) -> None:
        if done != self._done:
            self._done = done
            print(_LINE.format(name=self._name, done=done, total=self._total), file=sys.stderr, flush=True)

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *error: object) -> None:
        pass
