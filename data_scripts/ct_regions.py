"""CT slices of five regions of the body, gathered from public scans, prepared into data/ct_regions.

    python data_scripts/ct_regions.py --from FOLDER

FOLDER holds `lidc_idri_0314_ct`, `totalsegmentator_example`, `visible_human_female_head_ct` and `deeplesion_bpr100`;
one of them with the others beside it will do. The three scans, of a patient each, are the training part; the slices of
DeepLesion, of many patients, are the test part. Regions were told by eye, not by a radiologist. index.csv has the tags
regions ("liver+lungs" near the diaphragm) and source.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from preparing.card import Card, Found
from preparing.cli import run
from preparing.ct_slices import class_and_tag, ct_slice, read_ct
from preparing.listing import read_table
from preparing.patients import Patients
from preparing.pictures import Made, is_source

from lookinside.data import window
from lookinside.data.files.reading import read_picture
from lookinside.data.places import subfolders
from lookinside.errors import LookInsideError
from lookinside.phantoms import REGIONS


@dataclass(frozen=True)
class Scan:
    """A volume with a table of its slices' regions: where it lies, its source and its patient."""

    folder: str
    file: str
    source: str
    patient: str


SCANS = (
    Scan("lidc_idri_0314_ct", "lidc_idri_0314_256.nii.gz", "LIDC-IDRI", "LIDC-IDRI-0314"),
    Scan("totalsegmentator_example", "example_ct.nii.gz", "TotalSegmentator", "TotalSegmentator example"),
)
REGIONS_FILE, SCAN_COLUMNS = "slice_regions_draft.csv", ("z", "region_by_eye_draft")
HEAD, HEAD_SOURCE = "visible_human_female_head_ct", "Visible Human"
TEST, TEST_SOURCE = "deeplesion_bpr100", "DeepLesion"
TEST_COLUMNS = ("file", "deeplesion_patient", "region_by_eye_2026_draft")

# The tables' words -> regions of the body.
LABELS = {
    **{region: (region,) for region in REGIONS},
    "legs_boundary": ("legs", "pelvis"),
    "boundary_lungs_liver": ("liver", "lungs"),
    "boundary_neck_lungs": ("lungs", "neck"),
}
LEFT_OUT = {
    "other_midabdomen": "between pelvis and liver, none of the five regions",
    "exclude_outlier": "not a whole slice of the body",
}
# Looked at side by side: in the lowest three of the scan's legs_boundary the thigh bones are cut below their necks, as
# in four of the test's legs, with the lowest bones of the pelvis in both. Above, the necks are cut, as in its pelvis.
NECKS_FROM = 3
THIGHS_AND_PELVIS = ("000306_01_2_125.png", "000689_03_4_630.png", "001717_01_2_128.png", "002711_01_5_94.png")

NECK_SLICES = 46  # from the shoulders to the lower teeth; all above is head
# Grey levels -> HU, a slope and an intercept. The head's CT has 12 bits (NLM), 8 are left. If 0 to 255 are the 4096
# numbers from -1024 HU on, the empty air around it is at -1013 HU, fat at -99, muscle at 29, the brain at 41 and the
# dense bone of the skull at 1755.
HEAD_HU = (4095 / 255, -1024.0)
# DeepLesion's slices show -175 to 275 HU, as those say who made them (CADLab, body_part_regressor). The levels bear it
# out: 59 are half as frequent as their neighbours. With a window of 450 HU, and no other, rounding to 255 steps gives
# just these levels one whole number of HU in place of two. Fat is at -101 HU, muscle at 54.
TEST_HU = (450 / 255, -175.0)


