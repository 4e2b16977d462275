"""Radiographs of a random person by formula, with the truth known: 24 body parts, their parts' labels and landmarks."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import CourseError
from .body import random_person
from .film import develop, field_of, random_film, stamp_letter, stamp_shortcut
from .landmarks import LANDMARKS
from .projection import project
from .views import CLASSES, RECIPES

# How often a clinic takes each: the chest far ahead, then the limbs' joints; shares of 1000 pictures.
_CLINIC = {
    "chest": 330, "knee": 65, "hand": 55, "foot": 55, "ankle": 50, "wrist": 50, "lumbar_spine": 50, "abdomen": 45,
    "shoulder": 42, "pelvis": 38, "hip": 32, "cervical_spine": 30, "breast": 28, "finger": 22, "elbow": 20,
    "lower_leg": 14, "forearm": 13, "thoracic_spine": 13, "ribs": 12, "cranium": 10, "sinuses": 8, "upper_arm": 7,
    "clavicle": 6, "thigh": 5,
}  # fmt: skip


@dataclass(frozen=True)
class Radiograph:
    """One radiograph and its truth.

    Attributes:
        image: uint8 (H, W), bone bright.
        class_name: one of `CLASSES`.
        view: one of `views_of(class_name)`.
        seed: int that gives the same picture again.
        parts: int16 (H, W); 0 is nothing, i + 1 is part_names[i], the part drawn last where several overlap.
        part_names: tuple of str.
        landmarks: dict name -> bool (H, W), the bones of `LANDMARKS`, inside the field; empty where the class has none.
        bone_mask: bool (H, W), where a ray meets any bone, inside the field.
        body_mask: bool (H, W), where a ray meets the body, inside the field.
        shortcut_mask: bool (H, W), the planted marker.
    """

    image: np.ndarray
    class_name: str
    view: str
    seed: int
    parts: np.ndarray
    part_names: tuple
    landmarks: dict
    bone_mask: np.ndarray
    body_mask: np.ndarray
    shortcut_mask: np.ndarray

    @property
    def landmark_mask(self):
        """Union of the landmarks: bool (H, W)."""
        mask = np.zeros(self.image.shape, bool)
        for landmark in self.landmarks.values():
            mask |= landmark
        return mask


@dataclass(frozen=True)
class RadiographSet:
    """N radiographs, class after class.

    Attributes:
        images: uint8 (N, H, W).
        labels: int64 (N,), index into class_names.
        class_names: tuple of str.
        views: tuple of N view names.
        seeds: int64 (N,): image i is `radiograph(class_names[labels[i]], seeds[i], size=H)`.
        landmark_masks, bone_masks, body_masks, shortcut_masks: bool (N, H, W), see `Radiograph`.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple
    views: tuple
    seeds: np.ndarray
    landmark_masks: np.ndarray
    bone_masks: np.ndarray
    body_masks: np.ndarray
    shortcut_masks: np.ndarray

    def __len__(self):
        return len(self.labels)


def _one_of(name, known, what):
    if name in known:
        return name
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4) or list(known)
    raise CourseError(f"There is no {what} {name!r}; did you mean {' or '.join(near)}?")


def _whole(value, what, low, high=None):
    good = isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= low
    if not good or (high is not None and value > high):
        span = f"from {low} to {high}" if high is not None else f"of {low} or more"
        raise CourseError(f"{what} is {value!r}; give a whole number {span}.")
    return int(value)


def _marked_classes(shortcut):
    if shortcut is None:
        return frozenset()
    names = (shortcut,) if isinstance(shortcut, str) else shortcut
    if not isinstance(names, Sequence):
        raise CourseError(f"shortcut is {shortcut!r}; give None, a class name or several.")
    return frozenset(_one_of(name, CLASSES, "class") for name in names)


def views_of(class_name):
    """The views that a class is taken in, such as ("pa", "lateral"); CourseError for a wrong name."""
    return RECIPES[_one_of(class_name, CLASSES, "class")][0]


