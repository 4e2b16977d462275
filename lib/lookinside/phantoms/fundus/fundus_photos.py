"""One fundus photograph by formula, with the truth known: masks and boxes of what glaucoma does, what is removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.fundus.anatomy import Eye, random_eye
from lookinside.phantoms.fundus.camera import (
    CAST,
    Camera,
    developed,
    edge_of_field,
    lit,
    mark_at_edge,
    random_camera,
)
from lookinside.phantoms.fundus.choroid import textures
from lookinside.phantoms.fundus.painting import painted_eye, places
from lookinside.phantoms.fundus.parts import PATHOLOGIES, checked_eye_removal
from lookinside.phantoms.fundus.vessels import random_vessels
from lookinside.phantoms.radiography.radiographs import whole

MASKS = ("field", "disc", "cup", "vessels", "rim_loss", "nerve_defect", "camera_mark", "removed")


@dataclass(frozen=True)
class FundusPhoto:
    """One photograph and its truth.

    Attributes:
        image: uint8 (H, W, 3), red, green, blue.
        seed: int that gives the same eye and camera again.
        masks: name -> bool (H, W) for each name of `MASKS`: the round field, the disc, the cup (with the notch), the
            vessels, the rim that is lost, the wedge of the nerve fibre layer, the camera's mark, and "removed": where
            `without=` has changed the picture.
        boxes: name -> (x_min, y_min, x_max, y_max), the pixel edges around the mask of "rim_loss" and "nerve_defect",
            for what is drawn; y points down, and x_max and y_max are one past the last pixel.
        rim_loss, nerve_defect: severities as drawn, 0 where `without=` has taken them away.
        eye: "left" or "right"; a right eye has its disc at the right.
        pole: "lower" or "upper", the half of the disc where the pathologies are or would be.
        cup_to_disc: the healthy cup's radius over the disc's.
        fovea: column and row of its middle, pixels.
        disc_diameter: 1.8 mm in the picture, pixels; discs differ in size.
    """

    image: np.ndarray
    seed: int
    masks: dict[str, np.ndarray]
    boxes: dict[str, tuple[int, int, int, int]]
    rim_loss: float
    nerve_defect: float
    eye: str
    pole: str
    cup_to_disc: float
    fovea: tuple[float, float]
    disc_diameter: float


def checked_share(value, what: str) -> float:
    """A number from 0 to 1 as a float. Raises LookInsideError for anything else."""
    if not isinstance(value, (bool, int, float, np.number)) or not 0.0 <= value <= 1.0:
        raise LookInsideError(f"{what} is {value!r}; give a number from 0 to 1.")
    return float(value)


def checked_photo_size(size) -> int:
    """The side in pixels. Raises LookInsideError for anything that is no whole number from 96 to 512."""
    return whole(size, "size", 96, 512)


def fundus_photo(
    seed: int,
    *,
    size: int = 224,
    rim_loss: float = 0.0,
    nerve_defect: float = 0.0,
    without: str | Sequence[str] = (),
    colour_cast: float = 0.0,
    camera_mark: float = 0.0,
) -> FundusPhoto:
    """Photograph the back of the random eye `seed`, healthy or with one or both signs of glaucoma.

    The eye, the camera and where an illness would strike come from the seed alone. Severities, sizes, parts left out
    and planted marks change nothing else: the same eye, light and noise.

    Rim loss is a notch: the cup grows to the disc's border at the lower or the upper pole, the rim pales there and
    vessels bayonet. The nerve fibre defect is a dark wedge that starts at the disc, widens along the fibres' way
    around the macula, and has no stripes. In patients a wedge follows the notch beside it; here the two are
    independent, so that each can be asked for alone. Real eyes also have haemorrhages, drusen, scars and other
    illnesses, and lose fibres all around. None of that is here.

    Args:
        seed: int of 0 or more; the same seed is the same eye at every size.
        size: height and width in pixels, 96 to 512.
        rim_loss, nerve_defect: severities, 0 (healthy) to 1.
        without: what to leave out, one name or several: "rim_loss", "nerve_defect", "disc" (with cup and notch),
            "vessels" or "macula". A part that is not there changes nothing.
        colour_cast: strength of a planted shift of the white balance, 0 to 1.
        camera_mark: brightness of a planted tab at the field's upper right edge, 0 to 1.

    Returns:
        `FundusPhoto`; its masks and boxes are those of what was drawn.

    Raises:
        LookInsideError: wrong seed, size, severity, strength or part; the nearest names are offered.
    """
    seed, size = whole(seed, "seed", 0), checked_photo_size(size)
    severity = {"rim_loss": checked_share(rim_loss, "rim_loss")}
    severity["nerve_defect"] = checked_share(nerve_defect, "nerve_defect")
    cast, mark = checked_share(colour_cast, "colour_cast"), checked_share(camera_mark, "camera_mark")
    gone = checked_eye_removal(without)
    left = {name: 0.0 if name in gone else severity[name] for name in PATHOLOGIES}

    eye = random_eye(np.random.default_rng((seed, 50)))
    camera = random_camera(np.random.default_rng((seed, 51)))
    scene_of = _Scene(eye, camera, seed, size)
    light, masks = scene_of(left, gone)
    removed = np.zeros((size, size), bool)
    if gone - set(PATHOLOGIES) or left != severity:  # a sign that is not there leaves nothing behind
        before, masks_before = scene_of(severity, frozenset())
        removed = (before != light).any(axis=0)
        for name in ("rim_loss", "nerve_defect", "disc", "vessels"):
            removed |= masks_before[name] & ~masks[name]
    right, down = camera.field(size)
    covered = edge_of_field(camera, right, down)
    value = developed(light, camera, (seed, 54)) * covered
    value += np.float32(0.006) * (1.0 - covered)
    masks["field"] = covered > 0.5
    masks["camera_mark"] = mark_at_edge(camera, right, down) & (covered == 0.0) & (mark > 0.0)
    for channel, gain in enumerate(CAST):
        own = value[channel]
        own[masks["camera_mark"]] = np.float32((0.62, 0.3, 0.17)[channel] * camera.exposure * mark)
        own *= np.float32(1.0 + cast * (gain - 1.0))
    masks = {name: masks[name] & masks["field"] for name in MASKS[:6]} | {
        "camera_mark": masks["camera_mark"],
        "removed": removed & (covered > 0.0),
    }
    fovea = camera.of_picture(*(np.float64(one) for one in eye.fovea), size)
    return FundusPhoto(
        image=np.ascontiguousarray(np.rint(np.clip(value, 0.0, 1.0) * 255.0).astype(np.uint8).transpose(1, 2, 0)),
        seed=seed,
        masks=masks,
        boxes={name: _box(masks[name]) for name in PATHOLOGIES if masks[name].any()},
        **left,
        eye="right" if camera.right_eye else "left",
        pole="lower" if eye.pole > 0 else "upper",
        cup_to_disc=eye.cup,
        fovea=(float(fovea[0]), float(fovea[1])),
        disc_diameter=camera.disc_diameter * size,
    )


class _Scene:
    """An eye before a camera, to be painted once or twice."""

    def __init__(self, eye: Eye, camera: Camera, seed: int, size: int):
        self._eye, self._camera, self._seed = eye, camera, seed
        self._tree = random_vessels(eye, np.random.default_rng((seed, 52)))
        self._field = right, down = camera.field(size)
        x, y = camera.of_eye(right, down)
        self._at = places(eye, camera, x, y, textures((seed, 53), x - 1.1, y, right, down))

    def __call__(self, severity, gone):
        """Light on the film (3, H, W) and masks by name."""
        scene, masks = painted_eye(
            self._eye, self._camera, self._tree, self._at, (self._seed, 55), **severity, gone=gone
        )
        return lit(scene, self._camera, *self._field, self._at.pixels), masks


def _box(mask):
    """The pixel edges around a mask: x_min, y_min, x_max, y_max."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
