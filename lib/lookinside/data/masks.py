"""The known truth of a set of images: masks by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from lookinside.errors import LookInsideError


class Masks(Mapping):
    """Mask name -> bool (N, H, W), for reading; a name that is not there is refused with those that are."""

    def __init__(self, masks: Mapping[str, np.ndarray]):
        self._masks = {name: np.asarray(mask) for name, mask in masks.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._masks:
            there = f"choose from {', '.join(self._masks)}" if self._masks else "no truth is known of these images"
            raise LookInsideError(f"no mask {name!r} in this set: {there}")
        return self._masks[name]

    def __setitem__(self, name: str, mask: np.ndarray) -> None:
        raise LookInsideError(
            f"masks of a set are not changed in place: make a new set, "
            f"dataclasses.replace(data, masks={{**data.masks, {name!r}: mask}})"
        )

    def __contains__(self, name: object) -> bool:
        return name in self._masks

    def get(self, name: str, default=None):
        """The mask, or `default` where there is none of that name."""
        return self._masks.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._masks)

    def __len__(self) -> int:
        return len(self._masks)

    def __repr__(self) -> str:
        return f"Masks({', '.join(self._masks) or 'none'})"
