"""Shoulder blade and collar bone in the body's frame (see `body_spine`); the humeral heads are at SHOULDER."""

SHOULDER = (179.0, 18.0, 508.0)  # left humeral head, mm before scaling


def add_shoulder(builder, person, sides=(-1, 1), protract=0.0):
    """Add scapula and clavicle (not yet placed); protract: mm that the scapulae have moved outwards."""
    thick = person.bone
    rise = person.details("shoulder").normal(0, 6)
    for s in sides:
        side = "left" if s > 0 else "right"

        def at(x, y, z, s=s):
            return (s * (x + protract), y, z)

        def tube(part, points, radius, at=at, side=side, **how):
            builder.chain(part, "bone", [at(*p) for p in points], radius, union=f"{part}_{side}", **how)

        plate = {"axis": (s * 0.18, 0.1, 1), "up": (s * 0.87, -0.5, 0), "union": f"scapula_{side}"}
        builder.add("scapula", "thin_bone", at(104, 66, 486), (37, 3.0, 58), **plate)
        builder.add("scapula", "thin_bone", at(118, 58, 505), (36, 3.6, 30), **plate)
        tube("scapula_border", [(146, 30, 492), (128, 48, 464), (110, 64, 434), (94, 76, 404)], 4.6 * thick)
        tube(
            "scapula_border",
            [(94, 76, 404), (78, 80, 440), (74, 78, 490), (84, 66, 534), (112, 46, 528), (136, 30, 522)],
            2.6 * thick,
        )
        tube(
            "scapula_spine",
            [(74, 80, 510), (105, 80, 527), (135, 72, 540), (160, 55, 550), (176, 34, 553)],
            [4, 5, 6, 7],
        )
        builder.add("acromion", "bone", at(175, 24, 552), (13, 20, 6), axis=(0, 0.1, 1), union=f"scapula_spine_{side}")
        tube("coracoid", [(142, 20, 516), (138, -4, 528), (146, -20, 524), (154, -26, 514)], 6.5 * thick)
        builder.add(
            "glenoid",
            "bone",
            at(150, 24, 507),
            (5, 14, 19),
            axis=(-0.1 * s, 0, 1),
            up=(s, -0.3, 0),
            union=f"glenoid_{side}",
        )
        up = rise
        collar = [
            (16, -62, 518),
            (45, -72, 524 + 0.3 * up),
            (80, -62, 535 + 0.6 * up),
            (112, -34, 544 + 0.9 * up),
            (140, -4, 550 + up),
            (164, 16, 553 + up),
        ]
        collar = [(s * (x + protract * x / 164), y, z) for x, y, z in collar]
        builder.chain("clavicle", "bone", collar, [8.5, 6.6, 6.0, 6.2, 6.8], union=f"clavicle_{side}", up=(0, 0, 1))
        inside = f"clavicle_{side} inside"
        builder.chain(
            "clavicle",
            "spongy",
            collar,
            [6.0, 4.0, 3.3, 3.6, 4.4],
            union=inside,
            within=f"clavicle_{side}",
            up=(0, 0, 1),
        )
