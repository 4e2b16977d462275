"""The page that people quote: every paper's claim, what held, and the recorded numbers with their origin."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookinside.course.build.outline import title_of
from lookinside.course.build.pairs import read_stored
from lookinside.course.site.claims import claim_of, verdicts_of
from lookinside.course.site.record_tables import PAPER, RecordTable, commands_of, tables_of
from lookinside.errors import LookInsideError

COLUMNS = ("table", "chapter", "row", "column", "mean", "low", "high", "paper", "seeds", "dataset", "command")


@dataclass(frozen=True)
class ChapterResults:
    """What the page shows of one chapter; the texts are HTML."""

    title: str
    name: str
    anchor: str
    link: str
    claim: str
    verdicts: list[tuple[str, str]]
    tables: list[RecordTable]


def results_of(source: Path, notebook: Any = None) -> ChapterResults:
    """What a chapter and its record say. Raises LookInsideError, which names the chapter, where a part is missing."""
    notebook = notebook or read_stored(source)
    name = f"chapter {int(source.stem[:2])}"
    try:
        verdicts, tables = verdicts_of(notebook), tables_of(source)
    except LookInsideError as error:
        raise LookInsideError(f"{source.name}: {error}") from None
    anchor, link = name.replace(" ", "-"), f"{source.stem}.html"
    return ChapterResults(title_of(notebook), name, anchor, link, claim_of(notebook), verdicts, tables)


def as_csv(chapters: list[ChapterResults]) -> str:
    """Every measured number of the page as a line; shares as they are recorded, between 0 and 1."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for table in (table for chapter in chapters for table in chapter.tables):
        for row, column, one in table.measured():
            told = (one.mean, one.low, one.high, table.numbers[row].get(PAPER.format(column)))
            figures = ["" if value is None else f"{value:.6g}" for value in told]
            about = (" ".join(map(str, one.seeds)), one.rows[0]["dataset"], "; ".join(commands_of(one.rows)))
            lines.writerow([table.number, table.chapter, row, column, *figures, *about])
    return text.getvalue()
