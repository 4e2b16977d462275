"""Scenes of skull, sinuses and breast."""

import numpy as np

from lookinside.phantoms.body.breast import add_breast
from lookinside.phantoms.body.shapes import ShapeBuilder, turn
from lookinside.phantoms.body.skull import NECK_TOP, add_skull
from lookinside.phantoms.body.spine import add_spine, level_z
from lookinside.phantoms.radiography.scene import Scene, turned, view_along
from lookinside.phantoms.radiography.views_trunk import FRONT, SIDE


def _head(person, nod):
    """Skull around 0, nodding by `nod` degrees (chin up is negative) on the upper cervical spine."""
    builder = ShapeBuilder()
    builder.chain("skin", "fat", [(0, 20, -60), (0, 20, -120), (0, 26, -190)], (56, 60), stretch=1.8)
    add_spine(builder, person, "c6", "c1")
    neck = np.array(NECK_TOP)
    builder.place(offset=neck - np.array([0, 6, level_z("c1") + 9]))
    add_skull(builder, person)
    builder.place(turn("x", nod), pivot=neck)
    return builder


def _scaled(builder, k):
    shapes = builder.shapes()
    return type(shapes)(shapes.centres * np.float32(k), shapes.radii * np.float32(k), *list(vars(shapes).values())[2:])


def cranium_scene(person, view, rng):
    """Skull: ap, lateral."""
    shapes = _scaled(_head(person, rng.normal(4 if view == "ap" else 0, 6)), person.scale)
    basis = turned(FRONT if view == "ap" else SIDE, rng.normal(0, 4))
    high = rng.uniform(220, 300) * person.scale
    origin = (0, 0, rng.uniform(-40, -5) * person.scale)
    share = rng.uniform(0.72, 0.95) if view == "ap" else rng.uniform(0.85, 1.05)
    return Scene(shapes, basis, origin, (high * share, high), tilt=7, beam=0.55, scatter=0.12, flatten=0.35)


def sinuses_scene(person, view, rng):
    """Sinuses: chin up (waters), straight (caldwell), from the side (lateral)."""
    nod = {"waters": rng.uniform(-42, -30), "caldwell": rng.uniform(2, 14), "lateral": rng.normal(0, 5)}[view]
    shapes = _scaled(_head(person, nod), person.scale)
    basis = turned(SIDE if view == "lateral" else FRONT, rng.normal(0, 4))
    high = rng.uniform(150, 235) * person.scale
    rise = {"waters": rng.uniform(-25, 5), "caldwell": rng.uniform(-50, -15), "lateral": rng.uniform(-50, -15)}[view]
    ahead = -40 if view == "lateral" else 0
    origin = (0, ahead * person.scale, rise * person.scale)
    return Scene(
        shapes, basis, origin, (high * rng.uniform(0.72, 0.95), high), tilt=6, beam=0.55, scatter=0.12, flatten=0.35
    )


def breast_scene(person, view, rng):
    """Breast: from above (cc), obliquely with the chest muscle (mlo)."""
    builder = ShapeBuilder()
    reach, wide = add_breast(builder, person, rng, view == "mlo")
    basis = turned(view_along((1, 0, 0), (0, 1, 0)), 0.0)
    if view == "mlo":
        basis = turned(basis, rng.uniform(-14, -4), about="w")
    height = 2 * wide * rng.uniform(1.0, 1.3)
    width = max(reach * rng.uniform(1.1, 1.5), 0.5 * height)
    return Scene(
        builder.shapes(), basis, (0.5 * width, 0, 0), (width, height), tilt=2, beam=1.6, scatter=0.1, margin=(0.96, 1.1)
    )


HEAD_VIEWS = {
    "cranium": (("ap", "lateral"), cranium_scene),
    "sinuses": (("waters", "caldwell", "lateral"), sinuses_scene),
    "breast": (("cc", "mlo"), breast_scene),
}
