"""An X-ray of an organ: the projection of `radiography`, framed around the organ."""

from __future__ import annotations

import dataclasses

import numpy as np

from lookinside.phantoms.body.parts import meant_by
from lookinside.phantoms.body.person import Person
from lookinside.phantoms.body.shapes import ShapeBuilder, Shapes
from lookinside.phantoms.radiography.film import develop, expose, field_of, random_film
from lookinside.phantoms.radiography.projection import project
from lookinside.phantoms.radiography.views import RECIPES

# class of radiograph, view, middle from .. to (mm before scaling) and side of the field; None: as that class has it
_FRAMES = {
    "lung": (("chest", "pa", None), ("chest", "lateral", None)),
    "heart": (("chest", "pa", ((0, -40, 360), (30, -30, 405), (180, 340))),),
    "liver": (("abdomen", "lying", ((-70, -20, 250), (-15, -10, 310), (200, 350))),),
    "kidney": (
        ("abdomen", "lying", ((-15, 40, 195), (15, 40, 250), (230, 350))),
        ("abdomen", "lying", ((-70, 40, 205), (-55, 40, 235), (140, 200))),
        ("abdomen", "lying", ((55, 40, 205), (70, 40, 235), (140, 200))),
    ),
    "lumbar_spine": (
        ("lumbar_spine", "ap", None),
        ("lumbar_spine", "lateral", None),
        ("abdomen", "lying", ((-15, 10, 150), (15, 20, 200), (200, 350))),
    ),
}


def xray_picture(
    organ: str,
    person: Person,
    rng: np.random.Generator,
    seed: tuple[int, ...],
    size: int,
    lesion: np.random.Generator | None,
    without: tuple[str, ...],
    organ_parts: tuple[str, ...],
):
    """The parts of an `OrganImage` of modality "xray", as a dict.

    Args:
        rng: of framing and exposure; seed: of the noise; lesion: the lesion's generator, or None for none.
        without, organ_parts: names of parts.
    """
    frames = _FRAMES[organ]
    name, view, frame = frames[int(rng.integers(len(frames)))]
    scene = RECIPES[name][1](person, view, rng)
    shapes, origin = scene.shapes, np.asarray(scene.origin, float)
    width, height = scene.field
    if frame is not None:
        low, high, extent = frame
        origin = person.scale * rng.uniform(low, high)
        width = height = person.scale * rng.uniform(*extent)
    pixel = max(width, height) * rng.uniform(*scene.margin) / size
    angle = np.deg2rad(rng.normal(0.0, scene.tilt))
    c, s = np.cos(angle), np.sin(angle)
    basis = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ scene.view
    field = field_of(size, width / pixel, height / pixel, rng.normal(0.0, 2.0), rng.normal(0.0, 0.02, 2) * size)
    film = random_film(rng, scene.beam, scene.scatter, scene.flatten, scene.burn)

    def shadow_of(among, names):
        chosen = among.only(meant_by(among, names))
        if not len(chosen):
            return np.zeros(field.shape, bool)
        alone = dataclasses.replace(chosen, within=("",) * len(chosen))  # a heart casts a shadow without its lungs too
        return project(alone, basis, origin, pixel, size).body & (field > 0.5)

    # Exposed for the whole body without its lesion, so that both change only the pixels that they touch.
    well = left = project(shapes, basis, origin, pixel, size)
    if lesion is not None:
        shapes = _joined(shapes, _lesion(organ, person, lesion))
    gone = meant_by(shapes, without) if without else np.zeros(len(shapes), bool)
    kept = shapes.only(~gone)
    if gone.any() or lesion is not None:
        left = project(kept, basis, origin, pixel, size)
    exposure = expose(well.attenuation, well.bone, field, film, np.random.default_rng(seed))
    grey = develop(left.attenuation, left.bone, field, film, exposure)
    return {
        "grey": grey,
        "view": view,
        "level": float(origin[2]),
        "labels": np.where(field > 0.5, left.labels, 0).astype(np.int16),
        "part_names": left.part_names,
        "organ_mask": shadow_of(kept, organ_parts),
        "lesion_mask": shadow_of(kept, ("lesion",)),
        "removed_mask": shadow_of(shapes, without),
    }


def _lesion(organ: str, person: Person, rng: np.random.Generator) -> Shapes:
    """What a lesion is to X-rays: a nodule in the lung, a stone in the kidney, sclerosis; flesh hardly shows."""
    side, k = rng.choice([-1, 1]), person.scale
    builder = ShapeBuilder()
    radii = rng.uniform(8, 20) * rng.uniform(0.8, 1.25, 3)
    if organ == "lung":
        at, name = (
            (side * rng.uniform(45, 95), rng.uniform(-40, 50), rng.uniform(370, 480)),
            "right" if side < 0 else "left",
        )
        builder.add("lesion", "in_lung", at, radii, union="lesion", within=f"lung_{name}")
    elif organ == "kidney":
        at = (side * rng.uniform(50, 66), 42, 222 + rng.uniform(-25, 25))
        builder.add("lesion", "tooth", at, 0.35 * radii, union="lesion")
    elif organ == "lumbar_spine":
        at = (rng.normal(0, 6), 8 + rng.normal(0, 4), rng.uniform(115, 245))
        builder.add("lesion", "bone", at, 0.7 * radii, union="lesion")
    else:
        at = (-70, -20, 290) if organ == "liver" else (30, -40, 380)
        builder.add("lesion", "organ", np.array(at) + rng.normal(0, 15, 3), radii, union="lesion")
    return builder.place(scale=k).shapes()


def _joined(shapes: Shapes, more: Shapes) -> Shapes:
    arrays = (np.concatenate(pair) for pair in ((shapes.centres, more.centres), (shapes.radii, more.radii)))
    rotations = np.concatenate([shapes.rotations, more.rotations])
    names = (getattr(shapes, name) + getattr(more, name) for name in ("parts", "tissues", "unions", "within"))
    return Shapes(*arrays, rotations, *names)
