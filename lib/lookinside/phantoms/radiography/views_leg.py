"""Scenes of the leg: foot, ankle, lower leg, knee."""

import numpy as np

from lookinside.phantoms.body.foot import add_foot
from lookinside.phantoms.body.leg import add_lower_leg, add_thigh
from lookinside.phantoms.body.shapes import ShapeBuilder, turn
from lookinside.phantoms.body.whole import ANKLE, FOOT_TO_LEG
from lookinside.phantoms.radiography.scene import Scene, turned, view_along

# Own frame of the leg: x to the inner side, y to the front, z up. The foot has y up and z to the toes.
_FRONT = view_along((1, 0, 0), (0, 0, -1))
_SIDE = view_along((0, 1, 0), (0, 0, -1))


def _lower_leg(person, *, foot=True, thigh=False):
    """Lower leg (0 is the ankle) with foot or thigh; returns (builder, height of the knee)."""
    builder = ShapeBuilder()
    knee = add_lower_leg(builder, person)
    builder.place()
    if foot:
        add_foot(builder, person)
        point = turn("x", -person.pose.ankle) @ FOOT_TO_LEG
        builder.place(point, -(point @ np.array([3.0, ANKLE, 0]) * person.scale))
    if thigh:
        add_thigh(builder, person)
        builder.place(turn("x", person.pose.knee), (4 * person.scale, 0, knee + 3 * person.scale))
    return builder, knee


def foot_scene(person, view, rng):
    """Foot: from above (ap), half turned (oblique), from the side (lateral)."""
    builder = ShapeBuilder()
    add_lower_leg(builder, person)
    k = person.scale
    lean = rng.uniform(24, 44) if view != "lateral" else rng.normal(0, 9)
    builder.place(turn("x", -lean) @ FOOT_TO_LEG, (3 * k, 75 * k, 0))
    add_foot(builder, person)
    shapes = builder.shapes()
    if view == "lateral":
        length = rng.uniform(285, 335) * k
        basis = turned(view_along((0, 0, 1), (0, -1, 0)), rng.normal(0, 6))
        field, middle = (length, length * rng.uniform(0.6, 1.0)), (0, 62 * k, 66 * k)
        return Scene(shapes, basis, middle, field, tilt=10, beam=1.15, flatten=0.4, burn=0.03, margin=(1.0, 1.3))
    basis = turned(view_along((1, 0, 0), (0, 0, -1)), rng.normal(0, 4) if view == "ap" else rng.uniform(22, 40))
    basis = turned(basis, rng.normal(8, 4), about="u")
    length = rng.uniform(245, 310) * k
    field = (length * rng.uniform(0.5, 0.85), length)
    return Scene(shapes, basis, (0, 30 * k, rng.uniform(55, 75) * k), field, tilt=9, beam=1.15, flatten=0.5, burn=0.03)


def ankle_scene(person, view, rng):
    """Ankle: ap, lateral."""
    builder, _ = _lower_leg(person.posed(ankle=float(rng.normal(8 if view == "ap" else 0, 9))))
    k = person.scale
    basis = turned(_FRONT if view == "ap" else _SIDE, rng.normal(8 if view == "ap" else 0, 6))
    length = rng.uniform(180, 275) * k
    origin = (0, 0 if view == "ap" else 18 * k, rng.uniform(5, 50) * k)
    share = rng.uniform(0.5, 0.75) if view == "ap" else rng.uniform(0.65, 0.95)
    return Scene(builder.shapes(), basis, origin, (length * share, length), tilt=10, beam=1.05)


def lower_leg_scene(person, view, rng):
    """Lower leg: ap, lateral; with ankle and knee, or most of them."""
    builder, knee = _lower_leg(person.posed(knee=float(rng.uniform(0, 35))), thigh=True)
    basis = turned(_FRONT if view == "ap" else _SIDE, rng.normal(0, 8))
    length = rng.uniform(340, 470) * person.scale
    origin = (0, -8 * person.scale, 0.5 * knee + rng.normal(0, 30))
    return Scene(builder.shapes(), basis, origin, (length * rng.uniform(0.34, 0.55), length), tilt=14)


def knee_scene(person, view, rng):
    """Knee: ap, bent and from the side (lateral)."""
    bend = rng.uniform(0, 10) if view == "ap" else rng.uniform(15, 70)
    builder, knee = _lower_leg(person.posed(knee=float(bend)), foot=False, thigh=True)
    k = person.scale
    basis = turned(_FRONT if view == "ap" else _SIDE, rng.normal(0, 5))
    length = rng.uniform(175, 290) * k
    origin = (0, -2 * k, knee + rng.normal(5, 14) * k)
    share = rng.uniform(0.6, 0.9)
    return Scene(builder.shapes(), basis, origin, (length * share, length), tilt=9, scatter=0.18)


LEG_VIEWS = {
    "foot": (("ap", "oblique", "lateral"), foot_scene),
    "ankle": (("ap", "lateral"), ankle_scene),
    "lower_leg": (("ap", "lateral"), lower_leg_scene),
    "knee": (("ap", "lateral"), knee_scene),
}
