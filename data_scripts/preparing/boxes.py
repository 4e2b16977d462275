"""Write pictures with boxes: PNG in one folder, and COCO files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from lookinside.data.boxes.boxed import rarest_classes
from lookinside.data.boxes.coco_file import ANNOTATIONS, IMAGES
from lookinside.data.files.reading import shrink
from lookinside.data.places import SPLITS
from lookinside.data.stratify import stratified_split
from lookinside.errors import LookInsideError
from preparing.bar import bar
from preparing.card import Card
from preparing.copies import joined, mark, same_marks, thumbprint
from preparing.pictures import Source, read_source, wide_enough

Box = tuple[str, float, float, float, float]


@dataclass(frozen=True)
class FoundBoxes:
    """The pictures of a download with their boxes.

    Attributes:
        class_names: in the order of the categories.
        items: (picture, boxes as (class name, x_min, y_min, x_max, y_max) in its pixels), each picture once.
        left_out: reason -> number of pictures or boxes that do not go into the set.
        notes: what else goes into `dataset.json`.
    """

    class_names: tuple[str, ...]
    items: list[tuple[Source, list[Box]]]
    left_out: dict[str, int] = field(default_factory=dict)
    notes: Mapping[str, object] = field(default_factory=dict)


def write_boxes(card: Card, found: FoundBoxes, made: Path, size: int, seed: int) -> dict:
    """`images/x.png`, `annotations/train.json` and `test.json` in `made`; returns what `dataset.json` says of them.

    Patients are not known here: the copies of a picture are one group and stay on one side of the split, any other
    picture is a group of its own. Of the pictures without a box, and of those whose rarest class is the same, the same
    share is the test part.

    Raises:
        LookInsideError: if pictures cannot be read (first and number).
    """
    entries, marks = _write_pictures(card, found, made / IMAGES, size)
    first = {one: i for i, one in reversed(list(enumerate(marks)))}
    groups = [Path(entries[first[one]]["file_name"]).stem for one in marks]
    numbers = {name: i + 1 for i, name in enumerate(found.class_names)}
    labels = [np.array([numbers[box[0]] - 1 for box in boxes], np.int64) for _, boxes in found.items]
    parts = stratified_split(rarest_classes(labels), card.test_share, seed, groups)
    (made / ANNOTATIONS).mkdir()
    counts = {}
    for split, part in zip(SPLITS, parts, strict=True):
        part_entries = [entries[i] | {"group": groups[i]} for i in part]
        _write_coco(made / ANNOTATIONS / f"{split}.json", part_entries, [found.items[i] for i in part], numbers)
        of_class = np.bincount(np.concatenate([labels[i] for i in part]), minlength=len(numbers))
        counts[split] = dict(zip(found.class_names, of_class.tolist(), strict=True))
    near = f", or a correlation of {card.near_copies} or more at 32 x 32 px" if card.near_copies else ""
    negatives = [sum(not len(labels[i]) for i in part) for part in parts]
    return {
        **card.heading(),
        "counts": counts,
        "images": dict(zip(SPLITS, map(len, parts), strict=True)),
        "images_without_boxes": dict(zip(SPLITS, negatives, strict=True)),
        "original_names": {name: card.original_names.get(name, name) for name in found.class_names},
        "split": {
            "rule": f"{card.test_share:.0%} of the images, of each rarest class alike, are the test part; copies of a "
            "picture are one group and stay on one side",
            "published": False,
            "seed": seed,
            "patients": {"source": "not known", "number": 0, "images_without": len(entries)},
            "classes_without_test": [name for name, number in counts["test"].items() if not number],
        },
        "size": {"longest_side": size, "rule": "antialiased, proportions kept, smaller pictures not enlarged"},
        "left_out": dict(found.left_out),
        "duplicates": {
            "rule": f"same pixels{near}",
            "same_class": [[entries[i]["file_name"] for i in copies] for copies in same_marks(marks)],
            "on_both_sides": 0,
        },
    }


def _write_pictures(card: Card, found: FoundBoxes, folder: Path, size: int) -> tuple[list[dict], list[str]]:
    """Every picture as `<name>.png`; the COCO entries of the images, and a mark that copies have in common."""
    folder.mkdir(parents=True)
    entries, marks, prints, problems = [], [], [], []
    for source, _ in bar(found.items, "preparing"):
        try:
            pixels = read_source(source)
        except LookInsideError as problem:
            problems.append(str(problem))
            continue
        marks.append(mark(pixels))
        prints.append(thumbprint(pixels))
        small = wide_enough(shrink(pixels, size))
        height, width = small.shape
        entry = {"id": len(entries) + 1, "file_name": f"{source.stem}.png", "height": height, "width": width}
        entries.append(entry | {"original": pixels.shape})
        Image.fromarray(small).save(folder / entry["file_name"])
    if problems:
        raise LookInsideError(problems[0] + (f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""))
    return entries, joined(marks, np.stack(prints), card.near_copies) if card.near_copies else marks


def _write_coco(path: Path, entries: list[dict], items: list, numbers: Mapping[str, int]) -> None:
    images, annotations = [], []
    for entry, (_, boxes) in zip(entries, items, strict=True):
        height, width = entry.pop("original")
        across, down = entry["width"] / width, entry["height"] / height
        images.append(entry)
        for name, *corners in boxes:
            x, y, x_max, y_max = (round(value * by, 3) for value, by in zip(corners, (across, down) * 2, strict=True))
            box = [x, y, round(x_max - x, 3), round(y_max - y, 3)]
            one = {"id": len(annotations) + 1, "image_id": entry["id"], "category_id": numbers[name], "bbox": box}
            annotations.append(one | {"area": round(box[2] * box[3], 3), "iscrowd": 0})
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    data = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(data, ensure_ascii=False) + "\n", encoding="utf-8")