@dataclass
class _Gathered:
    """What becomes a `Found`."""

    items: list[tuple[Made, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    patients: dict[Made, str] = field(default_factory=dict)
    regions: dict[Made, str] = field(default_factory=dict)
    sources: dict[Made, str] = field(default_factory=dict)
    parts: dict[Made, str] = field(default_factory=dict)

    def add(self, picture: Made, regions: tuple[str, ...], source: str, patient: str, part: str) -> None:
        label, self.regions[picture] = class_and_tag(regions)
        self.items.append((picture, label))
        self.sources[picture], self.patients[picture], self.parts[picture] = source, patient, part


def collect(folder: Path) -> Found:
    """All slices of the five regions in the four folders."""
    place = _find(folder)
    all_of_it, scans = _Gathered(), {}
    for scan in SCANS:
        scans[scan.source] = _add_scan(all_of_it, scan, place / scan.folder)
    _add_head(all_of_it, place / HEAD / "slices")
    _add_test(all_of_it, place / TEST)
    return Found(
        all_of_it.items,
        dict(all_of_it.left_out),
        Patients(all_of_it.patients, "the scan; DeepLesion: its patient numbers"),
        {"regions": all_of_it.regions, "source": all_of_it.sources},
        all_of_it.parts,
        split_rule="three scans of three patients are the training part, DeepLesion is the test part",
        published=False,
        notes={
            "labels": "regions told by eye, not by a radiologist; between two regions the class is the lower one",
            "scans": scans,
            "grey_levels": GREY_LEVELS,
        },
    )


GREY_LEVELS = {
    "window": "-100 to 200 HU",
    HEAD_SOURCE: "8 bits of a whole CT, taken for 12 bits from -1024 HU on: known to 16 HU, 19 levels in the window",
    TEST_SOURCE: "8 bits of -175 to 275 HU: known to 1.8 HU, windowed again like the others",
}


def _find(folder: Path) -> Path:
    """The folder that holds all four: `folder`, the one above it, or one below."""
    names = [scan.folder for scan in SCANS] + [HEAD, TEST]
    places = [folder, folder.absolute().parent, *subfolders(folder)]
    for place in places:
        if all((place / name).is_dir() for name in names):
            return place
    nearest = max(places, key=lambda place: sum((place / name).is_dir() for name in names))
    missing = [name for name in names if not (nearest / name).is_dir()]
    raise LookInsideError(f"{folder}: holds no {missing[0]}: give the folder that holds {', '.join(names)}")


def _add_scan(to: _Gathered, scan: Scan, folder: Path) -> dict[str, object]:
    """The labelled slices of one volume; returns what `dataset.json` says of it."""
    path = folder / scan.file
    if not path.exists() and any(folder.glob("*.dcm")):
        path = folder
    depth = len(read_ct(path).hu)
    seen = set()
    for where, number, label in _rows(folder / REGIONS_FILE, SCAN_COLUMNS):
        if not number.isdecimal():
            raise LookInsideError(f"{where}: z is {number!r}: give a whole number of 0 or more")
        z = int(number)
        if z >= depth:
            raise LookInsideError(
                f"{where}: there is no slice {z}, {path.name} ends with {depth - 1}: give its own table"
            )
        if z in seen:
            raise LookInsideError(f"{where}: slice {z} is there twice: keep one of its lines")
        seen.add(z)
        if label in LEFT_OUT:
            to.left_out[LEFT_OUT[label]] += 1
            continue
        regions = ("pelvis",) if label == "legs_boundary" and z >= NECKS_FROM else _regions(where, label)
        to.add(ct_slice(path, z, f"{scan.folder}_{z:03d}"), regions, scan.source, scan.patient, "train")
    to.left_out["slice of a scan, not in its table"] += depth - len(seen)
    volume = read_ct(path)
    return {"slices": depth, "spacing_mm": list(volume.spacing), "remarks": list(volume.remarks)}


def _add_head(to: _Gathered, folder: Path) -> None:
    """The neck of the Visible Human."""
    for z in range(NECK_SLICES):
        path = folder / f"{z:03d}.png"
        if not path.is_file():
            raise LookInsideError(f"{path}: is not there: the slices 000.png to {NECK_SLICES - 1:03d}.png are needed")
        to.add(Made(f"{HEAD}_{z:03d}", partial(_head_slice, path)), ("neck",), HEAD_SOURCE, HEAD_SOURCE, "train")
    lying = sum(is_source(path) for path in folder.iterdir())
    to.left_out["head, above the neck"] += lying - NECK_SLICES


def _head_slice(path: Path) -> np.ndarray:
    """The scanner's round field, which fills a half to nearly all of the picture, windowed."""
    levels = read_picture(path).pixels
    rows, columns = np.flatnonzero(levels.any(axis=1)), np.flatnonzero(levels.any(axis=0))
    if not len(rows):
        raise LookInsideError(f"{path}: is all black: replace it")
    return _again(levels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], *HEAD_HU)


def _add_test(to: _Gathered, folder: Path) -> None:
    """The slices of DeepLesion."""
    table, seen = folder / "labels.csv", set()
    for where, file, patient, label in _rows(table, TEST_COLUMNS):
        path = folder / "images" / file
        if not path.is_file():
            raise LookInsideError(f"{where}: there is no file {path}: copy the folder again")
        if file in seen:
            raise LookInsideError(f"{where}: {file} is listed twice: keep one of its lines")
        seen.add(file)
        if label in LEFT_OUT:
            to.left_out[LEFT_OUT[label]] += 1
            continue
        regions = LABELS["legs_boundary"] if file in THIGHS_AND_PELVIS else _regions(where, label)
        picture = Made(f"deeplesion_{path.stem}", partial(_test_slice, path))
        to.add(picture, regions, TEST_SOURCE, f"{TEST_SOURCE} {patient}", "test")
    lying = {path.name for path in (folder / "images").iterdir() if is_source(path)}
    to.left_out["file, not in the table"] += len(lying - seen)


def _test_slice(path: Path) -> np.ndarray:
    return _again(read_picture(path).pixels, *TEST_HU)


def _again(levels: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Grey levels of another window, uint8 (H, W), in the window of the set."""
    return window(np.arange(256) * slope + intercept)[levels]


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Of each line of a table: where it stands, and its values in these columns."""
    if not path.is_file():
        raise LookInsideError(f"{path}: is not there: it tells the region of each slice, columns {', '.join(columns)}")
    table = read_table(path)
    places = [table.column((name,)) for name in columns]
    if None in places:
        missing = columns[places.index(None)]
        raise LookInsideError(f"{path}: has no column {missing}: it needs {', '.join(columns)}")
    for line, row in table.rows:
        values = [row[place].strip() if place < len(row) else "" for place in places]
        if "" in values:
            raise LookInsideError(f"{path}: line {line} gives no {columns[values.index('')]}: complete or remove it")
        yield f"{path}: line {line}", *values


def _regions(where: str, label: str) -> tuple[str, ...]:
    if label not in LABELS:
        known = ", ".join([*LABELS, *LEFT_OUT])
        raise LookInsideError(f"{where}: the region {label!r} is unknown: choose from {known}")
    return LABELS[label]


CARD = Card(
    name="ct_regions",
    title="CT slices of five regions of the body, gathered from public scans",
    licence="source by source, with credit: LIDC-IDRI CC BY 3.0; TotalSegmentator's example Apache-2.0; Visible Human: "
    "free, NLM asks for acknowledgement; DeepLesion's slices MIT with an addendum of NIH, with credit to it",
    citation="LIDC-IDRI: Armato et al., Medical Physics 38:915, 2011, and Clark et al., J Digit Imaging 26:1045, 2013; "
    "TotalSegmentator: Wasserthal et al., Radiology: Artificial Intelligence 5:e230024, 2023; Visible Human Project: "
    "U.S. National Library of Medicine; DeepLesion: Yan et al., CVPR 2018, its slices here: Yan et al., ISBI 2018",
    source="a scan each of LIDC-IDRI, TotalSegmentator's tests and the Visible Human Project, and slices of DeepLesion",
    how_to_get="is no single download; its parts are published at: LIDC-IDRI-0314: github.com FNNDSC/data, "
    "dicom/andrei_abdomen; TotalSegmentator: github.com wasserth/TotalSegmentator, tests/reference_files; Visible "
    "Human: github.com GalMunGral/visible-human-volume, public/texture; DeepLesion: github.com rsummers11/CADLab, "
    f"body_part_regressor; gather them as FOLDER/{SCANS[0].folder} ({SCANS[0].file} or the .dcm) and "
    f"FOLDER/{SCANS[1].folder} ({SCANS[1].file}), each with a {REGIONS_FILE} ({', '.join(SCAN_COLUMNS)}), "
    f"FOLDER/{HEAD}/slices (000.png, 001.png, ...) and FOLDER/{TEST} (images, and a labels.csv: "
    f"{', '.join(TEST_COLUMNS)}), then run this script again with --from FOLDER",
    collect=collect,
)


def main(argv=None) -> int:
    """Prepare data/ct_regions; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
