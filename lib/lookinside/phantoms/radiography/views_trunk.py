"""Scenes of hip, pelvis, spine, chest, ribs, abdomen, shoulder and collar bone. Frame: see `body_spine`."""

import numpy as np

from lookinside.phantoms.body.pelvis import HIP, add_pelvis
from lookinside.phantoms.body.shapes import ShapeBuilder
from lookinside.phantoms.body.shoulder import SHOULDER, add_shoulder
from lookinside.phantoms.body.spine import add_spine
from lookinside.phantoms.body.thorax import add_lungs, add_ribs
from lookinside.phantoms.body.trunk import add_abdomen, add_trunk
from lookinside.phantoms.body.whole import place_arm, place_skull, place_thigh
from lookinside.phantoms.radiography.scene import Scene, turned, view_along

FRONT = view_along((1, 0, 0), (0, 0, -1))
SIDE = view_along((0, 1, 0), (0, 0, -1))


def _torso(person, first, last, *, low, high, sacrum=False):
    builder = ShapeBuilder()
    add_trunk(builder, person, low, high)
    curve = add_spine(builder, person, first, last, sacrum=sacrum)
    return builder, curve


def hip_scene(person, view, rng):
    """One hip: ap, with the thigh turned outwards (frog)."""
    builder, _ = _torso(person, "l5", "l4", low=-200, high=150, sacrum=True)
    add_pelvis(builder, person)
    add_abdomen(builder, person, rng)
    builder.place(scale=person.scale)
    swing, forward = (rng.uniform(-2, 10), 0) if view == "ap" else (rng.uniform(30, 50), rng.uniform(20, 40))
    place_thigh(builder, person, 1, swing, forward)
    place_thigh(builder, person, -1, swing if rng.random() < 0.5 else 5.0)
    k = person.scale
    high = rng.uniform(210, 300) * k
    origin = (rng.uniform(75, 118) * k, 0, rng.uniform(-45, 15) * k)
    basis = turned(FRONT, rng.normal(0, 5))
    return Scene(
        builder.shapes(),
        basis,
        origin,
        (high * rng.uniform(0.7, 1.05), high),
        tilt=5,
        beam=0.8,
        scatter=0.12,
        flatten=0.45,
    )


def pelvis_scene(person, view, rng):
    """Pelvis: ap."""
    builder, _ = _torso(person, "l5", "l3", low=-200, high=200, sacrum=True)
    add_pelvis(builder, person)
    add_abdomen(builder, person, rng)
    builder.place(scale=person.scale)
    for side in (-1, 1):
        place_thigh(builder, person, side, rng.uniform(-2, 12))
    k = person.scale
    wide = rng.uniform(300, 410) * k
    origin = (0, 0, rng.uniform(10, 60) * k)
    basis = turned(turned(FRONT, rng.normal(0, 4)), rng.normal(0, 4), about="u")
    return Scene(
        builder.shapes(),
        basis,
        origin,
        (wide, wide * rng.uniform(0.72, 1.0)),
        tilt=3,
        beam=0.75,
        scatter=0.12,
        flatten=0.45,
    )


def abdomen_scene(person, view, rng):
    """Abdomen: lying (ap), standing (upright)."""
    builder, curve = _torso(person, "l5", "t9", low=-120, high=400, sacrum=True)
    add_pelvis(builder, person)
    add_ribs(builder, person, curve, first=8)
    add_lungs(builder, person, rng.normal(0, 12))
    add_abdomen(builder, person, rng, view == "upright")
    builder.place(scale=person.scale)
    for side in (-1, 1):
        place_thigh(builder, person, side, rng.uniform(-2, 10))
    k = person.scale
    high = rng.uniform(330, 450) * k
    origin = (0, 0, rng.uniform(135, 200) * k)
    basis = turned(FRONT, rng.normal(0, 3))
    return Scene(
        builder.shapes(),
        basis,
        origin,
        (high * rng.uniform(0.75, 0.95), high),
        tilt=3,
        beam=0.7,
        scatter=0.12,
        flatten=0.45,
    )


def lumbar_spine_scene(person, view, rng):
    """Lumbar spine: ap, lateral."""
    builder, curve = _torso(person, "l5", "t9", low=-120, high=400, sacrum=True)
    add_pelvis(builder, person)
    add_ribs(builder, person, curve, first=9)
    add_abdomen(builder, person, rng)
    add_lungs(builder, person, rng.normal(0, 10))
    builder.place(scale=person.scale)
    k = person.scale
    high = rng.uniform(260, 370) * k
    if view == "ap":
        origin, share = (0, 0, rng.uniform(145, 195) * k), rng.uniform(0.45, 0.8)
    else:
        origin, share = (0, rng.uniform(5, 25) * k, rng.uniform(145, 195) * k), rng.uniform(0.45, 0.72)
    basis = turned(FRONT if view == "ap" else SIDE, rng.normal(0, 4))
    beam = 0.75 if view == "ap" else 0.55
    return Scene(builder.shapes(), basis, origin, (high * share, high), tilt=3, beam=beam, scatter=0.12, flatten=0.45)


