"""Ribs, sternum, lungs, heart and great vessels in the body's frame (see `body_spine`)."""

import numpy as np

from lookinside.phantoms.body.spine import level_z

_HALF_WIDTH = (54, 78, 97, 110, 119, 126, 131, 134, 134, 130, 122, 108)
_FRONT = (-58, -72, -84, -93, -100, -104, -106, -104, -98, -90, -80, -70)
_DROP = (34, 54, 70, 82, 92, 100, 108, 114, 116, 112, 84, 56)
_END = (148, 156, 157, 157, 156, 154, 151, 143, 134, 124, 92, 62)  # degrees around the chest, 0 at the spine


def add_ribs(builder, person, curve, sides=(-1, 1), first=1, last=12):
    """Add the ribs and the breastbone (not yet placed); curve: the `SpineCurve`."""
    rng = person.details("ribs")
    thick = person.bone
    width, depth, slope = rng.normal(1.0, 0.04), rng.normal(1.0, 0.06), rng.normal(1.0, 0.1)
    for i in range(first - 1, last):
        z = level_z(f"t{i + 1}") + 5
        spine = curve(z)
        back, front = spine[1] + 36.0, _FRONT[i] * depth
        pieces = 6 if i in (0, 11) else 12
        angle = np.deg2rad(np.linspace(11 if i else 20, _END[i], pieces + 1))
        x = _HALF_WIDTH[i] * width * np.sin(angle)
        y = 0.5 * (back + front) + 0.5 * (back - front) * np.cos(angle)
        y[0] = spine[1] + 22.0
        fall = _DROP[i] * slope * (angle / np.deg2rad(150)) ** 1.15
        fall[-2:] -= (1.5, 5.0)
        radii = [(6.3 * thick, 3.4 * thick)] * (pieces - 1) + [(7.2 * thick, 4.0 * thick)]
        for s in sides:
            points = np.stack([s * x + spine[0], y, z - fall], axis=1)
            builder.chain(
                f"rib_{i + 1}", "thin_bone", points, radii, stretch=1.5, up=(0, 0, 1), union=f"rib_{i + 1} {s}"
            )
    builder.add("sternum", "thin_bone", (0, -64, 500), (25, 6.5, 25), axis=(0, 0.3, 1))
    builder.add("sternum", "thin_bone", (0, -88, 438), (17, 5.5, 52), axis=(0, 0.2, 1))


def add_lungs(builder, person, breath=0.0):
    """Add lungs with their vessels, heart, mediastinum and diaphragm (not yet placed).

    breath: mm that the domes stand lower.
    """
    rng = person.details("lungs")
    for s, side in ((-1, "right"), (1, "left")):
        lung = f"lung_{side}"
        for centre, radii in (
            ((70, 2, 420), (57, 84, 108)),
            ((50, 14, 505), (39, 46, 56)),
            ((77, 4, 372), (56, 92, 82)),
        ):
            builder.add(lung, "lung", (s * centre[0], *centre[1:]), radii, union=lung)
        fill = {"union": f"{lung} fill", "within": lung}
        dome = 296 + (10 if s < 0 else 0) - breath + rng.normal(0, 4)
        builder.add("diaphragm", "in_lung", (s * 68, -14, dome), (78, 105, 56), **fill)
        builder.add("mediastinum", "in_lung", (0, -8, 455), (24, 80, 95), **fill)
        _heart(builder, rng, fill)
        builder.add("hilum", "in_lung", (s * 34, 2, 432 + 8 * s), (15, 15, 21), **fill)
        _lung_vessels(builder, rng, s, lung)
    builder.chain("trachea", "air", [(0, -4, 590), (1, 4, 540), (2, 12, 500), (2, 14, 474)], 8.0, stretch=1.5)
    for s in (-1, 1):
        builder.segment("bronchus", "air", (2, 14, 474), (s * 30, 8, 446), 5.5, stretch=1.1, union=f"bronchus {s}")


def _heart(builder, rng, fill):
    size = 1.0 + 0.0 * rng.normal()
    builder.add(
        "heart", "in_lung", (26, -42, 378), (68 * size, 46, 48 * size), axis=(0.35, 0, 1), up=(1, 0, -0.35), **fill
    )
    builder.add("heart", "in_lung", (-6, -36, 392), (40, 42, 56), **fill)
    builder.add("aorta", "in_lung", (24, 6, 482), (17, 26, 17), **fill)
    builder.add("aorta", "in_lung", (22, 24, 400), (12, 12, 95), **fill)
    builder.add("pulmonary_trunk", "in_lung", (30, -15, 448), (17, 22, 20), **fill)


def _lung_vessels(builder, rng, s, lung):
    union = f"{lung} vessels"
    hilum = np.array([s * 36.0, 2.0, 432.0])
    for angle in np.linspace(-68, 80, 9):
        at, lean = hilum, np.deg2rad(angle + rng.normal(0, 6))
        way = np.array([s * np.cos(lean), rng.normal(0, 0.5), np.sin(lean)])
        for length, radius in ((26, 4.6), (26, 3.2), (24, 2.2)):
            way = way + rng.normal(0, 0.16, 3)
            end = at + length * way / np.linalg.norm(way)
            builder.segment("lung_vessel", "in_lung", at, end, radius, stretch=1.2, union=union, within=lung)
            if radius < 4:
                twig = end + 20 * (way + rng.normal(0, 0.5, 3)) / np.linalg.norm(way)
                builder.segment(
                    "lung_vessel", "in_lung", end, twig, 0.6 * radius, stretch=1.2, union=union, within=lung
                )
            at = end
