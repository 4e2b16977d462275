"""Pictures with boxes from COCO files, prepared or a user's own, as `BoxedImages`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from lookinside.data.boxes.boxed import BoxedImages, rarest_classes
from lookinside.data.boxes.coco_file import ANNOTATIONS, IMAGES, CocoFile, CocoImage, read_coco_file
from lookinside.data.boxes.placing import Placement
from lookinside.data.files.class_folders import SPLIT_SEED, TEST_SHARE
from lookinside.data.files.progress_bars import reading
from lookinside.data.files.reading import SMALLEST, conversions, is_picture, read_picture
from lookinside.data.places import SPLITS, read_card, set_folder
from lookinside.data.stratify import stratified_split
from lookinside.errors import DataWarning, LookInsideError


def load_boxed(
    set_or_folder: str | Path,
    split: str,
    size: tuple[int, int],
    *,
    channels: int = 1,
    progress: bool | Callable[[Iterable], Iterable] = True,
) -> BoxedImages:
    """Read one part of a set with boxes: `<set>/annotations/train.json`, `test.json` (COCO) and `<set>/images/x.png`.

    A set without a `test.json` is divided here: 15 % of its images are the test part, always the same ones. Pictures
    and boxes are brought to the size as `read_coco` does. A `DataWarning` says what was held back, converted or left
    out, and how many images have no box.

    Args:
        set_or_folder: the name of a set (see `find_set`) or the path of a folder.
        split: `"train"` or `"test"`.
        size, channels, progress: as for `read_coco`.

    Returns:
        `BoxedImages`; class names are the categories, in the order of their ids, in both parts.

    Raises:
        LookInsideError: if the folder or its `train.json` is missing, the parts have different categories or the same
            image, and as `read_coco`.
    """
    if split not in SPLITS:
        raise LookInsideError(f"no split {split!r}: choose from {', '.join(SPLITS)}")
    folder = set_folder(set_or_folder)
    read_card(folder)  # a broken or newer dataset.json is refused before any picture is read
    paths = {part: folder / ANNOTATIONS / f"{part}.json" for part in SPLITS}
    if not paths["train"].is_file():
        raise LookInsideError(f"{paths['train']}: is not there: put a COCO file there and the pictures in {IMAGES}/")
    files = {part: read_coco_file(path) for part, path in paths.items() if path.is_file()}
    notices = _unlisted(folder / IMAGES, files.values())
    if "test" in files:
        notices += _compared(**files)
        chosen = files[split].images
    else:
        chosen, held_back = _divided(files["train"], split)
        notices.append(held_back)
    source = files.get(split, files["train"])
    return _read(source, chosen, folder / IMAGES, size, channels, progress, notices)


def read_coco(
    annotations: str | Path,
    images: str | Path,
    size: tuple[int, int],
    *,
    channels: int = 1,
    progress: bool | Callable[[Iterable], Iterable] = True,
) -> BoxedImages:
    """Read one COCO file with its pictures, wherever they lie.

    Pictures keep their proportions: they are scaled (antialiased) to fit the size, and the rest is black; the boxes go
    with them (see `Placement`, also for the way back). Images without a box are kept as negatives. 16-bit pictures
    become 8 bits, colour becomes grey unless three channels are asked for. A `DataWarning` says so. Boxes may reach
    over the rim by half a pixel, they are cut there.

    COCO's images may have two more entries here: "group" (the patient) and "tags" (an object of texts). The width and
    height of the file become tags in any case.

    Args:
        annotations: the COCO file (.json).
        images: the folder below which each "file_name" lies.
        size: (H, W) in pixels, 16 or more each.
        channels: 1 for grey, 3 for red, green and blue.
        progress: True for a bar where reading takes over five seconds, False for none, or a function that wraps the
            list of images while they are read, as tqdm does.

    Raises:
        LookInsideError: if the file is no COCO file or has a wrong box (the line names the first, and how many), or a
            picture is missing, cannot be read or has another size than the file says.
    """
    file = read_coco_file(Path(annotations).expanduser())
    return _read(file, file.images, Path(images).expanduser(), size, channels, progress, [])


def _read(
    file: CocoFile,
    chosen: Sequence[CocoImage],
    folder: Path,
    size: tuple[int, int],
    channels: int,
    progress: bool | Callable,
    notices: list[str],
) -> BoxedImages:
    """The chosen images of a COCO file, with warnings that name the caller of `load_boxed` or `read_coco`."""
    size = _checked_size(size)
    if channels not in (1, 3):
        raise LookInsideError(f"channels is {channels!r}: give 1 for grey or 3 for colour")
    groups, tags = _known(file.path, chosen)
    images, boxes, changes = _read_pictures(file.path, chosen, folder, size, channels, progress)
    if file.crowds:
        notices.append(f"{file.crowds} boxes of crowds (iscrowd) in {file.path} are left out")
    for notice in notices + _negatives(file.path, chosen) + changes:
        warnings.warn(notice, DataWarning, stacklevel=3)
    names = tuple(one.file_name for one in chosen)
    return BoxedImages(images, boxes, [one.labels for one in chosen], file.class_names, names, groups=groups, tags=tags)


def _checked_size(size):
    sides = tuple(size) if isinstance(size, Sequence) else ()
    if len(sides) != 2 or any(
        isinstance(side, bool) or not isinstance(side, (int, np.integer)) or side < SMALLEST for side in sides
    ):
        raise LookInsideError(f"size is {size!r}: give (height, width), whole numbers of {SMALLEST} or more")
    return int(sides[0]), int(sides[1])


def _read_pictures(path, chosen, folder, size, channels, progress):
    """Images uint8 (N, H, W, C), their boxes, and what was done to the pictures."""
    images, boxes = np.zeros((len(chosen), *size, channels), np.uint8), []
    problems, changed = [], {"colour": [], "16-bit": []}
    for i, one in enumerate(reading(chosen, progress)):
        placed = Placement.fit((one.height, one.width), size)
        boxes.append(placed.boxes(one.boxes))
        try:
            picture = read_picture(folder / one.file_name, channels)
        except LookInsideError as problem:
            problems.append(str(problem))
            continue
        height, width = picture.pixels.shape[:2]
        if (height, width) != (one.height, one.width):
            problems.append(
                f"{folder / one.file_name}: is {width}x{height} px, but {path.name} says {one.width}x{one.height}: its "
                "boxes are of another picture, correct one of them"
            )
            continue
        if picture.change:
            changed[picture.change].append(folder / one.file_name)
        images[i] = placed.pixels(picture.pixels).reshape(images.shape[1:])
    if problems:
        raise LookInsideError(problems[0] + (f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""))
    return images, boxes, conversions(changed)


def _known(path: Path, chosen: Sequence[CocoImage]) -> tuple[list[str] | None, dict[str, list[str]]]:
    """Groups, or None where no image has one, and tags by name, with the width and height of the files."""
    groups = [one.group for one in chosen]
    if any(groups) and None in groups:
        nameless = chosen[groups.index(None)].file_name
        raise LookInsideError(f"{path}: {nameless} has no group, others have: give one to each image or to none")
    names = {name for one in chosen for name in one.tags}
    for one in chosen:
        if missing := sorted(names - set(one.tags)):
            raise LookInsideError(f"{path}: {one.file_name} has no tag {missing[0]}, others have: give it to each")
    tags = {name: [one.tags[name] for one in chosen] for name in sorted(names)}
    tags |= {side: [str(getattr(one, side)) for one in chosen] for side in ("width", "height")}
    return (groups if any(groups) else None), tags


def _negatives(path: Path, chosen: Sequence[CocoImage]) -> list[str]:
    without = [one.file_name for one in chosen if not len(one.boxes)]
    if not without:
        return []
    kept = f"{len(without)} of {len(chosen)} images of {path} have no box and are kept as negatives"
    return [f"{kept}, first: {without[0]}"]


def _compared(train: CocoFile, test: CocoFile) -> list[str]:
    """What should be known of the two parts together; refuses parts that do not fit."""
    if train.class_names != test.class_names:
        raise LookInsideError(
            f"{test.path}: has the categories {', '.join(test.class_names)}, {train.path.name} has "
            f"{', '.join(train.class_names)}: give both the same, with the same ids"
        )
    twice = sorted({one.file_name for one in train.images} & {one.file_name for one in test.images})
    if twice:
        more = f" (and {len(twice) - 1} more)" if len(twice) > 1 else ""
        raise LookInsideError(f"{test.path}: {twice[0]}{more} is in {train.path.name} too: keep it in one of them")
    both = sorted({one.group for one in train.images if one.group} & {one.group for one in test.images if one.group})
    torn = f"{len(both)} groups (patients) are in {train.path.name} and in {test.path.name}, first: "
    return [f"{train.path.parent}: {torn}{both[0]}"] if both else []


def _divided(file: CocoFile, split: str) -> tuple[list[CocoImage], str]:
    """The images of one part of a set that comes in one piece, and what to say of it."""
    groups = [one.group or one.file_name for one in file.images]
    labels = rarest_classes([one.labels for one in file.images])
    parts = dict(zip(SPLITS, stratified_split(labels, TEST_SHARE, SPLIT_SEED, groups), strict=True))
    together = ", groups kept together" if any(one.group for one in file.images) else ""
    said = (
        f"{file.path.parent} has no test.json: {len(parts['test'])} of {len(file.images)} images "
        f"(about {TEST_SHARE:.0%}, seed {SPLIT_SEED}{together}) are held back for testing"
    )
    return [file.images[i] for i in parts[split]], said


def _unlisted(folder: Path, files: Iterable[CocoFile]) -> list[str]:
    """Pictures that no file names: a negative, too, has to be in its images."""
    listed = {(folder / one.file_name).resolve() for file in files for one in file.images}
    lying = sorted(path for path in folder.rglob("*") if path.is_file() and is_picture(path))
    others = [path for path in lying if path.resolve() not in listed]
    if not others:
        return []
    return [f"{len(others)} pictures in {folder} are in no file of {ANNOTATIONS}/ and not read, first: {others[0]}"]
