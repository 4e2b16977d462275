"""Write pictures beside masks of their vessels: PNG in folders side by side, and `index.csv` with the split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from lookinside.data.boxes.coco_file import IMAGES
from lookinside.data.files.index_table import GROUP, write_index
from lookinside.data.files.reading import shrink
from lookinside.data.files.vessel_pairs import read_mask
from lookinside.data.places import SPLIT, SPLITS
from lookinside.data.stratify import stratified_split
from lookinside.errors import LookInsideError
from preparing.bar import bar
from preparing.card import Card
from preparing.copies import mark, same_marks
from preparing.patients import Patients, connected
from preparing.pictures import read_source


@dataclass(frozen=True)
class FoundPairs:
    """The pictures of a download with their masks.

    Attributes:
        items: (picture, folder of masks -> mask) of each picture.
        left_out: reason -> number of files that do not go into the set.
        patients: who is on them.
        tags: name -> picture -> text, what else is known of every picture.
        notes: what else goes into `dataset.json`.
    """

    items: list[tuple[Path, Mapping[str, Path]]]
    left_out: dict[str, int]
    patients: Patients
    tags: Mapping[str, Mapping[Path, str]] = field(default_factory=dict)
    notes: Mapping[str, object] = field(default_factory=dict)


def write_pairs(card: Card, found: FoundPairs, made: Path, size: int, seed: int) -> dict:
    """`images/x.png`, `vessels/x.png` and `index.csv` in `made`; returns what `dataset.json` says of them.

    The pictures of a patient, and copies of a picture, stay on one side of the split.

    Raises:
        LookInsideError: if files cannot be read or do not fit together (first and number).
    """
    observers = list(found.items[0][1])
    for name in (IMAGES, *observers):
        (made / name).mkdir(parents=True)
    marks, shapes, problems = [], [], []
    shares = {name: np.zeros(2) for name in observers}  # of vessel pixels, before and after
    for picture, masks in bar(found.items, "preparing"):
        try:
            pixels = read_source(picture, card.channels)
            full = {name: read_mask(path, pixels.shape[:2]) for name, path in masks.items()}
        except LookInsideError as problem:
            problems.append(str(problem))
            continue
        marks.append(mark(pixels))
        shapes.append(pixels.shape[:2])
        _save(shrink(pixels, size), made / IMAGES / f"{picture.stem}.png")
        for name, mask in full.items():
            small = np.where(shrink(mask, size) >= 128, np.uint8(255), np.uint8(0))
            _save(small, made / name / f"{picture.stem}.png")
            shares[name] += np.array([mask.mean(), small.mean()]) / 255 / len(found.items)
    if problems:
        raise LookInsideError(problems[0] + (f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""))
    people = [found.patients.of.get(picture) for picture, _ in found.items]
    groups = connected(marks, people)
    parts = stratified_split([0] * len(marks), card.test_share, seed, groups)
    side = {i: split for split, part in zip(SPLITS, parts, strict=True) for i in part}
    rows = {}
    for i, (picture, _) in enumerate(found.items):
        rows[f"{IMAGES}/{picture.stem}.png"] = {
            GROUP: groups[i],
            SPLIT: side[i],
            **{tag: values[picture] for tag, values in found.tags.items()},
            "width": str(shapes[i][1]),
            "height": str(shapes[i][0]),
        }
    write_index(made, rows)
    return {
        **card.heading(),
        "counts": {split: {"pairs": len(part)} for split, part in zip(SPLITS, parts, strict=True)},
        "original_names": dict(card.original_names),
        "split": {
            "rule": f"{card.test_share:.0%} of the pictures are the test part, as far as whole patients allow; all "
            "pictures of a patient, and exact duplicates, stay on one side (index.csv)",
            "published": False,
            "seed": seed,
            "patients": {
                "source": found.patients.source,
                "number": len({name for name in people if name is not None}),
                "images_without": people.count(None),
            },
            "classes_without_test": [],
        },
        "size": {
            "longest_side": size,
            "rule": "antialiased, proportions kept, smaller pictures not enlarged; a pixel of a mask is vessel where "
            "half of it is covered",
            "vessel_share": {name: {"before": float(one[0].round(4)), "after": float(one[1].round(4))}
                             for name, one in shares.items()},
        },
        "left_out": dict(found.left_out),
        "duplicates": {
            "rule": "same pixels before scaling",
            "same_class": [[found.items[i][0].name for i in copies] for copies in same_marks(marks)],
            "on_both_sides": 0,
        },
    }  # fmt: skip


def _save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path)
