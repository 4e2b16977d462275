"""An eye painted in red, green and blue: what each place of its back throws back, and where its parts lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lookinside.phantoms.fundus.anatomy import Eye
from lookinside.phantoms.fundus.camera import Camera
from lookinside.phantoms.fundus.choroid import Textures
from lookinside.phantoms.fundus.disc_painting import SCLERA, disc_here, disc_window, paint_disc
from lookinside.phantoms.fundus.disc_shapes import cup_radius, smooth_step
from lookinside.phantoms.fundus.fibres import fibre_angle, fibre_thickness, striation, wedge_share
from lookinside.phantoms.fundus.vessel_painting import painted_vessels
from lookinside.phantoms.fundus.vessels import Vessels

# Red, green and blue. Light falls off as exp(-amount x these), so blood and pigment darken and redden together. Set so
# that the means over the field, its edge and the disc come close to those of photographs of HYGD.
_MELANIN = (0.46, 0.62, 0.72)
_CHOROID = (0.16, 0.80, 0.78)
_VESSEL = (0.17, 0.41, 0.28)
_FIBRES = (0.150, 0.138, 0.064)


class Places(NamedTuple):
    """Where the pixels are.

    Attributes:
        x, y: in the eye, disc diameters, float32 (H, W).
        angle: of the fibre through each, radians.
        distance: from the disc's middle, disc diameters.
        textures: what the choroid looks like there.
        pixels: in a disc diameter.
        size: of the picture.
    """

    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    distance: np.ndarray
    textures: Textures
    pixels: float
    size: int


def places(eye: Eye, camera: Camera, x: np.ndarray, y: np.ndarray, fields: Textures) -> Places:
    """What painting needs to know of the pixels, see `Places`."""
    size = len(x)
    return Places(x, y, fibre_angle(eye, x, y), np.sqrt(x * x + y * y), fields, camera.disc_diameter * size, size)


def painted_eye(
    eye: Eye,
    camera: Camera,
    tree: list[Vessels],
    at: Places,
    seed,
    *,
    rim_loss: float,
    nerve_defect: float,
    gone: frozenset[str] = frozenset(),
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Paint an eye.

    Args:
        eye, camera, tree, at: what, with which camera, its vessels, where.
        seed: of the stripes of the nerve fibre layer.
        rim_loss, nerve_defect: severities, 0 to 1.
        gone: parts to leave out.

    Returns:
        float32 (3, H, W), how much red, green and blue each place throws back; name -> bool (H, W), where parts lie.
    """
    wedge = wedge_share(eye, at.angle, at.distance, nerve_defect)
    healthy = fibre_thickness(at.angle, at.distance) * eye.fibres
    thick = healthy * (1.0 + 0.24 * striation(seed, at.angle, at.distance, at.pixels)) * (1.0 - 0.95 * wedge)
    scene = _behind_fibres(eye, at, gone)
    for channel in range(3):
        scene[channel] += np.float32(_FIBRES[channel]) * thick

    near = disc_window(at.distance)
    disc = disc_here(eye, at.x[near], at.y[near], rim_loss)
    masks = {name: np.zeros(at.x.shape, bool) for name in ("disc", "cup", "rim_loss", "vessels")}
    masks["nerve_defect"] = wedge > 0.5
    masks["nerve_defect"][near] &= disc.far >= 1.0
    if "disc" not in gone:
        masks["disc"][near] = disc.far < 1.0
        masks["cup"][near] = disc.far < disc.cup
        masks["rim_loss"][near] = (disc.far < disc.cup) & (disc.far >= cup_radius(eye, disc.angle, 0.0))
        paint_disc(scene[:, near[0], near[1]], eye, disc, at.textures.grain[near], at.textures.blotches[near])
    if "vessels" not in gone:
        veins, arteries, shine = painted_vessels(tree, eye, camera, at.size, rim_loss)
        blood = 0.9 * veins + 0.58 * arteries * (1.0 - 0.38 * shine)
        masks["vessels"] = blood > 0.26
        if "disc" not in gone:
            blood[near] *= 1.0 + 0.8 * disc.cover  # before the white disc, where no blood lies behind, they stand out
        for channel in range(3):
            scene[channel] *= np.exp(np.float32(-_VESSEL[channel]) * blood)
    return scene, masks


def _behind_fibres(eye, at, gone):
    """The choroid and the pigment before it, darker at the macula: float32 (3, H, W)."""
    streaks, blotches, grain = at.textures
    back = eye.tessellation * (0.5 + 0.5 * smooth_step(at.distance, 0.5, 2.0))
    melanin = eye.pigment * (1.0 + 0.08 * blotches + 0.045 * grain - 0.24 * back * streaks)
    blood = eye.blood * (1.0 + 0.05 * blotches + 0.11 * back * streaks)
    if "macula" not in gone:
        off = (at.x - eye.fovea[0]) ** 2 + (at.y - eye.fovea[1]) ** 2
        melanin = melanin + 0.32 * _bump(off, 0.34) + 0.26 * _bump(off, 1.0)
        blood = blood + 0.22 * _bump(off, 0.4) + 0.1 * _bump(off, 1.0)
    scene = np.empty((3, *at.x.shape), np.float32)
    for channel in range(3):
        amount = np.float32(_MELANIN[channel]) * melanin + np.float32(_CHOROID[channel]) * blood
        scene[channel] = np.float32(SCLERA[channel]) * np.exp(-amount)
    return scene


def _bump(off, width):
    """A bell over squared distances, cut off where it is next to nothing."""
    bell = np.exp(off * np.float32(-1.0 / width**2))
    return np.maximum(bell - np.float32(0.01), 0.0)
