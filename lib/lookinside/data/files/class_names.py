"""Class names as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FILLERS = {"xray", "xrays", "ray", "rays", "x", "radiograph", "radiographs", "image", "images", "picture", "pictures"}
_IRREGULAR = {"feet": "foot", "teeth": "tooth", "vertebrae": "vertebra", "pelves": "pelvis", "sinuses": "sinus"}


def class_like(class_names: Iterable[str], wanted: str) -> str | None:
    """The name among `class_names` that means `wanted`, whatever its case and number, or None.

    `Hand`, `hands` and `Hand X-ray` are like "hand", `feet` is like "foot", `lumbar-spine` is like "lumbar_spine";
    `left_hand` is not like "hand". The very name goes first, then the first one that is like it.
    """
    class_names = tuple(class_names)
    if wanted in class_names:
        return wanted
    plain = _plain(wanted)
    return next((name for name in class_names if plain and _plain(name) == plain), None)


def _plain(name: str) -> str:
    words = re.findall(r"[^\W_]+", name.lower())
    return "".join(_singular(word) for word in words if word not in _FILLERS)


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    return word.removesuffix("s") if not word.endswith(("ss", "is", "us")) else word
