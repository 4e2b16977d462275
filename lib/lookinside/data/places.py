"""Where a prepared set lies, and what its `dataset.json` says."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lookinside.data.boxes.coco_file import ANNOTATIONS, IMAGES, read_coco_file
from lookinside.data.files.index_table import read_index
from lookinside.data.files.reading import is_picture
from lookinside.errors import LookInsideError

SPLITS = ("train", "test")
_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
}  # folder names, whatever their case
FORMAT = 1  # of dataset.json
VESSELS = "vessels"  # folder of masks beside images/; further observers' are vessels_second and the like
SPLIT = "split"  # the column of index.csv that tells the part of each pair
_NOTES = (".txt", ".md", ".json", ".csv", ".tsv", ".xml", ".html", ".yaml", ".yml", ".log", ".db", ".ini")


def data_folders() -> list[Path]:
    """The folders that may hold sets, nearest first: `$COURSE_DATA`, then `data/` here and in every folder above."""
    named = os.environ.get("COURSE_DATA")
    here = Path.cwd()
    found = [Path(named).expanduser()] if named else []
    return found + [folder / "data" for folder in (here, *here.parents)]


def find_set(name: str) -> Path:
    """The folder of a prepared set: `$COURSE_DATA/<name>`, else `data/<name>` here or in a folder above.

    It is the same set from the repository's root and in chapters/, where notebooks run.

    Raises:
        LookInsideError: if there is none; the line names the command that makes it, sets with a similar name, or the
            path to give for a folder that is here.
    """
    for folder in data_folders():
        if (folder / name).is_dir():
            return folder / name
    raise LookInsideError(f"no set {name!r}{_how_to_make(name)}")


def _how_to_make(name: str) -> str:
    scripts = [d.parent / "data_scripts" for d in data_folders() if (d.parent / "data_scripts").is_dir()]
    known = {path.stem for folder in scripts for path in folder.glob("*.py")}
    if name in known:
        return f" in data/ yet: make it with `python data_scripts/{name}.py` (run in the repository's root)"
    for folder in filter(Path.is_dir, data_folders()):
        known |= {path.name for path in subfolders(folder)}
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    if Path(name).is_dir():
        return f' in data/: for the folder {name}/ that is here give its path, "./{name}"'
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    if not scripts and not near:
        hint = "; the course's own sets are made in its repository: work there, or set COURSE_DATA to its folder data/"
    return f" in data/: put its folder there (data/{name}/), or give the path of one{hint}"


def set_folder(set_or_folder: str | Path) -> Path:
    """A set's folder from its name, or from a path (a `Path`, or text with a slash in it).

    Raises:
        LookInsideError: if it is not there or may not be read, or is no name and no path.
    """
    if not isinstance(set_or_folder, (str, os.PathLike)):
        raise LookInsideError(f"the set is {set_or_folder!r:.60}: give its name, or the path of its folder")
    text = os.fspath(set_or_folder)
    is_path = isinstance(set_or_folder, Path) or any(mark and mark in text for mark in (os.sep, os.altsep))
    named = not is_path and text not in ("", ".", "..")
    folder = find_set(text) if named else Path(text or ".").expanduser()
    if not folder.is_dir():
        raise LookInsideError(f"{folder}: there is no such folder: check the path")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise LookInsideError(f"{folder}: may not be read: change its permissions")
    return folder


def inside(folder: Path) -> list[Path]:
    """What lies in a folder, sorted.

    Raises:
        LookInsideError: if it may not be read.
    """
    try:
        return sorted(folder.iterdir())
    except PermissionError:
        raise LookInsideError(f"{folder}: may not be read: change its permissions") from None


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted by name, without hidden ones and a Mac's archive leftovers."""
    return [p for p in inside(folder) if p.is_dir() and not p.name.startswith((".", "__MACOSX"))]


def part_folders(folder: Path) -> dict[str, Path]:
    """The folders of "train", "test" and "validation" that a set has, as people spell them (Training, TEST, val).

    Raises:
        LookInsideError: if two of them are the same part.
    """
    found: dict[str, Path] = {}
    for sub in subfolders(folder):
        part = _PARTS.get(sub.name.lower())
        if part in found:
            raise LookInsideError(f"{folder}: has both {found[part].name}/ and {sub.name}/: keep one of them")
        if part:
            found[part] = sub
    return found


