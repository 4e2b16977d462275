"""The trunk's outline and the organs of the abdomen in the body's frame (see `body_spine`)."""

import numpy as np

# height, half width, half depth, middle (to the back), mm before scaling
_OUTLINE = (
    (-80, 174, 105, 8), (-30, 180, 112, 6), (40, 172, 110, 2), (120, 152, 104, -8), (200, 143, 102, -10),
    (280, 148, 108, -8), (360, 157, 112, -4), (430, 163, 108, 0), (490, 158, 96, 6), (535, 112, 74, 14),
)  # fmt: skip


def add_trunk(builder, person, low=-200.0, high=620.0):
    """Add skin and muscle of the trunk and the neck between two heights (not yet placed)."""
    g = person.girth
    rows = [row for row in _OUTLINE if low - 110 < row[0] < high + 110]
    z, w, d, y = np.array(rows, float).T
    wide = w * (0.62 + 0.38 * g) + 4.0 * person.female * (z < 60)
    deep = d * (0.5 + 0.5 * g)
    points = np.stack([0 * z, y - 0.4 * (deep - d), z], axis=1)
    builder.tube(
        "skin", "fat", points, np.stack([wide, deep], axis=1), caps=(45, 40), pieces=2 * len(rows), union="skin"
    )
    fat = 7 + 24 * max(0.0, g - 0.8)
    inner = np.stack([wide, deep], axis=1) - fat
    builder.tube("trunk_muscle", "muscle", points, inner, caps=(40, 30), pieces=len(rows) + 3, union="muscle")
    if high > 520:
        builder.chain(
            "skin", "fat", [(0, 22, 530), (0, 14, 575), (0, 12, 620), (0, 10, 670)], (58, 62), stretch=2.2, union="skin"
        )
        builder.chain(
            "neck_muscle", "muscle", [(0, 25, 530), (0, 20, 580), (0, 16, 660)], (50, 54), stretch=1.8, union="muscle"
        )
        for s in (-1, 1):
            builder.segment(
                "skin", "fat", (s * 20, 30, 585), (s * 175, 28, 535), (36, 46), stretch=1.25, up=(0, 0, 1), union="skin"
            )


def add_abdomen(builder, person, rng, upright=False):
    """Add liver, spleen, kidneys, psoas and bowel gas (not yet placed); rng: where the gas is today."""
    details = person.details("abdomen")
    builder.add("liver", "organ", (-62, -20, 282), (84, 82, 66), axis=(0.35, 0, 1))
    builder.add("spleen", "organ", (98, 38, 288), (27, 34, 50), axis=(0.2, 0, 1))
    for s in (-1, 1):
        centre = (s * 62 + details.normal(0, 3), 42, 222 + 6 * s + details.normal(0, 6))
        builder.add("kidney", "organ", centre, (27, 22, 54), axis=(-0.28 * s, 0.15, 1), union=f"kidney {s}")
        psoas = [(s * 22, 18, 285), (s * 40, 10, 200), (s * 62, 0, 110), (s * 80, -12, 20)]
        builder.chain("psoas", "organ", psoas, [(15, 18), (21, 24), (22, 24)], stretch=1.5, union=f"psoas {s}")
    builder.add("bladder", "organ", (0, -35, 22), (38, 32, 26))
    _bowel_gas(builder, rng, upright)


def _bowel_gas(builder, rng, upright):
    colon = (
        (-112, -25, 110),
        (-114, -15, 160),
        (-112, -5, 215),
        (-85, -55, 250),
        (-40, -75, 232),
        (5, -80, 222),
        (50, -75, 235),
    )
    colon += ((92, -40, 268), (117, 0, 220), (118, 5, 165), (112, 0, 110), (62, -5, 55), (10, 25, 42))
    for i, place in enumerate(colon):
        if rng.random() < 0.55:
            centre = np.array(place, float) + rng.normal(0, 9, 3)
            for j in range(int(rng.integers(1, 4))):
                blob = centre + rng.normal(0, 12, 3) * (j > 0)
                builder.add("bowel_gas", "air", blob, rng.uniform(7, 21, 3), axis=rng.normal(0, 1, 3), union=f"gas {i}")
    for i in range(int(rng.integers(3, 12))):
        centre = (rng.uniform(-85, 85), rng.uniform(-75, -20), rng.uniform(60, 215))
        builder.add("bowel_gas", "air", centre, rng.uniform(4, 12, 3), axis=rng.normal(0, 1, 3), union=f"small gas {i}")
    flat = (46, 40, 17) if upright else (38, 22, 26)
    builder.add("stomach_gas", "air", (64, -58, 318), flat, axis=(0.1, 0, 1))
