"""A breast under compression: x to the nipple, y to the outer side, z through the plate; the chest wall is at x = 0."""

import numpy as np


def add_breast(builder, person, rng, oblique):
    """Add skin, fat, gland, ducts, ligaments (not yet placed).

    oblique: with the chest muscle. Returns (reach, half width), mm.
    """
    details = person.details("breast")
    reach = details.uniform(62, 110) * (0.6 + 0.4 * person.girth)
    wide, thick = reach * details.uniform(0.78, 1.05), details.uniform(18, 28)
    dense = details.uniform(0.15, 1.0)
    builder.add("skin", "fat", (0, 0, 0), (reach, wide, thick))
    builder.add("breast_skin", "gland", (0, 0, 0), (reach, wide, thick))
    inner = (reach - 1.8, wide - 1.8, thick - 1.5)
    builder.add("breast_fat", "fat_in_gland", (0, 0, 0), inner, within="breast_skin")
    builder.add("nipple", "fat", (reach + 1, 0, 0), (6, 5, 5), union="skin")
    nipple = np.array([reach - 3, 0, 0])
    for i in range(int(26 + 50 * dense)):
        depth, angle = details.beta(1.5, 2.0), np.clip(details.normal(0, 0.36 + 0.2 * dense), -0.75, 0.75)
        way = np.array([-np.cos(angle), np.sin(angle), 0.0])
        centre = nipple + way * (6 + 0.78 * reach * depth) + np.array([0, 0, details.normal(0, 0.3 * thick)])
        long, across, high = (
            details.uniform(4, 13 + 5 * dense),
            details.uniform(1.5, 4 + 3 * dense),
            details.uniform(2, 7),
        )
        builder.add("gland", "gland", centre, (long, across, high), axis=(0, 0, 1), up=way, union=f"gland {i % 9}")
    for _ in range(9):
        at, angle = nipple, details.normal(0, 0.45)
        points = [tuple(at)]
        for _ in range(4):
            angle += details.normal(0, 0.25)
            at = at + details.uniform(9, 16) * np.array([-np.cos(angle), np.sin(angle), 0])
            points.append(tuple(at))
        builder.chain("duct", "gland", points, 1.3, stretch=1.3, union="ducts")
    for i in range(16):
        angle, far = details.uniform(-1.3, 1.3), details.uniform(0.55, 0.97)
        edge = np.array([reach * np.cos(angle), wide * np.sin(angle), 0])
        builder.segment(
            "ligament",
            "gland",
            far * edge,
            0.6 * far * edge + details.normal(0, 6, 3),
            1.0,
            stretch=1.1,
            union=f"ligament {i % 4}",
        )
    if oblique:
        builder.segment(
            "chest_muscle",
            "gland",
            (-25, 1.5 * wide, 0),
            (-4, -0.35 * wide, 0),
            (0.42 * wide, 0.75 * thick),
            stretch=1.1,
        )
    if details.random() < 0.4:
        centre = nipple + np.array([-details.uniform(15, 0.6 * reach), details.normal(0, 15), 0])
        for i in range(5):
            builder.add(
                "calcification", "tooth", centre + details.normal(0, 4, 3), (0.9, 0.9, 0.9), union=f"calcification {i}"
            )
    return reach, wide
