"""ACRIMA (Diaz-Pinto et al. 2019), crops around the optic disc, fetched and prepared into data/acrima.

    python data_scripts/acrima.py
    python data_scripts/acrima.py --from FOLDER-or-ARCHIVE

The class is in the file name, Im310_g_ACRIMA.jpg is glaucoma. Patients are not told. The two classes differ in the size
of the crop and in colour before anyone looks at the disc: `dataset.json` (confounding) says by how much.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
from preparing.bar import bar
from preparing.card import Card, Found
from preparing.cli import run
from preparing.listing import all_files
from preparing.pictures import is_source, read_source
from preparing.single_numbers import told_apart

from lookinside.errors import LookInsideError

CLASSES = {"healthy": "normal", "glaucoma": "_g_ in the file's name"}
NAME = re.compile(r"Im\d+(_g)?_ACRIMA", re.IGNORECASE)


def collect(folder: Path) -> Found:
    """The crops under `folder`, each with its ratio of green to red, and what size and colour alone tell."""
    files = [path for path in all_files(folder) if is_source(path)]
    named = {path: match for path in files if (match := NAME.fullmatch(path.stem))}
    if not named:
        raise LookInsideError(f"{folder}: holds no picture called Im001_ACRIMA.jpg or the like: give ACRIMA's folder")
    items = [(path, "glaucoma" if match[1] else "healthy") for path, match in named.items()]
    if len({label for _, label in items}) < 2:
        raise LookInsideError(f"{folder}: holds {items[0][1]} eyes only: give the whole folder")
    width, ratio, problems = [], [], []
    for path in bar(list(named), "measuring"):
        try:
            pixels = read_source(path, 3)
        except LookInsideError as problem:
            problems.append(str(problem))
            continue
        width.append(pixels.shape[1])
        red, green, _ = pixels.reshape(-1, 3).mean(axis=0)
        ratio.append(green / max(red, 1e-6))
    if problems:
        raise LookInsideError(problems[0] + (f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""))
    is_glaucoma = np.array([label == "glaucoma" for _, label in items])
    return Found(
        items,
        {"file name that is not ACRIMA's": len(files) - len(named)},
        tags={"green_to_red": {path: f"{value:.4f}" for path, value in zip(named, ratio, strict=True)}},
        notes={"confounding": told_apart({"width": width, "green / red": ratio}, is_glaucoma, "glaucoma")},
    )


CARD = Card(
    name="acrima",
    title="ACRIMA: crops around the optic disc",
    licence="CC BY 4.0 (with credit), as those say who use it",
    citation="Diaz-Pinto et al., CNNs for automatic glaucoma assessment using fundus images: an extensive validation, "
    "BioMedical Engineering OnLine 18:29, 2019",
    source="figshare.com, doi 10.6084/m9.figshare.7613135",
    address="https://figshare.com/ndownloader/files/14137700?private_link=c2d31f850af14c5b5232",
    file="acrima_database.zip",
    checksum="md5:75c39a5d731ea17374396589e3273c5f",
    collect=collect,
    original_names=CLASSES,
    channels=3,
    size=280,
)


def main(argv=None) -> int:
    """Prepare data/acrima; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
