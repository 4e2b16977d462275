"""The body as slices show it: what a radiograph never shows apart, added to the trunk.

Fat around the organs, chambers of the heart, medulla and pelvis of the kidneys, vessels, bowel, discs, the canal.
The frame is the body's: x to the person's left, y to the back, z to the head, 0 between the hip joints, mm.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from lookinside.phantoms.body.person import Person
from lookinside.phantoms.body.shapes import ShapeBuilder, Shapes
from lookinside.phantoms.body.spine import LEVELS, level_z
from lookinside.phantoms.body.whole import add_limbs, add_torso

ORGANS = ("lung", "liver", "heart", "kidney", "lumbar_spine")
_VERTEBRAE = tuple(f"l{i}" for i in range(1, 6))
# The parts that an organ's name means in `without=` and in its mask.
ORGAN_PARTS = {
    "lung": ("lung",),
    "liver": ("liver",),
    "heart": ("heart",),
    "kidney": ("kidney",),
    "lumbar_spine": (*_VERTEBRAE, "lumbar_disc"),
}
# In a slice these are things of their own, not what is left open in the lungs' shadow.
_SOLID = frozenset({"heart", "aorta", "pulmonary_trunk", "mediastinum", "hilum"})
_DOME = (0.8, 0.74, 1.0)  # share of the diaphragm that stands free of the recess
_LEAN = 0.95  # below this girth the ribs would stand out of the skin


def sliced_body(
    person: Person, rng: np.random.Generator, *, lesion: str | None = None, limbs: bool = False, arms: bool = True
) -> Shapes:
    """The person as ellipsoids for slices and volumes: person, rng (of the day: gas, food, lesion) -> `Shapes`, mm.

    Args:
        lesion: an organ of `ORGANS` that carries one, or None. The part is called "lesion".
        limbs: with skull, arms and legs, and with the recess in which the lungs reach down behind the liver; without
            them the arms are raised out of the picture.
        arms: with `limbs`, whether the arms hang beside the body; else they are raised out of the picture.
    """
    person = dataclasses.replace(person, girth=max(person.girth, _LEAN))
    builder = ShapeBuilder()
    curve = add_torso(builder, person, rng)
    _add_fat(builder, person)
    _add_heart(builder, person)
    _add_liver(builder, person)
    _add_kidneys(builder, person)
    _add_vessels(builder, curve)
    _add_bowel(builder, person, rng)
    _add_canal(builder, person, curve)
    if lesion is not None:
        _add_lesion(builder, lesion, person, curve, rng)
    if limbs:
        _add_recess(builder)
    builder.place(scale=person.scale)
    if limbs:
        add_limbs(builder, person, curve, arms=arms)
    shapes = builder.shapes()
    solid = [part in _SOLID for part in shapes.parts]
    radii = shapes.radii.copy()
    if limbs:
        radii[[part == "diaphragm" for part in shapes.parts]] *= np.float32(_DOME)
    return dataclasses.replace(
        shapes,
        radii=radii,
        unions=tuple(p if s else u for p, u, s in zip(shapes.parts, shapes.unions, solid, strict=True)),
        within=tuple("" if s else w for w, s in zip(shapes.within, solid, strict=True)),
    )


def _add_fat(builder, person):
    """The fat that organs lie in, and the seams between muscles."""
    g = person.girth
    room = 0.62 + 0.38 * g
    inner = 0.6 + 0.4 * g
    rows = ((-60, 78, 62, -4), (0, 88, 70, -10), (60, 104, 76, -22), (120, 112, 78, -30), (200, 114, 82, -28))
    rows += ((270, 118, 88, -20), (330, 118, 84, -14), (370, 116, 80, -10))
    z, wide, deep, y = np.array(rows, float).T
    points = np.stack([0 * z, y, z], axis=1)
    widths = np.stack([wide * room, deep * inner], axis=1)
    builder.tube("cavity_fat", "fat", points, widths, caps=(30, 40), pieces=14, union="cavity")
    for s in (-1, 1):
        builder.add("perirenal_fat", "fat", (s * 64, 40, 226), (39, 32, 70), axis=(-0.28 * s, 0.15, 1))
        builder.segment(
            "septum", "fat", (s * 66, 44, 120), (s * 58, 52, 250), (11, 2.2), up=(1, 0.5, 0), union="septum"
        )
        builder.segment("septum", "fat", (s * 6, 82, 110), (s * 6, 84, 300), (9, 2.0), up=(0.2, 1, 0), union="septum")
    builder.add("pericardial_fat", "fat", (16, -46, 378), (74, 50, 58), axis=(0.35, 0, 1), up=(1, 0, -0.35))
    if person.female:
        rng = person.details("breasts")
        size = rng.uniform(0.75, 1.25) * (0.5 + 0.5 * g)
        for s in (-1, 1):
            at = (s * 76, -104, 412)
            builder.add("breast", "fat", at, (58 * size, 48 * size, 54 * size), union="breast")
            for _ in range(5):
                spot = np.array(at) + rng.normal(0, 13, 3) * (1, 0.6, 1) - (0, 14, 0)
                builder.add("breast_gland", "gland", spot, rng.uniform(6, 18, 3) * size, union="breast_gland")


def _add_heart(builder, person):
    """Chambers in the two ellipsoids that make a heart."""
    rng = person.details("chambers")
    fill = {"union": "heart chambers", "within": "heart"}
    size = rng.normal(1.0, 0.07)
    tilt = {"axis": (0.35, 0, 1), "up": (1, -0.25, -0.35)}
    builder.add(
        "heart_chamber_left_ventricle", "in_lung", (42, -34, 372), (35 * size, 18 * size, 23 * size), **tilt, **fill
    )
    builder.add("heart_chamber_right_ventricle", "in_lung", (10, -68, 372), (42 * size, 12 * size, 30), **tilt, **fill)
    builder.add("heart_chamber_left_atrium", "in_lung", (4, -12, 406), (28, 15 * size, 19 * size), **fill)
    builder.add("heart_chamber_right_atrium", "in_lung", (-30, -36, 390), (14 * size, 24, 30 * size), **fill)


def _add_liver(builder, person):
    """The lobe under the right dome, the left lobe, vessels, the gallbladder."""
    rng = person.details("liver")
    builder.add("liver", "organ", (-66, -14, 300), (70, 90, 46), union="liver")
    left = rng.uniform(0.7, 1.25)
    builder.add("liver", "organ", (8 * left, -56, 296), (62 * left, 34, 30 * left), axis=(0.2, 0, 1), union="liver")
    if rng.random() < 0.3:
        builder.add("liver", "organ", (-98, -8, 220), (32, 52, 54), union="liver")  # Riedel's lobe
    fill = {"union": "liver vessels", "within": "liver"}
    root = np.array([-20.0, 4.0, 336.0])
    for end in ((-112, 14, 300), (-66, -62, 304), (20, -62, 300)):
        way = root + (np.array(end) - root) * np.array([[0.5], [1.0]]) + rng.normal(0, 5, (2, 3))
        builder.chain("liver_vessel", "in_lung", [root, *way], [5.0, 3.4], **fill)
    gate = np.array([-28.0, -24.0, 268.0])
    for end in ((-96, 16, 276), (-106, -36, 280), (8, -56, 284), (-70, -10, 310)):
        way = gate + (np.array(end) - gate) * np.array([[0.5], [1.0]]) + rng.normal(0, 6, (2, 3))
        builder.chain("liver_vessel", "in_lung", [gate, *way], [5.5, 3.2], **fill)
    if rng.random() < 0.85:
        full = rng.uniform(0.7, 1.25)
        builder.add("gallbladder", "organ", (-58, -62, 244), (15 * full, 15 * full, 30 * full), axis=(0.3, -0.5, 1))
    builder.chain("pancreas", "organ", [(-28, -26, 240), (-2, -34, 250), (34, -18, 262), (66, 2, 274)], [15, 12, 12])


def _add_recess(builder):
    """The lower rim of the lungs between diaphragm and ribs: near the diaphragm a slice shows lungs and liver."""
    for s, side in ((-1, "right"), (1, "left")):
        lung = f"lung_{side}"
        builder.add(lung, "lung", (s * 66, 52, 322), (46, 42, 66), axis=(0, 0.12, 1), union=lung)
        builder.add(lung, "lung", (s * 92, 6, 326), (34, 66, 54), union=lung)


def _add_kidneys(builder, person):
    """Medulla, sinus fat and pelvis inside each kidney; the same places as `add_abdomen` gives the kidneys."""
    details = person.details("abdomen")
    for s in (-1, 1):
        centre = np.array([s * 62 + details.normal(0, 3), 42, 222 + 6 * s + details.normal(0, 6)])
        fill = {"union": f"kidney {s} inside", "within": f"kidney {s}"}
        way = np.array([-0.28 * s, 0.15, 1.0]) / 1.05
        out, front = np.array([s, 0.0, 0.28]), np.array([0.0, -1.0, 0.15])
        for step in (-32, -16, 0, 16, 32):
            for turn in (-0.9, 0.1, 1.0):
                side = np.cos(turn) * out + np.sin(turn) * front
                spot = centre + step * way + 13.5 * (1 - (step / 58) ** 2) * side
                builder.add("kidney_medulla", "organ", spot, (4.6, 4.6, 6.0), axis=side, **fill)
        hilum = centre - 9.0 * np.array([s, 0, 0])
        builder.add("kidney_sinus", "fat", hilum, (15, 9, 26), axis=way, **fill)
        builder.add("kidney_pelvis", "organ", hilum - (3.0 * s, 0, 0), (6, 4, 9), axis=way, **fill)


def _add_vessels(builder, curve):
    """The aorta in front of the spine, the lower caval vein to its right, the gullet."""
    heights = (130, 180, 230, 280, 330, 372)
    spine = [curve(z) for z in heights]
    # In the chest the aorta lies left of the spine, where `add_lungs` has put it.
    left = (2, 7, 9, 11, 16, 22)
    aorta = [
        (left[i], p[1] - 30 + (4 if z > 320 else 0), z) for i, (p, z) in enumerate(zip(spine, heights, strict=True))
    ]
    builder.chain("aorta", "in_lung", aorta, 11.0, union="aorta")
    vein = [(-18 + p[0], p[1] - 27, z) for p, z in zip(spine[:-1], heights[:-1], strict=True)]
    builder.chain("vena_cava", "in_lung", [*vein, (-22, 2, 352)], (13, 10), union="vena_cava")
    builder.chain("vena_cava", "in_lung", [(-30, -24, 420), (-30, -22, 480)], 9.0, union="upper_vena_cava")
    builder.chain("oesophagus", "muscle", [(8, 6, 350), (4, 18, 410), (2, 22, 470), (0, 16, 560)], 6.5)


def _add_bowel(builder, person, rng):
    """Stomach with what was eaten, loops of small bowel, the colon."""
    details = person.details("bowel")
    builder.add("stomach", "organ", (62, -32, 300), (46, 44, 50), axis=(0.3, 0.2, 1), union="stomach")
    builder.add("stomach", "organ", (18, -58, 248), (46, 20, 20), axis=(0, 0, 1), union="stomach")
    full = rng.uniform(0.55, 0.9)
    fill = {"union": "stomach food", "within": "stomach"}
    builder.add("stomach_food", "organ", (62, -30, 298), (40 * full, 38 * full, 44), axis=(0.3, 0.2, 1), **fill)
    for i in range(60):
        spot = (details.uniform(-84, 84), details.uniform(-88, -22), details.uniform(20, 226))
        long, thick = details.uniform(16, 34), details.uniform(9, 15)
        builder.add("bowel", "organ", spot, (thick, thick, long), axis=details.normal(0, 1, 3), union=f"bowel {i}")
    colon = [(-104, -6, 70), (-108, -2, 140), (-104, -2, 206), (-70, -58, 236), (0, -84, 214), (66, -62, 240)]
    colon += [(104, -4, 262), (110, 12, 200), (108, 8, 120), (84, -4, 62), (20, 14, 40), (0, 34, 0)]
    points = np.array(colon, float) + details.normal(0, 4, (len(colon), 3))
    for i, (start, end) in enumerate(itertools.pairwise(points)):
        for share in (0.0, 0.33, 0.67):
            spot = start + share * (end - start)
            builder.add("colon", "organ", spot, details.uniform(14, 22, 3), union=f"colon {i}")


def _add_canal(builder, person, curve):
    """Discs between the vertebrae, the spinal canal with its cord."""
    rng = person.details("discs")
    dry = rng.uniform(0, 1)  # discs lose their water with age
    heights = [level_z(level) for level in LEVELS]
    back = []
    for i, level in enumerate(LEVELS[:-2]):
        z = 0.5 * (heights[i] + heights[i + 1])
        low, centre, high = curve(z - 8), curve(z), curve(z + 8)
        axis = (high - low) / np.linalg.norm(high - low)
        name = "lumbar_disc" if level[0] == "l" else "disc"
        wide, deep = (24.0, 16.5) if level[0] == "l" else (17.0, 13.0)
        gap = 0.16 * (heights[i + 1] - heights[i])
        shape = {"axis": axis, "up": (1.0, 0, 0)}
        builder.add(name, "cartilage", centre, (wide, deep, gap), union=f"disc {level}", **shape)
        if rng.uniform(0, 1) > 0.8 * dry:
            inside = {"union": f"disc {level} nucleus", "within": f"disc {level}"}
            core = (0.62 * wide, 0.6 * deep, 0.75 * gap)
            builder.add(f"{name}_nucleus", "cartilage", centre, core, **inside, **shape)
        behind = 17.0 * (0.6 + 0.4 * wide / 24) * person.bone + 9.0
        back.append(tuple(centre + behind * np.cross(axis, (1.0, 0, 0))))
    builder.chain("spinal_canal", "brain", back, (10.5, 8.0), union="canal", stretch=1.3)
    builder.chain("spinal_cord", "brain", back[3:], (5.5, 4.2), union="cord", stretch=1.3)
    builder.chain("spinal_cord", "brain", [(x, y + 3.5, z) for x, y, z in back[:4]], (4.5, 1.4), union="cauda")


def _add_lesion(builder, organ, person, curve, rng):
    """One lesion inside an organ: a nodule, a metastasis or a cyst, of another place and size each day."""
    side = rng.choice([-1, 1])
    size = rng.uniform(8, 20)
    name = "lesion_cyst" if organ in ("liver", "kidney") and rng.random() < 0.4 else "lesion"
    if organ == "lung":
        at, name = (side * rng.uniform(45, 95), rng.uniform(-40, 50), rng.uniform(370, 480)), "lesion"
    elif organ == "liver":
        at = (rng.uniform(-115, -40), rng.uniform(-60, 30), rng.uniform(265, 325))
    elif organ == "heart":
        at, size = (rng.uniform(0, 60), rng.uniform(-60, -25), rng.uniform(360, 395)), rng.uniform(8, 14)
    elif organ == "kidney":
        at = (side * rng.uniform(58, 82), 40 + rng.normal(0, 6), 222 + rng.uniform(-35, 35))
    else:
        level = LEVELS[int(rng.integers(5))]
        at, size = curve(level_z(level)) + rng.normal(0, (8, 3, 3)), rng.uniform(7, 13)
    builder.add(name, "organ", at, size * rng.uniform(0.8, 1.25, 3), axis=rng.normal(0, 1, 3), union="lesion")
