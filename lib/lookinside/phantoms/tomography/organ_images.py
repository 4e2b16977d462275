"""One image of an organ in a modality, with the truth known: its parts, the organ, a lesion, what was taken away."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.phantoms.body.parts import check_names, meant_by, names_of
from lookinside.phantoms.body.person import random_person
from lookinside.phantoms.radiography.radiographs import known_parts, one_of, whole
from lookinside.phantoms.tomography import ct, mri, pet, ultrasound
from lookinside.phantoms.tomography.anatomy import ORGAN_PARTS, ORGANS, sliced_body
from lookinside.phantoms.tomography.cutting import Plane, Sliceable
from lookinside.phantoms.tomography.materials import NAMES
from lookinside.phantoms.tomography.views import PROBE_DEPTHS, PROBES, draw_cut
from lookinside.phantoms.tomography.xray import xray_picture

MODALITIES = ("ct", "mri", "pet", "ultrasound", "xray")
_BLOCKS = np.isin(np.array(NAMES), ("bone", "thin_bone", "air", "lung", "marrow"))


@dataclass(frozen=True)
class OrganImage:
    """One image and its truth.

    Attributes:
        image: uint8 (H, W).
        organ: one of `ORGANS`; modality: one of `MODALITIES`.
        view: how the plane lies ("axial", "coronal", "sagittal", "short axis", "sector") or the X-ray's view.
        seed: int that gives the same image again.
        level: height of the image's middle above the hip joints, mm.
        labels: int16 (H, W); 0 is no part, i + 1 is part_names[i].
        part_names: tuple of str.
        organ_mask: bool (H, W), where the organ is seen (in an X-ray: where a ray meets it).
        lesion_mask: bool (H, W), where the lesion is seen.
        removed_mask: bool (H, W), where `without=` has taken something away.
    """

    image: np.ndarray
    organ: str
    modality: str
    view: str
    seed: int
    level: float
    labels: np.ndarray
    part_names: tuple[str, ...]
    organ_mask: np.ndarray
    lesion_mask: np.ndarray
    removed_mask: np.ndarray


# Not every person has these.
_IN_SOME = {"lesion", "lesion_cyst", "gallbladder", "breast", "breast_gland", "disc_nucleus", "lumbar_disc_nucleus"}


@functools.cache
def _known_parts() -> frozenset[str]:
    """The names of all parts that any image of an organ can show."""
    names = set(known_parts()) | _IN_SOME
    for seed in range(3):
        person = random_person(np.random.default_rng((seed, 0)))
        names.update(sliced_body(person, np.random.default_rng(seed)).parts)
    return frozenset(names)


def checked_organ_removal(without: str | Sequence[str], organ: str | None = None) -> tuple[str, ...]:
    """The parts in `without`, see `organ_image`; "organ" means `organ`. Raises LookInsideError for an unknown one."""
    names = names_of(without)
    if names:
        check_names(names, _known_parts(), (*ORGANS, "organ") if organ else ORGANS)
    own = {"organ": ORGAN_PARTS[organ]} if organ else {}
    return tuple(part for name in names for part in (own | ORGAN_PARTS).get(name, (name,)))


def organ_image(
    organ: str,
    modality: str,
    seed: int,
    *,
    size: int = 96,
    lesion: bool = False,
    without: str | Sequence[str] = (),
) -> OrganImage:
    """One image of the random person `seed`, or the same one without some of its parts.

    Without a part the image is the same in all else: the person, the plane, the noise, the window. What lies behind
    shows in its place, and behind a bone that is gone an ultrasound beam goes on.

    Args:
        organ: one of `ORGANS`: "lung", "liver", "heart", "kidney", "lumbar_spine".
        modality: one of `MODALITIES`: "ct", "mri", "pet", "ultrasound", "xray".
        seed: int of 0 or more; the same seed is the same person in every cell and at every size.
        size: H = W in pixels, 32 to 512.
        lesion: with a nodule, a metastasis, a cyst or a stone in the organ; the image is the same in all else. It may
            lie outside of the plane.
        without: what to leave out, one name or several: an organ, a part ("l3_body"), the beginning of parts' names
            ("rib"), a group of `PART_GROUPS`, "bones" or "soft_tissue"; "organ" is the organ of the image.

    Returns:
        `OrganImage`.

    Raises:
        LookInsideError: wrong organ, modality, size, seed or part; the nearest names are offered.
    """
    organ, modality = one_of(organ, ORGANS, "organ"), one_of(modality, MODALITIES, "modality")
    size, seed = whole(size, "size", 32, 512), whole(seed, "seed", 0)
    gone = checked_organ_removal(without, organ)
    person = random_person(np.random.default_rng((seed, 0)))
    cell = (ORGANS.index(organ), MODALITIES.index(modality))
    rng, noise = np.random.default_rng((seed, 5, *cell)), (seed, 6, *cell, size)
    if modality == "xray":
        ill = np.random.default_rng((seed, 7, *cell)) if lesion else None
        found = xray_picture(organ, person, rng, noise, size, ill, gone, ORGAN_PARTS[organ])
    else:
        body = _Body(person, np.random.default_rng((seed, 7, *cell)), organ if lesion else None, gone)
        draw = _sector if modality == "ultrasound" else _slice
        found = draw(organ, modality, person, body, rng, noise, size)
    grey = found.pop("grey")
    image = np.rint(np.clip(grey, 0.0, 1.0) * 255.0).astype(np.uint8)
    return OrganImage(image=image, organ=organ, modality=modality, seed=seed, **found)


class _Body:
    """A person to cut: `well` (whole, without a lesion: plane, window and gain go by it) and `shown`, what is left."""

    def __init__(self, person, rng, lesion, gone):
        shapes = sliced_body(person, rng, lesion=lesion)
        ill = np.array([part.startswith("lesion") for part in shapes.parts])
        self.lost = meant_by(shapes, gone) if gone else np.zeros(len(shapes), bool)
        self.well = self.shown = self._whole = Sliceable(shapes)
        if ill.any():
            self.well = Sliceable(shapes, ill)
        if self.lost.any():
            self.shown = Sliceable(shapes, self.lost)
        self._parts = np.array(shapes.parts)
        self._shapes = shapes

    def cut(self, plane):
        """Labels and materials of what is shown, materials of the well body, all (2H, 2W), and where parts are lost."""
        labels, materials = self.shown.cut(plane)
        well = materials if self.well is self.shown else self.well.cut(plane)[1]
        lost = np.zeros(labels.shape, bool)
        if self.lost.any():
            lost = np.isin(self._whole.cut(plane)[0], self._numbers(self.lost))
        return labels, materials, well, lost

    def numbers(self, names):
        """The labels of the parts that names mean."""
        return self._numbers(meant_by(self._shapes, names))

    def _numbers(self, chosen):
        own = set(self._parts[chosen])
        return [number for number, name in enumerate(self.shown.part_names, 1) if name in own]


def _slice(organ, modality, person, body, rng, noise, size):
    """CT, MRI and PET: a plane on half pixels, then the modality's own rules."""
    way, plane = draw_cut(organ, modality, person.scale, 2 * size, rng)
    labels, materials, well, lost = body.cut(plane)
    pixel = 2.0 * plane.pixel[0]
    if modality == "ct":
        scan, windows = ct.random_scan(rng), ct.ORGAN_WINDOWS[organ]
        name = windows[int(rng.choice(len(windows), p=[share for _, share in windows]))][0]
        wide, centre = ct.WINDOWS[name]
        window = wide * rng.uniform(0.85, 1.2), centre + 0.06 * wide * rng.normal()
        grey = ct.ct_image(materials, scan, window, ct.body_width(person), pixel, noise)
    elif modality == "mri":
        names = mri.ORGAN_SEQUENCES[organ]
        sequence, coil = mri.SEQUENCES[names[int(rng.integers(len(names)))]], mri.random_coil(rng)
        grey = mri.mr_image(materials, sequence, coil, noise, rng.uniform(0.85, 1.3) * mri.brightest(well, sequence))
    else:
        grey = pet.pet_image(materials, pet.random_tracer(rng), pixel, noise)
    middle = plane.corner + 0.5 * (2 * size - 1) * plane.pixel[0] * (plane.right + plane.down)
    return {"grey": grey, "view": way, "level": float(middle[2]), **_truth(organ, body, labels, lost)}


