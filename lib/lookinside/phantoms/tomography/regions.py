"""Which regions of the body an axial slice belongs to, read off the parts that it cuts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookinside.phantoms.body.parts import PART_GROUPS

# The classes of Roth et al. 2015, from the feet up.
REGIONS = ("legs", "pelvis", "liver", "lungs", "neck")
# The class that its discussion wishes for.
LOWER_ABDOMEN = "lower_abdomen"
# Heights above the hip joints, in mm for a person of average size, between which a region's slices are drawn.
REGION_LEVELS = {
    "legs": (-790.0, -75.0),
    "pelvis": (-60.0, 130.0),
    LOWER_ABDOMEN: (120.0, 240.0),
    "liver": (222.0, 372.0),
    "lungs": (338.0, 585.0),
    "neck": (585.0, 695.0),
}
# What a region is known by, and the share of the body that it must fill at least.
_SIGNS = {
    "legs": ((*PART_GROUPS["thigh_bone"], *PART_GROUPS["lower_leg_bones"]), 0.0),
    "pelvis": (PART_GROUPS["pelvic_bones"], 0.01),
    "liver": (("liver",), 0.1),
    "lungs": (("lung",), 0.1),
    "neck": (tuple(f"c{i}" for i in range(1, 8)), 0.0),
}
_LUMBAR = (*(f"l{i}" for i in range(1, 6)), "lumbar_disc")


def share_of(labels: np.ndarray, part_names: Sequence[str], names: Sequence[str]) -> float:
    """Share of the body's pixels, 0 to 1, that belong to parts of these names, or that begin with one of them.

    Args:
        labels: int (H, W), 0 outside of the body, i + 1 is part_names[i].
        part_names: what the labels mean.
        names: a name means all parts that begin with it and an underscore, too.
    """
    begun = tuple(f"{name}_" for name in names)
    own = [i for i, part in enumerate(part_names, 1) if part in names or part.startswith(begun)]
    body = np.count_nonzero(labels)
    return float(np.isin(labels, own).sum() / body) if body else 0.0


def regions_in(labels: np.ndarray, part_names: Sequence[str], *, lower_abdomen: bool = False) -> tuple[str, ...]:
    """The regions that an axial slice belongs to, from the feet up: none, one, or two near the diaphragm.

    Lungs and liver must fill a tenth of the body, the pelvic bones a hundredth; legs are where a leg's bone is cut
    and the pelvis is not reached, the neck is where a cervical vertebra is cut.

    Args:
        labels: int (H, W), 0 outside of the body, i + 1 is part_names[i].
        part_names: what the labels mean.
        lower_abdomen: name slices through the lumbar spine between pelvis and liver "lower_abdomen".
    """
    shares = {region: share_of(labels, part_names, names) for region, (names, _) in _SIGNS.items()}
    found = [region for region, (_, least) in _SIGNS.items() if shares[region] > least]
    if "pelvis" in found and "legs" in found:
        found.remove("legs")
    if lower_abdomen and not found and share_of(labels, part_names, _LUMBAR):
        return (LOWER_ABDOMEN,)
    return tuple(found)