def class_files(folder: Path) -> dict[str, list[Path]]:
    """The picture files of each class folder in `folder`, both sorted by name."""
    return {sub.name: [p for p in inside(sub) if p.is_file() and is_picture(p)] for sub in subfolders(folder)}


def left_out(folder: Path) -> list[Path]:
    """What a reader of the class folders in `folder` passes over: files of other kinds, folders in a class folder."""
    within = [path for sub in subfolders(folder) for path in inside(sub) if not (path.is_file() and is_picture(path))]
    beside = [path for path in inside(folder) if path.is_file() and is_picture(path)]
    return sorted(path for path in within + beside if not _is_note(path))


def _is_note(path: Path) -> bool:
    """Hidden files, notes and tables, and what systems leave in folders of pictures."""
    return path.name.startswith((".", "__MACOSX")) or path.suffix.lower() in _NOTES


def has_vessels(folder: Path) -> bool:
    """Whether `folder` is a set of pictures beside masks of their vessels."""
    return (folder / IMAGES).is_dir() and (folder / VESSELS).is_dir()


def _pairs(folder: Path) -> dict[str, dict[str, int]]:
    """Pairs of each split, or of all where `index.csv` tells no split."""
    index = read_index(folder)
    if index is None or SPLIT not in index.columns:
        return {"all": {"pairs": sum(is_picture(path) for path in inside(folder / IMAGES))}}
    parts = [row[SPLIT] for row in index.rows.values()]
    return {split: {"pairs": parts.count(split)} for split in sorted(set(parts), reverse=True)}


@dataclass(frozen=True)
class SetInfo:
    """What is known about a set; print it to read it.

    Attributes:
        name, licence, citation, source: texts; "not stated" where no `dataset.json` tells.
        counts: images (or boxes) of each class in each split, as they lie on the disk.
        notes: everything else in `dataset.json`.
        boxed: images of each split of a set with boxes, whose `counts` are boxes; empty elsewhere.
    """

    name: str
    licence: str
    citation: str
    source: str
    counts: dict[str, dict[str, int]]
    notes: dict
    boxed: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.name}", f"Licence:  {self.licence}", f"Citation: {self.citation}", f"Source:   {self.source}"]
        for split, counts in self.counts.items():
            each = ", ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda item: -item[1]))
            what = f"boxes in {self.boxed[split]} images" if split in self.boxed else "images"
            lines.append(f"{split + ':':<9} {sum(counts.values())} {what} ({each})")
        return "\n".join(lines)


def describe(set_or_folder: str | Path) -> SetInfo:
    """Licence, citation, source and counts of a set of class folders, of one with boxes, or of one with vessel masks.

    Raises:
        LookInsideError: if the set is missing, a COCO file is none, or its `dataset.json` cannot be read or is newer
            than this library.
    """
    folder = set_folder(set_or_folder)
    notes = read_card(folder)
    coco = sorted((folder / ANNOTATIONS).glob("*.json"), key=lambda path: (path.stem not in SPLITS[:1], path))
    files = {path.stem: read_coco_file(path) for path in coco}
    splits = part_folders(folder) or {"all": folder}
    counts = {split: {c: len(files) for c, files in class_files(sub).items()} for split, sub in splits.items()}
    if files:
        counts = {split: file.counts() for split, file in files.items()}
    elif has_vessels(folder):
        counts = _pairs(folder)
    boxed = {split: len(file.images) for split, file in files.items()}
    texts = {key: str(notes.pop(key, "not stated")) for key in ("licence", "citation", "source")}
    notes.pop("counts", None)
    return SetInfo(name=str(notes.pop("title", folder.name)), counts=counts, notes=notes, boxed=boxed, **texts)


def read_card(folder: Path) -> dict:
    """The contents of `dataset.json`, or {} where a folder has none.

    Raises:
        LookInsideError: if it is not JSON, not an object, or of a newer format than this library knows.
    """
    path = folder / "dataset.json"
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise LookInsideError(f"{path}: cannot be read ({error}): prepare the set again or delete this file") from None
    if not isinstance(card, dict):
        raise LookInsideError(f"{path}: holds a {type(card).__name__}, not an object: prepare the set again")
    if card.get("format", FORMAT) != FORMAT:
        raise LookInsideError(
            f"{path}: is of format {card['format']}, this library reads {FORMAT}: prepare the set again"
        )
    return card
