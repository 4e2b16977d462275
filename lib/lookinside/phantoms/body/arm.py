"""Forearm and upper arm. Own frame of each: x to the thumb's side, y to the palm (front), z down to the hand.

The forearm starts at the wrist (z = 0) and goes up to the elbow (z < 0); the upper arm starts at the elbow (z = 0).
"""

import numpy as np

FOREARM = 238.0  # mm, wrist to elbow
UPPER_ARM = 300.0  # mm, elbow to shoulder


def add_forearm(builder, person, rotation=0.0):
    """Add radius, ulna and soft tissue (not yet placed); returns the length, mm.

    rotation: 0 supine, 1 prone (the radius crosses the ulna).
    """
    rng = person.details("forearm")
    k, thick = person.scale, person.scale * person.bone
    soft = k * (0.45 + 0.55 * person.girth)
    top = -FOREARM * k * rng.normal(1.0, 0.02)
    radial = 10 - 22 * rotation
    bow = np.array([4.0 * k * (1 - rotation), -3 * k, 0])
    low, high = np.array([7 * k, 0, -1.0 * k]), np.array([radial * k, 5 * k * (1 + rotation), top + 5 * k])
    middle = 0.5 * (low + high) + bow
    builder.long_bone(
        "radius",
        low,
        0.35 * low + 0.65 * middle,
        8.2 * thick,
        (15.5 * thick, 10.5 * thick),
        6.8 * thick,
        flare=0.3,
        cap=0.5,
    )
    builder.long_bone(
        "radius", 0.6 * low + 0.4 * middle, 0.6 * high + 0.4 * middle, 7.0 * thick, 6.6 * thick, 6.2 * thick, flare=0.3
    )
    builder.long_bone("radius", 0.3 * high + 0.7 * middle, high, 6.4 * thick, 6 * thick, 7.2 * thick, flare=0.3)
    builder.small_bone("radius_head", high, (11.5 * thick, 11.5 * thick, 6.5 * thick), union="radius")
    builder.segment("radius_styloid", "bone", (15 * k, 0, -8 * k), (20 * k, 0, 4 * k), 5.5 * thick, union="radius")
    foot, head = np.array([-14.5 * k, -3 * k, -5 * k]), np.array([-9 * k, -6 * k, top + 12 * k])
    builder.long_bone("ulna", foot, head, 6.2 * thick, 7.5 * thick, 11 * thick, flare=0.3)
    builder.segment(
        "ulna_styloid", "bone", (-19 * k, -4 * k, -8 * k), (-19.5 * k, -4 * k, 1 * k), 3 * thick, union="ulna"
    )
    builder.segment(
        "olecranon",
        "bone",
        (-9 * k, -12 * k, top + 30 * k),
        (-7 * k, -19 * k, top - 19 * k),
        (10 * thick, 10 * thick),
        union="ulna",
    )
    builder.segment(
        "olecranon",
        "spongy",
        (-9 * k, -12 * k, top + 28 * k),
        (-7 * k, -19 * k, top - 15 * k),
        7.5 * thick,
        union="ulna inside",
        within="ulna",
    )
    builder.segment(
        "coronoid",
        "bone",
        (-8 * k, -8 * k, top + 20 * k),
        (-7 * k, 9 * k, top + 8 * k),
        (9 * thick, 6 * thick),
        union="ulna",
    )
    widths = (
        (0, 27, 20),
        (0.15, 27, 21),
        (0.35, 33, 28),
        (0.55, 39, 35),
        (0.75, 44, 40),
        (0.95, 43, 38),
        (1.0, 42, 36),
    )
    points = [(0, 0, top * at) for at, _, _ in widths]
    builder.tube("skin", "fat", points, [(x * soft, y * soft) for _, x, y in widths], caps=(25 * k, 34 * k))
    muscle = [(x * soft - 6 * k, y * soft - 6 * k) for _, x, y in widths[1:]]
    builder.tube("forearm_muscle", "muscle", points[1:], muscle, caps=(20, 25), pieces=8, union="muscle")
    return -top


def add_upper_arm(builder, person):
    """Add the humerus and soft tissue (not yet placed); returns the length, mm: the shoulder is at z = -length."""
    rng = person.details("upper_arm")
    k, thick = person.scale, person.scale * person.bone
    soft = k * (0.45 + 0.55 * person.girth)
    top = -UPPER_ARM * k * rng.normal(1.0, 0.02)
    builder.long_bone(
        "humerus",
        (0, -2 * k, -8 * k),
        (-3 * k, 0, top + 8 * k),
        10.5 * thick,
        (15 * thick, 9 * thick),
        (20 * thick, 18 * thick),
        flare=0.2,
        broad=True,
    )
    for part, x, r in (("trochlea", -10, 11.0), ("capitulum", 11, 10.5)):
        builder.small_bone(part, (x * k, 2 * k, -9 * k), (11 * thick, r * thick, r * thick), union="humerus")
    builder.small_bone(
        "medial_epicondyle", (-25 * k, -3 * k, -20 * k), (10 * thick, 7 * thick, 9 * thick), union="humerus"
    )
    builder.small_bone(
        "lateral_epicondyle", (21 * k, -2 * k, -19 * k), (8 * thick, 7 * thick, 10 * thick), union="humerus"
    )
    builder.add(
        "humerus_olecranon_fossa",
        "spongy",
        (-3 * k, -3 * k, -22 * k),
        (8 * k, 10 * k, 7 * k),
        union="fossa",
        within="humerus",
    )
    collar = ((-3 * k, 0, top + 14 * k), (-2 * k, 0, top + 74 * k))
    builder.segment("humerus_neck", "bone", *collar, (17.5 * thick, 16 * thick), union="humerus")
    builder.segment(
        "humerus_neck", "spongy", *collar, (14.5 * thick, 13 * thick), union="humerus inside", within="humerus"
    )
    head = (-12 * k, -4 * k, top + 4 * k)
    builder.small_bone("humerus_head", head, (22.5 * thick, 22.5 * thick, 23.5 * thick), union="humerus", rim=0.9)
    builder.small_bone(
        "greater_tubercle", (13 * k, 2 * k, top + 8 * k), (12 * thick, 13 * thick, 18 * thick), union="humerus"
    )
    widths = ((0, 42, 36), (0.2, 42, 38), (0.4, 44, 42), (0.6, 47, 46), (0.8, 52, 48), (1.0, 55, 50))
    points = [(0, 0, top * at) for at, _, _ in widths]
    builder.tube("skin", "fat", points, [(x * soft, y * soft) for _, x, y in widths], caps=(34 * k, 45 * k))
    muscle = [(x * soft - 8 * k, y * soft - 8 * k) for _, x, y in widths]
    builder.tube("arm_muscle", "muscle", points, muscle, caps=(25, 35), pieces=8, union="muscle")
    return -top