def radiograph(class_name, seed, *, size=128, view=None, shortcut=None):
    """Take one radiograph of the random person `seed`.

    Args:
        class_name: one of `CLASSES`.
        seed: int of 0 or more; the same seed is the same person in every class and at every size.
        size: H = W in pixels, 32 to 1024.
        view: one of `views_of(class_name)`, or None to draw one.
        shortcut: class name (or several) whose pictures carry a planted marker; None for no marker at all.

    Returns:
        `Radiograph`.

    Raises:
        CourseError: wrong class, view, size, seed or shortcut; the nearest names are offered.
    """
    views = views_of(class_name)
    size, seed = _whole(size, "size", 32, 1024), _whole(seed, "seed", 0)
    marked = class_name in _marked_classes(shortcut)
    person = random_person(np.random.default_rng((seed, 0)))
    rng = np.random.default_rng((seed, 1, CLASSES.index(class_name)))
    drawn = views[int(rng.integers(len(views)))]
    view = drawn if view is None else _one_of(view, views, f"{class_name} view")
    scene = RECIPES[class_name][1](person, view, rng)

    width, height = scene.field
    pixel = max(width, height) * rng.uniform(*scene.margin) / size
    basis = scene.view * np.array([[rng.choice([-1.0, 1.0])], [1.0], [1.0]])  # left or right side
    angle = np.deg2rad(rng.normal(0.0, scene.tilt))
    c, s = np.cos(angle), np.sin(angle)
    basis = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ basis
    slip = np.clip(rng.normal(0.0, 0.035, 2), -0.08, 0.08) * min(width, height)
    origin = np.asarray(scene.origin, float) + slip @ basis[:2]
    shadow = project(scene.shapes, basis, origin, pixel, size, LANDMARKS.get(class_name))

    field = field_of(size, width / pixel, height / pixel, rng.normal(0.0, 2.0), rng.normal(0.0, 0.02, 2) * size)
    film = random_film(rng, scene.beam, scene.scatter, scene.flatten, scene.burn)
    grey = develop(shadow.attenuation, shadow.bone, field, film, np.random.default_rng((seed, 2, size)))
    if rng.random() < 0.6:
        stamp_letter(grey, field, shadow.body, "LR"[int(rng.integers(2))], rng)
    shortcut_mask = np.zeros((size, size), bool)
    if marked:
        shortcut_mask = stamp_shortcut(grey, np.random.default_rng((seed, 3)))
    seen = field > 0.5
    return Radiograph(
        image=np.rint(np.clip(grey, 0.0, 1.0) * 255.0).astype(np.uint8),
        class_name=class_name,
        view=view,
        seed=seed,
        parts=np.where(seen, shadow.labels, 0).astype(np.int16),
        part_names=shadow.part_names,
        landmarks={name: mask & seen for name, mask in shadow.landmarks.items()},
        bone_mask=shadow.bones & seen,
        body_mask=shadow.body & seen,
        shortcut_mask=shortcut_mask,
    )


def image_seed(seed, class_name, index):
    """The seed of picture `index` of a class in a set, whatever other classes or counts the set has."""
    key = (_whole(seed, "seed", 0), CLASSES.index(_one_of(class_name, CLASSES, "class")), index)
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _counts(classes, per_class):
    if isinstance(per_class, Mapping):
        for name in per_class:
            _one_of(name, classes, "class")
        counts = [per_class.get(name, 0) for name in classes]
    elif isinstance(per_class, (Sequence, np.ndarray)) and not isinstance(per_class, str):
        counts = list(per_class)
        if len(counts) != len(classes):
            raise CourseError(f"per_class has {len(counts)} counts for {len(classes)} classes; give one count a class.")
    else:
        counts = [per_class] * len(classes)
    return [_whole(n, f"per_class of {name}", 0) for name, n in zip(classes, counts, strict=True)]


def radiograph_set(classes=CLASSES, per_class=50, *, size=64, seed=0, shortcut=None):
    """Take many radiographs, each of another person.

    Args:
        classes: names out of `CLASSES`, in the order of the labels.
        per_class: pictures a class: one int, one a class in order, or a dict name -> int.
        size: H = W in pixels.
        seed: int of 0 or more; sets of different seeds share no person.
        shortcut: see `radiograph`.

    Returns:
        `RadiographSet`, class after class.

    Raises:
        CourseError: a wrong or repeated class, a wrong count, size, seed or shortcut.
    """
    classes = (classes,) if isinstance(classes, str) else tuple(classes)
    for name in classes:
        _one_of(name, CLASSES, "class")
    if len(set(classes)) != len(classes) or not classes:
        raise CourseError(f"classes is {classes!r}; give each class once, and at least one.")
    counts = _counts(classes, per_class)
    total, size = sum(counts), _whole(size, "size", 32, 1024)
    arrays = {
        name: np.zeros((total, size, size), bool)
        for name in ("landmark_mask", "bone_mask", "body_mask", "shortcut_mask")
    }
    images = np.zeros((total, size, size), np.uint8)
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), counts)
    seeds = np.array(
        [image_seed(seed, name, i) for name, n in zip(classes, counts, strict=True) for i in range(n)], np.int64
    )
    views = []
    for i, (label, own) in enumerate(zip(labels.tolist(), seeds.tolist(), strict=True)):
        taken = radiograph(classes[label], own, size=size, shortcut=shortcut)
        images[i] = taken.image
        views.append(taken.view)
        for name, array in arrays.items():
            array[i] = getattr(taken, name)
    masks = {name + "s": array for name, array in arrays.items()}
    return RadiographSet(images=images, labels=labels, class_names=classes, views=tuple(views), seeds=seeds, **masks)


def clinic_counts(total, classes=CLASSES):
    """Unbalanced counts as in a clinic (the chest most, the thigh least): dict name -> int >= 1, in all `total`.

    Raises CourseError for a wrong class or a total that does not reach one a class.
    """
    classes = tuple(classes)
    for name in classes:
        _one_of(name, CLASSES, "class")
    total = _whole(total, "total", len(classes))
    shares = np.array([_CLINIC[name] for name in classes], float)
    exact = shares / shares.sum() * (total - len(classes))
    counts = np.floor(exact).astype(int)
    left = total - len(classes) - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    return {name: int(n) + 1 for name, n in zip(classes, counts, strict=True)}
