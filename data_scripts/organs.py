"""Five organs in five modalities, gathered from public sets, prepared into data/organs.

    python data_scripts/organs.py --from FOLDER

FOLDER holds `organ_multimodality` (organ/modality folders of PNG with an index.csv) and `lumbar_spine_mri`; the first
of them with the second beside it will do. The class is the organ; index.csv in the prepared set has the tags modality
and source. What is known of the patients is read from the file names.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from preparing.card import Card, Found
from preparing.cli import run
from preparing.listing import Table, read_table
from preparing.patients import Patients
from preparing.pictures import is_source

from lookinside.data.places import subfolders
from lookinside.errors import LookInsideError

ORGANS = ("lung", "liver", "heart", "kidney", "lumbar_spine")
# The folders' names for modalities -> the phantoms' names.
MODALITIES = {"ct": "ct", "mri": "mri", "pet": "pet", "us": "ultrasound", "xray": "xray", "xray_angiography": "xray"}
MAIN, SPINES = "organ_multimodality", "lumbar_spine_mri"
COLUMNS = ("file", "organ", "modality", "licence")
# Two pictures of 32 x 32 px that correlate as much are one picture: all pairs of different groups were looked at.
NEAR_COPIES = 0.98
ALMOST_BLACK = ("Lumbar-Spine__10025_0.png",)  # a wedge at the edge, nothing else


@dataclass(frozen=True)
class Origin:
    """One source: the name it gets, how a file's name tells the group, what the group is, where it is published."""

    name: str
    case: Callable[[str], str | None]
    group: str
    published: str


def _matched(pattern: str) -> Callable[[str], str | None]:
    def case(name: str) -> str | None:
        found = re.search(pattern, name)
        return found and found[1]

    return case


def _stone(name: str) -> str | None:
    """P148 and P156 are one man: neighbouring slices, looked at side by side."""
    case = _matched(r"(?:^|_)(P\d+)_")(name)
    return "P148" if case == "P156" else case


def _spider(name: str) -> str | None:
    """SPIDER-T2W-Subset has 1000 + the patient's number."""
    found = re.fullmatch(r"1(\d{3})_\d+", name)
    return found and (_SPIDER_FIRST if int(found[1]) <= 15 else f"patient {int(found[1])}")


# Lumbar-Spine numbers the volumes of SPIDER (T1, T2, ...) in the order of its patients. Side by side, its volumes 14
# and 15 show patient 7 of SPIDER-T2W-Subset, 24 patient 11 and 31 patient 15: all here are of patients 1 to 15.
_SPIDER_FIRST = "patients 1 to 15"
# One patient's recordings, else those of one hour or of one publication, which may show one patient.
_POCUS = ("Reg_pat1", "Reg_pat2", "Reg_pat3", "Reg_pat4", "Reg_Image_18", "volpecelli", "Oliviera", "prospective_file",
          "recommendations", "SSRN")  # fmt: skip


def _pocus(name: str) -> str | None:
    clip = re.fullmatch(r"(.+)_\d+", name)
    return clip and next((one for one in _POCUS if one in clip[1]), clip[1])


