"""A random fetus of 11 to 14 weeks in its surroundings, cut in the middle plane: parts in mm.

x points from the head to the feet, y from the face to the back; the middle of the thalami is (0, 0). The places and
sizes are the medians of 639 images with all nine boxes of the Fetus Framework set (Cui & Dong 2022), made
upright and of one size by a similarity fit, with 0.0795 mm a pixel; the spreads are what the fit leaves over.
"""

from __future__ import annotations

import math

import numpy as np

from lookinside.phantoms.fetus.parts import Line, Part
from lookinside.phantoms.fetus.shapes import Blob, Curve, Region, Strip


def random_parts(rng: np.random.Generator, turn: float) -> tuple[Part, ...]:
    """Draw all parts, in the order in which they are painted.

    Args:
        rng: its own generator.
        turn: of the head in the picture, degrees; the back lies on the womb's wall and follows it only in part.
    """
    level = -0.7 * math.tan(math.radians(turn))
    back = Curve(4.0, rng.normal(14.5, 0.4), rng.normal(level, 0.045), rng.normal(-0.001, 0.0022), -0.02)
    chest = rng.uniform(0.15, 0.75)
    front = Curve(rng.normal(17.0, 0.6), rng.normal(3.2, 0.7), -chest, chest * 0.012, 0.02)
    haze = Part("", Region(None, None), "fluid", extra=rng.uniform(0.0, 11.0))
    return (
        haze,
        *_surroundings(rng, back),
        *_trunk(rng, back, front),
        *_head(rng),
        *_brain(rng),
        *_face(rng),
        *_nape(rng, back),
    )


def _surroundings(rng, back):
    """The wall of the womb below, perhaps a placenta above, the amnion, a limb."""
    touching = rng.random() < 0.45
    gap = rng.uniform(-0.6, 0.1) if touching else rng.uniform(0.3, 3.2)
    pocket = (rng.uniform(-4, 26), rng.uniform(0.0, 3.5), rng.uniform(5, 14))
    wall = Curve(
        rng.uniform(0.0, 7.0),
        back.y + gap,
        back.slope + rng.normal(0.0, 0.03),
        back.bend + rng.normal(-0.002, 0.003),
        -rng.uniform(0.008, 0.032),
        bump=pocket,
    )
    parts = [Part("", Region(wall, None), "wall", (Line(0, rng.uniform(2, 15), 0.25),), extra=rng.uniform(-7, 1.5))]
    has_placenta = rng.random() < 0.3  # an anterior placenta is in the picture in some
    roof = Curve(rng.uniform(-5, 25), -rng.uniform(15.5, 20), rng.normal(0, 0.08), rng.normal(0.0, 0.006))
    placenta = Part("placenta", Region(None, roof), "placenta", (Line(1, 9.0, 0.2),), extra=rng.uniform(-5, 1))
    limb_at = rng.uniform(16, 30), rng.uniform(-15, -5)
    round_one = Blob(*limb_at, rng.uniform(0.8, 2.4), rng.uniform(0.8, 2.4), rng.uniform(-50, 50))
    limb = Part("limb", round_one, "plexus", (Line(0, 10.0),))
    has_limb = rng.random() < 0.35
    loose = rng.uniform(0.7, 2.6)
    amnion = Curve(wall.x, wall.y - loose, wall.slope, wall.bend + rng.normal(0, 0.002), wall.bend_before, wall.bump)
    middle = rng.uniform(-10, 30)
    membrane = Part(
        "membrane",
        Strip(amnion, middle - 30, middle + 30, 0.1, 8.0),
        None,
        (Line(0.5, rng.uniform(4, 17), 0.17, middle, rng.uniform(8, 18)),),
    )
    has_membrane = rng.random() < 0.75
    there = (placenta, has_placenta), (membrane, has_membrane), (limb, has_limb)
    return [*parts, *(part for part, seen in there if seen)]


