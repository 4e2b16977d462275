"""How the slices of whole CTs were named, where their regions are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from lookinside.errors import LookInsideError
from lookinside.training.evaluation.share_intervals import proportion_interval
from lookinside.training.evaluation.whole_volumes import BodyProfile


class SlicesNamed(NamedTuple):
    """How the slices of whole CTs were named.

    Attributes:
        right: share of the slices with a region that got one of theirs, and its 95 % Wilson interval.
        called: what the slices of the region that was left apart are called: class -> share, the largest first.
    """

    right: tuple[float, float, float]
    called: dict[str, float]


def slices_named(
    profiles: Sequence[BodyProfile], regions: Sequence[Sequence[Sequence[str]]], *, apart: str | None = None
) -> SlicesNamed:
    """Compare the most probable class of every slice of some CTs with the regions that it belongs to.

    Args:
        profiles: one for each CT.
        regions: for each CT the regions of each slice, as `phantoms.CTVolume.regions`: a slice of two may get either
            name, one of none does not count.
        apart: a region that no class stands for; slices that belong to it alone do not count as right or wrong.

    Raises:
        LookInsideError: where regions and slices differ in number, or no slice counts.
    """
    right, called = [], []
    if [len(one.heights) for one in profiles] != [len(one) for one in regions]:
        raise LookInsideError("profiles and regions differ: give each CT's regions, one entry for each slice.")
    for profile, truth in zip(profiles, regions, strict=True):
        for answer, belongs in zip(profile.regions, truth, strict=True):
            name = profile.class_names[answer]
            if tuple(belongs) == (apart,):
                called.append(name)
            elif belongs:
                right.append(name in belongs)
    if not right:
        raise LookInsideError("No slice belongs to a region: there is nothing to compare with.")
    shares = {name: count / len(called) for name, count in Counter(called).most_common()}
    return SlicesNamed(proportion_interval(sum(right), len(right)), shares)