_NUMBER = "the picture, with its distorted copies; patients are not told"
ORIGINS = {
    "Aorta": Origin("Aorta", _matched(r"^(\d+)_\d+$"), "the case: one", "kaggle.com licethyaneth/aorta-segmentation"),
    "Augmented-Spleen": Origin(
        "MSD-Spleen", _matched(r"_(spleen_\d+)$"), "the case (spleen_26)", "medicaldecathlon.com, Task09"
    ),
    "HepaticVessel": Origin(
        "MSD-HepaticVessel", _matched(r"^(\d+)_\d+$"), "the case (the first number)", "medicaldecathlon.com, Task08"
    ),
    "Kidney-Disease-T2W": Origin(
        "Kidney-T2W",
        _matched(r"(?:^|_)(\d{6})_\d+$"),
        "the examination (six digits); ten subjects have five of them, and which is not told: none here look alike",
        "zenodo 10.5281/zenodo.5153568",
    ),
    "Kidney-Stone-Ultrasound": Origin(
        "Kidney-Stone-Ultrasound",
        _matched(r"(?:^|_)(\d{5})$"),
        _NUMBER,
        "kaggle.com imtkaggleteam/kidney-stone-classification-and-object-detection",
    ),
    "Lumbar-Spine": Origin(
        "SPIDER",
        lambda name: _SPIDER_FIRST if re.fullmatch(r"\d{5}_\d+", name) else None,
        "all in one, with SPIDER-T2W's patients 1 to 15: the numbers are of volumes, several of one patient",
        "kaggle.com dankok/spider-lumbar-spine-segmentation-in-mr-images",
    ),
    "Mendeley-Kidney-Stone-CT": Origin(
        "Kidney-Stone-CT",
        _stone,
        "the patient (P143), with distorted copies; P148 and P156 look like one and are one group",
        "data.mendeley.com fwhytt5mzd",
    ),
    "Pre-Augmented-Coronary-Artery-Disease": Origin(
        "ARCADE", _matched(r"^(\d+)$"), "the picture; patients are not told", "zenodo 7981245"
    ),
    "Soft-Tissue-Sarcomas": Origin(
        "Soft-Tissue-Sarcoma",
        _matched(r"(STS_\d+)_\d+$"),
        "the patient (STS_005), with flipped and distorted copies: one, of whom both, lung and liver, are there",
        "TCIA Soft-tissue-Sarcoma",
    ),
    "SPIDER-T2W-Subset": Origin(
        "SPIDER-T2W", _spider, "the patient (1000 + number)", "zenodo 10.5281/zenodo.10159290 (SPIDER)"
    ),
    "Ultrasound-Liver": Origin(
        "Liver-Ultrasound",
        _matched(r"^(\d+)$"),
        "the picture; patients are not told",
        "zenodo 10.5281/zenodo.7272660",
    ),
    "Whole-Heart-HVSMR-2.0": Origin(
        "HVSMR-2.0", _matched(r"^(\d+)_\d+$"), "the case (the first number)", "figshare 10.6084/m9.figshare.c.7074755"
    ),
    "pocus": Origin(
        "POCUS",
        _pocus,
        "the patient (pat1), else the recordings of one hour or one publication, else the clip",
        "github.com jannisborn/covid19_pocus_ultrasound",
    ),
}
SPINE_ORIGIN = Origin(
    "Lumbar-MRI",
    lambda name: "all",
    "all in one: patients are not told, and many pictures are neighbouring slices of one",
    "data.mendeley.com k57fr854j2 (Sudirman et al.), a part at github.com henryagyare/Spine_LBP",
)


def collect(folder: Path) -> Found:
    """All pictures of the five organs in the two folders, with modality, source and group."""
    main, spines = _find(folder)
    table = read_table(main / "index.csv")
    places = _places(table)
    items, tags, groups, licences = [], {"modality": {}, "source": {}}, {}, {}
    left_out: Counter[str] = Counter()
    for line, row in table.rows:
        where = f"{table.path}: line {line}"
        if len(row) <= max(places.values()):
            raise LookInsideError(f"{where} is cut short: complete or remove it")
        file, organ, modality, licence = (row[places[name]].strip() for name in COLUMNS)
        path = main / file
        if organ not in ORGANS:
            left_out[f"{organ}, not one of the five organs"] += 1
            continue
        if path.name in ALMOST_BLACK:
            left_out["almost all black"] += 1
            continue
        if modality not in MODALITIES:
            raise LookInsideError(f"{where}: modality {modality!r} is unknown: choose from {', '.join(MODALITIES)}")
        if not path.is_file():
            raise LookInsideError(f"{where}: there is no file {path}: copy the folder again")
        if path in groups:
            raise LookInsideError(f"{where}: {file} is listed twice: keep one of its lines")
        origin, groups[path] = _group(where, path)
        items.append((path, organ))
        tags["modality"][path], tags["source"][path] = MODALITIES[modality], origin.name
        licences.setdefault(origin.name, set()).add(licence)
    for path in sorted(path for path in (spines / "images").iterdir() if is_source(path)):
        items.append((path, "lumbar_spine"))
        tags["modality"][path], tags["source"][path] = "mri", SPINE_ORIGIN.name
        groups[path] = f"{SPINE_ORIGIN.name} {SPINE_ORIGIN.case(path.stem)}"
    licences[SPINE_ORIGIN.name] = {"CC BY 4.0"}  # as those say who use it; its own page was not read
    listed = {main / row[places["file"]].strip() for _, row in table.rows}
    lying = {path for path in main.rglob("*") if path.is_file() and is_source(path)}
    left_out["file, not in the table"] = len(lying - listed)
    return Found(
        sorted(items),
        dict(left_out),
        Patients(groups, "file names; where they tell none, a case or a picture counts as one: see sources"),
        tags,
        notes={"sources": _sources(tags["source"], groups, licences)},
    )