def _trunk(rng, back, front):
    """Neck and trunk with the spine's dark canal, the airway, the heart."""
    skin = rng.uniform(-10, 30)
    lines = (Line(0, rng.uniform(2, 13), 0.22), Line(1, rng.uniform(8, 19), 0.24, skin, rng.uniform(10, 25)))
    parts = [
        Part("", Region(front, back, start=3.0), "tissue", lines, extra=rng.uniform(-4, 1.5), covers=True),
        Part("heart", Blob(rng.uniform(26, 33), rng.uniform(4, 8), rng.uniform(1.6, 3), rng.uniform(1, 2)), "heart"),
    ]
    depth, canal = rng.uniform(3.2, 5.2), rng.uniform(0.5, 1.2)
    along = Curve(back.x, back.y - depth, back.slope + rng.normal(0, 0.02), back.bend, -0.01)
    start, end = rng.uniform(7, 12), rng.uniform(20, 40)
    shine = (rng.uniform(10, 30), rng.uniform(5, 12))
    edges = tuple(Line(at, rng.uniform(3, 14), 0.18, *shine) for at in (0, 1))
    parts.append(Part("spinal_canal", Strip(along, start, end, canal, 6.0), "ventricle", edges))
    pitch, high = rng.uniform(1.2, 1.5), rng.uniform(0.4, 0.7)
    bodies = Curve(along.x, along.y - canal - high, along.slope, along.bend, along.bend_before)
    for i in range(int((end - start) / pitch)):
        at = start + 1.0 + i * pitch
        parts.append(
            Part("vertebrae", Blob(at, float(bodies(at)), 0.38, high), "gristle", extra=rng.uniform(-14.0, -4.0))
        )
    for _ in range(int(rng.integers(8, 20))):
        at, below = rng.uniform(5, 36), rng.uniform(2.5, 11)
        muscle = Curve(at, float(back(at)) - below, back.slope + 2.0 * back.bend * (at - back.x) + rng.normal(0, 0.06))
        parts.append(_streak(rng, muscle, rng.uniform(2, 6), rng.uniform(4, 15)))
    pipe = Curve(12.0, rng.uniform(6.0, 8.5), rng.uniform(-0.15, 0.1), rng.normal(0, 0.004))
    first = rng.uniform(6, 9)
    walls = tuple(Line(at, rng.uniform(0, 11), 0.18, rng.uniform(9, 17), rng.uniform(3, 7)) for at in (0, 1))
    parts.append(
        Part("airway", Strip(pipe, first, first + rng.uniform(6, 15), rng.uniform(0.5, 1.2), 4.0), "ventricle", walls)
    )
    return parts


def _streak(rng, curve, reach, echo):
    """A short bright line along a curve."""
    strip = Strip(curve, curve.x - 2.0 * reach, curve.x + 2.0 * reach, 0.1)
    return Part("", strip, None, (Line(0.5, echo, rng.uniform(0.15, 0.3), curve.x, reach),))


def _head(rng):
    """Face and head with their skin, the skull's echo, the bone below the back of the head."""
    face = Blob(10.4 + rng.normal(0, 0.3), -2.3 + rng.normal(0, 0.3), 6.1 * rng.normal(1, 0.04), 5.9, 0.0)
    skull = Blob(-1.4 + rng.normal(0, 0.3), -0.2, 12.2 * rng.normal(1, 0.03), 13.3 * rng.normal(1, 0.02), 0.0)
    vault = Blob(skull.x, skull.y, skull.rx - 0.7, skull.ry - 0.7, skull.turn)
    echo = rng.uniform(10, 23)
    occiput = Curve(2.0, rng.normal(12.9, 0.2), rng.normal(0.02, 0.03), -0.012, -0.03)
    start = rng.uniform(-3.5, -1.0)
    return [
        Part("", face, "muscle", (Line(0, rng.uniform(4, 12), 0.2),), covers=True),
        Part("", Blob(7.0, 5.5, 8.0, 7.2), "muscle", covers=True),
        Part("", skull, "brain", (Line(0, 5.0, 0.2),), extra=rng.uniform(-3.5, 1.0), covers=True),
        Part("skull", vault, None, (Line(0, echo, 0.3),)),
        Part(
            "skull",
            Strip(occiput, start, start + rng.uniform(6.5, 10.0), 0.5, 4.0),
            None,
            (Line(0.5, rng.uniform(18, 28), 0.25, 2.0 + rng.normal(0, 1.0), rng.uniform(2.5, 4.5)),),
        ),
    ]


def _brain(rng):
    """Thalami, midbrain, fourth ventricle (IT), cisterna magna, and a choroid plexus above."""

    def place(x, y, wide, high, sx=0.42, sy=0.25):
        return x + rng.normal(0, sx), y + rng.normal(0, sy), 0.5 * wide, 0.5 * high

    dim = rng.uniform(-4.0, 2.5)
    parts = []
    for _ in range(int(rng.integers(6, 14))):
        at = rng.uniform(-10, 6), rng.uniform(-10, 8)
        parts.append(_streak(rng, Curve(*at, rng.normal(0, 0.3)), rng.uniform(0.8, 2.5), rng.uniform(3, 14)))
    for _ in range(2):
        at = rng.uniform(-8, 3), rng.uniform(-9.5, -4.5)
        parts.append(
            Part("plexus", Blob(*at, rng.uniform(1, 3), rng.uniform(0.6, 1.6), rng.uniform(-60, 60)), "plexus")
        )
    fore = Blob(rng.uniform(1.5, 5), rng.uniform(-9, -5.5), rng.uniform(1.5, 3.5), rng.uniform(1, 2.5), -35.0)
    parts.append(Part("", fore, "dark_brain", extra=rng.uniform(0, 6)))
    wide, high = 7.3 * rng.normal(1, 0.1), 5.65 * rng.normal(1, 0.09)
    rim = Line(0, rng.uniform(0, 9), 0.3)
    parts.append(Part("thalami", Blob(*place(0, 0, wide, high)), "dark_brain", (rim,), dim))
    wide, high = 5.3 * rng.normal(1, 0.13), 6.9 * rng.normal(1, 0.07)
    parts.append(Part("midbrain", Blob(*place(-1.7, 6.35, wide, high)), "dark_brain", (), dim + rng.normal(0, 1)))
    x, y, half, _ = place(2.03, 8.42, 4.9 * rng.normal(1, 0.17), 0)
    tilt = rng.normal(0.05, 0.08)
    edges = tuple(Line(at, rng.uniform(7, 20), 0.17, x, 0.7 * half) for at in (0, 1))
    thick = 2.15 * rng.normal(1, 0.15)
    parts.append(
        Part(
            "IT",
            Strip(Curve(x, y, tilt, 0.01), x - half, x + half, thick, 3.0),
            "ventricle",
            edges,
            0.5 * dim,
            covers=True,
        )
    )
    x, y, half, _ = place(2.82, 10.93, 7.5 * _about_one(rng, 0.24), 0, 0.7)
    edges = (Line(0, rng.uniform(0, 11), 0.2, x, 0.5 * half),)
    thick = 1.75 * _about_one(rng, 0.24)
    bowl = Curve(x, y, rng.normal(0.04, 0.05), -0.008)
    parts.append(Part("CM", Strip(bowl, x - half, x + half, thick, 3.0), "ventricle", edges, 0.5 * dim, covers=True))
    return parts


