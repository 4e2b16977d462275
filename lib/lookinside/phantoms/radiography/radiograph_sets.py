"""Many radiographs, each of another person, class after class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.radiography.radiographs import checked_removal, one_of, radiograph, whole
from lookinside.phantoms.radiography.views import CLASSES

# How often a clinic takes each: the chest far ahead, then the limbs' joints; shares of 1000 pictures.
_CLINIC = {
    "chest": 330, "knee": 65, "hand": 55, "foot": 55, "ankle": 50, "wrist": 50, "lumbar_spine": 50, "abdomen": 45,
    "shoulder": 42, "pelvis": 38, "hip": 32, "cervical_spine": 30, "breast": 28, "finger": 22, "elbow": 20,
    "lower_leg": 14, "forearm": 13, "thoracic_spine": 13, "ribs": 12, "cranium": 10, "sinuses": 8, "upper_arm": 7,
    "clavicle": 6, "thigh": 5,
}  # fmt: skip


@dataclass(frozen=True)
class RadiographSet:
    """N radiographs, class after class.

    Attributes:
        images: uint8 (N, H, W).
        labels: int64 (N,), index into class_names.
        class_names: tuple of str.
        views: tuple of N view names.
        seeds: int64 (N,): image i is `radiograph(class_names[labels[i]], seeds[i], size=H, ...)`.
        landmark_masks, bone_masks, body_masks, shortcut_masks, removed_masks: bool (N, H, W), see `Radiograph`.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    views: tuple[str, ...]
    seeds: np.ndarray
    landmark_masks: np.ndarray
    bone_masks: np.ndarray
    body_masks: np.ndarray
    shortcut_masks: np.ndarray
    removed_masks: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def image_seed(seed: int, class_name: str, index: int) -> int:
    """The seed of picture `index` of a class in a set, whatever other classes or counts the set has."""
    key = (whole(seed, "seed", 0), CLASSES.index(one_of(class_name, CLASSES, "class")), index)
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _counts(classes, per_class):
    if isinstance(per_class, Mapping):
        for name in per_class:
            one_of(name, classes, "class")
        counts = [per_class.get(name, 0) for name in classes]
    elif isinstance(per_class, (Sequence, np.ndarray)) and not isinstance(per_class, str):
        counts = list(per_class)
        if len(counts) != len(classes):
            raise LookInsideError(
                f"per_class has {len(counts)} counts for {len(classes)} classes; give one count a class."
            )
    else:
        counts = [per_class] * len(classes)
    return [whole(n, f"per_class of {name}", 0) for name, n in zip(classes, counts, strict=True)]


def radiograph_set(
    classes: str | Sequence[str] = CLASSES,
    per_class: int | Sequence[int] | Mapping[str, int] = 50,
    *,
    size: int = 64,
    seed: int = 0,
    shortcut: str | Sequence[str] | None = None,
    without: str | Sequence[str] = (),
    reexpose: bool = False,
) -> RadiographSet:
    """Take many radiographs, each of another person.

    Args:
        classes: names out of `CLASSES`, in the order of the labels.
        per_class: pictures a class: one int, one a class in order, or a dict name -> int.
        size: H = W in pixels.
        seed: int of 0 or more; sets of different seeds share no person.
        shortcut, without, reexpose: see `radiograph`.

    Returns:
        `RadiographSet`, class after class.

    Raises:
        LookInsideError: a wrong or repeated class, a wrong count, size, seed, shortcut or part.
    """
    classes = (classes,) if isinstance(classes, str) else tuple(classes)
    for name in classes:
        one_of(name, CLASSES, "class")
    if len(set(classes)) != len(classes) or not classes:
        raise LookInsideError(f"classes is {classes!r}; give each class once, and at least one.")
    counts = _counts(classes, per_class)
    without = checked_removal(without)
    total, size = sum(counts), whole(size, "size", 32, 1024)
    arrays = {
        name: np.zeros((total, size, size), bool)
        for name in ("landmark_mask", "bone_mask", "body_mask", "shortcut_mask", "removed_mask")
    }
    images = np.zeros((total, size, size), np.uint8)
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), counts)
    seeds = np.array(
        [image_seed(seed, name, i) for name, n in zip(classes, counts, strict=True) for i in range(n)], np.int64
    )
    views = []
    for i, (label, own) in enumerate(zip(labels.tolist(), seeds.tolist(), strict=True)):
        taken = radiograph(classes[label], own, size=size, shortcut=shortcut, without=without, reexpose=reexpose)
        images[i] = taken.image
        views.append(taken.view)
        for name, array in arrays.items():
            array[i] = getattr(taken, name)
    masks = {name + "s": array for name, array in arrays.items()}
    return RadiographSet(images=images, labels=labels, class_names=classes, views=tuple(views), seeds=seeds, **masks)


def clinic_counts(total: int, classes: Sequence[str] = CLASSES) -> dict[str, int]:
    """Unbalanced counts as in a clinic (the chest most, the thigh least): dict name -> int >= 1, in all `total`.

    Raises LookInsideError for a wrong class or a total that does not reach one a class.
    """
    classes = tuple(classes)
    for name in classes:
        one_of(name, CLASSES, "class")
    total = whole(total, "total", len(classes))
    shares = np.array([_CLINIC[name] for name in classes], float)
    exact = shares / shares.sum() * (total - len(classes))
    counts = np.floor(exact).astype(int)
    left = total - len(classes) - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    return {name: int(n) + 1 for name, n in zip(classes, counts, strict=True)}
