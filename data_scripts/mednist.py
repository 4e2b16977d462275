"""MedNIST (Erickson, Mayo Clinic; gathered from public sets), fetched and prepared into data/mednist.

python data_scripts/mednist.py
python data_scripts/mednist.py --from FOLDER-or-ARCHIVE
"""

from __future__ import annotations

import sys
from pathlib import Path

from preparing.card import Card, Found
from preparing.cli import run
from preparing.pictures import is_source

from lookinside.data.places import subfolders
from lookinside.errors import LookInsideError

CLASSES = {
    "abdomen_ct": "AbdomenCT",
    "breast_mri": "BreastMRI",
    "chest_ct": "ChestCT",
    "chest_xray": "CXR",
    "hand": "Hand",
    "head_ct": "HeadCT",
}


def collect(folder: Path) -> Found:
    """All images of the six class folders, which lie in `folder` or one folder deeper."""
    places = [folder, *subfolders(folder)]
    best = max(places, key=lambda place: sum((place / name).is_dir() for name in CLASSES.values()))
    missing = [name for name in CLASSES.values() if not (best / name).is_dir()]
    if missing:
        raise LookInsideError(
            f"{best}: there is no folder {missing[0]}: give the folder with {', '.join(CLASSES.values())}"
        )
    items = []
    for name, original in CLASSES.items():
        files = sorted(path for path in (best / original).iterdir() if path.is_file() and is_source(path))
        if not files:
            raise LookInsideError(f"{best / original}: holds no image: download the set again")
        items += [(path, name) for path in files]
    return Found(items)


CARD = Card(
    name="mednist",
    title="MedNIST",
    licence="CC BY-SA 4.0 (share alike, with credit)",
    citation="MedNIST, made available by B. J. Erickson (Department of Radiology, Mayo Clinic); images from TCIA, "
    "the RSNA Bone Age Challenge and the NIH Chest X-ray set",
    source="github.com/Project-MONAI/MONAI-extra-test-data, release 0.8.1",
    address="https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/MedNIST.tar.gz",
    checksum="md5:0bc7306e7427e00ad1c5526a6677552d",
    collect=collect,
    original_names=CLASSES,
)


def main(argv=None) -> int:
    """Prepare data/mednist; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
