"""The skull: x to the left, y to the back, z up, 0 in the middle of the head above the ears (before scaling)."""

import numpy as np

NECK_TOP = (0.0, 10.0, -64.0)  # where the spine meets it


def add_skull(builder, person):
    """Add vault, face, jaw, teeth and air spaces of the head (not yet placed)."""
    rng = person.details("skull")
    thick = person.bone
    wide, long, tall = rng.normal(1.0, 0.035, 3)
    builder.add("skin", "fat", (0, 6, 14), (82 * wide, 102 * long, 86 * tall))
    builder.add("skin", "fat", (0, -34, -55), (64, 66, 70))
    builder.add("skin", "fat", (0, -100, -42), (13, 16, 20))
    vault = (0, 8, 22)
    outer = np.array([75 * wide, 94 * long, 72 * tall])
    wall = 5.2 * thick * rng.uniform(0.85, 1.2)
    builder.add("vault", "bone", vault, outer)
    builder.add(
        "brain", "brain", (0, 8, 22 - 0.62 * wall), outer - (wall, wall, 0.75 * wall), union="brain", within="vault"
    )
    _base(builder, thick, rng)
    _face(builder, thick)
    _jaws(builder, thick, rng)
    _air_spaces(builder, rng)


def _base(builder, thick, rng):
    builder.add("skull_base", "face_bone", (0, 14, -40), (50, 42, 2.6), axis=(0, 0.4, 1))
    builder.add("skull_base", "face_bone", (0, -44, -4), (44, 27, 2.0), axis=(0, 0.22, 1), union="anterior_fossa")
    builder.add("occiput", "bone", (0, 90, -10), (18, 10, 14), union="vault")
    builder.chain("sella", "bone", [(0, -26, -14), (0, -20, -24), (0, -10, -24), (0, -6, -14)], (9, 3.0))
    for s in (-1, 1):
        side = f" {s}"
        builder.chain(
            "petrous_bone",
            "bone",
            [(s * 64, 22, -30), (s * 44, 8, -30), (s * 18, -8, -28)],
            [12, 9.5],
            union="petrous" + side,
        )
        builder.small_bone("mastoid", (s * 59, 30, -52), (11, 13, 19), union="mastoid" + side, rim=0.8)
        builder.add("air_cells_of_mastoid", "air", (s * 61, 30, -48), (6, 8, 10), union="air_cells_of_mastoid" + side)
        wing = [(s * 62, -30, 2), (s * 40, -30, -4), (s * 14, -26, -6)]
        builder.chain("sphenoid_wing", "bone", wing, 3.0, union="sphenoid_wing" + side)


def _face(builder, thick):
    for centre, radii in (((0, -58, -30), (60, 20, 46)), ((0, -62, -64), (38, 24, 20))):
        builder.add("face", "face_bone", centre, radii, union="face")
    hole = {"union": "face holes", "within": "face"}
    builder.add("nasal_cavity", "face_hole", (0, -66, -46), (12, 34, 22), **hole)
    for s in (-1, 1):
        builder.add("orbit", "face_hole", (s * 33, -66, -19), (20, 34, 17.5), axis=(-0.15 * s, 0, 1), **hole)
        builder.add("maxillary_sinus", "face_hole", (s * 32, -56, -51), (14, 30, 15), axis=(-0.25 * s, 0, 1), **hole)
    turns = np.linspace(0, 2 * np.pi, 11)
    for s in (-1, 1):
        side = f" {s}"
        ring = [(s * (33 + 21 * np.cos(a)), -72 + 9 * np.cos(a), -20 + 18.5 * np.sin(a)) for a in turns]
        builder.chain("orbit", "bone", ring, 4.3 * thick, union="orbit" + side)
        builder.add("orbit_wall", "thin_bone", (s * 19, -55, -20), (1.5, 24, 16), union="orbit_wall" + side)
        builder.small_bone("zygoma", (s * 51, -56, -43), (12, 12, 12), union="zygoma" + side, rim=0.8)
        arch = [(s * 56, -48, -42), (s * 67, -26, -40), (s * 70, -4, -38), (s * 65, 10, -36)]
        builder.chain("zygomatic_arch", "bone", arch, 3.6, union="zygoma" + side)
        wall = [(s * 47, -48, -38), (s * 44, -54, -56), (s * 36, -62, -67), (s * 20, -68, -70)]
        builder.chain("maxilla", "bone", wall, 3.2, union="maxilla" + side)
        builder.segment("nasal_bone", "bone", (s * 5, -88, -12), (s * 10, -88, -50), 3.0, union="nasal" + side)
        builder.chain("brow", "bone", [(s * 8, -86, 0), (s * 28, -84, 4), (s * 50, -70, 0)], 5.0, union="brow")
    builder.add("nasal_septum", "face_bone", (0, -66, -42), (1.6, 28, 24))
    builder.add("hard_palate", "face_bone", (0, -58, -68), (24, 28, 2.5))


