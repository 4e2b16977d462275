"""First-trimester ultrasound with the boxes of nine structures (Cui & Dong 2022), prepared into data/fetus.

    python data_scripts/fetus.py --from FOLDER-or-ARCHIVE

The set is downloaded in a browser. Its publisher's workbook ObjectDetection.xlsx (columns fname, structure, h_min,
w_min, h_max, w_max) is read as it comes, and so is a table boxes.csv (file, structure, y_min, x_min, y_max, x_max). The
pictures lie anywhere under the folder; with an images.csv beside the table, those that have no box are kept too.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image
from preparing.boxes import Box, FoundBoxes, write_boxes
from preparing.card import Card
from preparing.cli import run
from preparing.copies import mark
from preparing.listing import Table, all_files, read_table
from preparing.pictures import Made, is_source, read_source
from preparing.workbook import read_workbook

from lookinside.data.boxes.box_checks import wrong_with_box
from lookinside.errors import LookInsideError

# The phantoms' names -> the publisher's. IT is the intracranial translucency, CM the cisterna magna.
CLASSES = {
    **{name: name for name in ("thalami", "midbrain", "palate", "IT", "CM", "NT")},
    **{"nasal_tip": "nasal tip", "nasal_skin": "nasal skin", "nasal_bone": "nasal bone"},
}
FILE, STRUCTURE = ("file", "fname"), ("structure",)
CORNERS = (("x_min", "w_min"), ("y_min", "h_min"), ("x_max", "w_max"), ("y_max", "h_max"))
BLACKED = 48  # rows at the top: hospital, date and number of the examination are burned in there
_READ = {".csv": read_table, ".xlsx": read_workbook}


def collect(folder: Path) -> FoundBoxes:
    """The pictures that the table has boxes of, or that images.csv lists, each with its boxes."""
    everything = all_files(folder)
    table, places = _table(folder, everything)
    pictures = _by_stem(path for path in everything if is_source(path))
    boxes: dict[str, list[Box]] = {name: [] for name in _listed(table.path.with_name("images.csv"))}
    left_out: Counter[str] = Counter()
    shapes: dict[str, tuple[int, int]] = {}
    seen = set()
    for line, row in table.rows:
        where = f"{table.path}: line {line}"
        name, box = _box(where, row, places)
        if name not in pictures:
            left_out["box, in the table, no file"] += 1
            continue
        path = _the_one(pictures[name])
        if (name, box[0]) in seen:
            raise LookInsideError(f"{where}: {path.name} has a second box of {box[0]}: keep one of its lines")
        seen.add((name, box[0]))
        if name not in shapes:
            shapes[name] = _shape(path)
        if wrong := wrong_with_box(box[1:], *shapes[name]):
            raise LookInsideError(f"{where}: {path.name}: the box {wrong}: correct or remove the line")
        boxes.setdefault(name, []).append(box)
    items = [(_blacked(_the_one(pictures[name])), own) for name, own in sorted(boxes.items()) if name in pictures]
    left_out["picture, listed, no file"] = sum(name not in pictures for name in boxes)
    left_out["picture, no box of it and not listed"] = len(set(pictures) - set(boxes))
    if not items:
        raise LookInsideError(f"{folder}: holds no picture of {table.path}: give the folder that holds both")
    high = sum(box[2] < BLACKED for _, own in items for box in own)
    notes = {"blacked_rows": {"top": BLACKED, "why": "burned-in text", "boxes_that_begin_there": high}}
    notes["groups"] = (
        "patients are not told; the publisher has 1,528 images of 1,519 women, and the numbers in the file names tell "
        "no series: pictures of neighbouring numbers are not alike"
    )
    return FoundBoxes(tuple(CLASSES), items, dict(left_out), notes)


def _table(folder: Path, everything: list[Path]) -> tuple[Table, dict[str, int]]:
    """The table of boxes, the one that lies highest, and the places of its columns."""
    tables = sorted((path for path in everything if path.suffix.lower() in _READ), key=lambda p: (len(p.parts), p))
    for path in tables:
        table = _READ[path.suffix.lower()](path)
        wanted = {names[0]: table.column(names) for names in (FILE, STRUCTURE, *CORNERS)}
        if None not in wanted.values():
            return table, wanted
    columns = ", ".join(names[0] for names in (FILE, STRUCTURE, *CORNERS))
    raise LookInsideError(
        f"{folder}: holds no table of boxes: give the folder with ObjectDetection.xlsx, or a .csv with {columns}"
    )


def _by_stem(paths) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(path.stem, []).append(path)
    return found


def _the_one(paths: list[Path]) -> Path:
    """The picture of a name; several of one name have to be the same picture."""
    if len(paths) > 1 and len({mark(read_source(path)) for path in paths}) > 1:
        raise LookInsideError(f"{paths[0]} and {paths[1]}: two pictures of one name: give a folder with one of them")
    return paths[0]


def _listed(path: Path) -> list[str]:
    """The pictures in images.csv, those without a box among them; none where it is not there."""
    if not path.is_file():
        return []
    table = read_table(path)
    place = table.column(FILE)
    if place is None:
        raise LookInsideError(f"{path}: has no column {FILE[0]}: add it or remove the table")
    return [Path(row[place].strip()).stem for _, row in table.rows if len(row) > place]


def _box(where: str, row: list[str], places: dict[str, int]) -> tuple[str, Box]:
    """The picture of a line, by its name without an ending, and the box."""
    if len(row) <= max(places.values()):
        raise LookInsideError(f"{where} is cut short: complete or remove it")
    said = row[places["structure"]].strip()
    names = [name for name, publishers in CLASSES.items() if said in (name, publishers)]
    if not names:
        raise LookInsideError(f"{where}: structure {said!r} is unknown: choose from {', '.join(CLASSES.values())}")
    try:
        corners = [float(row[places[names[0]]]) for names in CORNERS]
    except ValueError as problem:
        raise LookInsideError(f"{where}: a corner is no number ({problem}): correct or remove the line") from None
    return Path(row[places["file"]].strip()).stem, (names[0], *corners)


def _shape(path: Path) -> tuple[int, int]:
    """(height, width) of a picture, unread; one that cannot be opened is told of when all are read."""
    try:
        with Image.open(path) as opened:
            return opened.height, opened.width
    except Exception:
        return 10**9, 10**9


def _blacked(path: Path) -> Made:
    def make() -> np.ndarray:
        pixels = read_source(path).copy()
        pixels[:BLACKED] = 0
        return pixels

    return Made(path.stem, make)


CARD = Card(
    name="fetus",
    title="Dataset for Fetus Framework: first-trimester ultrasound, boxes of nine structures",
    licence="CC BY 4.0 (with credit), as those say who use it; look at the publisher's page",
    citation="Cui & Dong, Dataset for Fetus Framework, Mendeley Data V1, 2022, doi 10.17632/n2rbrb9t4f.1",
    source="data.mendeley.com/datasets/n2rbrb9t4f/1",
    how_to_get="is downloaded in a browser: data.mendeley.com/datasets/n2rbrb9t4f/1; then run this script again with "
    "--from FOLDER-or-ARCHIVE",
    collect=collect,
    original_names=CLASSES,
    size=640,
    near_copies=0.95,
    write=write_boxes,
)


def main(argv=None) -> int:
    """Prepare data/fetus; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
