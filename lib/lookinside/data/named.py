"""What is known of a set of images, by name: masks, tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lookinside.errors import LookInsideError


class Named(Mapping):
    """Name -> what is known of the N images, for reading; a name that is not there is refused with those that are."""

    def __init__(self, values: Mapping[str, Sequence], one: str, many: str):
        self._values, self._one, self._many = dict(values), one, many

    def __getitem__(self, name: str) -> Sequence:
        if name not in self._values:
            there = f"choose from {', '.join(self._values)}" if self._values else f"these images have no {self._many}"
            raise LookInsideError(f"no {self._one} {name!r} in this set: {there}")
        return self._values[name]

    def __setitem__(self, name: str, value: Sequence) -> None:
        raise LookInsideError(
            f"{self._many} of a set are not changed in place: make a new set, "
            f"dataclasses.replace(data, {self._many}={{**data.{self._many}, {name!r}: {self._one}}})"
        )

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str, default=None):
        """What is there, or `default` where there is none of that name."""
        return self._values.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{self._many}({', '.join(self._values) or 'none'})"
