"""Phantom radiographs, images of organs, CT slices of regions and fundus photographs as labelled sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from lookinside.data.files.progress_bars import drawing
from lookinside.data.labelled import LabelledImages
from lookinside.data.windowing import window
from lookinside.errors import LookInsideError
from lookinside.phantoms import ORGANS, PATHOLOGIES, fundus_set, organ_image_set, radiograph_set, region_slice_set

# Streams of random people: no person of one split is ever a person of another.
_SPLITS = {"train": 0, "validation": 1, "test": 2}


def split_seed(split: str, seed: int) -> int:
    """The phantom seed of a split: `train`, `validation` and `test` never share a person for any two seeds."""
    if split not in _SPLITS:
        raise LookInsideError(f"no split {split!r}: choose from {', '.join(_SPLITS)}")
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise LookInsideError(f"seed is {seed!r}: give a whole number of 0 or more")
    return len(_SPLITS) * seed + _SPLITS[split]


def phantom_radiographs(
    split: str,
    classes: str | Sequence[str],
    per_class: int | Sequence[int] | Mapping[str, int],
    size: int,
    seed: int,
    shortcut: str | Sequence[str] | None = None,
    *,
    without: str | Sequence[str] = (),
    reexpose: bool = False,
) -> LabelledImages:
    """Draw a phantom set with its truth, as masks.

    The masks are "landmarks" (the bones that a radiologist names for hand and foot, else empty), "bones", "body" (all
    that is not air), "plate" (the planted marker) and "removed" (what `without` has taken away).

    Args:
        split: `"train"`, `"validation"` or `"test"`; different people in each.
        classes: names from `lookinside.phantoms.CLASSES`.
        per_class: images of each class: a number, a sequence, or a dict by class name.
        size: height and width in pixels.
        seed: whole number, 0 or more; same seed, same images.
        shortcut: class whose images carry a planted marker (or several), or None.
        without: parts to leave out, such as "metacarpals" or "bones"; all else stays as it is, see `radiograph`.
        reexpose: expose anew for what is left.

    Returns:
        `LabelledImages`; an image's name is its class and the seed that `radiograph` draws it from.

    Raises:
        LookInsideError: for an unknown split, class or part, or a wrong size or seed.
    """
    own = split_seed(split, seed)
    options = {"size": size, "seed": own, "shortcut": shortcut, "without": without, "reexpose": reexpose}
    drawn = radiograph_set(classes, per_class, **options)
    names = tuple(f"{drawn.class_names[k]}-{s}" for k, s in zip(drawn.labels, drawn.seeds, strict=True))
    return LabelledImages(
        images=drawn.images[..., np.newaxis],
        labels=drawn.labels,
        class_names=tuple(drawn.class_names),
        names=names,
        masks={
            "landmarks": drawn.landmark_masks,
            "bones": drawn.bone_masks,
            "body": drawn.body_masks,
            "plate": drawn.shortcut_masks,
            "removed": drawn.removed_masks,
        },
    )


def phantom_organs(
    split: str,
    cells: str | Sequence[str] | Mapping[str, str | Sequence[str]] = ORGANS,
    per_organ: int = 50,
    size: int = 64,
    seed: int = 0,
    *,
    lesions: float = 0.25,
    without: str | Sequence[str] = (),
    progress: bool | Callable[..., Iterable] | None = None,
) -> LabelledImages:
    """Draw a phantom set of organs in several modalities with its truth, as masks.

    The masks are "organ", "lesion" and "removed" (what `without` has taken away); the tags are "modality" and "view".

    Args:
        split: `"train"`, `"validation"` or `"test"`; different people in each.
        cells: organs out of `lookinside.phantoms.ORGANS`, each in all modalities, or a dict organ -> modalities.
        per_organ: images of each organ, shared between its modalities.
        size: height and width in pixels.
        seed: whole number, 0 or more; same seed, same images.
        lesions: share of images with a lesion.
        without: parts to leave out, see `organ_image`; "organ" leaves out the organ that the image is of.
        progress: called as progress(iterable, description); True for a bar where drawing takes over five seconds, False
            or None for none.

    Returns:
        `LabelledImages`; an image's name is its organ, its modality and the seed that `organ_image` draws it from.

    Raises:
        LookInsideError: for an unknown split, organ, modality or part, or a wrong size, count or seed.
    """
    own = split_seed(split, seed)
    drawn = organ_image_set(
        cells, per_organ, size=size, seed=own, lesions=lesions, without=without, progress=drawing(progress)
    )
    organs = [drawn.organs[label] for label in drawn.labels]
    return LabelledImages(
        images=drawn.images[..., np.newaxis],
        labels=drawn.labels,
        class_names=drawn.organs,
        names=tuple(f"{o}-{m}-{s}" for o, m, s in zip(organs, drawn.modalities, drawn.seeds, strict=True)),
        masks={"organ": drawn.organ_masks, "lesion": drawn.lesion_masks, "removed": drawn.removed_masks},
        tags={"modality": drawn.modalities, "view": drawn.views},
    )


def phantom_regions(
    split: str,
    counts: Mapping[str, int],
    size: int = 64,
    seed: int = 0,
    *,
    patients: int | None = None,
    without: str | Sequence[str] = (),
    progress: bool | Callable[..., Iterable] | None = None,
) -> LabelledImages:
    """Draw axial CT slices of regions of the body, several of a patient, windowed to -100 to 200 HU.

    A slice has the label of the region that it was drawn for. Near the diaphragm it belongs to two: `two_labels` says
    what becomes of it.

    The masks are "removed" (what `without` has taken away); the groups are the patients; the tags are "regions" (all
    that the slice belongs to, "liver+lungs") and "above_diaphragm" (mm above the top of the liver's dome).

    Args:
        split: `"train"`, `"validation"` or `"test"`; different people in each.
        counts: region -> number of slices, `lookinside.phantoms.REGIONS` and "lower_abdomen".
        size: height and width in pixels.
        seed: whole number, 0 or more; same seed, same images.
        patients: how many there are; None takes one for 2.6 slices.
        without: parts to leave out, see `region_slice`.
        progress: called as progress(iterable, description); True for a bar where drawing takes over five seconds, False
            or None for none.

    Returns:
        `LabelledImages`; an image's name is its region, its patient and which of that patient's it is.

    Raises:
        LookInsideError: for an unknown split, region or part, or a wrong size, count or seed.
    """
    own = split_seed(split, seed)
    drawn = region_slice_set(
        counts, patients=patients, size=size, seed=own, without=without, progress=drawing(progress)
    )
    each = zip(drawn.labels, drawn.seeds, drawn.indices, strict=True)
    return LabelledImages(
        images=window(drawn.hu)[..., np.newaxis],
        labels=drawn.labels,
        class_names=drawn.regions,
        names=tuple(f"{drawn.regions[label]}-{person}-{index}" for label, person, index in each),
        masks={"removed": drawn.removed_masks},
        groups=[f"{person}" for person in drawn.seeds],
        tags={
            "regions": ["+".join(regions) for regions in drawn.belongs],
            "above_diaphragm": [f"{height:.1f}" for height in drawn.above_diaphragm],
        },
    )


def phantom_eyes(
    split: str,
    count: int,
    size: int = 128,
    seed: int = 0,
    *,
    glaucoma: float = 0.5,
    severity: tuple[float, float] = (0.4, 1.0),
    without: str | Sequence[str] = (),
    colour_cast: str | Sequence[str] | Mapping[str, float] | None = None,
    camera_mark: str | Sequence[str] | Mapping[str, float] | None = None,
    progress: bool | Callable[..., Iterable] | None = None,
) -> LabelledImages:
    """Draw fundus photographs of healthy eyes and of eyes with glaucoma, in colour.

    The masks are "field", "disc", "cup", "vessels", "rim_loss", "nerve_defect", "camera_mark", "removed" (what
    `without` has taken away), and "rim_loss_box" and "nerve_defect_box", all that lies in the box around each. The
    tags are "pathology" ("none", "rim loss", "nerve defect" or "both", before anything is taken away), "eye" ("left" or
    "right") and "planted" ("none", "colour cast", "camera mark" or "both").

    Args:
        split: `"train"`, `"validation"` or `"test"`; different eyes in each.
        count: number of photographs.
        size: height and width in pixels, 96 to 512.
        seed: whole number, 0 or more; same seed, same images.
        glaucoma: share of eyes with glaucoma, 0 to 1.
        severity: least and greatest of each sign, 0 to 1.
        without: parts to leave out, see `fundus_photo`; labels stay as they are.
        colour_cast, camera_mark: who carries a planted shortcut: None, a class, several, or a dict class -> share.
        progress: called as progress(iterable, description); True for a bar where drawing takes over five seconds, False
            or None for none.

    Returns:
        `LabelledImages` of "healthy" and "glaucoma"; an image's name is its class and its seed.

    Raises:
        LookInsideError: for an unknown split, part or class, or a wrong size, count, seed or share.
    """
    options = {
        "without": without,
        "colour_cast": colour_cast,
        "camera_mark": camera_mark,
        "progress": drawing(progress),
    }
    options |= {"glaucoma": glaucoma, "severity": severity}
    drawn = fundus_set(count, size=size, seed=split_seed(split, seed), **options)
    masks = dict(drawn.masks)
    for name in PATHOLOGIES:
        masks[f"{name}_box"] = np.zeros_like(masks[name])
        for mask, boxes in zip(masks[f"{name}_box"], drawn.boxes, strict=True):
            left, top, right, bottom = boxes.get(name, (0, 0, 0, 0))
            mask[top:bottom, left:right] = True
    signs = [drawn.rim_loss > 0, drawn.nerve_defect > 0]
    return LabelledImages(
        images=drawn.images,
        labels=drawn.labels,
        class_names=drawn.class_names,
        names=tuple(f"{drawn.class_names[k]}-{s}" for k, s in zip(drawn.labels, drawn.seeds, strict=True)),
        masks=masks,
        tags={
            "pathology": _which_of_two(*signs, ("rim loss", "nerve defect")),
            "eye": drawn.eyes,
            "planted": _which_of_two(drawn.colour_cast, drawn.camera_mark, ("colour cast", "camera mark")),
        },
    )


def _which_of_two(first, second, names):
    """What each image has: "none", one of two names, or "both"."""
    words = ("none", *names, "both")
    return tuple(words[a + 2 * b] for a, b in zip(first.astype(int), second.astype(int), strict=True))
