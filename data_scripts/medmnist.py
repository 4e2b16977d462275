"""Organ{A,C,S}MNIST of MedMNIST+ (Yang et al. 2023), fetched and prepared into data/medmnist.

    python data_scripts/medmnist.py --view coronal --size 64
    python data_scripts/medmnist.py --view coronal --size 64 --from FILE.npz-or-FOLDER

Eleven organs, each in the middle of a crop out of a CT of the abdomen: axial, coronal or sagittal slices.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from preparing.card import Card, Choice, Found
from preparing.cli import run
from preparing.pictures import Stored

from lookinside.errors import LookInsideError

VIEWS = {"coronal": "C", "axial": "A", "sagittal": "S"}
# The publisher's numbers, 0 to 10. Where the phantoms have the same organ, the folder has their name for it.
CLASSES = {
    "bladder": "bladder", "femur_left": "femur-left", "femur_right": "femur-right", "heart": "heart",
    "kidney_left": "kidney-left", "kidney_right": "kidney-right", "liver": "liver", "lung_left": "lung-left",
    "lung_right": "lung-right", "pancreas": "pancreas", "spleen": "spleen",
}  # fmt: skip
ADDRESS = "https://zenodo.org/records/10519652/files/"
# As the package medmnist 3.0.2 states them (medmnist/info.py).
MD5 = {
    ("axial", 28): "68e3f8846a6bd62f0c9bf841c0d9eacc",
    ("axial", 64): "2dcccc29b88e6da5a01161ef20cda288",
    ("axial", 128): "eeae80d0a227a8d099027e1b3cfd3b60",
    ("axial", 224): "50747347e05c87dd3aaf92c49f9f3170",
    ("coronal", 28): "b9ceb9546e10131b32923c5bbeaea2b1",
    ("coronal", 64): "3ce34a8724ea6f548e6db4744d03b6a9",
    ("coronal", 128): "773c1f009daa3fe5d9a2a201b2a7ed94",
    ("coronal", 224): "050f5e875dc056f6768abf94ec9995d1",
    ("sagittal", 28): "9ab87b696fb54e2a387ebe992d6ed5f1",
    ("sagittal", 64): "53a6d115339d874c25e309a994ff46d3",
    ("sagittal", 128): "ded0c5fa01a95dc4978b956f613e9b8e",
    ("sagittal", 224): "b354719e553fbbb2513d5533f52a4cb1",
}
PARTS = {"train": "train", "val": "train", "test": "test"}  # the course takes its validation images from train


def collect(folder: Path, file: str, size: int) -> Found:
    """The pictures of the three parts that an unpacked npz has: `train_images.npy`, `train_labels.npy` and so on."""
    items, parts, published = [], {}, {}
    names = tuple(CLASSES)
    for part, goes_to in PARTS.items():
        pictures = _pictures(folder, file, part, size)
        for picture, label in zip(pictures, _labels(folder, file, part, len(pictures)), strict=True):
            items.append((picture, names[label]))
            parts[picture], published[picture] = goes_to, part
    rule = (
        "train and val are the training part (tag published_split), test is the test part; 115, 16 and 70 CT scans, "
        "so no scan is in two, as the description in medmnist 3.0.2 has it"
    )
    return Found(items, tags={"published_split": published}, parts=parts, split_rule=rule)


def _array(folder: Path, file: str, key: str) -> np.ndarray:
    path = folder / f"{key}.npy"
    if not path.is_file():
        raise LookInsideError(f"{key} is missing: give {file} as it was downloaded, or the folder that holds it")
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise LookInsideError(f"{key} cannot be read ({error}): download {file} again") from None


def _pictures(folder: Path, file: str, part: str, size: int) -> list[Stored]:
    key = f"{part}_images"
    array = _array(folder, file, key)
    is_grey = array.ndim == 3 and array.dtype == np.uint8 and len(array)
    if not is_grey or array.shape[1] != array.shape[2]:
        raise LookInsideError(
            f"{key} is {array.dtype} {array.shape}, not uint8 (N, {size}, {size}): give {file} as it was downloaded"
        )
    if not array.flags.c_contiguous:
        raise LookInsideError(f"{key} has its columns first (Fortran order): save it anew with np.ascontiguousarray")
    if array.shape[1] != size:
        raise LookInsideError(
            f"{key} holds pictures of {array.shape[1]} px, not {size}: say --size {array.shape[1]}, or give {file}"
        )
    path = folder / f"{key}.npy"
    return [
        Stored(path, array.offset + number * size * size, (size, size), f"{part}_{number:05d}")
        for number in range(len(array))
    ]


def _labels(folder: Path, file: str, part: str, number: int) -> list[int]:
    key = f"{part}_labels"
    array = _array(folder, file, key)
    if array.dtype.kind not in "iu" or array.shape not in ((number,), (number, 1)):
        raise LookInsideError(
            f"{key} is {array.dtype} {array.shape}, not whole numbers ({number}, 1): give {file} as it was downloaded"
        )
    labels = array.ravel().tolist()
    if not 0 <= min(labels) <= max(labels) < len(CLASSES):
        raise LookInsideError(
            f"{key} holds numbers from {min(labels)} to {max(labels)}: 0 to {len(CLASSES) - 1} are expected"
        )
    return labels


def check(archive: Path, view: str, size: int) -> None:
    """Refuse a file whose name says that it is of another view or size."""
    named = re.match(r"organ([acs])mnist(?:_(\d+))?\b", archive.name.lower())
    if not named:
        return
    views = {letter.lower(): name for name, letter in VIEWS.items()}
    other_view, other_size = views[named[1]], int(named[2] or 28)
    if (other_view, other_size) != (view, size):
        raise LookInsideError(
            f"{archive}: holds {other_view} slices of {other_size} px, not {view} ones of {size} px: "
            f"say --view {other_view} --size {other_size}, or give another file"
        )


def variant(card: Card, size: int, view: str) -> Card:
    """The card of one view and size."""
    letter = VIEWS[view]
    file = f"organ{letter.lower()}mnist{'' if size == 28 else f'_{size}'}.npz"
    return replace(
        card,
        title=f"Organ{letter}MNIST (MedMNIST+): {view} slices of {size} px",
        address=ADDRESS + file,
        checksum="md5:" + MD5[view, size],
        collect=partial(collect, file=file, size=size),
        check=partial(check, view=view, size=size),
    )


CARD = Card(
    name="medmnist",
    title="OrganMNIST (MedMNIST+)",
    licence="CC BY 4.0 (with credit)",
    citation="Yang et al., MedMNIST v2, Scientific Data 10:41, 2023; CT scans of the Liver Tumor Segmentation "
    "Benchmark (Bilic et al., Medical Image Analysis 84, 2023)",
    source="zenodo.org/records/10519652",
    collect=collect,
    original_names=CLASSES,
    size=64,
    sizes=(28, 64, 128, 224),
    choices=(Choice("view", tuple(VIEWS), "the plane of the slices"),),
    variant=variant,
)


def main(argv=None) -> int:
    """Prepare data/medmnist; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
