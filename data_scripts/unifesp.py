"""UNIFESP X-ray body part classification (Kitamura et al. 2022), prepared into data/unifesp.

    python data_scripts/unifesp.py --from FOLDER-or-ARCHIVE

The set needs an account. Its publisher's DICOM files are read as they come, and so are PNG or JPEG copies, anywhere
under the folder, with a table (.csv) that gives each image its targets.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from preparing.bar import bar
from preparing.card import Card, Found
from preparing.cli import run
from preparing.pictures import is_source

from lookinside.errors import LookInsideError

# The publisher's numbers, 0 to 21. Where the phantoms have the same body part, the folder has their name for it.
CLASSES = {
    "abdomen": "Abdomen", "ankle": "Ankle", "cervical_spine": "Cervical Spine", "chest": "Chest",
    "clavicle": "Clavicles", "elbow": "Elbow", "foot": "Feet", "finger": "Finger", "forearm": "Forearm", "hand": "Hand",
    "hip": "Hip", "knee": "Knee", "lower_leg": "Lower Leg", "lumbar_spine": "Lumbar Spine", "others": "Others",
    "pelvis": "Pelvis", "shoulder": "Shoulder", "sinuses": "Sinus", "cranium": "Skull", "thigh": "Thigh",
    "thoracic_spine": "Thoracic Spine", "wrist": "Wrist",
}  # fmt: skip
IMAGE_COLUMNS = ("sopinstanceuid", "image", "filename", "file")


def collect(folder: Path) -> Found:
    """The single-label images under `folder`, by its table; the others are counted."""
    table, rows = _find_table(folder)
    files = _index(folder)
    names, seen, items = tuple(CLASSES), set(), []
    left_out = {"several labels": 0, "in the table, no file": 0}
    for line, image, target in rows:
        key = _key(image)
        if key in seen:
            raise LookInsideError(f"{table}: line {line}: image {image} is listed twice: keep one of its lines")
        seen.add(key)
        numbers = _numbers(target, table, line)
        if key not in files:
            left_out["in the table, no file"] += 1
        elif len(numbers) > 1:
            left_out["several labels"] += 1
        else:
            items.append((files[key], names[numbers[0]]))
    if not items:
        raise LookInsideError(f"{table}: none of its images is under {folder}: give the folder that holds both")
    left_out["file, not in the table"] = len(set(files) - seen)
    return Found(sorted(items), left_out)


def _find_table(folder: Path) -> tuple[Path, list[tuple[int, str, str]]]:
    """The .csv with an image column and a target column, and its rows: (line number, image, target)."""
    for path in sorted(folder.rglob("*.csv"), key=lambda p: (p.name != "train.csv", len(p.parts), p)):
        try:
            with path.open(newline="", encoding="utf-8-sig") as opened:
                reader = csv.reader(opened)
                header = [name.strip().lower() for name in next(reader, [])]
                image = next((header.index(name) for name in IMAGE_COLUMNS if name in header), None)
                if image is None or "target" not in header or path.stem.startswith("sample_submission"):
                    continue
                target = header.index("target")
                rows = []
                for row in reader:
                    if any(row):
                        if len(row) <= max(image, target):
                            raise LookInsideError(f"{path}: line {reader.line_num} is cut short: complete or remove it")
                        rows.append((reader.line_num, row[image].strip(), row[target]))
                return path, rows
        except (UnicodeDecodeError, csv.Error) as error:
            raise LookInsideError(f"{path}: cannot be read as a table ({error}): download it again") from None
    raise LookInsideError(
        f"{folder}: holds no table of labels: give the folder with train.csv "
        "(columns SOPInstanceUID or image, and Target)"
    )


def _index(folder: Path) -> dict[str, Path]:
    """Image key -> file; of a DICOM file and its PNG or JPEG copy, the DICOM file."""
    files: dict[str, Path] = {}
    for path in bar(sorted(folder.rglob("*")), "listing"):
        if not is_source(path) or not path.is_file():
            continue
        key = _key(path.name)
        old = files.get(key)
        if old is None or (path.suffix.lower() == ".dcm" and old.suffix.lower() != ".dcm"):
            files[key] = path
        elif path.suffix.lower() == old.suffix.lower():
            raise LookInsideError(f"{old} and {path}: two files for one image: remove one")
    return files


def _key(name: str) -> str:
    """What identifies an image in the table and on the disk: the last part of its UID ("1.2.3-c.dcm" -> "3")."""
    name = name.lower()
    for suffix in (".dcm", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"):
        name = name.removesuffix(suffix)
    return name.removesuffix("-c").rsplit(".", 1)[-1]


def _numbers(target: str, table: Path, line: int) -> list[int]:
    try:
        numbers = [int(text) for text in target.split()]
    except ValueError:
        numbers = []
    if not numbers or not all(0 <= number < len(CLASSES) for number in numbers):
        raise LookInsideError(
            f"{table}: line {line}: target {target.strip()!r} is unknown: "
            f"numbers from 0 to {len(CLASSES) - 1} are expected"
        )
    return sorted(set(numbers))


CARD = Card(
    name="unifesp",
    title="UNIFESP X-ray body part classification",
    licence="CC BY-NC-SA 4.0 (non-commercial, share alike, with credit)",
    citation="Kitamura et al., UNIFESP X-ray Body Part Classifier Competition, Kaggle 2022",
    source="kaggle.com/datasets/felipekitamura/unifesp-xray-bodypart-classification (needs an account)",
    how_to_get="needs an account: download kaggle.com/datasets/felipekitamura/unifesp-xray-bodypart-classification "
    "in a browser, then run this script again with --from FOLDER-or-ARCHIVE",
    collect=collect,
    original_names=CLASSES,
)


def main(argv=None) -> int:
    """Prepare data/unifesp; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
