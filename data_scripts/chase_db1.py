"""CHASE_DB1 (Fraz et al. 2012), photographs with two observers' vessels, fetched and prepared into data/chase_db1.

    python data_scripts/chase_db1.py
    python data_scripts/chase_db1.py --from FOLDER-or-ARCHIVE

Both eyes of 14 children, Image_01L.jpg to Image_14R.jpg, each with the vessels as two observers drew them, _1stHO.png
and _2ndHO.png. Both eyes of a child stay on one side of the split.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from preparing.card import Card
from preparing.cli import run
from preparing.listing import all_files
from preparing.pairs import FoundPairs, write_pairs
from preparing.patients import Patients
from preparing.pictures import is_source

from lookinside.data.places import VESSELS
from lookinside.errors import LookInsideError

OBSERVERS = {VESSELS: "_1stHO", f"{VESSELS}_second": "_2ndHO"}
NAME = re.compile(r"Image_(\d\d)([LR])")


def collect(folder: Path) -> FoundPairs:
    """The photographs under `folder`, each with both masks, the child and the eye."""
    files = {path.stem: path for path in all_files(folder) if is_source(path)}
    pictures = {path: match for stem, path in files.items() if (match := NAME.fullmatch(stem))}
    if not pictures:
        raise LookInsideError(f"{folder}: holds no picture called Image_01L.jpg or the like: give CHASE_DB1's folder")
    whole = {path.stem for path in pictures}
    for stem, path in files.items():
        whose, _, observer = stem.rpartition("_")
        if f"_{observer}" in OBSERVERS.values() and whose not in whole:
            raise LookInsideError(f"{path}: its picture {whose}.jpg is missing: download the set again")
    items = []
    for path in pictures:
        missing = [path.stem + ending for ending in OBSERVERS.values() if path.stem + ending not in files]
        if missing:
            raise LookInsideError(f"{path}: its mask {missing[0]}.png is missing: download the set again")
        items.append((path, {where: files[path.stem + ending] for where, ending in OBSERVERS.items()}))
    children = {path: f"child {match[1]}" for path, match in pictures.items()}
    return FoundPairs(
        items,
        {"file, of another name": len(files) - len(items) * (1 + len(OBSERVERS))},
        Patients(children, "file names"),
        {"eye": {path: {"L": "left", "R": "right"}[match[2]] for path, match in pictures.items()}},
    )


CARD = Card(
    name="chase_db1",
    title="CHASE_DB1: retinal vessel reference dataset",
    licence="CC BY 4.0 (with credit), as those say who use it",
    citation="Fraz et al., An ensemble classification-based approach applied to retinal blood vessel segmentation, "
    "IEEE Transactions on Biomedical Engineering 59(9), 2012; Kingston University and St George's, London",
    source="researchinnovation.kingston.ac.uk, CHASE_DB1 retinal vessel reference dataset",
    address="https://staffnet.kingston.ac.uk/~ku15565/CHASE_DB1/assets/CHASEDB1.zip",
    checksum="sha256:bb750b73633492d700e56d91578ee3cdb7e4dbd08279e7465583e9efd26790b6",
    collect=collect,
    original_names=OBSERVERS,
    channels=3,
    size=512,
    test_share=0.28,  # four of the fourteen children
    write=write_pairs,
)


def main(argv=None) -> int:
    """Prepare data/chase_db1; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
