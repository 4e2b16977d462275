"""Class folders of pictures, prepared or a user's own, as `LabelledImages`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lookinside.data.labelled import LabelledImages
from lookinside.data.places import SPLITS, class_files, read_card, set_folder
from lookinside.data.reading import SMALLEST, Picture, read_grey, to_square
from lookinside.data.stratify import stratified_split
from lookinside.errors import LookInsideError

TEST_SHARE = 0.15  # of each class, where a set comes without a test part
SPLIT_SEED = 0


def load_images(
    set_or_folder: str | Path, split: str, size: int, *, progress: Callable[[Iterable], Iterable] | None = None
) -> LabelledImages:
    """Read one part of a set of class folders: `<set>/train/<class>/x.png` and `<set>/test/<class>/y.png`.

    A set that has only `train/`, or only class folders, is divided here: 15 % of each class are the test part, always
    the same ones, and a warning says so. Pictures keep their proportions: they are scaled (antialiased) to fit
    (size, size) and the rest is black. 16-bit and colour pictures become 8-bit grey, and a warning says how many.

    Args:
        set_or_folder: the name of a set (see `find_set`) or the path of a folder.
        split: `"train"` or `"test"`.
        size: height and width in pixels, 16 or more.
        progress: wraps the list of files while they are read, as tqdm does; by default a bar shows after five seconds.

    Returns:
        `LabelledImages` with H = W = size; class names are the folders of the training part, sorted, in both parts.

    Raises:
        LookInsideError: if the folder is missing or has fewer than two classes, a class is empty or is in the test part
            only, or files cannot be read (the line names the first, and how many there are).
    """
    if split not in SPLITS:
        raise LookInsideError(f"no split {split!r}: choose from {', '.join(SPLITS)}")
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < SMALLEST:
        raise LookInsideError(f"size is {size!r}: give a whole number of {SMALLEST} or more")
    files, labels, class_names, folder = _list_part(set_folder(set_or_folder), split)
    images = _read_all(files, int(size), progress)
    names = tuple(path.relative_to(folder).as_posix() for path in files)
    return LabelledImages(images, labels, class_names, names)


def _list_part(folder: Path, split: str) -> tuple[list[Path], np.ndarray, tuple[str, ...], Path]:
    """Files, labels and class names of one part; refuses folders that make no set."""
    read_card(folder)  # a broken or newer dataset.json is refused before any picture is read
    has = {s: (folder / s).is_dir() for s in SPLITS}
    if has["test"] and not has["train"]:
        raise LookInsideError(f"{folder}: has test/ but no train/: put the training classes under {folder / 'train'}")
    train_folder = folder / "train" if has["train"] else folder
    train = _checked_classes(train_folder)
    class_names = tuple(train)
    if len(class_names) < 2:
        raise LookInsideError(
            f"{train_folder}: has one class only, {class_names[0]!r}: add the folder of a second class"
        )
    if has["test"]:
        test = _checked_classes(folder / "test")
        unknown = [name for name in test if name not in train]
        if unknown:
            raise LookInsideError(
                f"{folder / 'test' / unknown[0]}: this class is not in train/: "
                f"add {folder / 'train' / unknown[0]} or remove it{_and_more(unknown)}"
            )
        return *_flatten(train if split == "train" else test, class_names), class_names, folder
    files, labels = _flatten(train, class_names)
    parts = dict(zip(SPLITS, stratified_split(labels, TEST_SHARE, SPLIT_SEED), strict=True))
    warnings.warn(
        f"{folder} has no test/: {len(parts['test'])} of {len(files)} images ({TEST_SHARE:.0%} of each class, "
        f"seed {SPLIT_SEED}) are held back for testing",
        stacklevel=3,
    )
    chosen = parts[split]
    return [files[i] for i in chosen], labels[chosen], class_names, folder


def _checked_classes(folder: Path) -> dict[str, list[Path]]:
    found = class_files(folder)
    if not found:
        raise LookInsideError(f"{folder}: holds no class folder: put the pictures of each class in a folder of its own")
    empty = [name for name, files in found.items() if not files]
    if empty:
        dicom = any((folder / empty[0]).glob("*.dcm"))
        kind = "only DICOM files, save them as PNG first" if dicom else "no picture (PNG, JPEG, BMP or TIFF), add some"
        raise LookInsideError(f"{folder / empty[0]}: holds {kind} or remove the folder{_and_more(empty)}")
    return found


def _flatten(found: dict[str, list[Path]], class_names: tuple[str, ...]) -> tuple[list[Path], np.ndarray]:
    files = [path for paths in found.values() for path in paths]
    labels = [class_names.index(name) for name, paths in found.items() for _ in paths]
    return files, np.asarray(labels, np.int64)


def _and_more(problems: list) -> str:
    return f" (and {len(problems) - 1} more like it)" if len(problems) > 1 else ""


def _read_all(files: list[Path], size: int, progress) -> np.ndarray:
    images = np.zeros((len(files), size, size, 1), np.uint8)
    bar = progress or (lambda work: tqdm(work, desc="reading", unit="image", delay=5, mininterval=0.5, leave=False))
    problems, changed = [], {"colour": [], "16-bit": []}
    for i, path in enumerate(bar(files)):
        try:
            picture: Picture = read_grey(path)
        except LookInsideError as problem:
            problems.append(str(problem))
            continue
        if picture.change:
            changed[picture.change].append(path)
        images[i, :, :, 0] = to_square(picture.pixels, size)
    if problems:
        raise LookInsideError(problems[0] + (f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""))
    _warn_of_changes(changed)
    return images


def _warn_of_changes(changed: dict[str, list[Path]]) -> None:
    done = {"colour": "colour image{} converted to grey", "16-bit": "image{} of 16 bits or more stretched to 0-255"}
    for change, paths in changed.items():
        if paths:
            text = done[change].format("s" if len(paths) > 1 else "")
            warnings.warn(f"{len(paths)} {text}, first: {paths[0]}", stacklevel=4)