def _jaws(builder, thick, rng):
    def arch(a, z):
        return 27 * np.sin(a), -50 - 32 * np.cos(a), z

    missing = rng.random() < 0.12
    for z, long, name in ((-79, 9.5, "upper_teeth"), (-95, 9.0, "lower_teeth")):
        for i, a in enumerate(np.deg2rad(np.linspace(-80, 80, 14))):
            molar = abs(i - 6.5) > 3
            if missing and rng.random() < 0.6:
                continue
            tooth = (4.6, 4.8, long) if molar else (2.9, 3.2, long + 1)
            builder.add(name, "tooth", arch(a, z + rng.normal(0, 0.5)), tooth, union=f"{name} {i}")
    builder.chain("maxilla", "thin_bone", [arch(a, -70) for a in np.linspace(-1.5, 1.5, 7)], (7, 6), union="upper_jaw")
    body = [(s, y, z) for s, y, z in ((47, -22, -96), (40, -44, -104), (27, -68, -109), (10, -84, -111))]
    body += [(-x, y, z) for x, y, z in reversed(body)]
    builder.chain("mandible", "bone", body, (6.0 * thick, 11.0), union="mandible", up=(1, 0, 0))
    builder.chain(
        "mandible", "spongy", body, (3.2 * thick, 6.0), union="mandible inside", within="mandible", up=(1, 0, 0)
    )
    for s in (-1, 1):
        ramus = [(s * 47, -24, -98), (s * 50, -14, -72), (s * 53, -4, -42)]
        builder.chain("mandible", "bone", ramus, [(4.5, 15), (4.5, 11)], union=f"ramus {s}", up=(1, 0, 0))


def _air_spaces(builder, rng):
    big = rng.uniform(0.75, 1.2)
    for s in (-1, 1):
        side = f" {s}"
        builder.add(
            "maxillary_sinus",
            "air",
            (s * 32, -56, -50),
            (13, 16, 16),
            axis=(-0.25 * s, 0, 1),
            union="maxillary_sinus" + side,
        )
        builder.add(
            "frontal_sinus",
            "air",
            (s * 12, -82, 9),
            (11 * big, 6, 9 * big),
            axis=(0.4 * s, 0, 1),
            union="frontal_sinus" + side,
        )
        builder.add("ethmoid_cells", "air", (s * 9, -55, -19), (7, 24, 12), union="ethmoid" + side)
        builder.add("nasal_cavity", "air", (s * 8, -62, -48), (6, 32, 20), union="nasal_cavity" + side)
    builder.add("sphenoid_sinus", "air", (0, -24, -34), (14, 12, 9))
    builder.chain(
        "pharynx",
        "air",
        [(0, -24, -56), (0, -16, -80), (0, -14, -108), (0, -16, -140), (0, -14, -175)],
        [(11, 6), (11, 6), (9, 7), (8, 7)],
    )
