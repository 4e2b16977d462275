"""What came of a student's notebook: predictions right, close, wrong or missing, exercises passed, the first error."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookinside.course.build.execution import Limits, execute, one_line
from lookinside.course.grading.rebuilding import (
    STUDENTS,
    Task,
    chapter_of,
    predictions_of,
    read_submission,
    rebuilt,
    with_ids,
)
from lookinside.errors import LookInsideError

_VERDICTS = {"right": "Right:", "close": "Close:", "wrong": "Not this time:"}


@dataclass(frozen=True)
class Marks:
    """A line of the table.

    Attributes:
        file: the notebook, from the folder of all.
        chapter: the chapter that it is a copy of; empty where that cannot be told.
        right, close, wrong, missing: numbers of predictions; one that cannot be understood is missing.
        passed, exercises: how many exercises passed, and how many there are.
        failed: names of those that did not pass.
        error: why a notebook has no marks, or the first error outside of the exercises; empty where there is none.
        seconds, peak_bytes: what it took.
        over: the limit that stopped it, "seconds" or "bytes"; empty where none did.
    """

    file: str
    chapter: str = ""
    right: int = 0
    close: int = 0
    wrong: int = 0
    missing: int = 0
    passed: int = 0
    exercises: int = 0
    failed: tuple[str, ...] = ()
    error: str = ""
    seconds: float = 0.0
    peak_bytes: int = 0
    over: str = ""


def marks_of(path: Path, name: str, chapters: dict[str, Any], limits: Limits) -> Marks:
    """Execute a student's notebook, within limits and in a folder of its own, and count; nothing in it raises.

    Raises KeyboardInterrupt where Ctrl-C has stopped it.

    Args:
        path: the notebook; it is read, and nothing is written beside it.
        name: what the table calls it.
        chapters: name -> notebook of each chapter.
        limits: time and memory.
    """
    try:
        student = with_ids(read_submission(path), chapters)
        chapter = chapter_of(student, chapters)
    except LookInsideError as error:
        return Marks(name, error=str(error))
    notebook, tasks = rebuilt(chapters[chapter], student)
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        quick = {"COURSE_PROFILE": "quick", "COURSE_DATASET": "phantoms", "COURSE_SEED": "0", "COURSE_QUIET": "1"}
        execution = execute(notebook, Path(folder), environment=quick, limits=limits)
    if execution.interrupted:
        raise KeyboardInterrupt  # half of a notebook has no marks that could be kept
    verdicts = _verdicts(notebook)
    passed = [task.name for task in tasks if _passes(notebook, task)]
    counts = {
        **verdicts,
        "missing": max(0, predictions_of(chapters[chapter]) - sum(verdicts.values())),
        "passed": len(passed),
        "exercises": len(tasks),
        "failed": tuple(task.name for task in tasks if task.name not in passed),
    }
    error = execution.error or _first_error(notebook, tasks)
    took = {"seconds": execution.seconds, "peak_bytes": execution.peak_bytes, "over": execution.over}
    return Marks(name, chapter, **counts, error=error, **took)


def _verdicts(notebook):
    """How many predictions were right, close and wrong, by what `check` has printed in the course's own cells.

    Of a guess that it could not understand it gives no verdict, so that this one is missing.
    """
    printed = "\n".join(
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code" and "check(" in cell.source and STUDENTS not in cell.metadata["tags"]
        for output in cell.outputs
        if output.output_type == "stream"
    )
    return {name: len(re.findall(f"^{re.escape(said)}", printed, re.MULTILINE)) for name, said in _VERDICTS.items()}


def _passes(notebook, task: Task) -> bool:
    """Whether an exercise has tests, and they and the answer ran without an error."""
    cells = [notebook.cells[place] for place in (*task.answer, *task.tests)]
    return bool(task.tests) and all(cell.execution_count and _error_of(cell) is None for cell in cells)


def _first_error(notebook, tasks):
    ours = {place for task in tasks for place in (*task.answer, *task.tests)}
    for place, cell in enumerate(notebook.cells):
        error = _error_of(cell) if cell.cell_type == "code" and place not in ours else None
        if error:
            return error
    return ""


def _error_of(cell):
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            return one_line(output.ename, output.evalue)
    return None
