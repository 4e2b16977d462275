"""The table of all students: as CSV for a spreadsheet, as a page, and as text for the terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from lookinside.course.build.export import TEMPLATES
from lookinside.course.grading.marks import Marks

COLUMNS = ("notebook", "chapter", "right", "close", "wrong", "no guess", "exercises passed", "not passed", "error")
COLUMNS += ("minutes", "GB")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute


def row_of(marks: Marks) -> tuple:
    """The values of COLUMNS."""
    counts = (marks.right, marks.close, marks.wrong, marks.missing) if marks.chapter else ("", "", "", "")
    passed = f"{marks.passed} of {marks.exercises}" if marks.chapter else ""
    took = (f"{marks.seconds / 60:.1f}", f"{marks.peak_bytes / 1e9:.1f}") if marks.seconds else ("", "")
    return marks.file, marks.chapter, *counts, passed, ", ".join(marks.failed), marks.error, *took


def write_csv(marks: Sequence[Marks], path: Path) -> None:
    """Write a line a notebook, UTF-8 with the mark that Excel knows it by.

    A text that a spreadsheet would take for a formula gets a quote in front.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in marks:
        writer.writerow([f"'{v}" if isinstance(v, str) and v.startswith(_FORMULA) else v for v in row_of(one)])
    _write(path, "\ufeff" + text.getvalue())


def write_html(marks: Sequence[Marks], path: Path) -> None:
    """Write the table as one page that needs nothing else."""
    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    style = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("shared/base.css", "grades/grades.css"))
    rows = [(row_of(one), bool(one.error)) for one in marks]
    _write(path, templates.get_template("grades/index.html.j2").render(columns=COLUMNS, rows=rows, style=style))


def in_words(marks: Sequence[Marks]) -> str:
    """The table for the terminal."""
    short = ("notebook", "right", "close", "wrong", "none", "passed", "error")
    rows = [short]
    for one in marks:
        values = row_of(one)
        rows.append((values[0], *map(str, values[2:6]), values[6], values[8]))
    wide = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, [*wide, 0], strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _write(path, text):
    half = path.with_suffix(".part")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
