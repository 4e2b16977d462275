"""Spine and sacrum.

The body's frame: x to the left, y to the back, z to the head, 0 between the hip joints; mm before scaling.
"""

import numpy as np

LEVELS = (
    *(f"l{i}" for i in range(5, 0, -1)),
    *(f"t{i}" for i in range(12, 0, -1)),
    *(f"c{i}" for i in range(7, 0, -1)),
)
_SPACING = np.array(
    [36, 36, 35, 34, 32, 28.5, 27, 26, 25, 24.5, 24, 23, 22, 21.5, 20.5, 19.5, 18.5] + [17.0] * 5 + [19, 15]
)
_Z = 112 + np.concatenate([[0.0], np.cumsum(0.5 * (_SPACING[1:] + _SPACING[:-1]))])
_WIDTH = np.array(
    [26, 25, 24, 23, 22, 21, 20, 19, 18, 17.5, 17, 16.5, 16, 15.5, 15, 15, 15, 12.5, 11.5, 11, 10.5, 10.5, 10, 12]
)
_DEPTH = np.array(
    [18, 18, 17.5, 17, 16.5, 16, 16, 15.5, 15, 14, 13.5, 13, 12, 11.5, 11, 10.5, 10, 8.5, 8, 8, 8, 8, 8, 6]
)
SKULL_REST = 664.0  # mm, where the skull rests on the first vertebra
_CURVE = ((80, 112, 183, 252, 337, 420, 480, 535, 575, 620, 660), (24, 10, -4, 4, 26, 38, 35, 18, 7, 3, 6))


def level_z(level):
    """Height of a vertebra's middle above the hip joints, mm before scaling."""
    return float(_Z[LEVELS.index(level)])


class SpineCurve:
    """Where one person's spine runs: lordosis, kyphosis and a little scoliosis."""

    def __init__(self, person):
        rng = person.details("spine")
        self._depth = np.array(_CURVE[1]) * rng.normal(1.0, 0.15) + rng.normal(0, 1.5, len(_CURVE[1]))
        self._sway = rng.normal(0, 3.5)
        self._phase = rng.uniform(0, 6.28)

    def __call__(self, z):
        """Middle of the vertebral body at height z: (x, y, z)."""
        x = self._sway * (np.sin(z / 95.0 + self._phase) - np.sin(self._phase))
        return np.array([x, np.interp(z, _CURVE[0], self._depth), z])


def add_spine(builder, person, first="l5", last="c1", sacrum=False):
    """Add the vertebrae from `first` up to `last` (names such as "t12"), not yet placed; returns the `SpineCurve`."""
    curve = SpineCurve(person)
    thick = person.bone
    for i in range(LEVELS.index(first), LEVELS.index(last) + 1):
        _vertebra(builder, curve, i, thick)
    if sacrum:
        _sacrum(builder, thick)
    return curve


def _vertebra(builder, curve, i, thick):
    name, z = LEVELS[i], _Z[i]
    low, centre, high = curve(z - 9), curve(z), curve(z + 9)
    axis = (high - low) / np.linalg.norm(high - low)
    side = np.array([1.0, 0, 0])
    back = np.cross(axis, side)
    w, d, h = _WIDTH[i] * thick, _DEPTH[i] * thick, 0.37 * _SPACING[i]
    if name == "c1":
        builder.chain(
            "c1",
            "bone",
            [centre + w * s * side * 1.5 + back * b for s, b in ((-1, 8), (-0.8, 2), (0, -4), (0.8, 2), (1, 8))],
            4.5,
        )
        return
    shape = {"axis": axis, "up": side}
    body, inside = f"{name}_body", f"{name}_body inside"
    for shift in (-0.6, 0.6):
        builder.add(body, "bone", centre + shift * h * axis, (w, d, 0.44 * h), **shape)
    builder.add(body, "bone", centre, (0.93 * w, 0.93 * d, 0.98 * h), **shape)
    builder.add(body, "spongy", centre, (0.88 * w, 0.88 * d, 0.78 * h), union=inside, within=body, **shape)
    neck = name[0] == "c"
    arch = f"{name}_arch"
    for s in (-1, 1):
        out = s * (0.85 if neck else 0.62) * w
        pedicle = f"{name}_pedicle_{'right' if s < 0 else 'left'}"
        root = centre + out * side + 0.25 * h * axis
        builder.segment(
            pedicle,
            "bone",
            root + 0.9 * d * back,
            root + 1.75 * d * back,
            (0.17 * w + 1.2, 0.42 * h),
            stretch=1.2,
            up=side,
        )
        joint = centre + 1.05 * out * side + 1.9 * d * back
        builder.segment(
            arch,
            "bone",
            joint - 0.95 * h * axis,
            joint + 1.05 * h * axis,
            (0.16 * w + 1.5, 0.2 * d + 2.0),
            stretch=1.15,
            up=side,
        )
        reach = 1.15 * w if neck else (1.95 if name[0] == "l" else 1.85) * w
        tip = centre + s * reach * side + (1.2 if neck else 1.9) * d * back + 0.1 * h * axis
        process = f"{name}_transverse"
        builder.segment(
            process,
            "thin_bone",
            root + 1.3 * d * back,
            tip,
            (0.25 * h, 3.6),
            stretch=1.25,
            up=axis,
            union=f"{process} {s}",
        )
    spine_root = centre + 2.0 * d * back - 0.1 * h * axis
    builder.segment(arch, "bone", spine_root - 0.6 * w * side, spine_root + 0.6 * w * side, (0.6 * h, 3.5), up=axis)
    down = {"c": 0.35, "t": 1.15, "l": 0.3}[name[0]] if name != "c7" else 0.5
    long = {"c": 18.0, "t": 27.0, "l": 27.0}[name[0]] if name != "c7" else 28.0
    tip = spine_root + long * (back - down * axis) / np.hypot(1, down)
    builder.segment(f"{name}_spinous", "bone", spine_root, tip, (3.2, 0.5 * h), stretch=1.2, up=side)


def _sacrum(builder, thick):
    levels = ((86, 30, 53, 17), (64, 44, 45, 15), (43, 54, 35, 13), (24, 58, 27, 10), (7, 56, 20, 8))
    inside = {"union": "sacrum inside", "within": "sacrum"}
    for z, y, w, d in levels:
        tilt = {"axis": (0, -0.4, 1)}
        builder.add("sacrum", "thin_bone", (0, y, z), (w * thick, d, 15), **tilt)
        builder.add("sacrum", "spongy", (0, y, z), (0.95 * w * thick, 0.8 * d, 13), **tilt, **inside)
        builder.add("sacrum", "thin_bone", (0, y - 3, z + 11), (0.42 * w * thick, d, 1.8), **tilt, union="sacral_lines")
        for s in (-1, 1):
            builder.add("sacrum", "spongy", (s * (13 + 0.16 * w), y - 2, z - 8), (5.0, d, 4.0), **tilt, **inside)
    for s in (-1, 1):
        builder.segment("sacrum", "bone", (s * 52, 32, 92), (s * 33, 58, 36), (3.0, 9), union=f"sacrum_wing {s}")
    builder.chain("coccyx", "bone", [(0, 54, -6), (0, 47, -20), (0, 38, -32)], 5.0)
