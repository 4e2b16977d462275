"""HYGD, the Hillel Yaffe Glaucoma Dataset (Abramovich et al.), fetched and prepared into data/hygd.

    python data_scripts/hygd.py
    python data_scripts/hygd.py --from FOLDER-or-ARCHIVE

Fundus photographs with the labels of Labels.csv (columns Image Name, Patient, Label, Quality Score): GON+ is
glaucomatous optic neuropathy. All photographs of a patient stay on one side of the split; the quality score is a tag.
"""

from __future__ import annotations

import sys
from pathlib import Path

from preparing.card import Card, Found
from preparing.cli import run
from preparing.listing import Table, all_files, read_table
from preparing.patients import Patients
from preparing.pictures import is_source

from lookinside.errors import LookInsideError

CLASSES = {"healthy": "GON-", "glaucoma": "GON+"}
COLUMNS = ("image name", "patient", "label", "quality score")


def collect(folder: Path) -> Found:
    """The photographs that Labels.csv names, anywhere under `folder`, with patient and quality."""
    everything = all_files(folder)
    table, (image, patient, label, quality) = _labels(folder, everything)
    files = {path.name: path for path in everything if is_source(path)}
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
        path = files[name]
        items.append((path, names[said]))
        people[path], scores[path] = row[patient].strip(), row[quality].strip() or "not told"
    if not items:
        raise LookInsideError(f"{folder}: holds none of the photographs of {table.path}: give the folder with Images/")
    left_out["file, not in the table"] = len(set(files) - seen)
    return Found(sorted(items), left_out, Patients(people, "Labels.csv"), {"quality": scores})


def _labels(folder: Path, everything: list[Path]) -> tuple[Table, list[int]]:
    """The table of labels and the places of its columns."""
    for path in everything:
        if path.suffix.lower() == ".csv" and not path.name.startswith("."):
            table = read_table(path)
            places = [table.column((name,)) for name in COLUMNS]
            if None not in places:
                return table, places
    raise LookInsideError(f"{folder}: holds no table with {', '.join(COLUMNS)}: give the folder with Labels.csv")


CARD = Card(
    name="hygd",
    title="Hillel Yaffe Glaucoma Dataset (HYGD) 1.1.0",
    licence="Open Data Commons Attribution License v1.0 (with credit), as those say who use it",
    citation="Abramovich et al., Hillel Yaffe Glaucoma Dataset (HYGD), version 1.1.0, PhysioNet, "
    "doi 10.13026/m92s-0z95",
    source="physionet.org/content/hillel-yaffe-glaucoma-dataset/1.1.0",
    address="https://physionet.org/files/hillel-yaffe-glaucoma-dataset/1.1.0/",
    collect=collect,
    original_names=CLASSES,
    channels=3,
    size=280,
)


def main(argv=None) -> int:
    """Prepare data/hygd; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
