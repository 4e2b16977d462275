"""What lies under a folder: all files, links followed, and the tables (.csv) among them."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from lookinside.errors import LookInsideError


def all_files(folder: Path) -> list[Path]:
    """Every file below `folder`, sorted; linked folders are gone through too, each folder once.

    Raises:
        OSError: if a folder may not be read, for what is in it would be missing and nobody would know.
    """

    def refuse(error):
        if not Path(error.filename).name.startswith("."):
            raise error

    found, seen = [], set()
    for here, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        found += [Path(here, name) for name in names]
    return sorted(path for path in found if path.is_file())


@dataclass(frozen=True)
class Table:
    """A .csv file: `columns` in lower case, `rows` as (line number, values); a row may be cut short."""

    path: Path
    columns: list[str]
    rows: list[tuple[int, list[str]]]

    def column(self, names: tuple[str, ...]) -> int | None:
        """The place of the first of `names` that is a column, or None."""
        return next((self.columns.index(name) for name in names if name in self.columns), None)


def read_table(path: Path) -> Table:
    """Read a table with commas, or with semicolons as some spreadsheets write it.

    Raises:
        LookInsideError: if it is no text, or no table.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            head = opened.readline()
            opened.seek(0)
            reader = csv.reader(opened, delimiter=";" if ";" in head and "," not in head else ",")
            columns = [name.strip().lower() for name in next(reader, [])]
            return Table(path, columns, [(reader.line_num, row) for row in reader if any(row)])
    except (UnicodeDecodeError, csv.Error) as error:
        raise LookInsideError(f"{path}: cannot be read as a table ({error}): download it again") from None
