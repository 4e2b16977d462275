"""Write a prepared set: class folders of PNG and dataset.json, complete or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from lookinside.data.class_folders import TEST_SHARE
from lookinside.data.patients import write_groups
from lookinside.data.places import FORMAT
from lookinside.data.reading import shrink
from lookinside.data.stratify import stratified_split
from lookinside.errors import LookInsideError
from preparing.bar import bar
from preparing.card import Card, Found
from preparing.disk import need_room, too_full
from preparing.patients import connected
from preparing.pictures import BAR_SHARE, flat_borders, read_source


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out`, gone at the end whatever happens."""
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare(card: Card, found: Found, out: Path, work: Path, *, size: int, seed: int, origin: dict) -> dict:
    """Read all pictures, split them and put the finished set at `out`; returns what `dataset.json` says.

    The images of a patient, and exact duplicates (same pixels), stay on one side of the split; `groups.csv` names the
    patients where they are known. The same pixels under two classes are left out.

    Args:
        card, found: the set and its labelled pictures.
        out: where the set goes; an old one there is replaced in one step.
        work: a temporary folder on the same disk.
        size: of the longer side, px; smaller pictures stay as they are.
        seed: of the split.
        origin: what is known about the input.

    Raises:
        LookInsideError: if pictures cannot be read (first and number), the disk is full, or only one class is left.
    """
    wanted = len(found.items) * size * size
    need_room(work, wanted)
    made = work / "set"
    try:
        marks, bars = _write_flat(found, made / "all", size)
        dataset = _divide(card, found, made, marks, bars, size, seed) | {"input": origin}
        text = json.dumps(dataset, indent=1, ensure_ascii=False)
        (made / "dataset.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise LookInsideError(too_full(work, wanted, shutil.disk_usage(work).free)) from None
    _put_in_place(made, out, work)
    return dataset


def _write_flat(found: Found, folder: Path, size: int) -> tuple[list[str], np.ndarray]:
    """Every picture as `<number>.png`, small; returns the marks of their pixels and their flat borders (N, 4)."""
    folder.mkdir(parents=True)
    marks, bars, problems = [], [], []
    for number, (path, _) in enumerate(bar(found.items, "preparing")):
        try:
            pixels = read_source(path)
        except LookInsideError as problem:
            problems.append(str(problem))
            continue
        marks.append(hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest())
        small = shrink(pixels, size)
        bars.append(flat_borders(small))
        if not problems:
            Image.fromarray(small).save(folder / f"{number}.png")
    if problems:
        raise LookInsideError(problems[0] + (f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""))
    return marks, np.asarray(bars)


def _divide(card: Card, found: Found, made: Path, marks: list[str], bars: np.ndarray, size: int, seed: int) -> dict:
    """Move the pictures into train/<class> and test/<class>; returns the text of dataset.json but for the input."""
    labels = [label for _, label in found.items]
    twins = defaultdict(list)
    for number, mark in enumerate(marks):
        twins[mark].append(number)
    copies = [numbers for numbers in twins.values() if len(numbers) > 1]
    torn = [numbers for numbers in copies if len({labels[i] for i in numbers}) > 1]
    dropped = {i for numbers in torn for i in numbers}
    kept = [i for i in range(len(labels)) if i not in dropped]
    classes = sorted({labels[i] for i in kept})
    if len(classes) < 2:
        raise LookInsideError(
            f"{card.name}: only the class {', '.join(classes) or 'none'} is left: two or more are needed"
        )
    of = found.patients.of
    people = [of.get(found.items[i][0]) for i in kept]
    groups = [marks[i] for i in kept]
    if of:
        groups = connected(groups, people)
    parts = stratified_split([labels[i] for i in kept], TEST_SHARE, seed, groups=groups)
    counts, written = {}, {}
    for split, part in zip(("train", "test"), parts, strict=True):
        chosen = [kept[k] for k in part]
        for k, i in zip(part, chosen, strict=True):
            folder = made / split / labels[i]
            folder.mkdir(parents=True, exist_ok=True)
            path = _free_name(folder, found.items[i][0].stem)
            os.replace(made / "all" / f"{i}.png", path)
            written[path.relative_to(made).as_posix()] = groups[k]
        tally = Counter(labels[i] for i in chosen)
        counts[split] = {name: tally[name] for name in classes if tally[name]}
    shutil.rmtree(made / "all")
    if of:
        write_groups(made, written)

    def names(numbers: list[int]) -> list[str]:
        return [f"{labels[i]}/{found.items[i][0].name}" for i in numbers]

    wide = (bars[kept] >= BAR_SHARE).any(axis=1)
    per_class = Counter(labels[i] for i, has_bar in zip(kept, wide, strict=True) if has_bar)
    return {
        "format": FORMAT,
        "name": card.name,
        "title": card.title,
        "licence": card.licence,
        "citation": card.citation,
        "source": card.source,
        "counts": counts,
        "original_names": {name: card.original_names.get(name, name) for name in classes},
        "split": {
            "rule": f"{TEST_SHARE:.0%} of each class are the test part; {_together(found)}",
            "seed": seed,
            "patients": {
                "source": found.patients.source or "not known",
                "number": len({name for name in people if name is not None}),
                "images_without": people.count(None),
            },
            "classes_without_test": [name for name in classes if name not in counts["test"]],
        },
        "size": {"longest_side": size, "rule": "antialiased, proportions kept, smaller pictures not enlarged"},
        "left_out": found.left_out | {"same picture under two classes": len(dropped)},
        "duplicates": {
            "rule": "same pixels before scaling",
            "same_class": [names(numbers) for numbers in copies if numbers not in torn],
            "two_classes_left_out": [names(numbers) for numbers in torn],
        },
        "letterbox": {
            "rule": f"kept; counted: flat borders (bars or empty background) of {BAR_SHARE:.0%} of a side or more",
            "images": int(wide.sum()),
            "two_opposite_sides": int(
                ((bars[kept][:, :2] >= BAR_SHARE).all(1) | (bars[kept][:, 2:] >= BAR_SHARE).all(1)).sum()
            ),
            "by_class": {name: per_class[name] for name in classes if per_class[name]},
        },
    }


def _together(found: Found) -> str:
    if found.patients.of:
        return "all images of a patient, and exact duplicates, stay on one side (groups.csv)"
    return "exact duplicates stay on one side; patients are not known"


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
