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

    def tube(part, points, radius, tissue="bone", stretch=1.75):
        builder.chain(part, tissue, [at(*p) for p in points], radius, stretch=stretch, union=f"{part}_{side}")

    wing = f"ilium_{side}"
    for centre, radii, up in (
        ((92, 8, 84), (74, 6.5, 56), (0.55, -0.83, 0.0)),
        ((82, 8, 52), (42, 10, 40), (0.6, -0.8, 0.0)),
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
        "pelvic_brim",
        [(50, 48, 72), (60, 28, 46), (63, 4, 26), (56, -20, 12), (38, -42, 0), (12, -56, -10)],
        4.2 * thick,
    )
    ring = []
    normal = np.array([0.80, -0.45, -0.40])
    first = np.cross(normal, [0, 0, 1.0])
    first /= np.linalg.norm(first)
    second = np.cross(normal / np.linalg.norm(normal), first)
    for angle in np.linspace(0, 2 * np.pi, 11):
        ring.append(tuple(np.array([HIP, 0, 0]) + 8 * normal + 29 * (np.cos(angle) * first + np.sin(angle) * second)))
    tube("acetabulum", ring, 3.4 * thick)
    roof = f"acetabulum_roof_{side}"
    builder.add("acetabulum", "thin_bone", at(90, 4, 33), (27, 20, 14), axis=(s * 0.2, 0, 1), union=roof)
    wall = (at(62, 4, 24), at(58, 8, -26))
    builder.segment("acetabulum", "thin_bone", *wall, (3, 13), stretch=1.1, union=f"acetabulum_wall_{side}")
    upper = [(68, -18, 4), (46, -40, -3), (27, -52, -8), (9, -57, -13)]
    tube("pubis", upper, [(11, 9), (8, 8), (8.5, 8)], tissue="thin_bone")
    symphysis = (at(11, -56, -10), at(12, -50, -46))
    builder.segment("pubis", "thin_bone", *symphysis, (8.5, 9), stretch=1.15, union=f"pubis_{side}")
    sit = [(74, 22, 2), (74, 27, -32), (66, 22, -60), (56, 12, -76)]
    tube("ischium", sit, [(13, 15), (12, 14), (13.5, 14)], tissue="thin_bone")
    tube("ischial_ramus", [(58, 14, -77), (42, -8, -72), (27, -32, -60), (13, -47, -44)], [9, 7, 7], tissue="thin_bone")
