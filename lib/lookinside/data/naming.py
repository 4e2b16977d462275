"""Finding a class that a chapter speaks of among the names that a user's own folders have."""

from __future__ import annotations

from collections.abc import Iterable

_PLURALS = {"feet": "foot", "teeth": "tooth", "vertebrae": "vertebra", "pelves": "pelvis"}


def class_like(class_names: Iterable[str], wanted: str) -> str | None:
    """Return the class that is called `wanted` but for capitals, a plural, blanks or hyphens; None where none is.

    "Hand", "hands" and "HAND" are like "hand"; "feet" is like "foot"; "left hand" is not. An exact name
    comes first.
    """
    class_names = list(class_names)
    if wanted in class_names:
        return wanted
    return next((name for name in class_names if _plain(name) == _plain(wanted)), None)


def _plain(name: str) -> str:
    words = name.strip().casefold().replace("-", "_").replace(" ", "_").split("_")
    last = words[-1]
    words[-1] = _PLURALS.get(last, last[:-1] if last.endswith("s") and not last.endswith(("ss", "is")) else last)
    return "_".join(words)
