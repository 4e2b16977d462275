"""Images with boxes as a COCO file and PNG pictures."""

from __future__ import annotations

import json
import warnings
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from lookinside.data.boxes.boxed import BoxedImages
from lookinside.data.boxes.coco_file import ANNOTATIONS, IMAGES
from lookinside.data.files.reading import SUFFIXES
from lookinside.errors import DataWarning, LookInsideError

_OF_THE_FILE = ("width", "height")  # tags of a picture that is another one now


def write_coco(images: BoxedImages, folder: str | Path, split: str) -> Path:
    """Write one part of a set: `<folder>/annotations/<split>.json` and `<folder>/images/<name>.png`.

    `load_boxed(folder, split, images.shape[:2])` reads the same images, boxes, groups and tags. Masks have no place in
    it: a `DataWarning` says that they are left out.

    Args:
        images: the set; its names become file names, the ending is .png.
        folder: of the set; it may have other parts already.
        split: the part's name, "train" or "test".

    Returns:
        The path of the COCO file.

    Raises:
        LookInsideError: if two images have the same name, or a file is there already.
    """
    folder = Path(folder).expanduser()
    path = folder / ANNOTATIONS / f"{split}.json"
    files = [_file_name(name) for name in images.names]
    _refuse_twice(files, images.names)
    for place in [path, *(folder / IMAGES / file for file in files)]:
        if place.exists():
            raise LookInsideError(f"{place}: is there already: remove it, or choose another folder")
    for i, file in enumerate(files):
        target = folder / IMAGES / file
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images.images[i].squeeze(-1) if images.shape[-1] == 1 else images.images[i]).save(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(coco_object(images, files), ensure_ascii=False) + "\n", encoding="utf-8")
    if images.masks:
        warnings.warn(f"{path}: COCO has no place for the masks {', '.join(images.masks)}", DataWarning, stacklevel=2)
    return path


def coco_object(images: BoxedImages, files: list[str] | None = None) -> dict:
    """What a COCO file of these images holds, ids counted from 1: pycocotools takes it as `COCO.dataset`.

    Args:
        images: the set.
        files: (N,) file names; None takes the images' names.
    """
    height, width = images.shape[:2]
    entries, annotations = [], []
    tags = {name: values for name, values in images.tags.items() if name not in _OF_THE_FILE}
    for i, file in enumerate(images.names if files is None else files):
        entry = {"id": i + 1, "file_name": file, "height": height, "width": width}
        if images.groups is not None:
            entry["group"] = images.groups[i]
        if tags:
            entry["tags"] = {name: values[i] for name, values in tags.items()}
        entries.append(entry)
        for box, label in zip(images.boxes[i].astype(np.float64), images.labels[i], strict=True):
            x, y, x_max, y_max = box.tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i + 1,
                    "category_id": int(label) + 1,
                    "bbox": [x, y, x_max - x, y_max - y],
                    "area": (x_max - x) * (y_max - y),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(images.class_names)]
    return {"images": entries, "annotations": annotations, "categories": categories}


def _file_name(name: str) -> str:
    """A name as the path of a PNG below the folder of images."""
    safe = "".join(letter if letter.isalnum() or letter in "._- /" else "_" for letter in name)
    path = PurePosixPath(*[part for part in safe.split("/") if part.strip(". ")])
    return f"{path.with_suffix('') if path.suffix.lower() in SUFFIXES else path}.png"


def _refuse_twice(files, names):
    seen = {}
    for file, name in zip(files, names, strict=True):
        if file in seen:
            raise LookInsideError(f"the images {seen[file]} and {name} would both be {file}: give each its own name")
        seen[file] = name
