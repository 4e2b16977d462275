"""Axial CT slices of the regions of the body, in HU, with the truth known."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.body.parts import meant_by
from lookinside.phantoms.body.person import random_person
from lookinside.phantoms.body.shapes import Shapes
from lookinside.phantoms.radiography.radiographs import one_of, whole
from lookinside.phantoms.tomography import ct
from lookinside.phantoms.tomography.anatomy import sliced_body
from lookinside.phantoms.tomography.cutting import Plane, Sliceable, plane_around
from lookinside.phantoms.tomography.organ_images import checked_organ_removal
from lookinside.phantoms.tomography.regions import LOWER_ABDOMEN, REGION_LEVELS, regions_in

_WIDEST = 500.0  # mm, the field of most scanners
_COARSE, _COARSE_FIELD = 112, 560.0  # pixels, mm: enough to see which organs a plane cuts
_TRIES = 60


@dataclass(frozen=True)
class RegionSlice:
    """One axial slice and its truth.

    Attributes:
        hu: int16 (H, W), CT numbers, seen from the feet: the patient's right is on the left, the back below.
        region: the region that it was asked for, or "" where a level was given.
        regions: all regions that it belongs to, see `regions_in`; two near the diaphragm, none in the head.
        seed, index: ints that give the same slice again.
        level: height above the hip joints, mm.
        above_diaphragm: height above the top of the liver's dome, mm, below 0 under it.
        pixel: width of a pixel, mm.
        labels: int16 (H, W); 0 is no part, i + 1 is part_names[i].
        part_names: tuple of str.
        removed_mask: bool (H, W), where `without=` has taken something away.
    """

    hu: np.ndarray
    region: str
    regions: tuple[str, ...]
    seed: int
    index: int
    level: float
    above_diaphragm: float
    pixel: float
    labels: np.ndarray
    part_names: tuple[str, ...]
    removed_mask: np.ndarray


def region_slice(
    region: str | None,
    seed: int,
    index: int = 0,
    *,
    size: int = 64,
    level: float | None = None,
    above_diaphragm: float | None = None,
    without: str | Sequence[str] = (),
) -> RegionSlice:
    """A key image: one axial slice of the random person `seed`, through a region or at a height.

    Without a part the slice is the same in all else: the person, the height, the field, the noise. The person is
    that of `organ_image` and `whole_volume`. Most scans are taken with the arms raised out of the picture, some with
    the arms beside the body; the field follows the body, or is the scanner's widest.

    Args:
        region: one of `REGIONS`, or "lower_abdomen"; None where a height is given.
        seed: int of 0 or more, the person and the scan: contrast medium, noise, arms.
        index: which of that person's slices, int of 0 or more.
        size: H = W in pixels, 32 to 512.
        level: height above the hip joints in mm, in place of a region.
        above_diaphragm: height above the top of the liver's dome in mm, in place of a region.
        without: parts to leave out, see `organ_image`.

    Returns:
        `RegionSlice`.

    Raises:
        LookInsideError: wrong region, seed, index, size or part, or not exactly one of region and heights.
    """
    seed, index, size = whole(seed, "seed", 0), whole(index, "index", 0), whole(size, "size", 32, 512)
    if sum(given is not None for given in (region, level, above_diaphragm)) != 1:
        raise LookInsideError("Give one of region, level and above_diaphragm, and leave the others out.")
    if region is not None:
        one_of(region, tuple(REGION_LEVELS), "region")
    for what, height in (("level", level), ("above_diaphragm", above_diaphragm)):
        if height is not None and not (isinstance(height, (int, float)) and abs(height) < 2000):
            raise LookInsideError(f"{what} is {height!r}: give a height in mm, -2000 to 2000.")
    gone = checked_organ_removal(without)
    patient = _Patient(seed, gone)
    # A height of one's own is looked at with the field of index, whatever the height.
    key = (tuple(REGION_LEVELS).index(region),) if region is not None else (len(REGION_LEVELS),)
    rng = np.random.default_rng((seed, 12, *key, index))
    if region is not None:
        level = _drawn_level(patient, region, rng)
    else:
        level = float(level) if level is not None else patient.dome + float(above_diaphragm)
    coarse = patient.coarse(level)  # what the slice belongs to does not depend on its size or field
    plane = _field(_box(coarse), level, size, rng)
    labels, materials = patient.shown.cut(plane)
    pixel = 2.0 * plane.pixel[0]
    hu = ct.ct_numbers(materials, patient.scan, ct.body_width(patient.person), pixel, (seed, 13, *key, index, size))
    corner = tuple(plane.corner[:2] + 0.5 * plane.pixel[0])
    np.maximum(hu, ct.couch((size, size), corner, (pixel, pixel), patient.person.scale), out=hu)
    truth, removed = labels[::2, ::2], np.zeros((size, size), bool)
    if gone:
        removed = np.isin(patient.whole.cut(plane)[0][::2, ::2], patient.lost_labels)
    return RegionSlice(
        hu=np.clip(np.rint(hu), -1024, 3071).astype(np.int16),
        region=region or "",
        regions=regions_in(coarse, patient.whole.part_names),
        seed=seed,
        index=index,
        level=level,
        above_diaphragm=level - patient.dome,
        pixel=pixel,
        labels=truth,
        part_names=patient.shown.part_names,
        removed_mask=removed,
    )


class _Patient:
    """A person on the couch, ready to be cut."""

    def __init__(self, seed, gone):
        self.person, self.scan, shapes, self.whole = _whole_patient(seed)
        lost = meant_by(shapes, gone) if gone else np.zeros(len(shapes), bool)
        self.shown = Sliceable(shapes, lost) if lost.any() else self.whole
        names = {part for part, one in zip(shapes.parts, lost, strict=True) if one}
        self.lost_labels = [i for i, part in enumerate(self.whole.part_names, 1) if part in names]
        self.dome = _top(shapes, "liver")

    def coarse(self, level):
        """The labels of the plane at a height, on 5 mm pixels, whatever is removed."""
        return self.whole.cut(plane_around((0.0, 10.0, level), (1, 0, 0), (0, 1, 0), _COARSE_FIELD, _COARSE))[0]


@functools.lru_cache(maxsize=4)  # a person is mostly cut several times in a row, with and without parts
def _whole_patient(seed):
    """Person, scan, shapes, and the shapes ready to be cut, of a seed."""
    person = random_person(np.random.default_rng((seed, 0)))
    rng = np.random.default_rng((seed, 11))
    arms = bool(rng.random() < 0.2)
    scan = ct.random_scan(rng)
    shapes = sliced_body(person, np.random.default_rng((seed, 8)), limbs=True, arms=arms)
    return person, scan, shapes, Sliceable(shapes)


def _box(labels):
    """Left, right, front and back of the body in mm; a small box about the axis where there is none."""
    rows, columns = np.flatnonzero((labels > 0).any(1)), np.flatnonzero((labels > 0).any(0))
    if not len(rows):
        return -60.0, 60.0, -60.0, 60.0
    at = _COARSE_FIELD / _COARSE
    x, y = at * columns[[0, -1]] - 0.5 * _COARSE_FIELD, 10.0 + at * rows[[0, -1]] - 0.5 * _COARSE_FIELD
    return float(x[0]), float(x[1] + at), float(y[0]), float(y[1] + at)


def _top(shapes: Shapes, part: str) -> float:
    """Height of the highest point of a part, mm."""
    own = np.flatnonzero([name == part for name in shapes.parts])
    reach = np.sqrt(((shapes.rotations[own, :, 2] * shapes.radii[own]) ** 2).sum(axis=1))
    return float((shapes.centres[own, 2] + reach).max())


def _drawn_level(patient, region, rng):
    """A height at which the plane does cut the region, mm."""
    low, high = patient.person.scale * np.array(REGION_LEVELS[region])
    for _ in range(_TRIES):
        level = float(rng.uniform(low, high))
        labels = patient.coarse(level)
        if region in regions_in(labels, patient.whole.part_names, lower_abdomen=region == LOWER_ABDOMEN):
            return level
    raise LookInsideError(f"No slice of the person's {region} was found: take another seed.")


def _field(box, level, size, rng) -> Plane:
    """A square field about the body, a little off its middle and a little turned, on half pixels."""
    left, right, front, back = box
    fit = max(right - left, back - front)
    extent = min(fit * rng.uniform(1.03, 1.4), _WIDEST) if rng.random() < 0.7 else _WIDEST
    room = 0.5 * max(extent - fit, 0.0)
    x, y = 0.5 * (left + right) + rng.normal(0, 6.0), 0.5 * (front + back) + min(rng.uniform(0, 30), room)
    turn = np.deg2rad(rng.normal(0, 1.5))
    across, down = (np.cos(turn), np.sin(turn), 0.0), (-np.sin(turn), np.cos(turn), 0.0)
    return plane_around((x, y, level), across, down, extent, 2 * size)


@dataclass(frozen=True)
class RegionSet:
    """N slices, region after region.

    Attributes:
        hu: int16 (N, H, W).
        labels: int64 (N,), index into regions: what the slice was asked for.
        regions: tuple of str, the class names.
        belongs: tuple of N tuples of region names, see `RegionSlice.regions`.
        seeds, indices: int64 (N,): slice i is `region_slice(regions[labels[i]], seeds[i], indices[i], ...)`.
        levels, above_diaphragm: float64 (N,), mm.
        removed_masks: bool (N, H, W).
    """

    hu: np.ndarray
    labels: np.ndarray
    regions: tuple[str, ...]
    belongs: tuple[tuple[str, ...], ...]
    seeds: np.ndarray
    indices: np.ndarray
    levels: np.ndarray
    above_diaphragm: np.ndarray
    removed_masks: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def region_slice_set(
    counts: Mapping[str, int],
    *,
    patients: int | None = None,
    size: int = 64,
    seed: int = 0,
    without: str | Sequence[str] = (),
    progress: Callable[..., Iterable] | None = None,
) -> RegionSet:
    """Draw key images of many patients, some of them of the same patient.

    Args:
        counts: region -> number of slices.
        patients: how many there are; None takes 2.6 slices a patient, as in Roth et al. 2015 (4,298 of 1,675).
        size: H = W in pixels.
        seed: int of 0 or more; sets of different seeds share no patient.
        without: parts to leave out, see `organ_image`.
        progress: called as progress(iterable, description), or None.

    Returns:
        `RegionSet`.

    Raises:
        LookInsideError: a wrong region, count, size, seed or part.
    """
    counts = {one_of(name, tuple(REGION_LEVELS), "region"): whole(n, "count", 0) for name, n in counts.items()}
    total, size, seed = sum(counts.values()), whole(size, "size", 32, 512), whole(seed, "seed", 0)
    if not total:
        raise LookInsideError("counts holds no slice: give at least one, such as {'lungs': 10}.")
    checked_organ_removal(without)
    patients = max(1, round(total / 2.6)) if patients is None else whole(patients, "patients", 1)
    labels = np.repeat(np.arange(len(counts)), list(counts.values()))
    places = np.random.default_rng((seed, 25)).permutation(np.arange(total) % patients)
    states = np.random.SeedSequence((seed, 26)).generate_state(patients, np.uint64) >> np.uint64(1)
    seeds, taken, indices = states.astype(np.int64)[places], {}, np.zeros(total, np.int64)
    for i, key in enumerate(zip(labels.tolist(), places.tolist(), strict=True)):
        indices[i] = taken[key] = taken.get(key, -1) + 1
    hu, removed = np.zeros((total, size, size), np.int16), np.zeros((total, size, size), bool)
    found, names = [], tuple(counts)
    steps = range(total)
    for i in progress(steps, "CT slices") if progress else steps:
        one = region_slice(names[labels[i]], int(seeds[i]), int(indices[i]), size=size, without=without)
        hu[i], removed[i] = one.hu, one.removed_mask
        found.append((one.regions, one.level, one.above_diaphragm))
    return RegionSet(
        hu=hu,
        labels=labels.astype(np.int64),
        regions=names,
        belongs=tuple(regions for regions, *_ in found),
        seeds=seeds,
        indices=indices,
        levels=np.array([level for _, level, _ in found]),
        above_diaphragm=np.array([above for *_, above in found]),
        removed_masks=removed,
    )
