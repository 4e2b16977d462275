"""Class folders of pictures, prepared or a user's own, as `LabelledImages`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from lookinside.data.boxes.coco_file import ANNOTATIONS
from lookinside.data.files.class_names import class_like
from lookinside.data.files.index_table import read_index
from lookinside.data.files.progress_bars import reading
from lookinside.data.files.reading import FORMATS, SMALLEST, conversions, read_picture, to_square
from lookinside.data.labelled import LabelledImages
from lookinside.data.places import (
    SPLITS,
    class_files,
    has_vessels,
    left_out,
    part_folders,
    read_card,
    set_folder,
    subfolders,
)
from lookinside.data.stratify import stratified_split
from lookinside.errors import DataWarning, LookInsideError

TEST_SHARE = 0.15  # of each class, where a set comes without a test part
SPLIT_SEED = 0


def load_images(
    set_or_folder: str | Path,
    split: str,
    size: int,
    *,
    channels: int = 1,
    progress: bool | Callable[[Iterable], Iterable] = True,
) -> LabelledImages:
    """Read one part of a set of class folders: `<set>/train/<class>/x.png` and `<set>/test/<class>/y.png`.

    `Train`, `training`, `TEST`, `testing` are read too. A set that has only `train/`, or only class folders, is divided
    here: 15 % of each class are the test part, always the same ones. Pictures keep their proportions: they are
    scaled (antialiased) to fit (size, size) and the rest is black. 16-bit pictures become 8 bits, colour becomes grey
    unless three channels are asked for. A `DataWarning` says what was held back, converted or left out.

    An `index.csv` in the set's folder tells what else is known of each image (column image, `train/hand/1.png`): the
    column group its patient, see `LabelledImages.groups`, each further column a tag, see `LabelledImages.tags`.

    Args:
        set_or_folder: the name of a set (see `find_set`) or the path of a folder.
        split: `"train"` or `"test"`.
        size: height and width in pixels, 16 or more.
        channels: 1 for grey, 3 for red, green and blue.
        progress: True for a bar where reading takes over five seconds, False for none, or a function that wraps the
            list of files while they are read, as tqdm does.

    Returns:
        `LabelledImages` with H = W = size and C = channels; class names are the folders of the training part, sorted,
        in both parts.

    Raises:
        LookInsideError: if the folder is missing or has fewer than two classes, a class is empty or is in the test part
            only, `index.csv` does not fit, or files cannot be read (the line names the first, and how many).
    """
    if split not in SPLITS:
        raise LookInsideError(f"no split {split!r}: choose from {', '.join(SPLITS)}")
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < SMALLEST:
        raise LookInsideError(f"size is {size!r}: give a whole number of {SMALLEST} or more")
    if channels not in (1, 3):
        raise LookInsideError(f"channels is {channels!r}: give 1 for grey or 3 for colour")
    folder = set_folder(set_or_folder)
    files, labels, class_names, (groups, tags), notices = _list_part(folder, split)
    images, changes = _read_all(files, int(size), channels, progress)
    for notice in notices + changes:
        warnings.warn(notice, DataWarning, stacklevel=2)
    names = tuple(path.relative_to(folder).as_posix() for path in files)
    return LabelledImages(images, labels, class_names, names, groups=groups, tags=tags)


def _list_part(folder: Path, split: str):
    """Files, labels, class names, (groups, tags) and notices of one part; refuses folders that make no set."""
    read_card(folder)  # a broken or newer dataset.json is refused before any picture is read
    index = read_index(folder)

    def known(files):
        return index.of(path.relative_to(folder).as_posix() for path in files) if index else (None, {})

    parts = part_folders(folder)
    if not parts and any((folder / ANNOTATIONS).glob("*.json")):
        raise LookInsideError(f"{folder}: is a set with boxes, COCO files in {ANNOTATIONS}/: read it with load_boxed")
    if not parts and has_vessels(folder):
        raise LookInsideError(f"{folder}: is a set of pictures with masks of their vessels: read it with load_vessels")
    if parts and "train" not in parts:
        has = " and ".join(f"{path.name}/" for path in parts.values())
        raise LookInsideError(f"{folder}: has {has} but no train/: put the training classes under {folder / 'train'}")
    train = _checked_classes(parts.get("train", folder))
    class_names = tuple(train)
    if len(class_names) < 2:
        where = parts.get("train", folder)
        raise LookInsideError(f"{where}: has one class only, {class_names[0]!r}: add the folder of a second class")
    read, notices = parts.get("train", folder), _unread_validation(parts)
    files, labels = _flatten(train, class_names)
    marks = known(files)[0]
    if "test" in parts:
        test = _checked_classes(parts["test"])
        _refuse_unknown(test, class_names, parts)
        test_files, test_labels = _flatten(test, class_names)
        notices += _torn_groups(folder, marks, known(test_files)[0])
        if split == "test":
            read, files, labels = parts["test"], test_files, test_labels
    else:
        chosen = dict(zip(SPLITS, stratified_split(labels, TEST_SHARE, SPLIT_SEED, marks), strict=True))
        together = ", groups kept together" if marks else ""
        notices.append(
            f"{folder} has no test/: {len(chosen['test'])} of {len(files)} images ({TEST_SHARE:.0%} of each class, "
            f"seed {SPLIT_SEED}{together}) are held back for testing"
        )
        files, labels = [files[i] for i in chosen[split]], labels[chosen[split]]
    return files, labels, class_names, known(files), _passed_over(read) + notices


def _checked_classes(folder: Path) -> dict[str, list[Path]]:
    found = class_files(folder)
    if not found:
        raise LookInsideError(f"{folder}: holds no class folder: put the pictures of each class in a folder of its own")
    empty = [name for name, files in found.items() if not files]
    if empty:
        first = folder / empty[0]
        deeper = [sub.name for sub in subfolders(first)]
        if any(first.glob("*.dcm")):
            kind = "only DICOM files, save them as PNG first or remove the folder"
        elif deeper:
            kind = f"no picture but folders ({', '.join(deeper[:3])}): class folders stand directly in {folder}"
        else:
            kind = f"no picture ({FORMATS}), add some or remove the folder"
        raise LookInsideError(f"{first}: holds {kind}{_and_more(empty)}")
    return found


def _refuse_unknown(test: dict, class_names: tuple[str, ...], parts: dict[str, Path]) -> None:
    unknown = [name for name in test if name not in class_names]
    if unknown:
        near = class_like(class_names, unknown[0])
        hint = f", which has {near}" if near else ""
        raise LookInsideError(
            f"{parts['test'] / unknown[0]}: this class is not in {parts['train'].name}/{hint}: "
            f"add {parts['train'] / unknown[0]} or remove it{_and_more(unknown)}"
        )


def _flatten(found: dict[str, list[Path]], class_names: tuple[str, ...]) -> tuple[list[Path], np.ndarray]:
    files = [path for paths in found.values() for path in paths]
    labels = [class_names.index(name) for name, paths in found.items() for _ in paths]
    return files, np.asarray(labels, np.int64)


def _and_more(problems: list) -> str:
    return f" (and {len(problems) - 1} more like it)" if len(problems) > 1 else ""


def _unread_validation(parts: dict[str, Path]) -> list[str]:
    if "validation" not in parts:
        return []
    count = sum(map(len, class_files(parts["validation"]).values()))
    mend = "move them into train/" + ("" if "test" in parts else ", or call the folder test/")
    return [f"the {count} images in {parts['validation']} are not read: {mend}"]


def _torn_groups(folder: Path, train: list[str] | None, test: list[str] | None) -> list[str]:
    both = sorted(set(train or ()) & set(test or ()))
    if not both:
        return []
    return [f"{folder}: {len(both)} groups (patients) are in train/ and in test/, first: {both[0]}"]


def _passed_over(folder: Path) -> list[str]:
    others = left_out(folder)
    if not others:
        return []
    what = f"{len(others)} file{'s' if len(others) > 1 else ''} or folder{'s' if len(others) > 1 else ''}"
    return [f"{what} in {folder} left out ({FORMATS} in class folders are read), first: {others[0]}"]


def _read_all(files: list[Path], size: int, channels: int, progress) -> tuple[np.ndarray, list[str]]:
    images = np.zeros((len(files), size, size, channels), np.uint8)
    problems, changed = [], {"colour": [], "16-bit": []}
    for i, path in enumerate(reading(files, progress)):
        try:
            picture = read_picture(path, channels)
        except LookInsideError as problem:
            problems.append(str(problem))
            continue
        if picture.change:
            changed[picture.change].append(path)
        images[i] = to_square(picture.pixels, size).reshape(size, size, channels)
    if problems:
        raise LookInsideError(problems[0] + (f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""))
    return images, conversions(changed)
