"""The parts of a scan: their names, and what one of them is made of."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from lookinside.errors import LookInsideError
from lookinside.phantoms.body.parts import names_of
from lookinside.phantoms.fetus.shapes import Blob, Region, Strip

# The nine structures of the Fetus Framework set (Cui & Dong 2022) under its names, an underscore for the space:
# IT is the intracranial translucency (the fourth ventricle), CM the cisterna magna, NT the nuchal translucency.
STRUCTURES = ("thalami", "midbrain", "palate", "IT", "CM", "NT", "nasal_tip", "nasal_skin", "nasal_bone")
# What else `without=` can leave out; "membrane" is the amnion, "airway" and "spinal_canal" are dark bands of the neck.
OTHER_PARTS = ("skull", "plexus", "membrane", "airway", "spinal_canal", "vertebrae", "heart", "limb", "placenta")
SCAN_GROUPS = {
    "brain": ("thalami", "midbrain", "IT", "CM"),
    "nose": ("nasal_tip", "nasal_skin", "nasal_bone"),
    "look_alikes": ("membrane", "airway", "spinal_canal"),
}


@dataclass(frozen=True)
class Line:
    """A smooth bright line along a border: an interface that throws the beam back as a mirror does.

    Attributes:
        at: which line of a strip (0 its upper edge, 1 its lower one); for a region 0 its top and 1 its bottom; a
            blob's border has no other.
        echo: dB against soft tissue, where the beam meets it squarely.
        width: standard deviation, mm.
        middle, reach: it shines about there, and fades `reach` mm beside it (x); None shines all along.
    """

    at: float
    echo: float
    width: float = 0.2
    middle: float | None = None
    reach: float = 1.0


@dataclass(frozen=True)
class Part:
    """One shape with its material and its bright lines; a structure may have several.

    Attributes:
        name: one of `STRUCTURES`, of `OTHER_PARTS`, or "" for what always stays.
        shape: where.
        material: a row of `MATERIALS`; None paints nothing but the lines.
        lines: on its borders.
        extra: dB on the material's echo.
        covers: takes away the bright lines of what lies behind it.
    """

    name: str
    shape: Blob | Strip | Region
    material: str | None = None
    lines: tuple[Line, ...] = ()
    extra: float = 0.0
    covers: bool = False


def checked_scan_removal(without: str | Iterable[str]) -> frozenset[str]:
    """The parts that `without` means, see `fetus_scan`. LookInsideError, with the nearest, for an unknown one."""
    known = (*STRUCTURES, *OTHER_PARTS, *SCAN_GROUPS)
    found = set()
    for name in names_of(without):
        if name not in known:
            lower = {one.lower(): one for one in known}
            near = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)
            near = [lower[one] for one in near] or ["NT", "nasal_bone"]
            raise LookInsideError(f"There is no part {name!r}; did you mean {' or '.join(near)}?")
        found.update(SCAN_GROUPS.get(name, (name,)))
    return frozenset(found)
