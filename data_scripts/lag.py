"""LAG, the Large-scale Attention-based Glaucoma database (Li et al. 2019), your own copy, prepared into data/lag.

    python data_scripts/lag.py --from FOLDER

Wang et al. 2019 train on it. Its authors give it out on request, for academic use only, and it may not be passed on.
Their first part, LAG_database_part_1.rar, has 5,824 photographs as

    suspicious_glaucoma/image/0001.jpg      beside attention_map/ and label/
    non_glaucoma/image/0002.jpg             beside attention_map/ and label/

No copy was at hand where this was written: the layout is as those read it who use the set, and the reading is tested on
a small folder made in it. What the files in label/ hold, and whether anything tells the patients, is not known, so the
split is by picture, as the paper's is. The attention maps are left out: they show where a doctor looked, not where the
damage is.
"""

from __future__ import annotations

import sys
from pathlib import Path

from preparing.card import Card, Found
from preparing.cli import run
from preparing.pictures import is_source

from lookinside.data.places import subfolders
from lookinside.errors import LookInsideError

CLASSES = {"healthy": "non_glaucoma", "glaucoma": "suspicious_glaucoma"}
PICTURES, MAPS = "image", "attention_map"


def collect(folder: Path) -> Found:
    """The photographs of both classes, whose folders lie in `folder` or up to two folders deeper."""
    near = [folder, *subfolders(folder)]
    places = near + [deeper for place in near[1:] for deeper in subfolders(place)]
    best = max(places, key=lambda place: sum((place / name / PICTURES).is_dir() for name in CLASSES.values()))
    items, maps = [], 0
    for name, original in CLASSES.items():
        pictures = best / original / PICTURES
        if not pictures.is_dir():
            raise LookInsideError(f"{best}: there is no folder {original}/{PICTURES}: give LAG's unpacked folder")
        files = sorted(path for path in pictures.iterdir() if path.is_file() and is_source(path))
        if not files:
            raise LookInsideError(f"{pictures}: holds no photograph: unpack the set again")
        items += [(path, name) for path in files]
        if (best / original / MAPS).is_dir():
            maps += sum(is_source(path) for path in (best / original / MAPS).iterdir())
    return Found(items, {"attention map": maps})


CARD = Card(
    name="lag",
    title="LAG: Large-scale Attention-based Glaucoma database, part 1",
    licence="academic use only, on request from its authors; may not be passed on",
    citation="Li et al., Attention based glaucoma detection: a large-scale database and CNN model, CVPR 2019",
    source="github.com/smilell/AG-CNN",
    how_to_get="is given out on request: github.com/smilell/AG-CNN says whom to ask; unpack LAG_database_part_1.rar, "
    "then run this script again with --from FOLDER",
    collect=collect,
    original_names=CLASSES,
    channels=3,
    size=280,
    test_share=832 / 5824,  # the paper's test part
)


def main(argv=None) -> int:
    """Prepare data/lag; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
