"""Limbs hung into their joints, and the whole body of a person in one frame."""

import numpy as np

from lookinside.phantoms.body.arm import add_forearm, add_upper_arm
from lookinside.phantoms.body.foot import add_foot
from lookinside.phantoms.body.hand import add_hand
from lookinside.phantoms.body.leg import add_lower_leg, add_thigh
from lookinside.phantoms.body.pelvis import HIP, add_pelvis
from lookinside.phantoms.body.person import Person
from lookinside.phantoms.body.shapes import ShapeBuilder, Shapes, turn
from lookinside.phantoms.body.shoulder import SHOULDER, add_shoulder
from lookinside.phantoms.body.skull import NECK_TOP, add_skull
from lookinside.phantoms.body.spine import SKULL_REST, SpineCurve, add_spine
from lookinside.phantoms.body.thorax import add_lungs, add_ribs
from lookinside.phantoms.body.trunk import add_abdomen, add_trunk

ANKLE = 70.0  # mm, the joint above the sole
FOOT_TO_LEG = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]], float)  # the foot has y up and z to the toes, the leg z up


def place_thigh(builder, person, side, swing=0.0, forward=0.0, knee=None, foot=False):
    """Hang a thigh into the hip joint of a side (-1 right, 1 left).

    swing: degrees outwards; forward: degrees bent; knee: degrees, adds the lower leg (foot: with the
    foot). Returns the knee (3,), mm.
    """
    k = person.scale
    head = add_thigh(builder, person)
    name = "left" if side > 0 else "right"
    matrix = turn("y", -side * swing) @ turn("x", forward) @ np.diag([-side, -1.0, 1.0])
    joint = np.array([side * HIP * k, 0, 0]) - matrix @ head
    builder.place(matrix, joint, side=name)
    if knee is not None:
        height = add_lower_leg(builder, person)
        bent = matrix @ turn("x", -knee)
        ankle = joint - bent @ np.array([4.0 * k, 0, height + 3.0 * k])
        builder.place(bent, ankle, side=name)
        if foot:
            add_foot(builder, person)
            point = bent @ turn("x", -person.pose.ankle) @ FOOT_TO_LEG
            builder.place(point, ankle - point @ np.array([3.0 * k, ANKLE * k, 0]), side=name)
    return joint


def place_arm(builder, person, side, swing=12.0, protract=0.0, rotation=0.0, elbow=None, hand=False):
    """Hang an upper arm into the shoulder of a side.

    swing: degrees outwards; rotation: degrees about its own length; elbow: degrees, adds the forearm (hand: with
    the hand). Returns the elbow (3,), mm.
    """
    k = person.scale
    length = add_upper_arm(builder, person)
    name = "left" if side > 0 else "right"
    head = np.array([-12 * k, -4 * k, -length + 4 * k])
    matrix = turn("y", -side * swing) @ np.diag([side, -1.0, -1.0]) @ turn("z", rotation)
    x, y, z = SHOULDER
    joint = k * np.array([side * (x + protract), y, z]) - matrix @ head
    builder.place(matrix, joint, side=name)
    if elbow is not None:
        fore = add_forearm(builder, person)
        bent = matrix @ turn("x", -elbow)
        wrist = joint + bent @ np.array([0, 0, fore])
        builder.place(bent, wrist, side=name)
        if hand:
            add_hand(builder, person)
            builder.place(bent @ turn("y", person.pose.wrist), wrist, side=name)
    return joint


def place_skull(builder, person, curve, nod):
    """Put the skull on the spine (`SpineCurve`); nod: degrees, chin up is negative."""
    k, neck = person.scale, np.array(NECK_TOP)
    add_skull(builder, person)
    builder.place(turn("x", nod), k * (curve(SKULL_REST) - neck), pivot=neck, scale=k)


def whole_body(person: Person, rng: np.random.Generator) -> Shapes:
    """Everything at once, for slices and volumes: person, rng (where the bowel gas is) -> `Shapes`, mm.

    The frame: x to the person's left, y to the back, z to the head, 0 between the hip joints. Arms and legs hang as
    `person.pose` says, the palms to the front.
    """
    builder = ShapeBuilder()
    curve = add_torso(builder, person, rng)
    builder.place(scale=person.scale)
    add_limbs(builder, person, curve)
    return builder.shapes()


def add_torso(builder: ShapeBuilder, person: Person, rng: np.random.Generator) -> SpineCurve:
    """Add the trunk with its organs and bones, not yet placed; returns the `SpineCurve`. rng: of the bowel gas."""
    add_trunk(builder, person)
    add_abdomen(builder, person, rng)
    add_lungs(builder, person)
    curve = add_spine(builder, person, sacrum=True)
    add_pelvis(builder, person)
    add_ribs(builder, person, curve)
    add_shoulder(builder, person)
    return curve


def add_limbs(builder: ShapeBuilder, person: Person, curve: SpineCurve, *, arms: bool = True) -> None:
    """Put skull, arms and legs on a trunk that is placed, as `person.pose` says; curve: of its spine."""
    pose = person.pose
    place_skull(builder, person, curve, pose.neck)
    for side in (-1, 1):
        if arms:
            place_arm(builder, person, side, pose.arm, elbow=pose.elbow, hand=True)
        place_thigh(builder, person, side, pose.hip, knee=pose.knee, foot=True)
