"""Where the slices of each organ lie: planes, fields of view, an ultrasound probe's places on the skin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lookinside.phantoms.body.shapes import turn
from lookinside.phantoms.tomography.cutting import Plane, plane_around

# right and down in the picture: the patient seen from the feet, from the front, from the left
WAYS = {
    "axial": ((1, 0, 0), (0, 1, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
    "short axis": ((0.55, 0.83, 0), (0.45, -0.3, -0.84)),
}


class Cut(NamedTuple):
    """A family of planes: middle from `low` to `high` (mm before scaling), the field's side from .. to, its share."""

    way: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    extent: tuple[float, float]
    share: float


CUTS = {
    "lung": (
        Cut("axial", (-6, -8, 362), (6, 8, 505), (310, 420), 0.6),
        Cut("axial", (-85, -8, 375), (-55, 8, 480), (170, 230), 0.1),
        Cut("axial", (55, -8, 375), (85, 8, 480), (170, 230), 0.1),
        Cut("coronal", (-6, -30, 395), (6, 45, 450), (260, 420), 0.2),
    ),
    "heart": (
        Cut("axial", (6, -42, 352), (26, -25, 412), (150, 380), 0.65),
        Cut("coronal", (6, -58, 370), (26, -22, 405), (170, 360), 0.35),
    ),
    "liver": (
        Cut("axial", (-40, -18, 262), (-10, -8, 335), (200, 410), 0.65),
        Cut("coronal", (-50, -40, 270), (-20, 15, 310), (200, 400), 0.35),
    ),
    "kidney": (
        Cut("axial", (-6, 5, 198), (6, 20, 252), (200, 400), 0.4),
        Cut("axial", (-70, 30, 200), (-52, 45, 250), (110, 180), 0.15),
        Cut("axial", (52, 30, 205), (70, 45, 255), (110, 180), 0.15),
        Cut("coronal", (-6, 34, 215), (6, 48, 235), (200, 390), 0.3),
    ),
    "lumbar_spine": (
        Cut("axial", (-5, 20, 118), (5, 45, 250), (110, 260), 0.4),
        Cut("sagittal", (-4, 8, 155), (4, 30, 205), (200, 380), 0.45),
        Cut("coronal", (-5, 2, 165), (5, 20, 200), (200, 390), 0.15),
    ),
}
# Some modalities are read in one plane more than in others; these stand in the place of `CUTS`.
CUTS_OF = {
    ("heart", "mri"): (
        Cut("axial", (6, -42, 360), (26, -30, 405), (150, 320), 0.45),
        Cut("short axis", (24, -44, 372), (40, -34, 386), (140, 240), 0.55),
    ),
    ("lumbar_spine", "mri"): (
        Cut("axial", (-5, 20, 118), (5, 45, 250), (110, 220), 0.3),
        Cut("sagittal", (-6, 8, 165), (6, 30, 200), (210, 330), 0.7),
    ),
}


class Window(NamedTuple):
    """Where a probe stands: the skin seen from `target` (mm before scaling) in the direction `towards`."""

    target: tuple[float, float, float]
    towards: tuple[float, float, float]


PROBES = {
    "lung": (
        Window((-75, 0, 430), (-0.6, -0.9, 0.1)),
        Window((75, 0, 440), (0.7, -0.8, 0.0)),
        Window((-75, 20, 400), (-1, 0.3, 0)),
    ),
    "liver": (
        Window((-60, -20, 285), (-0.6, -0.8, -0.45)),
        Window((-50, -20, 285), (-1, -0.15, 0)),
        Window((-10, -40, 285), (0, -1, -0.3)),
    ),
    "heart": (Window((20, -42, 380), (0.25, -1, 0.15)), Window((20, -40, 385), (0.75, -0.6, -0.55))),
    "kidney": (
        Window((62, 42, 228), (1, 0.5, 0)),
        Window((-62, 42, 216), (-1, 0.45, 0)),
        Window((-62, 42, 216), (-0.9, -0.5, 0.1)),
    ),
    "lumbar_spine": (
        Window((0, 25, 165), (0.02, 1, 0)),
        Window((12, 25, 150), (0.15, 1, 0)),
        Window((0, 10, 180), (0.1, -1, 0)),
    ),
}
PROBE_DEPTHS = {
    "lung": (80, 140),
    "liver": (120, 190),
    "heart": (120, 170),
    "kidney": (90, 140),
    "lumbar_spine": (70, 130),
}


def draw_cut(organ: str, modality: str, scale: float, size: int, rng: np.random.Generator) -> tuple[str, Plane]:
    """Draw a plane through an organ: (way, `Plane` of `size` pixels); scale: the person's."""
    cuts = CUTS_OF.get((organ, modality), CUTS[organ])
    cut = cuts[int(rng.choice(len(cuts), p=[one.share for one in cuts]))]
    middle = scale * rng.uniform(cut.low, cut.high)
    lean = turn("x", rng.normal(0, 3)) @ turn("y", rng.normal(0, 3)) @ turn("z", rng.normal(0, 5))
    right, down = (lean @ np.asarray(way, float) for way in WAYS[cut.way])
    right = right / np.linalg.norm(right)
    down = down - (down @ right) * right
    extent = scale * rng.uniform(*cut.extent)
    slip = rng.normal(0, 0.07, 2) * extent
    return cut.way, plane_around(middle + slip[0] * right + slip[1] * down, right, down, extent, size)
