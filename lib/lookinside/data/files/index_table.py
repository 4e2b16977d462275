"""What is known of each image of a set on the disk, its patient and its tags: `index.csv`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lookinside.errors import LookInsideError

INDEX_FILE, OLD_FILE = "index.csv", "groups.csv"
IMAGE, GROUP = "image", "group"
_LIKE_GROUP = {"groups", "patient", "patients", "patientid", "patient_id", "subject", "subject_id", "case", "case_id"}


@dataclass(frozen=True)
class Index:
    """The table of a set.

    Attributes:
        path: of the table.
        columns: its columns but for "image", in their order.
        rows: image (path below the set's folder, `train/hand/1.png`) -> column -> text.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]

    def of(self, names: Iterable[str]) -> tuple[list[str] | None, dict[str, list[str]]]:
        """The groups of these images, or None where the table has no column "group", and their tags by name.

        Raises:
            LookInsideError: if an image is not in the table.
        """
        names = list(names)
        missing = [name for name in names if name not in self.rows]
        if missing:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise LookInsideError(f"{self.path}: does not list {missing[0]}{more}: add a line for each image")
        found = {column: [self.rows[name][column] for name in names] for column in self.columns}
        return found.pop(GROUP, None), found


def read_index(folder: Path) -> Index | None:
    """The table of the set in `folder`; None where it has no `index.csv`.

    The column "image" is the image's path below `folder`, "group" (it may be missing) its patient, each further column
    a tag.

    Raises:
        LookInsideError: if the file is no such table, a line is cut short, too long or has an empty place, an image is
            there twice with different values, or the set still has a `groups.csv`.
    """
    path = folder / INDEX_FILE
    if (folder / OLD_FILE).is_file():
        raise LookInsideError(f"{folder / OLD_FILE}: this table is called {INDEX_FILE} now: rename it")
    if not path.is_file():
        return None
    rows: dict[str, dict[str, str]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.reader(opened)
            columns = [name.strip() for name in next(reader, [])]
            _check_columns(path, columns)
            for values in reader:
                if any(value.strip() for value in values):
                    image, row = _row(f"{path}: line {reader.line_num}", columns, values)
                    if rows.setdefault(image, row) != row:
                        raise LookInsideError(
                            f"{path}: line {reader.line_num}: {image} was there before with other values: keep one line"
                        )
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise LookInsideError(f"{path}: cannot be read as a table ({error}): write it again or delete it") from None
    return Index(path, tuple(name for name in columns if name != IMAGE), rows)


def write_index(folder: Path, rows: Mapping[str, Mapping[str, str]]) -> None:
    """Write `index.csv`, sorted by image; all rows have the same columns."""
    columns = list(next(iter(rows.values()), {}))
    with (folder / INDEX_FILE).open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow([IMAGE, *columns])
        writer.writerows([image, *(row[column] for column in columns)] for image, row in sorted(rows.items()))


def _check_columns(path: Path, columns: list[str]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if IMAGE not in columns or len(columns) < 2:
        has = ", ".join(columns) or "none"
        raise LookInsideError(f"{path}: has the columns {has}: give {IMAGE} and {GROUP}, or {IMAGE} and a tag")
    if "" in columns or twice:
        what = f"two columns {twice[0]}" if twice and twice[0] else "a column without a name"
        raise LookInsideError(f"{path}: has {what}: give each column a name of its own")
    # Taken for a tag, it would not keep a patient on one side of a split.
    like_group = [name for name in columns if name.lower() in _LIKE_GROUP]
    if like_group and GROUP not in columns:
        raise LookInsideError(f"{path}: has the column {like_group[0]}: call it {GROUP}")


def _row(where: str, columns: list[str], values: list[str]) -> tuple[str, dict[str, str]]:
    row = dict(zip(columns, (value.strip() for value in values), strict=False))
    empty = [name for name in columns if not row.get(name)]
    if empty:
        raise LookInsideError(f"{where}: gives no {empty[0]}: fill it in")
    if len(values) > len(columns):
        raise LookInsideError(f"{where}: has {len(values)} values for {len(columns)} columns: put quotes around commas")
    return row.pop(IMAGE), row
