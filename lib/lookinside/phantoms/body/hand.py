"""The hand: 27 bones and their soft tissue.

Own frame: x to the thumb, y to the palm, z to the finger tips, 0 at the wrist.
"""

from itertools import pairwise

import numpy as np

# Per ray (thumb to little finger), mm: the metacarpal's start, its lean (degrees to the thumb), lengths.
_BASES = ((22.0, 6.0, 23.0), (13.0, 0.0, 33.0), (3.0, -1.0, 34.0), (-7.5, 0.0, 33.0), (-16.0, 2.0, 30.0))
_LEAN = (38.0, 8.0, 1.0, -6.0, -14.0)
_LENGTHS = (
    (45.0, 32.0, 23.0),
    (67.0, 40.0, 24.0, 17.5),
    (64.0, 44.0, 28.0, 18.5),
    (57.0, 41.0, 27.0, 18.5),
    (53.0, 33.0, 20.0, 17.0),
)
_CARPALS = {
    "scaphoid": ((13.0, 1.0, 11.0), (6.5, 6.0, 12.0), (0.55, 0.2, 1.0)),
    "lunate": ((0.0, 0.0, 9.0), (8.5, 8.0, 7.5), (0.1, 0.0, 1.0)),
    "triquetrum": ((-12.5, -1.0, 13.0), (7.0, 6.0, 8.5), (0.6, 0.0, 1.0)),
    "pisiform": ((-14.0, 8.0, 12.0), (5.0, 4.5, 5.5), (0.0, 0.0, 1.0)),
    "trapezium": ((20.0, 4.0, 20.0), (7.5, 7.0, 8.0), (0.5, 0.0, 1.0)),
    "trapezoid": ((11.5, -1.0, 26.0), (5.5, 6.5, 6.5), (0.0, 0.0, 1.0)),
    "capitate": ((1.0, -1.0, 23.0), (7.0, 7.5, 11.5), (0.05, 0.0, 1.0)),
    "hamate": ((-9.5, 0.0, 24.5), (7.5, 8.0, 9.5), (0.3, 0.0, 1.0)),
}
_PHALANX = ((4.3, 6.6, 5.0), (3.5, 5.6, 4.3), (2.3, 4.8, 3.3))  # proximal, middle, distal: shaft, base, head radius


def _direction(lean, flexion):
    """Unit vector: `lean` degrees to the thumb's side, then `flexion` degrees into the palm."""
    lean, flexion = np.deg2rad(lean), np.deg2rad(flexion)
    return np.array([np.sin(lean) * np.cos(flexion), np.sin(flexion), np.cos(lean) * np.cos(flexion)])


def add_hand(builder, person):
    """Add a hand to the builder (not yet placed), `person.pose` says how its fingers are held."""
    rng = person.details("hand")
    pose, k, thick = person.pose, person.scale, person.scale * person.bone
    soft = k * (0.55 + 0.45 * person.girth)
    for name, (centre, radii, axis) in _CARPALS.items():
        centre = k * (np.array(centre) + rng.normal(0, 0.5, 3))
        builder.small_bone(name, centre, tuple(0.95 * thick * r for r in radii * rng.normal(1, 0.05, 3)), axis=axis)
    lengths = rng.normal(1.0, 0.035, (5, 4)) * rng.normal(1.0, 0.03)
    lean_noise = rng.normal(0, 2.5, 5)
    knuckles = []
    for ray in range(5):
        thumb = ray == 0
        spread = 0.0 if thumb else pose.spread * (1.5, 0.5, -0.5, -1.6)[ray - 1]
        lean = (pose.thumb if thumb else _LEAN[ray]) + 0.25 * spread
        start = k * np.array(_BASES[ray])
        first, *rest = _LENGTHS[ray]
        end = start + k * first * lengths[ray, 0] * _direction(lean, 28.0 if thumb else 3.0)
        wide = 1.15 if thumb else 1.0
        radii = (4.1 * thick * wide, 7.2 * thick * (1.0 if ray < 3 else 0.9), (7.3 - 0.25 * ray) * thick)
        up = (0.4, 0.9, 0.0) if thumb else (1.0, 0.0, 0.0)
        builder.long_bone(f"metacarpal_{ray + 1}", start, end, *radii, up=up)
        knuckles.append((start, end))
        point, bend = end, (24.0 if thumb else 3.0)
        if thumb:
            builder.segment("skin", "fat", start, end, (17 * soft, 14 * soft), stretch=1.45)
        flexion = (pose.finger_flexion[0] if thumb else pose.finger_flexion[ray - 1]) * (0.5 if thumb else 1.0)
        lean += 0.75 * spread + lean_noise[ray] - (10.0 if thumb else 0.0)
        kinds = (0, 2) if thumb else (0, 1, 2)
        for joint, (kind, length) in enumerate(zip(kinds, rest, strict=True)):
            bend += flexion * (1.0, 1.4, 0.7)[joint]
            lean += rng.normal(0, 1.2)
            way = _direction(lean, bend)
            gap = point + 1.6 * k * way
            tip = gap + k * length * lengths[ray, joint + 1] * way
            name = f"{('proximal', 'middle', 'distal')[kind]}_phalanx_{ray + 1}"
            size = thick * (1.12 if thumb else 1.0) * (0.9 if ray == 4 else 1.0)
            builder.long_bone(name, gap, tip, *(size * r for r in _PHALANX[kind]))
            thickness = soft * (10.2, 9.2, 8.2)[kind] * (1.15 if thumb else 0.88 if ray == 4 else 1.0)
            finger_end = tip + (4.0 * k * way if kind == 2 else 0)
            builder.segment(
                "skin", "fat", gap, finger_end, (thickness, 0.95 * thickness), stretch=1.5 if kind != 2 else 1.25
            )
            builder.add("skin", "fat", gap, (1.02 * thickness,) * 3)
            point = tip
    _add_palm(builder, knuckles, k, soft)


def _add_palm(builder, knuckles, k, soft):
    for (start, end), (next_start, next_end) in pairwise(knuckles[1:]):
        middle, next_middle = 0.5 * (start + next_start), 0.5 * (end + next_end)
        builder.segment("skin", "fat", middle, next_middle, (13.5 * soft, 13 * soft), stretch=1.5)
    for start, end in knuckles[1:]:
        builder.segment("skin", "fat", start, end, (11.5 * soft, 12 * soft), stretch=1.55)
    start, end = knuckles[0]
    builder.segment("thenar", "muscle", 0.8 * start, end, (12 * soft, 13 * soft), stretch=1.05, union="muscle")
    start, end = knuckles[4]
    builder.segment("hypothenar", "muscle", 0.8 * start, end, (9 * soft, 9 * soft), stretch=1.0, union="muscle")
    web = 0.5 * (knuckles[0][1] + knuckles[1][0])
    builder.add("skin", "fat", web, (16 * soft, 9 * soft, 20 * soft), axis=(0.5, 0, 1))
    builder.add("skin", "fat", (2 * k, 0, 16 * k), (30 * soft, 18 * soft, 42 * k))
    builder.add("skin", "fat", (1 * k, 0, 42 * k), (33 * soft, 15 * soft, 40 * k))
