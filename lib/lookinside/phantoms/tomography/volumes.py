"""A whole CT volume of a person, in HU, with the parts that its voxels belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.body.parts import meant_by
from lookinside.phantoms.body.person import random_person
from lookinside.phantoms.radiography.radiographs import whole
from lookinside.phantoms.tomography.anatomy import sliced_body
from lookinside.phantoms.tomography.ct import Scan, body_width, couch, hounsfield, noise_level, random_scan
from lookinside.phantoms.tomography.cutting import Plane, Sliceable
from lookinside.phantoms.tomography.organ_images import checked_organ_removal
from lookinside.phantoms.tomography.regions import regions_in


@dataclass(frozen=True)
class CTVolume:
    """A CT volume and its truth.

    Attributes:
        hu: int16 (Z, Y, X), CT numbers. Indices grow to the head, to the back and to the person's left, so a slice
            hu[z] is seen from the feet, the patient's right on the left.
        labels: int16 (Z, Y, X); 0 is no part, i + 1 is part_names[i].
        part_names: tuple of str.
        spacing: (x, y, z) mm.
        origin: (x, y, z) mm, the middle of the first voxel; 0 lies between the hip joints.
        seed: int that gives the same volume again.
    """

    hu: np.ndarray
    labels: np.ndarray
    part_names: tuple[str, ...]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    seed: int

    def level(self, z: int) -> float:
        """Height of slice z above the hip joints, mm."""
        return self.origin[2] + z * self.spacing[2]

    def regions(self, *, lower_abdomen: bool = False) -> list[tuple[str, ...]]:
        """The regions that each slice belongs to, from the lowest slice up, see `regions_in`."""
        return [regions_in(one, self.part_names, lower_abdomen=lower_abdomen) for one in self.labels]


def whole_volume(
    seed: int,
    spacing: Sequence[float] = (1.0, 1.0, 1.5),
    *,
    shape: Sequence[int] = (650, 512, 512),
    bottom: float = -250.0,
    arms: bool = True,
    without: str | Sequence[str] = (),
    progress: Callable[..., Iterable] | None = None,
) -> CTVolume:
    """A CT of the random person `seed` from the thighs to the head.

    The couch lies below. No beam hardening, no breathing; every slice is a plane without thickness.

    Args:
        seed: int of 0 or more; the same person as in `organ_image`.
        spacing: voxel in mm, (x, y, z).
        shape: voxels, (Z, Y, X); the field is centred on the body.
        bottom: height of the first slice above the hip joints, mm.
        arms: beside the body; False raises them out of the picture, as for most scans of the trunk.
        without: parts to leave out, see `organ_image`; all other voxels stay as they are.
        progress: called as progress(iterable, description), or None.

    Returns:
        `CTVolume`: 4 bytes a voxel.

    Raises:
        LookInsideError: wrong seed, spacing, shape or part.
    """
    seed = whole(seed, "seed", 0)
    spacing = _three(spacing, "spacing", 0.1)
    shape = tuple(whole(n, "shape", 1, 4096) for n in _three(shape, "shape", 1, int))
    gone = checked_organ_removal(without)
    person = random_person(np.random.default_rng((seed, 0)))
    shapes = sliced_body(person, np.random.default_rng((seed, 8)), limbs=True, arms=arms)
    body = Sliceable(shapes, meant_by(shapes, gone) if gone else None)
    scan = random_scan(np.random.default_rng((seed, 9)))
    depth, height, width = shape
    x, y = -0.5 * (width - 1) * spacing[0], -0.5 * (height - 1) * spacing[1] + 10.0
    hu, labels = np.empty(shape, np.int16), np.empty(shape, np.int16)
    table = couch((height, width), (x, y), spacing[:2], person.scale)
    right, down = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    steps = range(depth)
    for z in progress(steps, "volume") if progress else steps:
        corner = np.array([x, y, bottom + z * spacing[2]])
        plane = Plane(corner, right, down, (spacing[0], spacing[1]), (height, width))
        labels[z], materials = body.cut(plane)
        hu[z] = _slice(materials, table, scan, person, spacing, (seed, 10, z))
    return CTVolume(hu, labels, body.part_names, spacing, (x, y, bottom), seed)


def _slice(materials, table, scan: Scan, person, spacing, seed) -> np.ndarray:
    rng = np.random.default_rng(seed)
    field = rng.standard_normal(materials.shape, dtype=np.float32)
    values = hounsfield(materials, scan.contrast, field)
    np.maximum(values, table, out=values)
    # Neighbours share noise along rows and columns, as after a smooth kernel.
    noise = rng.standard_normal(materials.shape, dtype=np.float32)
    noise[:, 1:] += noise[:, :-1]
    noise[1:] += noise[:-1]
    pixel = float(np.sqrt(spacing[0] * spacing[1]))
    values += np.float32(0.5 * min(noise_level(scan, body_width(person), pixel), 60.0)) * noise
    return np.clip(np.rint(values), -1024, 3071).astype(np.int16)


def _three(values, what, low, kind=float):
    try:
        numbers = tuple(kind(value) for value in values)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != 3 or not all(np.isfinite(n) and n >= low for n in numbers):
        raise LookInsideError(f"{what} is {values!r}; give three numbers of {low} or more.")
    return numbers
