"""Scenes of the arm: hand, finger, wrist, forearm, elbow."""

import numpy as np

from lookinside.phantoms.body.arm import add_forearm, add_upper_arm
from lookinside.phantoms.body.hand import add_hand
from lookinside.phantoms.body.shapes import ShapeBuilder, turn
from lookinside.phantoms.radiography.scene import Scene, turned, view_along

# Own frame of the arm: x to the thumb, y to the palm, z to the finger tips.
_PALM_UP = view_along((1, 0, 0), (0, 0, -1))  # finger tips up in the image
_SIDE_UP = view_along((0, 1, 0), (0, 0, -1))


def _arm(person, *, hand=True, upper=False, rotation=0.0):
    """Forearm with hand or upper arm; 0 is the wrist. Returns (builder, forearm length)."""
    builder = ShapeBuilder()
    length = add_forearm(builder, person, rotation)
    builder.place()
    if hand:
        add_hand(builder, person)
        builder.place(turn("y", person.pose.wrist))
    if upper:
        add_upper_arm(builder, person)
        builder.place(turn("x", person.pose.elbow), (0, 0, -length))
    return builder, length


def hand_scene(person, view, rng):
    """Hand: palm on the plate (pa), half turned (oblique)."""
    builder, _ = _arm(person)
    angle = rng.normal(0, 5) if view == "pa" else rng.choice([-1, 1]) * rng.uniform(28, 48)
    k = person.scale
    length = rng.uniform(205, 265) * k
    origin = (2 * k, 0, (72 + rng.normal(0, 8)) * k)
    return Scene(
        builder.shapes(),
        turned(_PALM_UP, angle),
        origin,
        (length * rng.uniform(0.72, 0.95), length),
        tilt=12,
        beam=1.25,
    )


def finger_scene(person, view, rng):
    """One finger: from the front (pa), half turned (oblique), from the side with the others bent (lateral)."""
    ray = int(rng.integers(0, 5))
    bends = list(person.pose.finger_flexion)
    if view == "lateral":
        ray = max(ray, 1)
        bends = [75.0] * 4
        bends[ray - 1] = float(rng.uniform(0, 12))
    posed = person.posed(spread=float(rng.uniform(2, 14)), finger_flexion=tuple(bends))
    builder, _ = _arm(posed)
    angle = {
        "pa": rng.normal(0, 6),
        "oblique": rng.choice([-1, 1]) * rng.uniform(25, 45),
        "lateral": 90 + rng.normal(0, 6),
    }[view]
    basis = turned(_PALM_UP, angle)
    k = person.scale
    shapes = builder.shapes()
    of_finger = [i for i, part in enumerate(shapes.parts) if f"phalanx_{ray + 1}_" in part]
    at = shapes.centres[of_finger].mean(axis=0) + np.array([0, 0, rng.normal(0, 8) * k])
    length = rng.uniform(90, 140) * k
    return Scene(shapes, basis, tuple(at), (length * rng.uniform(0.42, 0.8), length), tilt=14, beam=1.35)


def wrist_scene(person, view, rng):
    """Wrist: pa, half turned (oblique), from the side (lateral)."""
    builder, _ = _arm(person.posed(finger_flexion=tuple(rng.uniform(5, 35, 4))))
    angle = {"pa": rng.normal(0, 5), "oblique": rng.uniform(30, 50), "lateral": 90 + rng.normal(0, 5)}[view]
    k = person.scale
    length = rng.uniform(125, 200) * k
    origin = (0, 0, (12 + rng.normal(0, 10)) * k)
    return Scene(
        builder.shapes(), turned(_PALM_UP, angle), origin, (length * rng.uniform(0.5, 0.8), length), tilt=9, beam=1.2
    )


def forearm_scene(person, view, rng):
    """Forearm: ap, lateral; with wrist and elbow."""
    bend = rng.uniform(0, 20) if view == "ap" else rng.uniform(60, 95)
    builder, length = _arm(person.posed(elbow=float(bend)), upper=True, rotation=float(rng.uniform(0, 0.4)))
    basis = _PALM_UP if view == "ap" else _SIDE_UP
    basis = turned(basis, rng.normal(0, 7))
    k = person.scale
    high = rng.uniform(260, 345) * k
    origin = (0, 0, (-0.45 * length + rng.normal(0, 15) * k))
    return Scene(builder.shapes(), basis, origin, (high * rng.uniform(0.36, 0.6), high), tilt=16, beam=1.05)


def elbow_scene(person, view, rng):
    """Elbow: stretched (ap), bent to a right angle (lateral)."""
    bend = rng.uniform(0, 18) if view == "ap" else rng.uniform(70, 100)
    builder, length = _arm(person.posed(elbow=float(bend)), hand=False, upper=True)
    basis = turned(_PALM_UP if view == "ap" else _SIDE_UP, rng.normal(0, 6))
    k = person.scale
    high = rng.uniform(150, 230) * k
    ahead = 0 if view == "ap" else rng.uniform(10, 32) * k
    origin = (0, ahead * 0.3, -length + ahead)
    share = rng.uniform(0.5, 0.8) if view == "ap" else rng.uniform(0.8, 1.2)
    return Scene(builder.shapes(), basis, origin, (high * share, high), tilt=14, beam=1.05)


ARM_VIEWS = {
    "hand": (("pa", "oblique"), hand_scene),
    "finger": (("pa", "oblique", "lateral"), finger_scene),
    "wrist": (("pa", "oblique", "lateral"), wrist_scene),
    "forearm": (("ap", "lateral"), forearm_scene),
    "elbow": (("ap", "lateral"), elbow_scene),
}
