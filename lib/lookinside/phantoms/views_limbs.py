"""Scenes of the hand and the foot, the arm and the leg."""

import numpy as np

from .body_arm import add_forearm
from .body_foot import add_foot
from .body_hand import add_hand
from .body_leg import add_lower_leg
from .scene import Scene, turned, view_along
from .shapes import ShapeBuilder, turn

# Own frame of the arm: x to the thumb, y to the palm, z to the finger tips. Fingers point up in the image.
_PALM = view_along((1, 0, 0), (0, 0, -1))


def _arm(person, *, hand=True, rotation=0.0):
    builder = ShapeBuilder()
    add_forearm(builder, person, rotation)
    if hand:
        builder.place()
        add_hand(builder, person)
        builder.place(turn("y", person.pose.wrist))
    return builder


def hand_scene(person, view, rng):
    """Hand: palm on the plate (pa), half turned (oblique)."""
    shapes = _arm(person).shapes()
    angle = rng.normal(0, 5) if view == "pa" else rng.choice([-1, 1]) * rng.uniform(28, 48)
    k = person.scale
    length = rng.uniform(215, 265) * k
    return Scene(
        shapes,
        turned(_PALM, angle),
        (2 * k, 0, (72 + rng.normal(0, 6)) * k),
        (length * rng.uniform(0.72, 0.95), length),
        tilt=10,
        beam=1.25,
    )


def foot_scene(person, view, rng):
    """Foot: from above (ap), half turned (oblique), from the side (lateral)."""
    builder = ShapeBuilder()
    add_lower_leg(builder, person)
    k = person.scale
    lean = rng.uniform(22, 42) if view != "lateral" else rng.normal(0, 8)
    # the leg's y points to the front, the foot's z to the toes, the foot's y up
    to_foot = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]], float)
    builder.place(turn("x", -lean) @ to_foot, (3 * k, 75 * k, 0))
    add_foot(builder, person)
    shapes = builder.shapes()
    if view == "lateral":
        length = rng.uniform(270, 320) * k
        return Scene(
            shapes,
            turned(view_along((0, 0, 1), (0, -1, 0)), rng.normal(0, 6)),
            (0, 62 * k, 62 * k),
            (length, length * rng.uniform(0.65, 1.0)),
            beam=1.15,
        )
    basis = turned(view_along((1, 0, 0), (0, 0, -1)), rng.normal(0, 4) if view == "ap" else rng.uniform(22, 40))
    basis = turned(basis, rng.normal(8, 4), about="u")
    length = rng.uniform(250, 310) * k
    return Scene(
        shapes, basis, (0, 30 * k, rng.uniform(55, 75) * k), (length * rng.uniform(0.5, 0.85), length), beam=1.15
    )


LIMB_VIEWS = {"hand": (("pa", "oblique"), hand_scene), "foot": (("ap", "oblique", "lateral"), foot_scene)}
