"""Which images of a prepared set belong together: `groups.csv`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from lookinside.errors import LookInsideError

GROUPS_FILE = "groups.csv"
COLUMNS = ("image", "group")


def read_groups(folder: Path) -> dict[str, str] | None:
    """Image (path below the set's folder, `train/hand/1.png`) -> group (patient); None without a `groups.csv`.

    Raises:
        LookInsideError: if the file is no table with the columns image and group, a line is cut short, empty or there
            twice.
    """
    path = folder / GROUPS_FILE
    if not path.is_file():
        return None
    groups: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.DictReader(opened)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                has = ", ".join(reader.fieldnames or ()) or "none"
                raise LookInsideError(f"{path}: has the columns {has}: give {' and '.join(COLUMNS)}")
            for row in reader:
                image, group = ((row[name] or "").strip() for name in COLUMNS)
                if not image or not group:
                    raise LookInsideError(f"{path}: line {reader.line_num}: gives no {'group' if image else 'image'}")
                if groups.setdefault(image, group) != group:
                    raise LookInsideError(f"{path}: line {reader.line_num}: {image} is in two groups: keep one line")
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise LookInsideError(f"{path}: cannot be read as a table ({error}): write it again or delete it") from None
    return groups


def groups_of(names: Iterable[str], groups: Mapping[str, str] | None, folder: Path) -> list[str] | None:
    """The group of each image, or None where a set has no groups.

    Raises:
        LookInsideError: if an image is not in the table.
    """
    if groups is None:
        return None
    names = list(names)
    missing = [name for name in names if name not in groups]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise LookInsideError(f"{folder / GROUPS_FILE}: does not list {missing[0]}{more}: add a line for each image")
    return [groups[name] for name in names]


def write_groups(folder: Path, groups: Mapping[str, str]) -> None:
    """Write `groups.csv`, sorted by image."""
    with (folder / GROUPS_FILE).open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted(groups.items()))