def _find(folder: Path) -> tuple[Path, Path]:
    """The two folders, at `folder`, beside each other below it, or one of them and the other beside it."""
    places = [folder, folder.absolute().parent, *subfolders(folder)]
    for place in places:
        if (place / MAIN / "index.csv").is_file() and (place / SPINES / "images").is_dir():
            return place / MAIN, place / SPINES
    raise LookInsideError(
        f"{folder}: {MAIN}/index.csv and {SPINES}/images are not both in it: give the folder that holds both"
    )


def _places(table: Table) -> dict[str, int]:
    places = {name: table.column((name,)) for name in COLUMNS}
    missing = [name for name, place in places.items() if place is None]
    if missing:
        raise LookInsideError(f"{table.path}: has no column {missing[0]}: it needs {', '.join(COLUMNS)}")
    return places


def _group(where: str, path: Path) -> tuple[Origin, str]:
    """Where a picture comes from, and the name of its group."""
    source, _, name = path.stem.partition("__")
    if source not in ORIGINS:
        raise LookInsideError(
            f"{where}: the source {source} of {path.name} is unknown: "
            f"names begin with one of {', '.join(ORIGINS)} and __"
        )
    origin = ORIGINS[source]
    case = origin.case(name)
    if not case:
        raise LookInsideError(f"{where}: {path.name} does not tell its group, {origin.group}: give it its old name")
    collection = "SPIDER" if case == _SPIDER_FIRST else origin.name
    return origin, f"{collection} {case}"


def _sources(of: dict[Path, str], groups: dict[Path, str], licences: dict[str, set[str]]) -> dict[str, dict]:
    """Of each source: images, groups, what a group is, licences (as the table has them) and where it is published."""
    return {
        origin.name: {
            "images": sum(name == origin.name for name in of.values()),
            "groups": len({groups[path] for path, name in of.items() if name == origin.name}),
            "group": origin.group,
            "licence": "; ".join(sorted(licences[origin.name])),
            "published": origin.published,
        }
        for origin in (*ORIGINS.values(), SPINE_ORIGIN)
        if origin.name in licences
    }


_PUBLISHED = "; ".join(f"{origin.name}: {origin.published}" for origin in (*ORIGINS.values(), SPINE_ORIGIN))
CARD = Card(
    name="organs",
    title="Five organs in five modalities, gathered from public sets",
    licence="source by source, with credit: CC BY 4.0, CC BY 3.0, CC BY 2.0, CC BY-SA 4.0 (share alike); "
    "see sources in dataset.json",
    citation="the authors of each source; see sources in dataset.json",
    source=f"{MAIN} and {SPINES}, gathered from {len(ORIGINS) + 1} public sets",
    how_to_get=f"is no single download; its parts are published at: {_PUBLISHED}; gather them as "
    f"FOLDER/{MAIN}/organ/modality/SOURCE__name.png with an index.csv ({', '.join(COLUMNS)}) and "
    f"FOLDER/{SPINES}/images, then run this script again with --from FOLDER",
    collect=collect,
    test_share=0.2,
    stratify=("modality", "source"),
    near_copies=NEAR_COPIES,
)


def main(argv=None) -> int:
    """Prepare data/organs; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
