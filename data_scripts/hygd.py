"""HYGD, the Hillel Yaffe Glaucoma Dataset (Abramovich et al.), fetched and prepared into data/hygd.

    python data_scripts/hygd.py
    python data_scripts/hygd.py --from FOLDER-or-ARCHIVE
    python data_scripts/hygd.py --surround kept --out data/hygd_kept

Fundus photographs with the labels of Labels.csv (columns Image Name, Patient, Label, Quality Score): GON+ is
glaucomatous optic neuropathy. All photographs of a patient stay on one side of the split; the quality score is a tag.

What lies around the round field is not quite black, and tells the classes apart better than the retina does. So the
same circle is cut out of every photograph; `--surround kept` leaves it as it is, for those who want to see a shortcut.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from preparing.card import Card, Choice, Found
from preparing.cli import run
from preparing.listing import Table, all_files, read_table
from preparing.patients import Patients
from preparing.pictures import Made, Source, is_source, read_source

from lookinside.errors import LookInsideError

CLASSES = {"healthy": "GON-", "glaucoma": "GON+"}
COLUMNS = ("image name", "patient", "label", "quality score")
CIRCLE = 0.95  # of half the shorter side; the fields reach to 0.98 in nearly all photographs


def collect(folder: Path, surround: str = "black") -> Found:
    """The photographs that Labels.csv names, anywhere under `folder`, with patient and quality."""
    everything = all_files(folder)
    table, (image, patient, label, quality) = _labels(folder, everything)
    files = {}
    for path in filter(is_source, everything):
        files.setdefault(path.name, []).append(path)
    names = {original: name for name, original in CLASSES.items()}
    items, people, scores, seen = [], {}, {}, set()
    left_out = {"in the table, no file": 0}
    for line, row in table.rows:
        where = f"{table.path}: line {line}"
        if len(row) <= max(image, patient, label, quality) or not row[patient].strip():
            raise LookInsideError(f"{where} is cut short: complete or remove it")
        name, said = row[image].strip(), row[label].strip()
        if said not in names:
            raise LookInsideError(f"{where}: label {said!r} is unknown: write {' or '.join(names)}")
        if name in seen:
            raise LookInsideError(f"{where}: {name} is listed twice: keep one of its lines")
        seen.add(name)
        if name not in files:
            left_out["in the table, no file"] += 1
            continue
        path = _only_one(files[name])
        picture = path if surround == "kept" else _in_a_circle(path)
        items.append((picture, names[said]))
        people[picture], scores[picture] = row[patient].strip(), row[quality].strip() or "not told"
    if not items:
        raise LookInsideError(f"{folder}: holds none of the photographs of {table.path}: give the folder with Images/")
    left_out["file, not in the table"] = len(set(files) - seen)
    items.sort(key=lambda item: item[0].name)
    notes = {}
    if surround == "black":
        notes["blackened"] = {
            "outside": f"a circle of {CIRCLE} of half the shorter side",
            "why": "the dark surround tells the classes apart: it is exported differently",
        }
    return Found(items, left_out, Patients(people, "Labels.csv"), {"quality": scores}, notes=notes)


def _only_one(paths: list[Path]) -> Path:
    """The first of the files of one name, which have to be copies."""
    for path in paths[1:]:
        if path.read_bytes() != paths[0].read_bytes():
            raise LookInsideError(f"{paths[0]} and {path}: two pictures of one name: keep one of them")
    return paths[0]


def _in_a_circle(path: Path) -> Source:
    """The photograph with nothing but black outside of a circle, which is the same for all."""

    def make() -> np.ndarray:
        pixels = read_source(path, 3).copy()
        height, width = pixels.shape[:2]
        down, across = np.ogrid[:height, :width]
        far = np.hypot(down - (height - 1) / 2, across - (width - 1) / 2) > CIRCLE * min(height, width) / 2
        pixels[far] = 0
        return pixels

    return Made(path.stem, make)


def _labels(folder: Path, everything: list[Path]) -> tuple[Table, list[int]]:
    """The table of labels and the places of its columns."""
    for path in everything:
        if path.suffix.lower() == ".csv" and not path.name.startswith("."):
            table = read_table(path)
            places = [table.column((name,)) for name in COLUMNS]
            if None not in places:
                return table, places
    raise LookInsideError(f"{folder}: holds no table with {', '.join(COLUMNS)}: give the folder with Labels.csv")


def variant(card: Card, size: int, surround: str) -> Card:
    """The card of one way with the surround."""
    return replace(card, collect=partial(collect, surround=surround))


CARD = Card(
    name="hygd",
    title="Hillel Yaffe Glaucoma Dataset (HYGD) 1.1.0",
    licence="ODC-By 1.0, the Open Data Commons Attribution License (with credit), as those say who use it",
    citation="Abramovich et al., Hillel Yaffe Glaucoma Dataset (HYGD), version 1.1.0, PhysioNet, "
    "doi 10.13026/m92s-0z95",
    source="physionet.org/content/hillel-yaffe-glaucoma-dataset/1.1.0",
    address="https://physionet.org/files/hillel-yaffe-glaucoma-dataset/1.1.0/",
    collect=collect,
    original_names=CLASSES,
    channels=3,
    size=280,
    choices=(Choice("surround", ("black", "kept"), "what lies around the field"),),
    variant=variant,
)


def main(argv=None) -> int:
    """Prepare data/hygd; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
