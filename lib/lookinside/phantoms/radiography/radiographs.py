"""One radiograph of a random person by formula, with the truth known: labels of its parts, landmarks, bones."""

import copy
import dataclasses
import difflib
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.body.parts import check_names, meant_by, names_of
from lookinside.phantoms.body.person import random_person
from lookinside.phantoms.radiography.film import (
    Film,
    develop,
    expose,
    field_of,
    random_film,
    stamp_letter,
    stamp_shortcut,
)
from lookinside.phantoms.radiography.landmarks import LANDMARKS
from lookinside.phantoms.radiography.projection import Projection, project
from lookinside.phantoms.radiography.scene import Scene
from lookinside.phantoms.radiography.views import CLASSES, RECIPES

OF_THE_PICTURE = ("letter", "plate", "field")  # what `without=` can leave out beside parts of the body
_LARGEST_KEPT = 128  # pixels; a picture of 64 takes 0.1 MB


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
        removed_mask: bool (H, W), what `without=` has taken away: the shadow of those parts, the letter, the plate, or
            what lies outside the field.
    """

    image: np.ndarray
    class_name: str
    view: str
    seed: int
    parts: np.ndarray
    part_names: tuple[str, ...]
    landmarks: dict[str, np.ndarray]
    bone_mask: np.ndarray
    body_mask: np.ndarray
    shortcut_mask: np.ndarray
    removed_mask: np.ndarray

    @property
    def landmark_mask(self) -> np.ndarray:
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


def views_of(class_name: str) -> tuple[str, ...]:
    """The views that a class is taken in, such as ("pa", "lateral"); LookInsideError for a wrong name."""
    return RECIPES[one_of(class_name, CLASSES, "class")][0]


@functools.cache
def known_parts() -> frozenset[str]:
    """The names of all parts that any picture can show."""
    names = set()
    for place, (views, scene_of) in enumerate(RECIPES[name] for name in CLASSES):
        for view in views:
            for seed in range(3):
                person = random_person(np.random.default_rng((seed, 0)))
                names.update(scene_of(person, view, np.random.default_rng((seed, 1, place))).shapes.parts)
    return frozenset(names)


def checked_removal(without: str | Sequence[str]) -> tuple[str, ...]:
    """The names in `without`, see `radiograph`. Raises LookInsideError, with the nearest ones, for an unknown name."""
    names = names_of(without)
    if names:
        check_names(names, known_parts(), OF_THE_PICTURE)
    return names


def radiograph(
    class_name: str,
    seed: int,
    *,
    size: int = 128,
    view: str | None = None,
    shortcut: str | Sequence[str] | None = None,
    without: str | Sequence[str] = (),
    reexpose: bool = False,
) -> Radiograph:
    """Take one radiograph of the random person `seed`, or the same one without some of its parts.

    A picture without a part is the same picture in all else: the person, the beam, the noise, the exposure and the
    scattered light are those of the whole one, so pixels that the part did not touch keep their bytes. A bone takes
    its marrow along, and flesh stands in its place.

    Args:
        class_name: one of `CLASSES`.
        seed: int of 0 or more; the same seed is the same person in every class and at every size.
        size: H = W in pixels, 32 to 1024.
        view: one of `views_of(class_name)`, or None to draw one.
        shortcut: class name (or several) whose pictures carry a planted marker; None for no marker at all.
        without: what to leave out, one name or several: a part ("capitate"), the beginning of parts' names
            ("metacarpal", "distal_phalanx_2"), a group of `PART_GROUPS` ("carpals"), "bones" or "soft_tissue" (all
            that is not bone); and, of the picture itself, "letter", "plate" (the planted marker) or "field" (the
            collimator's edges). A part that this picture does not show changes nothing.
        reexpose: expose anew for what is left, as an automatic exposure does: a picture without its bones is then
            as bright as one with them, and brightness alone does not tell that they are gone. All pixels change.

    Returns:
        `Radiograph`; its parts and masks are those of what was drawn.

    Raises:
        LookInsideError: wrong class, view, size, seed, shortcut or part; the nearest names are offered.
    """
    views = views_of(class_name)
    size, seed = whole(size, "size", 32, 1024), whole(seed, "seed", 0)
    marked = class_name in _marked_classes(shortcut)
    without = checked_removal(without)
    view = None if view is None else one_of(view, views, f"{class_name} view")
    # Whoever leaves out one part leaves out more of the same picture.
    take = _kept if without and size <= _LARGEST_KEPT else _take
    taken = take(class_name, seed, size, view)
    scene, film, all_of_it, whole_field = taken.scene, taken.film, taken.shadow, taken.field
    where = (taken.basis, taken.origin, taken.pixel, size)
    rng = copy.deepcopy(taken.rng)
    shadow, field = all_of_it, whole_field
    gone = meant_by(scene.shapes, without) if without else np.zeros(len(scene.shapes), bool)
    removed = np.zeros((size, size), bool)
    if gone.any():
        shadow = project(scene.shapes.only(~gone), *where, LANDMARKS.get(class_name))
        alone = scene.shapes.only(gone)
        alone = dataclasses.replace(alone, within=("",) * len(alone))  # a heart casts a shadow without its lungs too
        removed = project(alone, *where).body & (whole_field > 0.5)
    if "field" in without:
        field = np.ones_like(whole_field)
        removed |= whole_field <= 0.5
    exposed, through = (shadow, field) if reexpose else (all_of_it, whole_field)
    noise = np.random.default_rng((seed, 2, size))
    exposure = expose(exposed.attenuation, exposed.bone, through, film, noise)
    grey = develop(shadow.attenuation, shadow.bone, field, film, exposure)
    if rng.random() < 0.6:
        # Where the whole body leaves room: the letter does not move when a part is gone.
        paper = grey.copy() if "letter" in without else grey
        stamped = stamp_letter(paper, whole_field, all_of_it.body, "LR"[int(rng.integers(2))], rng)
        removed |= stamped & ("letter" in without)
    plate = np.zeros((size, size), bool)
    if marked:
        paper = grey.copy() if "plate" in without else grey
        plate = stamp_shortcut(paper, np.random.default_rng((seed, 3)))
        removed |= plate & ("plate" in without)
    seen = field > 0.5
    return Radiograph(
        image=np.rint(np.clip(grey, 0.0, 1.0) * 255.0).astype(np.uint8),
        class_name=class_name,
        view=taken.view,
        seed=seed,
        parts=np.where(seen, shadow.labels, 0).astype(np.int16),
        part_names=shadow.part_names,
        landmarks={name: mask & seen for name, mask in shadow.landmarks.items()},
        bone_mask=shadow.bones & seen,
        body_mask=shadow.body & seen,
        shortcut_mask=plate & ("plate" not in without),
        removed_mask=removed,
    )


@dataclass(frozen=True)
class _Taken:
    """A picture as far as it goes before anything is left out; nothing in it is changed."""

    view: str
    scene: Scene
    basis: np.ndarray
    origin: np.ndarray
    pixel: float
    shadow: Projection
    field: np.ndarray
    film: Film
    rng: np.random.Generator  # as it stands then


def _take(class_name, seed, size, view):
    views = views_of(class_name)
    person = random_person(np.random.default_rng((seed, 0)))
    rng = np.random.default_rng((seed, 1, CLASSES.index(class_name)))
    drawn = views[int(rng.integers(len(views)))]
    view = drawn if view is None else view
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
    return _Taken(view, scene, basis, origin, pixel, shadow, field, film, rng)


_kept = functools.lru_cache(maxsize=256)(_take)
