"""One COCO file of boxes, read and checked; no picture is opened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from lookinside.data.boxes.box_checks import clipped, wrong_with_box
from lookinside.errors import LookInsideError

ANNOTATIONS, IMAGES = "annotations", "images"
_ROUNDING = 0.5  # px that a box may reach over the rim: tools round differently


@dataclass(frozen=True, eq=False)
class CocoImage:
    """An image of the file.

    Attributes:
        file_name: of the picture, below the folder of images.
        height, width: in pixels.
        boxes: float64 (K, 4), x_min, y_min, x_max, y_max in the picture's pixels.
        labels: int64 (K,), positions in `CocoFile.class_names`.
        group: the patient, or None: an entry "group" that COCO does not have.
        tags: name -> text: an entry "tags" that COCO does not have.
    """

    file_name: str
    height: int
    width: int
    boxes: np.ndarray
    labels: np.ndarray
    group: str | None
    tags: dict[str, str]


@dataclass(frozen=True)
class CocoFile:
    """What a COCO file says.

    Attributes:
        path: of the file.
        class_names: its categories in the order of their ids.
        images: in the file's order.
        crowds: boxes of crowds (iscrowd 1), which are no single thing: left out.
    """

    path: Path
    class_names: tuple[str, ...]
    images: tuple[CocoImage, ...]
    crowds: int

    def counts(self) -> dict[str, int]:
        """How many boxes each class has."""
        labels = np.concatenate([*(one.labels for one in self.images), np.zeros(0, np.int64)])
        return dict(zip(self.class_names, np.bincount(labels, minlength=len(self.class_names)).tolist(), strict=True))


def read_coco_file(path: Path) -> CocoFile:
    """Read a COCO file: "images", "annotations" with a "bbox" [x_min, y_min, width, height], and "categories".

    Raises:
        LookInsideError: if it is not there or no such file, an id is there twice, an annotation is of an unknown image
            or category, or a box is none. The line names the first, and how many there are.
    """
    data = _read_json(path)
    problems: list[str] = []
    categories = _by_id(path, data, "categories", ("id", "name"), problems)
    images = _by_id(path, data, "images", ("id", "file_name", "height", "width"), problems)
    annotations = _by_id(path, data, "annotations", ("id", "image_id", "category_id", "bbox"), problems)
    _stop(path, problems)
    order = sorted(categories, key=lambda number: (isinstance(number, str), number))
    class_names = tuple(str(categories[number]["name"]) for number in order)
    problems += _twice("categories", "name", class_names)
    problems += _twice("images", "file_name", [str(image["file_name"]) for image in images.values()])
    problems += [wrong for number, image in images.items() if (wrong := _wrong_with_image(number, image))]
    _stop(path, problems)
    boxes: dict[int | str, list] = {number: [] for number in images}
    crowds = 0
    for number, one in annotations.items():
        wrong = _wrong_with_annotation(one, images, categories)
        if wrong:
            problems.append(f"annotation {number} {wrong}")
        elif one.get("iscrowd"):
            crowds += 1
        else:
            boxes[one["image_id"]].append((_corners(one["bbox"]), order.index(one["category_id"])))
    _stop(path, problems)
    found = tuple(_image(image, boxes[number]) for number, image in images.items())
    return CocoFile(path, class_names, found, crowds)


def _read_json(path: Path) -> dict:
    if not path.is_file():
        raise LookInsideError(f"{path}: is not there: give a COCO file (.json)")
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=_number)
    except (ValueError, OSError, RecursionError) as error:
        raise LookInsideError(f"{path}: is no JSON ({error}): export it again as COCO") from None
    if not isinstance(data, dict) or not all(isinstance(data.get(key), list) for key in (IMAGES, ANNOTATIONS)):
        raise LookInsideError(f"{path}: has no lists {IMAGES} and {ANNOTATIONS}: export it as COCO (object detection)")
    if not isinstance(data.get("categories"), list) or not data["categories"]:
        raise LookInsideError(f"{path}: has no list categories: give each class an id and a name there")
    return data


def _by_id(path: Path, data: dict, kind: str, keys: tuple[str, ...], problems: list[str]) -> dict:
    """Id -> entry of one list; what is missing or there twice goes to the problems."""
    found: dict = {}
    for place, entry in enumerate(data[kind]):
        missing = [key for key in keys if not isinstance(entry, dict) or entry.get(key) is None]
        if missing:
            problems.append(f"entry {place} of {kind} has no {missing[0]}: add it")
        elif odd := [key for key in keys if key.endswith("id") and not isinstance(entry[key], (int, str))]:
            problems.append(f"entry {place} of {kind} has the {odd[0]} {entry[odd[0]]}: give a whole number")
        elif entry["id"] in found:
            problems.append(f"id {entry['id']} is there twice in {kind}: give each an id of its own")
        else:
            found[entry["id"]] = entry
    return found


def _stop(path: Path, problems: list[str]) -> None:
    if problems:
        more = f" (and {len(problems) - 1} more like it)" if len(problems) > 1 else ""
        raise LookInsideError(f"{path}: {problems[0]}{more}")


def _twice(kind: str, what: str, names) -> Iterator[str]:
    seen = set()
    for name in names:
        if name in seen:
            yield f"the {what} {name} is there twice in {kind}: keep one"
        seen.add(name)


def _wrong_with_image(number, image: dict) -> str:
    place = PurePosixPath(str(image["file_name"]).replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts:
        return f"image {number}: {image['file_name']} does not lie in the folder of images: give its name there"
    sides = image["height"], image["width"]
    if not all(isinstance(side, int) and side > 0 for side in sides):
        return f"image {number} ({image['file_name']}) is {sides[1]}x{sides[0]} px: give whole numbers"
    if not isinstance(image.get("tags", {}), dict):
        return f"image {number} ({image['file_name']}) has tags that are no object: give names and texts"
    return ""


def _wrong_with_annotation(one: dict, images: dict, categories: dict) -> str:
    number = one["image_id"]
    if number not in images:
        return f"is of image {number}, which is not in images: add the image or remove the annotation"
    where = f"({images[number]['file_name']})"
    if one["category_id"] not in categories:
        return f"{where} is of category {one['category_id']}, which is not in categories: add it or correct the id"
    box = one["bbox"]
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
        return f"{where} has the bbox {box}: give four numbers [x_min, y_min, width, height]"
    if box[2] < 0 or box[3] < 0:
        return f"{where} has the bbox {box} of negative width or height: give [x_min, y_min, width, height]"
    wrong = wrong_with_box(_corners(box), images[number]["height"], images[number]["width"], _ROUNDING)
    # Corners in the place of sizes are the usual reason for a box that is too large.
    return wrong and f"{where}: the box {wrong}: bbox is [x_min, y_min, width, height], correct or remove it"


def _number(text: str) -> int | float:
    """Whole numbers are whole, also as tables write them where a row is empty: 7.0."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _corners(box) -> tuple[float, float, float, float]:
    x, y, width, height = box
    return x, y, x + width, y + height


def _image(image: dict, boxes: list) -> CocoImage:
    corners = np.array([corners for corners, _ in boxes], np.float64).reshape(-1, 4)
    group = image.get("group")
    return CocoImage(
        file_name=str(image["file_name"]),
        height=image["height"],
        width=image["width"],
        boxes=clipped(corners, image["height"], image["width"]),
        labels=np.array([label for _, label in boxes], np.int64),
        group=None if group in (None, "") else str(group),
        tags={str(name): str(text) for name, text in image.get("tags", {}).items()},
    )
