"""Pictures beside masks of their vessels, prepared or a user's own, as `LabelledImages`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from lookinside.data.boxes.coco_file import IMAGES
from lookinside.data.files.index_table import Index, read_index
from lookinside.data.files.progress_bars import reading
from lookinside.data.files.reading import SMALLEST, conversions, is_picture, read_picture, to_square
from lookinside.data.labelled import LabelledImages
from lookinside.data.places import SPLIT, SPLITS, VESSELS, has_vessels, inside, read_card, set_folder, subfolders
from lookinside.data.stratify import stratified_split
from lookinside.errors import DataWarning, LookInsideError

TEST_SHARE, SPLIT_SEED = 0.15, 0  # where a set comes without a test part
MOST = 0.6  # of a picture; photographs of a whole field have 5 to 15 % of vessels
_CLASS = "fundus"  # there is nothing to tell apart


def load_vessels(
    set_or_folder: str | Path,
    split: str,
    size: int,
    *,
    progress: bool | Callable[[Iterable], Iterable] = True,
) -> LabelledImages:
    """Read one part of a set of pictures with masks of their vessels: `<set>/images/x.jpg` and `<set>/vessels/x.png`.

    A picture and its masks have the same name, whatever the ending, and the same size. Further observers have folders
    of their own, `vessels_second/` say. Both are scaled (antialiased) to fit (size, size), the rest is black and no
    vessel; a pixel of a smaller mask is vessel where half of it is covered, so the finest vessels go at small sizes.

    An `index.csv` in the set's folder tells the part of each picture (column split, "train" or "test"), its patient
    (column group) and its tags, as for `load_images`. Without the column split, 15 % of the pictures are the test part,
    always the same ones, and a `DataWarning` says so. Others tell of masks without any vessel, of pictures of
    16 bits, which are stretched to 8, and of those that `index.csv` lists but that are not there.

    Args:
        set_or_folder: the name of a set (see `find_set`) or the path of a folder.
        split: `"train"` or `"test"`.
        size: height and width in pixels, 16 or more.
        progress: True for a bar where reading takes over five seconds, False for none, or a function that wraps the
            list of files while they are read, as tqdm does.

    Returns:
        `LabelledImages` in colour with H = W = size, one class, and `masks["vessels"]` bool (N, H, W), the further
        observers' beside it under the names of their folders.

    Raises:
        LookInsideError: if the folder is no such set, a picture or a mask is missing, a mask is of another size or has
            more than two values, its colours turned round or black on a transparent ground, `index.csv` does not fit,
            or files cannot be read (the line names the first).
    """
    if split not in SPLITS:
        raise LookInsideError(f"no split {split!r}: choose from {', '.join(SPLITS)}")
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < SMALLEST:
        raise LookInsideError(f"size is {size!r}: give a whole number of {SMALLEST} or more")
    folder = set_folder(set_or_folder)
    read_card(folder)  # a broken or newer dataset.json is refused before any picture is read
    pictures, masks = _listed(folder)
    names = [path.relative_to(folder).as_posix() for path in pictures]
    index = read_index(folder)
    groups, tags = index.of(names) if index else (None, {})
    notices = _gone(index, names) if index else []
    chosen = _part(folder, split, tags.pop(SPLIT, None), groups, len(names))
    images = np.zeros((len(chosen), size, size, 3), np.uint8)
    found = {observer: np.zeros((len(chosen), size, size), bool) for observer in masks}
    stretched, empty = [], []
    for place, number in enumerate(reading(chosen, progress)):
        picture = read_picture(pictures[number], 3)
        images[place] = to_square(picture.pixels, size)
        if picture.change:
            stretched.append(pictures[number])
        for observer, paths in masks.items():
            mask = read_mask(paths[number], picture.pixels.shape[:2])
            found[observer][place] = to_square(mask, size) >= 128
            if not mask.any():
                empty.append(paths[number])
    notices += conversions({"16-bit": stretched})
    if empty:
        notices.append(f"{len(empty)} mask{'s' if len(empty) > 1 else ''} without any vessel, first: {empty[0]}")
    for notice in notices:
        warnings.warn(notice, DataWarning, stacklevel=2)
    return LabelledImages(
        images,
        np.zeros(len(chosen), np.int64),
        (_CLASS,),
        tuple(names[i] for i in chosen),
        masks=found,
        groups=None if groups is None else [groups[i] for i in chosen],
        tags={name: [values[i] for i in chosen] for name, values in tags.items()},
    )


def read_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """A mask file as uint8 (H, W), 0 where there is no vessel and 255 where there is one.

    Args:
        path: a file of two values, the lower of which is 0.
        shape: (H, W) of its picture.

    Raises:
        LookInsideError: if it cannot be read, is of another size, has other values, more vessel than not, or is drawn
            in black on a transparent ground.
    """
    picture = read_picture(path)
    pixels = picture.pixels
    if pixels.shape != tuple(shape):
        (high, wide), (height, width) = pixels.shape, shape
        raise LookInsideError(f"{path}: is of {wide}x{high} px, its picture of {width}x{height}: give both in one size")
    values = np.unique(pixels)
    if picture.on_transparent and not values[-1]:  # transparent pixels become black: the drawing is gone
        raise LookInsideError(f"{path}: is black on a transparent ground: save it opaque, white vessels on black")
    if len(values) > 2 or (values[0] != 0 and len(values) == 2):
        raise LookInsideError(
            f"{path}: has {len(values)} grey levels from {values[0]} to {values[-1]}, not 0 and one more: "
            "save the mask in two colours, as PNG (JPEG adds more)"
        )
    mask = np.where(pixels > 0, np.uint8(255), np.uint8(0))
    if mask.mean() > MOST * 255:
        raise LookInsideError(f"{path}: {mask.mean() / 255:.0%} of it are vessels: turn it round, vessels are white")
    return mask


def _listed(folder: Path) -> tuple[list[Path], dict[str, list[Path]]]:
    """The pictures, sorted by name, and folder of masks -> the mask of each picture."""
    if not has_vessels(folder):
        raise LookInsideError(
            f"{folder}: has no {IMAGES}/ with {VESSELS}/ beside it: put pictures and masks of one name into the two"
        )
    pictures = _by_stem(folder / IMAGES)
    if not pictures:
        raise LookInsideError(f"{folder / IMAGES}: holds no picture: add some, and their masks to {VESSELS}/")
    masks = {}
    for sub in subfolders(folder):
        if sub.name == VESSELS or sub.name.startswith(f"{VESSELS}_"):
            there = _by_stem(sub)
            for stem in sorted(set(pictures) ^ set(there)):
                what, file = ("mask", pictures[stem]) if stem in pictures else ("picture", there[stem])
                where = sub if stem in pictures else folder / IMAGES
                raise LookInsideError(f"{file}: has no {what} in {where}: add {stem}.png there, or remove the file")
            masks[sub.name] = [there[stem] for stem in sorted(pictures)]
    return [pictures[stem] for stem in sorted(pictures)], masks


def _gone(index: Index, names: list[str]) -> list[str]:
    gone = sorted(set(index.rows) - set(names))
    if not gone:
        return []
    what = f"{len(gone)} picture{'s' if len(gone) > 1 else ''}"
    return [f"{index.path}: lists {what} not found in the set's folder, first: {gone[0]}"]


def _by_stem(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in inside(folder):
        if path.is_file() and is_picture(path):
            if path.stem in found:
                raise LookInsideError(f"{found[path.stem]} and {path.name}: two files of one name: keep one of them")
            found[path.stem] = path
    return found


def _part(folder: Path, split: str, parts: list[str] | None, groups: list[str] | None, count: int) -> list[int]:
    """The numbers of the pictures that are in a part."""
    if parts is None:
        train, test = stratified_split([0] * count, TEST_SHARE, SPLIT_SEED, groups)
        together = ", groups kept together" if groups else ""
        notice = (
            f"{folder} tells no split: {len(test)} of {count} pictures ({TEST_SHARE:.0%}, seed {SPLIT_SEED}{together}) "
            "are held back for testing"
        )
        warnings.warn(notice, DataWarning, stacklevel=3)
        return list(test if split == "test" else train)
    others = sorted(set(parts) - set(SPLITS))
    if others:
        raise LookInsideError(f"{folder}: index.csv has the split {others[0]!r}: write {' or '.join(SPLITS)}")
    both = sorted({group for group, part in zip(groups or (), parts, strict=False) if part == "train"}
                  & {group for group, part in zip(groups or (), parts, strict=False) if part == "test"})  # fmt: skip
    if both:
        notice = f"{folder}: {len(both)} groups (patients) are in train and in test, first: {both[0]}"
        warnings.warn(notice, DataWarning, stacklevel=3)
    return [number for number, part in enumerate(parts) if part == split]