def _sector(organ, modality, person, body, rng, noise, size):
    """Ultrasound: the best of three places on the skin, then beams through the plane below it."""
    probe = ultrasound.random_probe(rng, PROBE_DEPTHS[organ], phased=organ == "heart")
    plane = _acoustic_window(organ, person, body, probe, rng, size)
    labels, materials, _, lost = body.cut(plane)
    polar = ultrasound.echoes(_along_beams(materials, probe, plane), probe, noise)
    grey, sector, _ = ultrasound.scan_converted(polar, probe, size)
    skin = plane.corner + 0.5 * (plane.size[1] - 1) * plane.pixel[0] * plane.right
    return {"grey": grey, "view": "sector", "level": float(skin[2]), **_truth(organ, body, labels, lost, sector)}


def _acoustic_window(organ, person, body, probe, rng, size):
    """The plane below the one of three random places on the skin from which most of the organ can be reached."""
    best, found, own = -1.0, None, body.numbers(ORGAN_PARTS[organ])
    for _ in range(3):
        places = PROBES[organ]
        place = places[int(rng.integers(len(places)))]
        target = person.scale * (np.asarray(place.target) + rng.normal(0, 7, 3))
        towards = np.asarray(place.towards, float) + rng.normal(0, 0.08, 3)
        towards /= np.linalg.norm(towards)
        skin = _skin(body.well, target, towards)
        across = np.cross(towards, rng.normal(0, 0.25, 3) + ((0, 0, 1) if rng.random() < 0.5 else (0.3, 0.3, 0.1)))
        across /= np.linalg.norm(across)
        plane = _screen_plane(skin, across, -towards, probe, size)
        labels, materials = body.well.cut(plane)
        clear = np.cumsum(_BLOCKS[_along_beams(materials, probe, plane)], axis=0) < 4
        if organ in ("lung", "lumbar_spine"):  # of these only the surface can be seen
            clear = np.roll(clear, 6, axis=0)
        score = float((clear & np.isin(_along_beams(labels, probe, plane), own)).mean())
        if score > best:
            best, found = score, plane
    return found


