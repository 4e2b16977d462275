"""Lower leg, knee and thigh. Own frame: x to the inner side, y to the front, z up.

The lower leg stands on the ankle (z = 0); the thigh stands on the knee (z = 0).
"""

import numpy as np

LOWER_LEG = 365.0  # mm, ankle to knee
THIGH = 415.0  # mm, knee to hip


def add_lower_leg(builder, person):
    """Add tibia, fibula and soft tissue (not yet placed); returns the knee's height above the ankle, mm."""
    rng = person.details("lower_leg")
    k, thick = person.scale, person.scale * person.bone
    soft = k * (0.4 + 0.6 * person.girth)
    top = LOWER_LEG * k * rng.normal(1.0, 0.025)
    low, high = np.array([3 * k, 0, 2 * k]), np.array([4 * k, 2 * k, top - 2 * k])
    builder.long_bone(
        "tibia",
        low,
        high,
        (12.5 * thick, 13.5 * thick),
        (21 * thick, 19 * thick),
        (34 * thick, 24 * thick),
        flare=0.17,
        hollow=0.5,
        cap=0.5,
        broad=True,
    )
    builder.long_bone(
        "tibia",
        (3 * k, 0, 20 * k),
        (3 * k, 1 * k, 0.62 * top),
        11.5 * thick,
        14 * thick,
        12 * thick,
        flare=0.3,
        hollow=0.5,
    )
    for x in (-17, 19):
        builder.small_bone(
            "tibia_plateau",
            (3 * k + x * thick, -1 * k, top - 10 * k),
            (19 * thick, 24 * thick, 9 * thick),
            union="tibia",
            rim=0.9,
        )
    builder.segment(
        "tibia_spine", "bone", (2 * k, 0, top - 10 * k), (3 * k, 0, top + 6 * k), 4.5 * thick, union="tibia"
    )
    builder.segment(
        "tibia_tuberosity",
        "bone",
        (3 * k, 20 * k, top - 55 * k),
        (3 * k, 20 * k, top - 30 * k),
        (9 * thick, 6 * thick),
        union="tibia",
    )
    builder.segment(
        "medial_malleolus",
        "bone",
        (20 * k, 2 * k, 16 * k),
        (24 * k, 2 * k, -13 * k),
        (6 * thick, 10 * thick),
        union="tibia",
    )
    builder.segment(
        "medial_malleolus",
        "spongy",
        (20 * k, 2 * k, 14 * k),
        (24 * k, 2 * k, -10 * k),
        (4.5 * thick, 8 * thick),
        union="tibia inside",
        within="tibia",
    )
    fibula = (np.array([-25 * k, -10 * k, -18 * k]), np.array([-31 * k, -17 * k, top - 18 * k]))
    builder.long_bone("fibula", *fibula, 5.8 * thick, (8 * thick, 10 * thick), 10 * thick, flare=0.14, hollow=0.45)
    builder.segment("fibula_shaft", "bone", fibula[0], fibula[1], 5.4 * thick, stretch=1.0, union="fibula")
    levels = ((0.0, 34, 38, -3), (0.16, 34, 38, -4), (0.32, 42, 45, -8), (0.48, 51, 54, -12), (0.64, 57, 60, -14))
    levels += ((0.8, 58, 60, -12), (0.93, 57, 56, -5), (1.0, 56, 54, -2))
    points = [(-2 * k, dy * k, top * at) for at, _, _, dy in levels]
    builder.tube(
        "skin", "fat", points, [(x * soft, y * soft) for _, x, y, _ in levels], caps=(28 * k, 45 * k), pieces=14
    )
    muscle = [(x * soft - 8 * k, y * soft - 8 * k) for _, x, y, _ in levels[1:]]
    builder.tube("calf_muscle", "muscle", points[1:], muscle, caps=(30, 30), pieces=8, union="muscle")
    return top


def add_thigh(builder, person):
    """Add femur, patella and soft tissue (not yet placed); returns the head of the femur (x, y, z), mm."""
    rng = person.details("thigh")
    k, thick = person.scale, person.scale * person.bone
    soft = k * (0.3 + 0.7 * person.girth)
    hip = THIGH * k * rng.normal(1.0, 0.025)
    head = np.array([22 * k, 6 * k, hip])
    low, high = np.array([0, 0, 14 * k]), np.array([-26 * k, 2 * k, hip - 12 * k])
    builder.long_bone(
        "femur", low, high, 14 * thick, (36 * thick, 24 * thick), 17 * thick, flare=0.13, hollow=0.5, broad=True
    )
    middle = np.array([-12 * k, 5 * k, 0.5 * hip])
    builder.long_bone(
        "femur", 0.75 * low + 0.25 * middle, 0.3 * middle + 0.7 * high, 13 * thick, 16 * thick, 15 * thick, hollow=0.5
    )
    for part, x in (("medial_condyle", 23), ("lateral_condyle", -23)):
        centre = (x * k, -9 * k, 24 * k)
        builder.small_bone(part, centre, (18.5 * thick, 29 * thick, 23 * thick), union="femur", rim=0.9)
    builder.segment(
        "femur_neck",
        "bone",
        high + np.array([4 * k, 0, -6 * k]),
        head,
        (16 * thick, 12 * thick),
        stretch=1.15,
        union="femur",
    )
    builder.segment(
        "femur_neck",
        "spongy",
        high + np.array([4 * k, 0, -6 * k]),
        head,
        (13 * thick, 9 * thick),
        union="femur inside",
        within="femur",
    )
    builder.small_bone("femur_head", head, (24 * thick,) * 3, union="femur", rim=0.9)
    builder.small_bone(
        "greater_trochanter",
        high + k * np.array([-9, -4, 0]),
        (15 * thick, 16 * thick, 21 * thick),
        union="femur",
        rim=0.88,
    )
    builder.small_bone(
        "lesser_trochanter",
        high + k * np.array([14, -8, -46]),
        (10 * thick, 9 * thick, 13 * thick),
        union="femur",
        rim=0.8,
    )
    builder.small_bone("patella", (-1 * k, 30 * k, 31 * k), (21 * thick, 10 * thick, 22 * thick), rim=0.86)
    levels = (
        (0.0, 56, 55),
        (0.12, 58, 59),
        (0.27, 66, 66),
        (0.45, 76, 76),
        (0.63, 86, 86),
        (0.8, 94, 94),
        (1.0, 97, 98),
    )
    points = [(-4 * k, -3 * k, hip * at) for at, _, _ in levels]
    builder.tube("skin", "fat", points, [(x * soft, y * soft) for _, x, y in levels], caps=(45 * k, 75 * k), pieces=14)
    muscle = [(x * soft - 11 * k, y * soft - 11 * k) for _, x, y in levels[1:]]
    builder.tube("thigh_muscle", "muscle", points[1:], muscle, caps=(40, 60), pieces=8, union="muscle")
    return head
