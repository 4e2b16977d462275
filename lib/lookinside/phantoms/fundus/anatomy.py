"""A random eye: its disc and cup, its macula and pigment, and where glaucoma would strike it.

Lengths are in disc diameters (about 1.8 mm) from the middle of the disc: x points to the temple, y down. Angles start
at the temple: 90 degrees are the lower pole of the disc, -90 the upper one, 180 the nose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Eye:
    """One eye, healthy; what an illness would change is drawn beside it.

    Attributes:
        half_axes: of the disc, across and down, disc diameters.
        tilt: of the disc, radians.
        waves: strength and phase of the disc's unevenness, second and third harmonic.
        cup: radius of the cup as a share of the disc's.
        cup_lean: how much wider the cup is at the temple's side, as a share of its radius.
        cup_edge: width of the slope between rim and cup, shares of the disc's radius.
        depth: of the cup, 0 to 1: how pale it is.
        crescent: width of the bare sclera beside the disc at the temple's side, shares of the disc's radius.
        trunk: where the central vessels come up.
        fovea: where it lies.
        pigment: melanin, 1 is the average.
        blood: of the choroid, 1 is the average.
        tessellation: how far the choroid's own vessels show, 0 to 1.
        fibres: how bright the nerve fibre layer is, 1 is the average.
        pole: 1 where the lower half would be ill, -1 for the upper.
        notch: middle of the notch on the rim, radians; its sign is that of `pole`.
        notch_width: its half width at full severity, radians.
        wedge: middle of the defect where it leaves the disc, radians.
        wedge_end: how far from the disc's middle it can be seen, disc diameters.
    """

    half_axes: tuple[float, float]
    tilt: float
    waves: tuple[float, float, float, float]
    cup: float
    cup_lean: float
    cup_edge: float
    depth: float
    crescent: float
    trunk: tuple[float, float]
    fovea: tuple[float, float]
    pigment: float
    blood: float
    tessellation: float
    fibres: float
    pole: int
    notch: float
    notch_width: float
    wedge: float
    wedge_end: float


def random_eye(rng: np.random.Generator) -> Eye:
    """Draw an eye. Cup, disc and pigment do not depend on any illness: cup size alone tells little."""
    size = float(np.clip(rng.normal(1.0, 0.09), 0.8, 1.22))
    narrow = rng.uniform(0.84, 1.0)
    # Larger discs have larger cups, in healthy eyes too.
    cup = float(np.clip(rng.normal(0.43, 0.085) + 0.5 * (size - 1.0), 0.22, 0.68))
    pole = 1 if rng.random() < 0.62 else -1  # the lower pole is struck more often
    angle = math.radians(float(np.clip(rng.normal(68, 9), 45, 88)))
    pigment = float(np.clip(np.exp(rng.normal(0.0, 0.26)), 0.5, 1.9))
    return Eye(
        half_axes=(0.5 * size * narrow, 0.5 * size),
        tilt=rng.normal(0.0, 0.12),
        waves=(rng.uniform(0, 0.03), rng.uniform(0, 6.3), rng.uniform(0, 0.02), rng.uniform(0, 6.3)),
        cup=cup,
        cup_lean=rng.uniform(0.02, 0.2),
        cup_edge=rng.uniform(0.12, 0.3),
        depth=rng.uniform(0.45, 1.0),
        crescent=max(0.0, rng.uniform(-0.35, 0.3)),
        trunk=(-rng.uniform(0.05, 0.2), rng.normal(0.0, 0.04)),
        fovea=(rng.normal(2.45, 0.12), rng.normal(0.28, 0.12)),
        pigment=pigment,
        blood=float(np.clip(rng.normal(1.0, 0.16), 0.6, 1.4)),
        tessellation=float(np.clip(rng.normal(0.36, 0.22) - 0.25 * (pigment - 1.0), 0.05, 1.0)),
        fibres=rng.uniform(0.75, 1.3),
        pole=pole,
        notch=pole * angle,
        notch_width=math.radians(rng.uniform(56, 76)),
        wedge=pole * (angle + math.radians(float(np.clip(rng.normal(0, 5), -10, 10)))),
        wedge_end=rng.uniform(3.4, 4.6),
    )