def thoracic_spine_scene(person, view, rng):
    """Thoracic spine: ap, lateral."""
    builder, curve = _torso(person, "l3", "c5", low=150, high=620)
    add_ribs(builder, person, curve)
    add_lungs(builder, person, rng.normal(0, 10))
    add_shoulder(builder, person)
    builder.place(scale=person.scale)
    k = person.scale
    high = rng.uniform(320, 430) * k
    if view == "ap":
        origin, share = (0, 0, rng.uniform(395, 440) * k), rng.uniform(0.38, 0.7)
    else:
        origin, share = (0, rng.uniform(0, 30) * k, rng.uniform(390, 430) * k), rng.uniform(0.4, 0.65)
    basis = turned(FRONT if view == "ap" else SIDE, rng.normal(0, 4))
    return Scene(builder.shapes(), basis, origin, (high * share, high), tilt=3, beam=0.75, scatter=0.12, flatten=0.45)


def _chest(person, rng, *, arms, protract=12.0, breath=6.0):
    builder, curve = _torso(person, "l3", "c4", low=150, high=620)
    add_ribs(builder, person, curve)
    add_lungs(builder, person, rng.normal(breath, 10))
    add_shoulder(builder, person, protract=protract)
    builder.add("liver", "organ", (-62, -20, 270), (84, 90, 74), axis=(0.35, 0, 1))
    builder.add("stomach_gas", "air", (60, -45, 318), rng.uniform(10, 30, 3))
    builder.place(scale=person.scale)
    if arms:
        for side in (-1, 1):
            place_arm(builder, person, side, rng.uniform(12, 40), protract)
    return builder


def chest_scene(person, view, rng):
    """Chest: pa, lateral with the arms raised."""
    builder = _chest(person, rng, arms=view == "pa", breath=10)
    k = person.scale
    high = rng.uniform(310, 400) * k
    if view == "pa":
        origin, share = (0, 0, rng.uniform(405, 445) * k), rng.uniform(0.85, 1.15)
    else:
        origin, share = (0, -12 * k, rng.uniform(405, 445) * k), rng.uniform(0.65, 0.95)
    basis = turned(FRONT if view == "pa" else SIDE, rng.normal(0, 4))
    return Scene(builder.shapes(), basis, origin, (high * share, high), tilt=3, beam=0.8, scatter=0.12, flatten=0.45)


def ribs_scene(person, view, rng):
    """Ribs of one side: ap, half turned (oblique)."""
    builder = _chest(person, rng, arms=True, protract=0.0, breath=-4)
    k = person.scale
    high = rng.uniform(290, 390) * k
    origin = (rng.uniform(25, 85) * k, 0, rng.uniform(370, 430) * k)
    basis = turned(FRONT, rng.normal(0, 4) if view == "ap" else rng.choice([-1, 1]) * rng.uniform(28, 48))
    return Scene(
        builder.shapes(),
        basis,
        origin,
        (high * rng.uniform(0.6, 0.95), high),
        tilt=4,
        beam=0.7,
        scatter=0.12,
        flatten=0.45,
    )


def shoulder_scene(person, view, rng):
    """Shoulder: ap, half turned to the joint (oblique)."""
    builder, curve = _torso(person, "t8", "c5", low=300, high=620)
    add_ribs(builder, person, curve, sides=(1,), first=1, last=9)
    add_lungs(builder, person)
    add_shoulder(builder, person, sides=(1,))
    builder.place(scale=person.scale)
    place_arm(
        builder,
        person,
        1,
        rng.uniform(8, 30) if rng.random() < 0.8 else rng.uniform(50, 85),
        rotation=rng.normal(0, 25),
    )
    k = person.scale
    high = rng.uniform(200, 275) * k
    origin = (rng.uniform(125, 165) * k, 20 * k, rng.uniform(465, 505) * k)
    basis = turned(FRONT, rng.normal(0, 6) if view == "ap" else -rng.uniform(25, 42))
    return Scene(
        builder.shapes(),
        basis,
        origin,
        (high * rng.uniform(0.8, 1.05), high),
        tilt=6,
        beam=0.9,
        scatter=0.12,
        flatten=0.45,
    )


