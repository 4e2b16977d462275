"""UNIFESP X-ray body part classification (Kitamura et al. 2022), prepared into data/unifesp.

    python data_scripts/unifesp.py --from FOLDER-or-ARCHIVE

The set needs an account. Its publisher's DICOM files are read as they come, and so are PNG or JPEG copies, anywhere
under the folder, with a table (.csv) that gives each image its targets. Patients come from the DICOM headers, or from a
table with a column PatientID.
"""

from __future__ import annotations

import sys
from pathlib import Path

from preparing.card import Card, Found
from preparing.cli import run
from preparing.listing import Table, all_files, read_table
from preparing.patients import find_patients
from preparing.pictures import is_source

from lookinside.data.files.reading import SUFFIXES
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
TARGET_COLUMNS = ("target",)


def collect(folder: Path) -> Found:
    """The single-label images under `folder`, by its table; the others are counted."""
    everything = all_files(folder)
    files = _index(everything)
    tables, unread = _tables(everything)
    labels = _choose(folder, tables, unread, files)
    image, target = labels.column(IMAGE_COLUMNS), labels.column(TARGET_COLUMNS)
    names, seen, items = tuple(CLASSES), set(), []
    left_out = {"several labels": 0, "in the table, no file": 0}
    for line, row in labels.rows:
        if len(row) <= max(image, target):
            raise LookInsideError(f"{labels.path}: line {line} is cut short: complete or remove it")
        key = _key(row[image])
        if key in seen:
            raise LookInsideError(
                f"{labels.path}: line {line}: image {row[image].strip()} is listed twice: keep one of its lines"
            )
        seen.add(key)
        numbers = _numbers(row[target])
        if not numbers:
            raise LookInsideError(
                f"{labels.path}: line {line}: target {row[target].strip()!r} is unknown: "
                f"numbers from 0 to {len(CLASSES) - 1} are expected"
            )
        if key not in files:
            left_out["in the table, no file"] += 1
        elif len(numbers) > 1:
            left_out["several labels"] += 1
        else:
            items.append((files[key], names[numbers[0]]))
    if not items:
        why = ", ".join(f"{number} {reason}" for reason, number in left_out.items() if number) or "it is empty"
        raise LookInsideError(
            f"{labels.path}: no image under {folder} has one label there ({why}): "
            "give the folder that holds both, images and table"
        )
    left_out["file, not in the table"] = len(set(files) - seen)
    items.sort()
    return Found(items, left_out, find_patients(tables, [path for path, _ in items], IMAGE_COLUMNS, _key))


def _tables(everything: list[Path]) -> tuple[list[Table], list[str]]:
    """The tables there are, train.csv first, then those that lie highest; and what could not be read."""
    paths = [path for path in everything if path.suffix.lower() == ".csv" and not path.name.startswith(".")]
    tables, unread = [], []
    for path in sorted(paths, key=lambda p: (p.name != "train.csv", len(p.parts), p)):
        try:
            tables.append(read_table(path))
        except LookInsideError as problem:
            unread.append(str(problem))
    return tables, unread


def _choose(folder: Path, tables: list[Table], unread: list[str], files: dict[str, Path]) -> Table:
    """The table that gives most images their one label.

    A public copy holds others of the same columns: samples of a submission, in which every row has the same targets.
    """
    fitting = [t for t in tables if None not in (t.column(IMAGE_COLUMNS), t.column(TARGET_COLUMNS))]
    if not fitting:
        if unread:
            raise LookInsideError(unread[0])
        has = [f"{t.path.name} has {', '.join(t.columns) or 'none'}" for t in tables]
        raise LookInsideError(
            f"{folder}: holds no table of labels, a .csv with the columns SOPInstanceUID or image, and Target"
            + (f" ({'; '.join(has[:3])}): rename its columns" if has else ": give the folder with train.csv")
        )

    def worth(table: Table) -> tuple[bool, int]:
        image, target = table.column(IMAGE_COLUMNS), table.column(TARGET_COLUMNS)
        rows = [row for _, row in table.rows if len(row) > max(image, target) and _key(row[image]) in files]
        single = [numbers[0] for row in rows if len(numbers := _numbers(row[target])) == 1]
        return len(set(single)) > 1, len(single)

    return max(fitting, key=worth)  # of equals the first


def _index(everything: list[Path]) -> dict[str, Path]:
    """Image key -> file; of a DICOM file and its PNG or JPEG copy, the DICOM file."""
    files: dict[str, Path] = {}
    for path in filter(is_source, everything):
        key = _key(path.name)
        old = files.get(key)
        if old is None or (path.suffix.lower() == ".dcm" and old.suffix.lower() != ".dcm"):
            files[key] = path
        elif path.suffix.lower() == old.suffix.lower():
            raise LookInsideError(f"{old} and {path}: two files for one image: remove one")
    return files


def _key(name: str) -> str:
    """What identifies an image in the table and on the disk: the last part of its UID ("1.2.3-c.dcm" -> "3")."""
    name = name.strip().lower()
    for suffix in (".dcm", *SUFFIXES):
        name = name.removesuffix(suffix)
    return name.removesuffix("-c").rsplit(".", 1)[-1]


def _numbers(target: str) -> list[int]:
    """The classes of a row, each once; none where one of them is no class."""
    try:
        numbers = {int(text) for text in target.split()}
    except ValueError:
        return []
    return sorted(numbers) if all(0 <= number < len(CLASSES) for number in numbers) else []


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
