"""CT slices of five regions of the body (Wasserthal et al. 2023), fetched and prepared into data/totalsegmentator.

    python data_scripts/totalsegmentator.py --slices 12
    python data_scripts/totalsegmentator.py --slices 12 --from FOLDER-or-ARCHIVE

Each patient has a CT (`s0011/ct.nii.gz`) and a mask of every organ (`s0011/segmentations/liver.nii.gz`, ...). The masks
tell which regions a slice belongs to, by the rule of the phantoms.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from preparing.bar import bar
from preparing.card import Card, Choice, Found
from preparing.cli import run
from preparing.ct_slices import class_and_tag, ct_slice, read_ct, read_mask
from preparing.listing import all_files
from preparing.patients import Patients
from scipy import ndimage

from lookinside.data import Volume
from lookinside.errors import LookInsideError
from lookinside.phantoms.tomography.regions import regions_in

CT, MASKS = "ct.nii.gz", "segmentations"
# The phantoms' names of parts -> masks. The publisher's hip is the whole hip bone.
PARTS = {
    "lung": (
        *("lung_upper_lobe_left", "lung_lower_lobe_left"),
        *("lung_upper_lobe_right", "lung_middle_lobe_right", "lung_lower_lobe_right"),
    ),
    "liver": ("liver",),
    "ilium": ("hip_left", "hip_right"),
    "femur": ("femur_left", "femur_right"),
    **{f"c{i}": (f"vertebrae_C{i}",) for i in range(1, 8)},
}
_COARSE = 4.5  # mm, about as in the phantoms: enough to see which organs a slice cuts
_SKIN = -300  # HU, between air and fat
_ANOTHER_LIMB = 0.2  # of the largest piece of the body: two legs are two pieces, what is smaller is couch or blanket


def collect(folder: Path, slices: int) -> Found:
    """At most `slices` slices of each patient, the same number of each region where there are as many."""
    patients = [path.parent for path in all_files(folder) if path.name == CT]
    if not patients:
        raise LookInsideError(f"{folder}: holds no patient: give the folder of s0011/{CT} and its like, or the archive")
    items, tags, groups, remarks = [], {}, {}, {}
    left_out: Counter[str] = Counter()
    for patient in bar(patients, "reading"):
        try:
            ct = read_ct(patient / CT)
            belongs = regions_of(ct, patient / MASKS)
        except LookInsideError as problem:  # one of many: it is named, and the others are of use without it
            left_out["patient: " + str(problem).replace(f"{folder}/", "")] += 1
            continue
        named = {z: class_and_tag(regions) for z, regions in enumerate(belongs) if regions}
        chosen = spread({z: label for z, (label, _) in named.items()}, slices)
        for z in chosen:
            picture = ct_slice(patient / CT, z, f"{patient.name}_{z:03d}")
            label, tags[picture] = named[z]
            items.append((picture, label))
            groups[picture] = patient.name
        remarks[patient.name] = list(ct.remarks)
        left_out["slice of none of the five regions"] += len(belongs) - len(named)
        left_out[f"slice, more than --slices {slices} of a patient"] += len(named) - len(chosen)
    if not items:
        raise LookInsideError(f"{folder}: no slice is left: {next(iter(left_out), 'none shows one of the regions')}")
    return Found(items, dict(left_out), Patients(groups, "the folders"), {"regions": tags}, notes={"remarks": remarks})


def regions_of(ct: Volume, masks: Path) -> list[tuple[str, ...]]:
    """The regions that each slice of a CT belongs to, from the feet up; see `regions_in`.

    Raises:
        LookInsideError: if a mask is missing, cannot be read or lies on another grid.
    """
    step = [max(1, round(_COARSE / side)) for side in ct.spacing[:2]]
    thin = np.s_[:, :: step[1], :: step[0]]
    labels = np.stack([_body(slice_) for slice_ in ct.hu[thin]]).astype(np.uint8)
    for number, files in enumerate(PARTS.values(), 2):
        for file in files:
            path = masks / f"{file}.nii.gz"
            if not path.is_file():
                raise LookInsideError(f"{path}: is not there: unpack the archive again")
            labels[read_mask(path, ct)[thin]] = number
    names = ("body", *PARTS)
    return [regions_in(slice_, names) for slice_ in labels]


def _body(hu: np.ndarray) -> np.ndarray:
    """Bool (H, W), the body with all that is in it; the couch is thin, or a small piece."""
    pieces, _ = ndimage.label(ndimage.binary_opening(hu > _SKIN))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    large = np.flatnonzero(sizes > _ANOTHER_LIMB * sizes.max())
    return ndimage.binary_fill_holes(np.isin(pieces, large))


def spread(labels: Mapping[int, str], most: int) -> list[int]:
    """At most `most` of the slices z -> class, as many of each class as there can be, evenly along the body."""
    of_class: dict[str, list[int]] = {}
    for z in sorted(labels):
        of_class.setdefault(labels[z], []).append(z)
    chosen, places = [], most
    # The smallest first: what it leaves over is for the others.
    for k, own in enumerate(sorted(of_class.values(), key=len)):
        number = min(len(own), -(-places // (len(of_class) - k)))
        places -= number
        chosen += [own[int((i + 0.5) * len(own) / number)] for i in range(number)]
    return sorted(chosen)


def variant(card: Card, size: int, slices: str) -> Card:
    """The card of one number of slices."""
    return replace(card, collect=partial(collect, slices=int(slices)))


CARD = Card(
    name="totalsegmentator",
    title="TotalSegmentator, small set: CT slices of five regions of the body",
    licence="CC BY 4.0 (with credit)",
    citation="Wasserthal et al., TotalSegmentator, Radiology: Artificial Intelligence 5:e230024, 2023",
    source="zenodo.org/records/10047263",
    collect=collect,
    address="https://zenodo.org/records/10047263/files/Totalsegmentator_dataset_small_v201.zip",
    checksum="md5:6b5524af4b15e6ba06ef2d700c0c73e0",
    choices=(Choice("slices", ("12", "4", "8", "24", "48"), "slices of a patient at most"),),
    variant=variant,
)


def main(argv=None) -> int:
    """Prepare data/totalsegmentator; see `--help`."""
    return run(CARD, argv)


if __name__ == "__main__":
    sys.exit(main())
