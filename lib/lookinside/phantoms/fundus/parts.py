"""The parts of a fundus photograph: their names, and which of them `without=` means."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from lookinside.errors import LookInsideError
from lookinside.phantoms.body.parts import names_of

# What glaucoma does, in the paper's words rim loss (RL) and retinal nerve fibre layer damage (RNFLD).
PATHOLOGIES = ("rim_loss", "nerve_defect")
# What else `without=` can leave out: what the eye shows whether it is ill or not.
EYE_PARTS = ("disc", "vessels", "macula")


def checked_eye_removal(without: str | Iterable[str]) -> frozenset[str]:
    """The parts that `without` means, see `fundus_photo`. LookInsideError, with the nearest, for an unknown one."""
    known = (*PATHOLOGIES, *EYE_PARTS)
    found = frozenset(names_of(without))
    for name in found - set(known):
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5) or known
        raise LookInsideError(f"There is no part {name!r}; did you mean {' or '.join(near)}?")
    return found