def _screen_plane(skin, across, inwards, probe, size):
    """The plane of a screen of 2 `size` pixels, below the point `skin`."""
    x, y, pixel = ultrasound.screen(probe, 2 * size)
    corner = skin + float(x[0, 0]) * across + float(y[0, 0]) * inwards
    return Plane(corner, across, inwards, (pixel, pixel), (2 * size, 2 * size))


def _along_beams(image, probe, plane):
    """The values of a plane (2H, 2W) at the samples of the beams: (SAMPLES, BEAMS)."""
    x, y = ultrasound.polar_grid(probe)
    size, pixel = plane.size[0], plane.pixel[0]
    left, top = (float(one[0, 0]) for one in ultrasound.screen(probe, size)[:2])
    column = np.clip(np.rint((x - left) / pixel), 0, size - 1).astype(int)
    row = np.clip(np.rint((y - top) / pixel), 0, size - 1).astype(int)
    return image[row, column]


def _skin(body, target, towards):
    """Where the way from a point inside leaves the body, mm (3,)."""
    far = np.arange(0.0, 330.0, 3.0)
    line = Plane(target, towards, np.cross(towards, (0.31, 0.52, 0.8)), (3.0, 1.0), (1, len(far)))
    inside = np.flatnonzero(body.cut(line)[0][0])
    return target + (far[inside[-1] if inside.size else 0] - 2.0) * towards


def _truth(organ, body, labels, lost, sector=True):
    """Labels and masks of an image (H, W) from labels and what is lost, both on half pixels (2H, 2W)."""
    return {
        "labels": np.where(sector, labels[::2, ::2], 0).astype(np.int16),
        "part_names": body.shown.part_names,
        "organ_mask": np.isin(labels[::2, ::2], body.numbers(ORGAN_PARTS[organ])) & sector,
        "lesion_mask": _any(np.isin(labels, body.numbers(("lesion",)))) & sector,
        "removed_mask": _any(lost) & sector,
    }


def _any(mask):
    """Where any of the 2 x 2 half pixels is true: (2H, 2W) -> (H, W)."""
    return mask[::2, ::2] | mask[1::2, ::2] | mask[::2, 1::2] | mask[1::2, 1::2]
