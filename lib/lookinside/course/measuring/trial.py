"""The trials of a chapter by number: which there are, and one of them measured, in this process."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from lookinside.course.build.execution import KERNEL_ENVIRONMENT, one_line
from lookinside.course.measuring.needed_code import sweep_code
from lookinside.course.results import Results, key_of
from lookinside.course.sweeps import Enough, Numbering, in_words, key_text, numbered
from lookinside.errors import LookInsideError


@dataclass(frozen=True)
class Trial:
    """A trial of a chapter: its number, what its row is known by, and whether that row is recorded already."""

    number: int
    key: dict
    recorded: bool

    def __str__(self) -> str:
        shown = {name: value for name, value in self.key.items() if name not in ("profile", "dataset")}
        return f"{self.number:4d}  {'recorded' if self.recorded else 'missing '}  {in_words(shown)}"


def list_trials(source: Path, environment: dict[str, str]) -> list[Trial]:
    """All trials of a chapter in its own order: the numbers are the same whatever is recorded already.

    Args:
        source: the chapter's py:percent source.
        environment: profile, data set and seeds, as variables.

    Raises:
        LookInsideError: where the chapter stops before its last sweep.
    """
    keys = _run(source, environment, None).keys
    recorded = set(rows_by_key(source))
    return [Trial(number, key, key_text(key) in recorded) for number, key in enumerate(keys)]


def measure_trial(source: Path, number: int, environment: dict[str, str]) -> dict:
    """Measure one trial where it is not recorded already, and return its key; waits where another process has it.

    Raises:
        LookInsideError: where there is no such trial, or it fails.
    """
    keys = _run(source, environment, number).keys
    if number >= len(keys):
        raise LookInsideError(f"{source.stem} has no trial {number}: there are {len(keys)}, counted from 0.")
    return keys[number]


def rows_by_key(source: Path) -> dict[str, dict]:
    """The recorded rows of a chapter, by the text of what they are known by."""
    return {key_text(key_of(row)): row for row in Results(source.stem).rows()}


def _run(source: Path, environment: dict[str, str], wanted: int | None) -> Numbering:
    """Run what the sweeps of a chapter need as a plain program in the chapter's folder."""
    os.environ.update(KERNEL_ENVIRONMENT | environment)
    names: dict = {"__name__": "__main__"}
    with numbered(wanted) as numbering, contextlib.chdir(source.parent):
        try:
            for number, cell in enumerate(sweep_code(source, measured=wanted is not None).cells, 1):
                exec(compile(cell.source, f"{source.name}, needed cell {number}", "exec"), names)
        except Enough:
            pass
        except LookInsideError:
            raise
        except Exception as error:
            raise LookInsideError(f"{source.stem}: {one_line(type(error).__name__, str(error))}") from error
    return numbering
