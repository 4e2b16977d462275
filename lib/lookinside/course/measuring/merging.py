"""Records of several machines become one: the same trial is one row, and what contradicts itself is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lookinside.course.kept_files import KEPT, write_in_one_step
from lookinside.course.places import chapter_sources
from lookinside.course.results import NO_KEY, Results, key_of
from lookinside.course.sweeps import in_words
from lookinside.errors import LookInsideError


def merge(paths: Sequence[str | Path]) -> int:
    """Take the rows of other machines' records into this one's; returns 0, or 1 where a file was left out.

    A file is taken whole or, with a line that names it, not at all: where it cannot be read, is of no chapter, or holds
    other values than this record for the same trial. A row comes with all that describes its measuring (command, date,
    hardware, versions, seconds, settings), so no row is mixed of two. Of equal rows the one that was here first stays.

    Figures and weights that lie beside a record come along where this record has none of their name. One that is here
    and differs stays, and is named: only who measured both knows which one belongs to the rows.

    Args:
        paths: results files, or folders whose files of the form `01_name.json` are taken.
    """
    status = 0
    for path in [file for one in paths for file in _files(Path(one))]:
        try:
            chapter, rows = read_record(path)
            new = Results(chapter).take(rows)
            print(f"{path}: {new} new rows of {len(rows)}", flush=True)
            _take_kept(path, Results(chapter).path)
        except LookInsideError as error:
            print(f"{path} is left out: {error}", file=sys.stderr, flush=True)
            status = 1
    return status


def _take_kept(theirs: Path, ours: Path) -> None:
    """Copy the figures and weights beside a record to another of the same chapter."""
    for kept in sorted(one for one in theirs.parent.glob(f"{ours.stem}_*") if one.suffix in KEPT):
        here = ours.with_name(kept.name)
        if not here.exists():
            write_in_one_step(here, kept.read_bytes())
            print(f"{kept}: taken", flush=True)
        elif here.read_bytes() != kept.read_bytes():
            print(f"{kept} differs from the one that is here, which stays: copy it if it belongs to the new rows.")


def read_record(path: Path) -> tuple[str, list[dict]]:
    """The chapter and the rows of a results file.

    Raises LookInsideError, without the file's name, where it is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LookInsideError(f"it cannot be read ({error.strerror}).") from None
    except ValueError as error:  # no JSON, or no text
        raise LookInsideError(f"it is no JSON ({error}): copy it again.") from None
    chapter, rows = (content.get(name) if isinstance(content, dict) else None for name in ("chapter", "rows"))
    if not isinstance(chapter, str) or not isinstance(rows, list):
        raise LookInsideError("it is no record of a chapter: it needs `chapter` and `rows`.")
    if chapter not in [source.stem for source in chapter_sources()]:
        raise LookInsideError(f"there is no chapter {chapter!r:.60}.")
    for number, row in enumerate(rows):
        if not _is_row(row):
            raise LookInsideError(f"its row {number} is none: it needs profile, dataset, {', '.join(NO_KEY)}.")
    return chapter, rows


def _is_row(row: Any) -> bool:
    columns = {"profile": str, "dataset": str, "settings": dict, "values": dict}
    if not isinstance(row, dict) or not set(NO_KEY) <= set(row):
        return False
    return bool(in_words(key_of(row))) and all(isinstance(row.get(name), kind) for name, kind in columns.items())


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("[0-9][0-9]_*.json")) if path.is_dir() else [path]
