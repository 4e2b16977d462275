"""Where one region of the body gives way to the next, read off their probabilities along the body."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.training.evaluation.whole_volumes import BodyProfile

_SHARE = 0.5  # of the probability that the two regions must have between them, or their order means nothing


class RegionBoundary(NamedTuple):
    """The height at which the probability of one region overtakes that of the region below it.

    Attributes:
        below, above: names of the two regions.
        height: mm; None where there is no such height, or more than one.
        crossings: heights of all crossings in mm, from the feet up, those in the wrong direction among them.
    """

    below: str
    above: str
    height: float | None
    crossings: tuple[float, ...]

    @property
    def sentence(self) -> str:
        """What was found, in words: for a figure's note."""
        pair = f"{self.below} and {self.above}"
        if self.height is not None:
            return f"boundary of {pair}: {self.height:.0f} mm"
        if not self.crossings:
            return f"no boundary of {pair} was found"
        if len(self.crossings) == 1:
            return f"no boundary of {pair}: at {self.crossings[0]:.0f} mm {self.below} lies over {self.above}"
        at = ", ".join(f"{height:.0f}" for height in self.crossings[:4])
        more = ", ..." if len(self.crossings) > 4 else ""
        return f"no boundary of {pair}: their probabilities cross {len(self.crossings)} times ({at}{more} mm)"


def boundary_between(profile: BodyProfile, below: str, above: str, *, lasting: float = 30.0) -> RegionBoundary:
    """Look for the one height at which the probability of `above` overtakes that of `below`.

    Only slices count in which the two have more than half of the probability together: far from both, the order of two
    numbers near 0 means nothing. And each must lead for a while on its side, or flicker would count. Between two slices
    the height is interpolated. Smooth the profile first (`BodyProfile.smoothed`): a single wrong slice ends a lead.

    Args:
        profile: the probabilities along a body.
        below, above: names of two classes, the lower one first: "liver", "lungs".
        lasting: mm for which each leads at least, next to the crossing.

    Raises:
        LookInsideError: if these are not two classes of the profile, or for a `lasting` below 0.

    Source: Roth et al. 2015, Fig. 7.
    """
    names = profile.class_names
    if below == above or not {below, above} <= set(names):
        raise LookInsideError(f"{below!r} and {above!r}: give two different ones of {', '.join(names)}.")
    if not lasting >= 0:
        raise LookInsideError(f"lasting is {lasting!r}: give mm for which each region leads, 30 say.")
    low, high = (profile.probabilities[:, names.index(name)].astype(np.float64) for name in (below, above))
    more, heights = high - low, profile.heights
    lead = np.where(low + high > _SHARE, np.sign(more), 0)
    for z in np.flatnonzero((low + high > _SHARE) & (more == 0)):
        lead[z] = lead[z - 1] if z else 0  # a tie belongs to the slice before it
    ends = np.append(np.flatnonzero(np.diff(lead)), len(lead) - 1)  # the last slice of each run of one lead
    long = np.diff(ends, prepend=-1) * profile.pixel[1] >= lasting
    found = []
    for run, z in enumerate(ends[:-1]):
        if lead[z] * lead[z + 1] < 0 and long[run] and long[run + 1]:
            at = heights[z] + (heights[z + 1] - heights[z]) * more[z] / (more[z] - more[z + 1])
            found.append((float(at), bool(lead[z] < 0)))
    height = found[0][0] if len(found) == 1 and found[0][1] else None
    return RegionBoundary(below, above, height, tuple(at for at, _ in found))
