"""What is known of each image of a set, checked, picked and joined: name, group, masks and tags by name."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np

from lookinside.arrays import as_array
from lookinside.errors import LookInsideError


class Named(Mapping):
    """Name -> what is known of the N images, for reading; a name that is not there is refused with those that are."""

    def __init__(self, values: Mapping[str, Sequence], one: str, many: str):
        self._values, self._one, self._many = dict(values), one, many

    def __getitem__(self, name: str) -> Sequence:
        if name not in self:
            there = f"choose from {', '.join(self._values)}" if self._values else f"these images have no {self._many}"
            raise LookInsideError(f"no {self._one} {name!r:.60} in this set: {there}")
        return self._values[name]

    def __setitem__(self, name: str, value: Sequence) -> None:
        raise LookInsideError(
            f"{self._many} of a set are not changed in place: make a new set, "
            f"dataclasses.replace(data, {self._many}={{**data.{self._many}, {name!r}: {self._one}}})"
        )

    def __contains__(self, name: object) -> bool:
        return isinstance(name, Hashable) and name in self._values

    def get(self, name: str, default=None):
        """What is there, or `default` where there is none of that name."""
        return self._values.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{self._many}({', '.join(self._values) or 'none'})"


def check_images(images: Any) -> None:
    """Raise LookInsideError for what is no array of grey or colour images, uint8 (N, H, W, 1) or (N, H, W, 3)."""
    _check_array(images, "images", "uint8 (N, H, W, 1) or (N, H, W, 3)")
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise LookInsideError(f"images are {images.dtype} {images.shape}: give uint8 (N, H, W, 1) or (N, H, W, 3)")


def check_labels(labels: Any, count: int, classes: int) -> None:
    """Raise LookInsideError for what are no positions of classes, int64 (N,)."""
    _check_array(labels, "labels", f"int64 ({count},), one for each image")
    if labels.shape != (count,) or labels.dtype != np.int64:
        raise LookInsideError(f"labels are {labels.dtype} {labels.shape}: give int64 ({count},), one for each image")
    if count and not 0 <= labels.min() <= labels.max() < classes:
        raise LookInsideError(
            f"labels run from {labels.min()} to {labels.max()}, but there are {classes} class names: "
            f"give labels 0 to {classes - 1}"
        )


def checked_class_names(names: Any) -> tuple[str, ...]:
    """The names of the classes as a tuple, or LookInsideError."""
    found = _as_tuple(names)
    if found is None or len(set(map(str, found))) < len(found):
        raise LookInsideError(f"class_names is {names!r:.60}: give a list of names, each once")
    return found


def one_for_each(values: Any, what: str, count: int, one: str) -> tuple:
    """Values as a tuple of one for each image, or LookInsideError; a text is not taken for its letters."""
    found = _as_tuple(values)
    if found is None:
        raise LookInsideError(f"{what} is {values!r:.60}: give a list of {count}, one {one} for each image")
    if len(found) != count:
        raise LookInsideError(f"{len(found)} {what} for {count} images: give one {one} for each image")
    return found


def places_of(indices: Any, count: int) -> np.ndarray:
    """The places of the images at `indices`, int (M,): whole numbers, a slice or a bool mask, or LookInsideError."""
    try:
        found = np.arange(count)[list(indices) if isinstance(indices, tuple) else indices]
    except (IndexError, TypeError, ValueError):
        found = None
    if np.ndim(found) != 1:
        given = " ".join(repr(indices).split())
        raise LookInsideError(
            f"indices are {given:.60}: give a list of whole numbers below {count}, or a bool mask of {count}"
        )
    return found


def _check_array(values, what, wanted):
    if not all(hasattr(values, name) for name in ("dtype", "ndim", "shape")):
        raise LookInsideError(f"{what} are of type {type(values).__name__}: give an array, {wanted}")


def _as_tuple(values):
    """None for what is no list: a text or bytes, a number, a set, which has no order."""
    if isinstance(values, (str, bytes, Set)):
        return None
    try:
        return tuple(values)
    except TypeError:
        return None


def checked_masks(masks: Any, shape: tuple[int, ...]) -> Named:
    """Masks by name, each bool of `shape`, or LookInsideError."""
    if not isinstance(masks, Mapping):
        raise LookInsideError(f"masks is a {type(masks).__name__}: give a dict, mask name -> bool {shape}")
    found = {name: as_array(mask, f"mask {name!r}") for name, mask in masks.items()}
    for name, mask in found.items():
        if mask.dtype != bool or mask.shape != shape:
            raise LookInsideError(f"mask {name!r} is {mask.dtype} {mask.shape}: give bool {shape}")
    return Named(found, "mask", "masks")


def checked_tags(tags: Any, count: int) -> Named:
    """Tags by name, each with a text for each image, or LookInsideError."""
    if not isinstance(tags, Mapping):
        raise LookInsideError(f"tags is a {type(tags).__name__}: give a dict, name -> {count} texts")
    found = {}
    for name, given in tags.items():
        values = _as_tuple(given)
        if values is None:
            raise LookInsideError(f"tag {name!r} is {given!r:.60}: give a list of {count} texts, one for each image")
        if len(values) != count:
            raise LookInsideError(f"tag {name!r} has {len(values)} values for {count} images: give one for each image")
        found[name] = tuple(str(value) for value in values)
    return Named(found, "tag", "tags")


def checked_groups(groups: Any, count: int) -> tuple[str, ...] | None:
    """A text for each image, or None, or LookInsideError."""
    if groups is None:
        return None
    groups = one_for_each(groups, "groups", count, "group (patient)")
    groups = tuple("" if group is None else str(group) for group in groups)
    if "" in groups:
        nameless = groups.index("")
        raise LookInsideError(f"the group of image {nameless} is empty: give every image its patient, or no groups")
    return groups


def known_of(images: Any, chosen: Sequence[int]) -> dict[str, Any]:
    """Names, masks, groups and tags of the images at `chosen`, as arguments of a new set."""
    return {
        "names": tuple(images.names[i] for i in chosen),
        "masks": {name: mask[chosen] for name, mask in images.masks.items()},
        "groups": None if images.groups is None else [images.groups[i] for i in chosen],
        "tags": {name: [values[i] for i in chosen] for name, values in images.tags.items()},
    }


def with_tags(images: Any, tags: Mapping[str, str]) -> np.ndarray:
    """Bool (N,), which images have all these tags; refuses a value that no image has."""
    kept = np.ones(len(images), bool)
    for name, value in tags.items():
        values = images.tags[name]
        if value not in values:
            raise LookInsideError(f"no image has {name} {value!r}: choose from {', '.join(sorted(set(values)))}")
        kept &= np.array(values) == value
    return kept


def class_numbers(classes: Any, known: Sequence[str]) -> list[int]:
    """The places of named classes, one name or several, among the classes of a set.

    Raises:
        LookInsideError: for what are no names, a class that is not there, or one that is named twice.
    """
    classes = [classes] if isinstance(classes, str) else classes
    names = list(classes) if isinstance(classes, Iterable) else [classes]
    missing = [one for one in names if one not in known]
    if missing or not names:
        said = f"no class {missing[0]!r:.60} in this set" if missing else "no class is named"
        raise LookInsideError(f"{said}: choose from {', '.join(known)}")
    if len(set(names)) < len(names):
        raise LookInsideError(f"classes are {names!r:.60}: name each once")
    return [list(known).index(one) for one in names]


def joined_known(first: Any, others: Sequence[Any]) -> dict[str, Any]:
    """Names, masks, groups and tags of several sets one after the other, as arguments of a new set.

    Raises:
        LookInsideError: if the sets do not join.
    """
    for other in others:
        _refuse_to_join(first, other)
    sets = (first, *others)
    return {
        "names": sum((tuple(one.names) for one in sets), ()),
        "masks": {name: np.concatenate([one.masks[name] for one in sets]) for name in first.masks},
        "groups": None if first.groups is None else sum((one.groups for one in sets), ()),
        "tags": {name: sum((one.tags[name] for one in sets), ()) for name in first.tags},
    }


def check_same_kind(one: Any, other: Any) -> None:
    """Raise LookInsideError for what is no set of the same kind."""
    if not isinstance(other, type(one)):
        raise LookInsideError(f"{other!r:.60} is no set: give {type(one).__name__}")


def _refuse_to_join(one, other):
    check_same_kind(one, other)
    if other.shape != one.shape:
        raise LookInsideError(f"images of {one.shape} and of {other.shape} do not join: read both in one size")
    if other.class_names != one.class_names:
        mine, theirs = ", ".join(one.class_names), ", ".join(other.class_names)
        raise LookInsideError(
            f"sets with the classes {mine} and {theirs} do not join: bring both into one order with only()"
        )
    for what in ("masks", "tags"):
        alone = sorted(set(getattr(one, what)) ^ set(getattr(other, what)))
        if alone:
            raise LookInsideError(
                f"only one of the sets has the {what[:-1]} {alone[0]!r}: leave it away with "
                f"dataclasses.replace(data, {what}=...), or give it to both"
            )
    if (one.groups is None) != (other.groups is None):
        raise LookInsideError(
            "only one of the sets has groups: give them to both, or leave them away with "
            "dataclasses.replace(data, groups=None)"
        )
