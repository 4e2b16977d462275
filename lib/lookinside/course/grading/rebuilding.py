"""A chapter with a student's guesses and answers in it: all else is the course's own, whatever else was changed."""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell

from lookinside.course.build.student import YOUR_TURN, student_copy
from lookinside.course.predict import empty_guesses
from lookinside.errors import LookInsideError

MOST_BYTES = 50_000_000
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
STUDENTS = "students"  # the tag of a cell that a student has written
_GOES_ON = "raises-exception"  # nbclient runs on behind a cell of this tag that fails


@dataclass(frozen=True)
class Task:
    """An exercise: the cells that a student has written, and those of the course that test them.

    Attributes:
        name: its heading.
        answer, tests: places of code cells in the notebook.
    """

    name: str
    answer: tuple[int, ...]
    tests: tuple[int, ...]


def read_submission(path: Path) -> Any:
    """A student's notebook. Raises LookInsideError, in one line, for what is none."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise LookInsideError(f"has {size / 1e6:.0f} MB, {MOST_BYTES / 1e6:.0f} are the most: clear its outputs")
        notebook = nbformat.read(path, as_version=4)
        cells = [(cell.cell_type, cell.get("id"), str(cell.source)) for cell in notebook.cells]
    except OSError as error:
        raise LookInsideError(f"cannot be read ({error.strerror})") from None
    except LookInsideError:
        raise
    except Exception as error:  # nbformat and json raise several kinds for what is not a notebook
        kind = type(error).__name__
        raise LookInsideError(f"is no notebook, or a part of one ({kind}): ask for the file again") from None
    if not cells:
        raise LookInsideError("is a notebook without cells")
    return notebook


def chapter_of(student: Any, chapters: dict[str, Any]) -> str:
    """The chapter that a student's notebook is a copy of: the one with which it shares most cells.

    Args:
        student: a notebook.
        chapters: name -> the chapter's notebook, whose cells have the ids that copies keep.

    Raises:
        LookInsideError: for a notebook that shares fewer than half of the cells of any chapter.
    """
    own = {cell.get("id") for cell in student.cells}
    copies = {name: [cell.id for cell in student_copy(one).cells] for name, one in chapters.items()}
    shared = {name: sum(key in own for key in keys) / len(keys) for name, keys in copies.items()}
    best = max(shared, key=shared.get)
    if shared[best] < 0.5:
        raise LookInsideError("is no copy of a chapter: hand in what `make student` wrote, with its cells kept")
    return best


def with_ids(student: Any, chapters: dict[str, Any]) -> Any:
    """A student's notebook whose cells have the ids of the copy again, where an editor has dropped or renewed them.

    Cells that the student has left alone are found by their text; a changed one by its place between them.

    Args:
        student: a notebook; it comes back as it is where it still has ids of a chapter.
        chapters: name -> the chapter's notebook.
    """
    copies = {name: student_copy(one).cells for name, one in chapters.items()}
    if {cell.get("id") for cell in student.cells} & {cell.id for cells in copies.values() for cell in cells}:
        return student
    texts = {cell.source.strip() for cell in student.cells}
    alike = {name: sum(cell.source.strip() in texts for cell in cells) / len(cells) for name, cells in copies.items()}
    cells = copies[max(alike, key=alike.get)]
    found = copy.deepcopy(student)
    sides = ([f"{cell.cell_type} {cell.source.strip()}" for cell in side] for side in (cells, found.cells))
    for what, first, last, start, end in SequenceMatcher(None, *sides, autojunk=False).get_opcodes():
        if what in ("equal", "replace"):
            for ours, own in zip(cells[first:last], found.cells[start:end], strict=False):
                own.id = ours.id
    return found


def rebuilt(chapter: Any, student: Any) -> tuple[Any, list[Task]]:
    """The chapter's notebook with the guesses and answers of a student's copy, and its exercises.

    A guess is the student's cell of the same id; an answer is the "Your turn" cell, and the cells that were added
    behind it. What the student has changed elsewhere, a test that was taken out say, is not in it. Every cell goes on
    behind a failure.
    """
    written = _by_id(student, {cell.id for cell in chapter.cells})
    cells: list[Any] = []
    tasks: list[Task] = []
    heading, open_task = "", None
    for is_solution, group in groupby(chapter.cells, key=lambda cell: "solution" in cell.metadata.get("tags", [])):
        group = list(group)
        if is_solution and all(cell.cell_type == "markdown" for cell in group):
            continue
        if is_solution:
            sources = written.get(group[0].id) or [YOUR_TURN.format(exercise=heading)]  # the cell was taken out
            places = tuple(range(len(cells), len(cells) + len(sources)))
            cells += [_code(source, STUDENTS) for source in sources]
            open_task = Task(heading, places, ())
            tasks.append(open_task)
            continue
        for cell in group:
            if cell.cell_type == "markdown":
                found = [line.lstrip("# ") for line in cell.source.splitlines() if _HEADING.match(line)]
                if found:
                    heading, open_task = found[-1].split(":")[0], None
                cells.append(copy.deepcopy(cell))
                continue
            if "guess" in cell.metadata.get("tags", []):
                cells.append(_code(written.get(cell.id, [empty_guesses(cell.source)])[0], STUDENTS))
            else:
                cells.append(_code(cell.source))
            if open_task is not None and "assert" in cell.source:
                tasks[-1] = open_task = Task(open_task.name, open_task.answer, (*open_task.tests, len(cells) - 1))
    return nbformat.v4.new_notebook(cells=cells, metadata=copy.deepcopy(chapter.metadata)), tasks


def predictions_of(notebook: Any) -> int:
    """How many predictions a chapter asks for: its calls of `check` with a guess."""
    return sum(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"
        for cell in notebook.cells
        if cell.cell_type == "code" and "check(" in cell.source
        for node in ast.walk(ast.parse(cell.source))
    )


def _by_id(student, known):
    """Id of a cell of the course -> the code that stands in the student's cell of this id and in those added behind."""
    written: dict[str, list[str]] = {}
    last = None
    for cell in student.cells:
        own = cell.get("id")
        if own in known:
            last = own if own not in written else None  # an id that comes twice counts once
            if last:
                written[last] = []
        if last and cell.cell_type == "code":
            written[last].append(str(cell.source))
    return {key: sources for key, sources in written.items() if sources}


def _code(source, *tags):
    cell = new_code_cell(source)
    cell.metadata["tags"] = [_GOES_ON, *tags]
    return cell
