"""Write a prepared set: class folders of PNG and dataset.json, complete or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image

from lookinside.data.files.index_table import GROUP, write_index
from lookinside.data.files.reading import shrink
from lookinside.data.places import SPLITS
from lookinside.data.stratify import stratified_split
from lookinside.errors import LookInsideError
from preparing.bar import bar
from preparing.card import Card, Found
from preparing.copies import joined, mark, same_marks, thumbprint
from preparing.disk import need_room, too_full
from preparing.patients import connected
from preparing.pictures import BAR_SHARE, flat_borders, read_source, wide_enough


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out`, gone at the end whatever happens.

    Raises:
        LookInsideError: if nothing can be written there.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise LookInsideError(f"{out.parent}: cannot be written to ({error.strerror}): choose --out") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare(
    card: Card,
    found: Found,
    out: Path,
    work: Path,
    *,
    size: int,
    seed: int,
    origin: dict,
    chosen: Mapping[str, str] = MappingProxyType({}),
) -> dict:
    """Read all pictures, split them and put the finished set at `out`; returns what `dataset.json` says.

    The images of a patient, and copies of a picture, stay on one side of the split unless it is given. The
    same pixels under two classes are left out. `index.csv` has a line for each image: its patient where patients are
    known, its tags, width and height before it was scaled.

    Args:
        card, found: the set and its labelled pictures.
        out: where the set goes; an old one there is replaced in one step.
        work: a temporary folder on the same disk.
        size: of the longer side, px; smaller pictures stay as they are.
        seed: of the split.
        origin: what is known about the input.
        chosen: the set's own options.

    Raises:
        LookInsideError: if pictures cannot be read (first and number), the disk is full, or only one class is left.
    """
    wanted = len(found.items) * size * size * card.channels
    need_room(work, wanted)
    made = work / "set"
    try:
        dataset = (card.write or write_classes)(card, found, made, size, seed) | dict(found.notes) | {"input": origin}
        if chosen:
            dataset["choices"] = dict(chosen)
        text = json.dumps(dataset, indent=1, ensure_ascii=False)
        (made / "dataset.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise LookInsideError(too_full(work, wanted, shutil.disk_usage(work).free)) from None
    _put_in_place(made, out, work)
    return dataset


def write_classes(card: Card, found: Found, made: Path, size: int, seed: int) -> dict:
    """Class folders of PNG and `index.csv` in `made`; returns what `dataset.json` says of them."""
    measured = _write_flat(card, found, made / "all", size)
    return _divide(card, found, made, measured, size, seed)


@dataclass
class _Measured:
    """Of every picture: mark of its pixels, flat borders, (height, width), and its small copy where that is wanted."""

    marks: list[str] = field(default_factory=list)
    bars: list[tuple[float, ...]] = field(default_factory=list)
    shapes: list[tuple[int, int]] = field(default_factory=list)
    prints: list[np.ndarray] = field(default_factory=list)


def _write_flat(card: Card, found: Found, folder: Path, size: int) -> _Measured:
    """Every picture as `<number>.png`, small, and what was measured on it."""
    folder.mkdir(parents=True)
    measured, problems = _Measured(), []
    for number, (source, _) in enumerate(bar(found.items, "preparing")):
        try:
            pixels = read_source(source, card.channels)
        except LookInsideError as problem:
            problems.append(str(problem))
            continue
        small = shrink(pixels, size)
        measured.marks.append(mark(pixels))
        measured.bars.append(flat_borders(small))
        measured.shapes.append(pixels.shape[:2])
        if card.near_copies:
            measured.prints.append(thumbprint(pixels))
        if not problems:
            Image.fromarray(wide_enough(small)).save(folder / f"{number}.png")
    if problems:
        raise LookInsideError(problems[0] + (f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""))
    return measured


def _divide(card: Card, found: Found, made: Path, measured: _Measured, size: int, seed: int) -> dict:
    """Move the pictures into train/<class> and test/<class>; returns the text of dataset.json but for the input."""
    labels = [label for _, label in found.items]
    copies = same_marks(measured.marks)
    torn = [numbers for numbers in copies if len({labels[i] for i in numbers}) > 1]
    dropped = {i for numbers in torn for i in numbers}
    kept = [i for i in range(len(labels)) if i not in dropped]
    classes = sorted({labels[i] for i in kept})
    if len(classes) < 2:
        raise LookInsideError(f"only the class {', '.join(classes) or 'none'} is left: two or more are needed")
    people = [found.patients.of.get(found.items[i][0]) for i in kept]
    marks = [measured.marks[i] for i in kept]
    if card.near_copies:
        marks = joined(marks, np.stack([measured.prints[i] for i in kept]), card.near_copies)
    groups = connected(marks, people) if found.patients.of else marks
    cells = ["/".join([labels[i], *(found.tags[tag][found.items[i][0]] for tag in card.stratify)]) for i in kept]
    if found.parts:
        sides = [found.parts[found.items[i][0]] for i in kept]
        parts = [[k for k, side in enumerate(sides) if side == split] for split in SPLITS]
    else:
        parts = stratified_split(cells, card.test_share, seed, groups=groups)
    side_of = {kept[k]: split for split, part in zip(SPLITS, parts, strict=True) for k in part}
    _move(found, made, measured, side_of, dict(zip(kept, groups, strict=True)))
    counts, in_cells = {}, {}
    for split, part in zip(SPLITS, parts, strict=True):
        tally = Counter(labels[kept[k]] for k in part)
        counts[split] = {name: tally[name] for name in classes if tally[name]}
        in_cells[split] = dict(sorted(Counter(cells[k] for k in part).items()))

    def names(numbers: list[int]) -> list[str]:
        return [f"{labels[i]}/{found.items[i][0].name}" for i in numbers]

    twins = [numbers for numbers in copies if numbers not in torn]
    split = {
        "rule": found.split_rule or _rule(card, found),
        "published": bool(found.parts) and found.published,
        "seed": seed,
        "patients": {
            "source": found.patients.source or "not known",
            "number": len({name for name in people if name is not None}),
            "images_without": people.count(None),
        },
        "classes_without_test": [name for name in classes if name not in counts["test"]],
    }
    duplicates = {
        "rule": "same pixels before scaling",
        "same_class": [names(numbers) for numbers in twins],
        "two_classes_left_out": [names(numbers) for numbers in torn],
        "on_both_sides": sum(len(numbers) for numbers in twins if len({side_of[i] for i in numbers}) > 1),
    }
    if card.stratify:
        split["cells_without_test"] = [cell for cell in in_cells["train"] if cell not in in_cells["test"]]
    if card.near_copies:
        duplicates["near_copies_rule"] = f"correlation of {card.near_copies} or more at 32 x 32 px, mirrored or not"
        duplicates["near_copies"] = [
            names([kept[k] for k in numbers]) for numbers in same_marks(marks) if len({people[k] for k in numbers}) > 1
        ]
    return {
        **card.heading(),
        "counts": counts,
        **({"cells": in_cells} if card.stratify else {}),
        "original_names": {name: card.original_names.get(name, name) for name in classes},
        "split": split,
        "size": {"longest_side": size, "rule": "antialiased, proportions kept, smaller pictures not enlarged"},
        "left_out": found.left_out | {"same picture under two classes": len(dropped)},
        "duplicates": duplicates,
        "letterbox": _letterbox(np.asarray([measured.bars[i] for i in kept]), [labels[i] for i in kept]),
    }


def _move(found: Found, made: Path, measured: _Measured, sides: Mapping[int, str], groups: Mapping[int, str]) -> None:
    """Put every picture that has a side into its class folder there, and write `index.csv`."""
    rows = {}
    for i, split in sides.items():
        source, label = found.items[i]
        folder = made / split / label
        folder.mkdir(parents=True, exist_ok=True)
        path = _free_name(folder, source.stem)
        os.replace(made / "all" / f"{i}.png", path)
        height, width = measured.shapes[i]
        rows[path.relative_to(made).as_posix()] = {
            **({GROUP: groups[i]} if found.patients.of else {}),
            **{tag: values[source] for tag, values in found.tags.items()},
            "width": str(width),
            "height": str(height),
        }
    shutil.rmtree(made / "all")
    write_index(made, rows)


def _letterbox(bars: np.ndarray, labels: list[str]) -> dict:
    wide = bars >= BAR_SHARE
    per_class = Counter(label for label, has_bar in zip(labels, wide.any(axis=1), strict=True) if has_bar)
    return {
        "rule": f"kept; counted: flat borders (bars or empty background) of {BAR_SHARE:.0%} of a side or more",
        "images": int(wide.any(axis=1).sum()),
        "two_opposite_sides": int((wide[:, :2].all(axis=1) | wide[:, 2:].all(axis=1)).sum()),
        "by_class": dict(sorted(per_class.items())),
    }


def _rule(card: Card, found: Found) -> str:
    share = f"{card.test_share:.0%} of each {' x '.join(['class', *card.stratify])} are the test part"
    if found.patients.of:
        return f"{share}; all images of a patient, and exact duplicates, stay on one side (index.csv)"
    return f"{share}; exact duplicates stay on one side; patients are not known"


def _free_name(folder: Path, stem: str) -> Path:
    """`<stem>.png`, or with a number behind it where two sources share a name."""
    path, number = folder / f"{stem}.png", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.png"
    return path


def _put_in_place(made: Path, out: Path, work: Path) -> None:
    made.chmod(0o755)
    if out.exists():
        out.rename(work / "old")
    try:
        made.rename(out)
    except OSError as error:
        if (work / "old").exists():
            (work / "old").rename(out)
        raise LookInsideError(
            f"{out}: could not be put in place ({error.strerror}): try again, or choose --out"
        ) from None
