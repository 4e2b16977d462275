"""The foot: 26 bones and their soft tissue.

Own frame: x to the big toe's side, y up from the sole, z to the toes, 0 under the ankle.
"""

import numpy as np

_TARSALS = {
    "talus": (
        ((3.0, 60.0, 0.0), (17.0, 14.0, 22.0), (0.1, -0.1, 1.0)),
        ((10.0, 51.0, 24.0), (13.0, 12.0, 13.0), (0.2, -0.3, 1.0)),
    ),
    "calcaneus": (
        ((-5.0, 35.0, -12.0), (15.0, 17.0, 36.0), (0.0, 0.22, 1.0)),
        ((-3.0, 29.0, -39.0), (16.0, 21.0, 17.0), (0.0, 0.3, 1.0)),
        ((-9.0, 34.0, 16.0), (13.0, 13.0, 14.0), (0.0, 0.0, 1.0)),
    ),
    "navicular": (((14.0, 48.0, 40.0), (18.0, 13.0, 7.5), (0.15, -0.2, 1.0)),),
    "cuboid": (((-15.0, 28.0, 41.0), (13.0, 11.5, 17.0), (-0.1, -0.1, 1.0)),),
    "medial_cuneiform": (((19.0, 40.0, 57.0), (8.5, 14.0, 12.5), (0.1, -0.2, 1.0)),),
    "intermediate_cuneiform": (((8.5, 45.0, 55.0), (7.0, 10.0, 9.0), (0.0, -0.2, 1.0)),),
    "lateral_cuneiform": (((-2.0, 40.0, 56.0), (7.5, 11.0, 12.0), (0.0, -0.2, 1.0)),),
}
_METATARSALS = (
    ((19.0, 37.0, 69.0), (27.0, 16.0, 128.0)),
    ((9.0, 42.0, 64.0), (12.0, 15.0, 136.0)),
    ((-1.5, 38.0, 66.0), (-1.0, 14.0, 131.0)),
    ((-11.5, 31.0, 58.0), (-14.0, 13.0, 124.0)),
    ((-22.0, 24.0, 52.0), (-27.0, 12.0, 114.0)),
)
_PHALANGES = ((31.0, 23.0), (27.0, 13.0, 11.0), (25.0, 11.0, 10.0), (23.0, 9.0, 9.5), (20.0, 8.0, 9.0))


def add_foot(builder, person):
    """Add a foot to the builder (not yet placed)."""
    rng = person.details("foot")
    k, thick = person.scale, person.scale * person.bone
    soft = k * (0.55 + 0.45 * person.girth)
    arch = rng.normal(1.0, 0.1)
    for name, pieces in _TARSALS.items():
        size = thick * rng.normal(1.0, 0.03)
        for centre, radii, axis in pieces:
            builder.small_bone(name, tuple(k * c for c in centre), tuple(size * r for r in radii), axis=axis, rim=0.88)
    lengths = rng.normal(1.0, 0.04, (5, 4))
    fan = rng.normal(1.0, 0.12)
    valgus = float(np.clip(rng.normal(10, 7), 0, 30))
    for ray in range(5):
        start, end = (k * np.array(p) for p in _METATARSALS[ray])
        end = start + (end - start) * lengths[ray, 0] * np.array([fan, arch, 1.0])
        shaft, base, head = ((6.2, 10.5, 10.5), (3.9, 7.6, 6.2), (3.7, 7.4, 6.0), (3.7, 7.4, 6.0), (4.0, 8.2, 6.0))[ray]
        builder.long_bone(f"metatarsal_{ray + 1}", start, end, thick * shaft, thick * base, thick * head)
        if ray == 4:
            builder.small_bone(
                "metatarsal_5_base",
                start + k * np.array([-6, -2, -2]),
                (5 * thick, 5 * thick, 8 * thick),
                union="metatarsal_5",
            )
        builder.segment("skin", "fat", start, end, (13 * soft, 12 * soft), stretch=1.6)
        if ray == 0:
            for x in (-6.5, 6.5):
                builder.add(
                    "sesamoid",
                    "bone",
                    end + k * np.array([x, -11, -6]),
                    (4.2 * thick, 3.5 * thick, 5.5 * thick),
                    union=f"sesamoid {x}",
                )
        lean = np.deg2rad(-0.8 * valgus if ray == 0 else (ray - 2) * 1.5 - 3 + rng.normal(0, 3))
        curl, point = 0.06, end
        names = ("proximal", "distal") if ray == 0 else ("proximal", "middle", "distal")
        for joint, (name, length) in enumerate(zip(names, _PHALANGES[ray], strict=True)):
            curl += 0.0 if ray == 0 else abs(rng.normal(0.16, 0.1))
            way = np.array([np.sin(lean) * np.cos(curl), -np.sin(curl), np.cos(lean) * np.cos(curl)])
            gap = point + 1.5 * k * way
            tip = gap + k * length * lengths[ray, joint + 1] * way
            kind = {"proximal": 0, "middle": 1, "distal": 2}[name]
            radii = (
                ((6.0, 9.5, 7.5), (0, 0, 0), (4.5, 8.5, 6.0))[kind]
                if ray == 0
                else ((3.0, 5.6, 4.2), (3.3, 4.6, 4.0), (2.3, 4.3, 3.2))[kind]
            )
            builder.long_bone(f"{name}_phalanx_{ray + 1}", gap, tip, *(thick * r for r in radii))
            width = soft * ((15.5, 0, 14.5)[kind] if ray == 0 else (9.5, 9.0, 8.7)[kind])
            builder.segment(
                "skin", "fat", gap, tip + (5 * k * way if name == "distal" else 0), (width, 0.95 * width), stretch=1.5
            )
            builder.add("skin", "fat", gap, (width,) * 3)
            point = tip
    _add_sole(builder, k, soft)


def _add_sole(builder, k, soft):
    for centre, radii, axis in (
        ((-3.0, 31.0, -24.0), (30.0, 31.0, 38.0), (0.0, 0.1, 1.0)),
        ((0.0, 42.0, 8.0), (34.0, 38.0, 50.0), (0.0, 0.0, 1.0)),
        ((1.0, 34.0, 45.0), (36.0, 28.0, 55.0), (0.0, -0.25, 1.0)),
        ((1.0, 24.0, 88.0), (37.0, 20.0, 50.0), (0.0, -0.25, 1.0)),
        ((0.0, 17.0, 112.0), (38.0, 16.0, 34.0), (0.0, -0.1, 1.0)),
        ((1.0, 72.0, 0.0), (31.0, 30.0, 36.0), (0.0, 0.0, 1.0)),
    ):
        builder.add(
            "skin", "fat", tuple(k * c for c in centre), (soft * radii[0], soft * radii[1], k * radii[2]), axis=axis
        )
    builder.segment(
        "foot_muscle", "muscle", (-3 * k, 20 * k, -10 * k), (0, 18 * k, 105 * k), (26 * soft, 11 * soft), union="muscle"
    )
