"""`make student`: the chapters without solutions, guesses, outputs and the instructor's notes, in build/student.

A first cell installs the library where it is missing, and a last one holds the words of the glossary that the chapter
uses, so that a copy can be opened alone, on Colab say.

python -m lookinside.course.build.student [CHAPTER]
"""

from __future__ import annotations

import argparse
import copy
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from lookinside.course.build.first_cell import with_first_cell
from lookinside.course.build.outline import headings_of, slide_mark
from lookinside.course.build.pairs import fresh_notebook
from lookinside.course.build.start_page import renew_start_page
from lookinside.course.build.words import with_words
from lookinside.course.places import chapter_sources, repository, repository_address
from lookinside.course.predict import empty_guesses
from lookinside.errors import LookInsideError

YOUR_TURN = """# Your turn: write your answer here, in place of these lines.
from lookinside.course import unsolved

unsolved("{exercise}")"""
FOLDED = {"hide-input", "sweep"}  # as on the page


def student_copy(notebook: Any) -> Any:
    """A notebook node for students: runs of `solution` cells become one "Your turn" cell, guesses become `...`.

    The instructor's notes are left out, and the code that a page folds is folded.
    """
    cells: list[Any] = []
    for is_solution, group in groupby(notebook.cells, key=lambda cell: "solution" in cell.metadata.get("tags", [])):
        if is_solution:
            cells.append(_your_turn(list(group), cells))
        else:
            cells.extend(_without_answers(cell) for cell in group if slide_mark(cell) != "notes")
    metadata = {key: notebook.metadata[key] for key in ("kernelspec", "language_info") if key in notebook.metadata}
    # Without a text twin: JupyterLab would write one beside the student's copy.
    metadata["jupytext"] = {"formats": "ipynb"}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _your_turn(solution: list[Any], before: list[Any]) -> Any:
    metadata = {"slideshow": {"slide_type": "skip"}}
    headings = headings_of(before)
    exercise = headings[-1][1].split(":")[0].replace('"', "'") if headings else "This exercise"
    if all(cell.cell_type == "markdown" for cell in solution):
        return new_markdown_cell("*Your turn: write your answer here.*", metadata=metadata, id=solution[0].id)
    return new_code_cell(YOUR_TURN.format(exercise=exercise), metadata=metadata, id=solution[0].id)


def _without_answers(cell: Any) -> Any:
    cell = copy.deepcopy(cell)
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
        tags = cell.metadata.get("tags", [])
        if "guess" in tags:
            cell.source = empty_guesses(cell.source)
        if FOLDED & {*tags}:  # JupyterLab shows a bar: the code below a guess gives the answer away
            cell.metadata["jupyter"] = {"source_hidden": True}
    return cell


def build(source: Path, folder: Path) -> Path:
    """Write the student's copy of one chapter into a folder."""
    path = folder / f"{source.stem}.ipynb"
    folder.mkdir(parents=True, exist_ok=True)
    notebook = with_words(student_copy(fresh_notebook(source)), source)
    notebook = with_first_cell(notebook, repository_address())
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return path


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 after one line that says what is wrong."""
    parser = argparse.ArgumentParser(prog="make student", description="Write the student's copies.")
    parser.add_argument("chapter", nargs="?", help="a number (01) or the start of a chapter's name; all without it")
    options = parser.parse_args(arguments)
    try:
        folder = repository() / "build" / "student"
        written = [build(source, folder) for source in chapter_sources(options.chapter)]
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1
    renew_start_page()
    print(f"{len(written)} notebook{'s' * (len(written) != 1)} in build/student")
    return 0


if __name__ == "__main__":
    sys.exit(main())
