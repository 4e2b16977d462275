"""The pelvis in the body's frame (see `body_spine`): two hip bones around the heads of the femurs at x = ±HIP."""

import numpy as np

HIP = 88.0  # mm from the midline to the middle of a hip joint, before scaling


def add_pelvis(builder, person, sides=(-1, 1)):
    """Add the hip bones (not yet placed); sides: -1 right, 1 left."""
    thick = person.bone
    rng = person.details("pelvis")
    flare = rng.normal(1.0, 0.05) * (1.03 if person.female else 0.98)
    low = rng.normal(1.0, 0.05) * (0.93 if person.female else 1.04)
    for s in sides:
        _hip_bone(builder, s, thick, flare, low)


def _hip_bone(builder, s, thick, flare, low):
    side = "left" if s > 0 else "right"

    def at(x, y, z):
        return (s * x * (flare if z > 20 else 1.0), y, z * (low if z < 0 else 1.0))

    def tube(part, points, radius, tissue="bone", stretch=1.4):
        builder.chain(part, tissue, [at(*p) for p in points], radius, stretch=stretch, union=f"{part}_{side}")

    wing = f"ilium_{side}"
    for centre, radii, up in (
        ((92, 8, 84), (74, 5.5, 56), (0.55, -0.83, 0.0)),
        ((82, 8, 52), (42, 9, 40), (0.6, -0.8, 0.0)),
        ((62, 42, 74), (26, 9, 40), (0.4, -0.9, 0.0)),
    ):
        builder.add(
            "ilium", "thin_bone", at(*centre), radii, axis=(s * 0.25, 0.05, 1), up=(s * up[0], up[1], 0), union=wing
        )
    crest = [
        (126, -62, 80),
        (138, -42, 104),
        (137, -12, 124),
        (122, 18, 136),
        (98, 45, 136),
        (70, 66, 120),
        (48, 76, 92),
    ]
    tube("iliac_crest", crest, 5.5 * thick)
    tube("iliac_border", [(126, -62, 80), (113, -54, 58), (104, -44, 40), (98, -28, 30)], 5.5 * thick)
    tube("sciatic_notch", [(48, 76, 92), (50, 62, 62), (62, 48, 40), (70, 38, 14), (68, 34, -8)], 6 * thick)
    tube(
        "pelvic_brim", [(50, 48, 72), (58, 28, 44), (60, 4, 26), (52, -22, 14), (36, -42, 4), (12, -56, -8)], 5 * thick
    )
    ring = []
    normal = np.array([0.80, -0.45, -0.40])
    first = np.cross(normal, [0, 0, 1.0])
    first /= np.linalg.norm(first)
    second = np.cross(normal / np.linalg.norm(normal), first)
    for angle in np.linspace(0, 2 * np.pi, 11):
        ring.append(tuple(np.array([HIP, 0, 0]) + 8 * normal + 29 * (np.cos(angle) * first + np.sin(angle) * second)))
    tube("acetabulum", ring, 4.2 * thick)
    builder.segment(
        "acetabulum",
        "bone",
        at(66, 6, 30),
        at(112, -4, 27),
        (9, 19),
        stretch=1.15,
        up=(0, 0, 1),
        union=f"acetabulum_roof_{side}",
    )
    builder.segment(
        "acetabulum", "bone", at(63, 4, 26), at(58, 6, -24), (4, 20), stretch=1.1, union=f"acetabulum_wall_{side}"
    )
    tube("pubis", [(70, -18, 14), (48, -38, 6), (28, -51, -4), (9, -56, -12)], [(11, 9), (9, 8), (9, 8)])
    builder.segment("pubis", "bone", at(9, -54, -4), at(10, -50, -38), (6.5, 8), stretch=1.1, union=f"pubis_{side}")
    tube(
        "ischium",
        [(76, 20, -6), (70, 27, -32), (62, 22, -58), (54, 10, -72)],
        [13 * thick, 13 * thick, 13 * thick],
        tissue="thin_bone",
    )
    tube("ischial_ramus", [(60, 14, -74), (44, -8, -66), (28, -32, -50), (12, -48, -34)], [8, 6.5, 7])
