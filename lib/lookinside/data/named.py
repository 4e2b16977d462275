"""What is known of each image of a set, checked, picked and joined: name, group, masks and tags by name."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

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


def checked_masks(masks: Any, shape: tuple[int, ...]) -> Named:
    """Masks by name, each bool of `shape`, or LookInsideError."""
    if not isinstance(masks, Mapping):
        raise LookInsideError(f"masks is a {type(masks).__name__}: give a dict, mask name -> bool {shape}")
    for name, mask in masks.items():
        mask = np.asarray(mask)
        if mask.dtype != bool or mask.shape != shape:
            raise LookInsideError(f"mask {name!r} is {mask.dtype} {mask.shape}: give bool {shape}")
    return Named({name: np.asarray(mask) for name, mask in masks.items()}, "mask", "masks")


def checked_tags(tags: Any, count: int) -> Named:
    """Tags by name, each with a text for each image, or LookInsideError."""
    if not isinstance(tags, Mapping):
        raise LookInsideError(f"tags is a {type(tags).__name__}: give a dict, name -> {count} texts")
    found = {name: tuple(str(value) for value in values) for name, values in tags.items()}
    for name, values in found.items():
        if len(values) != count:
            raise LookInsideError(f"tag {name!r} has {len(values)} values for {count} images: give one for each image")
    return Named(found, "tag", "tags")


def checked_groups(groups: Any, count: int) -> tuple[str, ...] | None:
    """A text for each image, or None, or LookInsideError."""
    if groups is None:
        return None
    groups = tuple("" if group is None else str(group) for group in groups)
    if len(groups) != count:
        raise LookInsideError(f"{len(groups)} groups for {count} images: give one group (patient) for each image")
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


def _refuse_to_join(one, other):
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
