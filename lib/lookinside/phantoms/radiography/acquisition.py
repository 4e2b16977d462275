"""One radiograph of a random person by formula, with the truth known: labels of its parts, landmarks, bones."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.body.person import random_person
from lookinside.phantoms.radiography.film import develop, field_of, random_film, stamp_letter, stamp_shortcut
from lookinside.phantoms.radiography.landmarks import LANDMARKS
from lookinside.phantoms.radiography.projection import project
from lookinside.phantoms.radiography.views import CLASSES, RECIPES


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


def one_of(name, known, what):
    """Return a name out of `known`. Raises LookInsideError, with the nearest ones, for another."""
    if name in known:
        return name
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4) or list(known)
    raise LookInsideError(f"There is no {what} {name!r}; did you mean {' or '.join(near)}?")


def whole(value, what, low, high=None):
    """Return a whole number from low to high as int. Raises LookInsideError for anything else."""
    good = isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= low
    if not good or (high is not None and value > high):
        span = f"from {low} to {high}" if high is not None else f"of {low} or more"
        raise LookInsideError(f"{what} is {value!r}; give a whole number {span}.")
    return int(value)


def _marked_classes(shortcut):
    if shortcut is None:
        return frozenset()
    names = (shortcut,) if isinstance(shortcut, str) else shortcut
    if not isinstance(names, Sequence):
        raise LookInsideError(f"shortcut is {shortcut!r}; give None, a class name or several.")
    return frozenset(one_of(name, CLASSES, "class") for name in names)


def views_of(class_name):
    """The views that a class is taken in, such as ("pa", "lateral"); LookInsideError for a wrong name."""
    return RECIPES[one_of(class_name, CLASSES, "class")][0]


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
        LookInsideError: wrong class, view, size, seed or shortcut; the nearest names are offered.
    """
    views = views_of(class_name)
    size, seed = whole(size, "size", 32, 1024), whole(seed, "seed", 0)
    marked = class_name in _marked_classes(shortcut)
    person = random_person(np.random.default_rng((seed, 0)))
    rng = np.random.default_rng((seed, 1, CLASSES.index(class_name)))
    drawn = views[int(rng.integers(len(views)))]
    view = drawn if view is None else one_of(view, views, f"{class_name} view")
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