def clavicle_scene(person, view, rng):
    """Collar bones: ap, seen from below (axial); one or both."""
    builder, curve = _torso(person, "t8", "c4", low=300, high=620)
    add_ribs(builder, person, curve, first=1, last=8)
    add_lungs(builder, person)
    add_shoulder(builder, person)
    builder.place(scale=person.scale)
    for side in (-1, 1):
        place_arm(builder, person, side, rng.uniform(8, 25))
    k = person.scale
    both = rng.random() < 0.45
    wide = (rng.uniform(350, 430) if both else rng.uniform(200, 260)) * k
    origin = ((0 if both else rng.uniform(80, 110)) * k, 0, rng.uniform(500, 540) * k)
    basis = turned(FRONT, rng.normal(0, 4))
    if view == "axial":
        basis = turned(basis, rng.uniform(12, 24), about="u")
    return Scene(
        builder.shapes(),
        basis,
        origin,
        (wide, wide * rng.uniform(0.38, 0.62)),
        tilt=4,
        beam=0.85,
        scatter=0.12,
        flatten=0.45,
    )


def cervical_spine_scene(person, view, rng):
    """Cervical spine: ap, lateral."""
    builder, curve = _torso(person, "t5", "c1", low=400, high=620)
    add_ribs(builder, person, curve, first=1, last=5)
    add_lungs(builder, person)
    add_shoulder(builder, person)
    builder.place(scale=person.scale)
    k = person.scale
    nod = person.pose.neck + (rng.uniform(-16, -6) if view == "ap" else rng.normal(0, 10))
    place_skull(builder, person, curve, nod)
    high = rng.uniform(185, 270) * k
    origin = (0, (8 if view == "ap" else 4) * k, rng.uniform(585, 620) * k)
    share = rng.uniform(0.5, 0.85) if view == "ap" else rng.uniform(0.6, 0.95)
    basis = turned(FRONT if view == "ap" else SIDE, rng.normal(0, 4))
    return Scene(builder.shapes(), basis, origin, (high * share, high), tilt=4, beam=0.9, scatter=0.12, flatten=0.45)


def thigh_scene(person, view, rng):
    """Thigh: ap, lateral; the knee or the hip or a part of both."""
    builder = ShapeBuilder()
    if view == "ap":
        add_trunk(builder, person, -200, 60)
    add_pelvis(builder, person, sides=(1,))
    builder.place(scale=person.scale)
    joint = place_thigh(builder, person, 1, rng.uniform(0, 12), knee=float(rng.uniform(0, 25)))
    basis = turned(FRONT if view == "ap" else SIDE, rng.normal(0, 8))
    k = person.scale
    length = rng.uniform(330, 470) * k
    share = rng.uniform(0.48, 0.6) + (rng.choice([-0.18, 0.14]) if view == "ap" else rng.uniform(0.1, 0.2))
    origin = share * joint + (1 - share) * np.array([HIP * k, 0, 0]) + np.array([12 * k, 0, 0])
    field = (length * rng.uniform(0.36, 0.55), length)
    return Scene(builder.shapes(), basis, tuple(origin), field, tilt=10, beam=0.8, scatter=0.12, flatten=0.4)


def upper_arm_scene(person, view, rng):
    """Upper arm: ap, lateral with the elbow bent."""
    builder, curve = _torso(person, "t9", "t1", low=250, high=620)
    add_ribs(builder, person, curve, sides=(1,), first=1, last=9)
    add_shoulder(builder, person, sides=(1,))
    builder.place(scale=person.scale)
    swing, elbow = rng.uniform(12, 50), rng.uniform(0, 15) if view == "ap" else rng.uniform(50, 95)
    joint = place_arm(builder, person, 1, swing, rotation=0.0 if view == "ap" else 80.0, elbow=float(elbow))
    k = person.scale
    high = rng.uniform(290, 390) * k
    shoulder = k * np.array(SHOULDER)
    share = rng.uniform(0.4, 0.65)
    origin = share * joint + (1 - share) * shoulder
    down = (joint - shoulder) / np.linalg.norm(joint - shoulder)
    basis = view_along((-down[2], 0, down[0]), (down[0], 0, down[2]))
    basis = turned(turned(basis, rng.normal(0, 6)), -rng.uniform(0, 1) * swing, about="w")
    field = (high * rng.uniform(0.36, 0.6), high)
    return Scene(builder.shapes(), basis, tuple(origin), field, tilt=8, beam=0.95, scatter=0.1, flatten=0.4, burn=0.03)


TRUNK_VIEWS = {
    "thigh": (("ap", "lateral"), thigh_scene),
    "upper_arm": (("ap", "lateral"), upper_arm_scene),
    "hip": (("ap", "frog"), hip_scene),
    "pelvis": (("ap",), pelvis_scene),
    "shoulder": (("ap", "oblique"), shoulder_scene),
    "clavicle": (("ap", "axial"), clavicle_scene),
    "cervical_spine": (("ap", "lateral"), cervical_spine_scene),
    "thoracic_spine": (("ap", "lateral"), thoracic_spine_scene),
    "lumbar_spine": (("ap", "lateral"), lumbar_spine_scene),
    "chest": (("pa", "lateral"), chest_scene),
    "ribs": (("ap", "oblique"), ribs_scene),
    "abdomen": (("ap", "upright"), abdomen_scene),
}