def _face(rng):
    """Palate with the jaw's bright spot, nasal bone, the skin above it, the tip of the nose."""
    x, y = 10.9 + rng.normal(0, 0.33), -2.85 + rng.normal(0, 0.25)
    half = 3.6 * rng.normal(1, 0.1)
    slope = -rng.uniform(0.45, 0.85)
    plate = Strip(Curve(x - 0.4, y, slope, 0.02), x - 0.4 - half, x + half - 0.4, rng.uniform(1.2, 1.9), 5.0)
    spot = Blob(x + 0.72 * half, y + rng.uniform(0.2, 1.2), rng.uniform(1.0, 1.5), rng.uniform(0.8, 1.2))
    parts = [
        Part("palate", plate, "gristle", (Line(0.5, rng.uniform(19, 29), 0.35),)),
        Part("palate", spot, "gristle", (), rng.uniform(1, 7)),
    ]
    shift = rng.normal(0, 0.2), rng.normal(0, 0.2)
    steep = rng.normal(0.0, 0.1)
    for name, px, py, wide, thick, material, echo in (
        ("nasal_bone", 9.48, -7.5, 2.95, 0.8, "bone", 22.0),
        ("nasal_skin", 9.92, -8.4, 2.2, 0.6, "skin", 16.0),
        ("nasal_tip", 11.72, -8.8, 2.3, 0.55, "skin", 17.0),
    ):
        cx, cy = px + shift[0] + rng.normal(0, 0.12), py + shift[1] + rng.normal(0, 0.07)
        half = 0.5 * wide * _about_one(rng, 0.18)
        line = Line(0.5, echo + rng.uniform(-4, 4), 0.2)
        curve = Curve(cx, cy, steep + rng.normal(0.03, 0.06), 0.02)
        parts.append(Part(name, Strip(curve, cx - half, cx + half, thick, 4.0), material, (line,)))
    hollow = Blob(x + rng.uniform(-2.5, 0.5), y - rng.uniform(1.6, 2.6), rng.uniform(1, 2), rng.uniform(0.4, 1), 30.0)
    mouth = Blob(x + rng.uniform(-1, 3.5), y + rng.uniform(2, 4), rng.uniform(1, 2.2), rng.uniform(0.4, 1.1), -20.0)
    parts = [Part("", hollow, "dark_brain"), Part("", mouth, "dark_brain"), *parts]
    for _ in range(5):
        spot = Blob(rng.uniform(12.0, 15.5), rng.uniform(-7.5, 1.0), rng.uniform(0.4, 1.1), rng.uniform(0.3, 0.7))
        parts.insert(0, Part("", spot, "gristle", extra=rng.uniform(-8, 2)))
    nose = Blob(11.2 + shift[0], -7.2 + shift[1], 2.6, 1.8, 10.0)
    return [Part("", nose, "muscle", covers=True), *parts]


def _nape(rng, back):
    """The nuchal translucency: fluid under the skin of the neck between two bright lines."""
    start = 0.3 + 2.0 * rng.normal() + (rng.exponential(4.5) if rng.random() < 0.15 else 0.0)
    end = max(start + rng.uniform(9.0, 38.0), 12.0)
    thick = float(np.clip(np.exp(rng.normal(np.log(2.0), 0.3)), 0.9, 4.0))
    lean = rng.uniform(-0.35, 0.2)
    band = Strip(back, start, end, thick, rng.uniform(2.2, 5.0), lean, 1.0)
    middle, reach = band.thickest(), 0.5 * (end - start)
    upper = Line(0, rng.uniform(11, 25), 0.15, middle + rng.normal(0, 0.4) * reach, rng.uniform(0.3, 0.9) * reach)
    lower = Line(1, rng.uniform(17, 31), 0.17, middle + rng.normal(0, 0.3) * reach, rng.uniform(0.4, 1.0) * reach)
    return [Part("NT", band, "cloudy_fluid", (upper, lower), rng.uniform(-4, 4), covers=True)]


def _about_one(rng, spread):
    """A factor about 1, never far from it."""
    return min(max(rng.normal(1.0, spread), 0.5), 1.6)
