"""The instructor's own copy of a notebook: the student's copy with every answer in it."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell

from lookinside.course.build.student import student_copy
from lookinside.course.predict import with_guesses


def model_copy(notebook: Any, guesses: dict[str, str]) -> Any:
    """The student's copy with every exercise solved and every prediction right: `make grade` gives it full marks.

    Args:
        notebook: a chapter's notebook, whose cells have ids.
        guesses: the right answers as code, by the guess's name; one that is not among them stays empty.
    """
    copy = student_copy(notebook)
    solutions = _solutions(notebook)
    cells = []
    for cell in copy.cells:
        if "guess" in cell.metadata.get("tags", []):
            cell.source = with_guesses(cell.source, guesses)
        cells += solutions.get(cell.id, [cell])
    copy.cells = cells
    return copy


def _solutions(notebook):
    """Id of a "Your turn" cell -> the cells to put in its place: the words, then all code in one cell of this id."""
    found = {}
    for is_solution, group in groupby(notebook.cells, key=lambda cell: "solution" in cell.metadata.get("tags", [])):
        group = list(group) if is_solution else []
        code = "\n\n".join(cell.source for cell in group if cell.cell_type == "code")
        words = [new_markdown_cell(cell.source) for cell in group if cell.cell_type == "markdown"]
        if code:
            found[group[0].id] = [*words, new_code_cell(code, id=group[0].id)]
        elif words:
            words[0].id = group[0].id
            found[group[0].id] = words
    return found
