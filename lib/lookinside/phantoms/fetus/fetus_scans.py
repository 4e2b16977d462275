"""One first-trimester scan by formula, with the truth known: boxes and masks of nine structures, what is removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.fetus.anatomy import random_parts
from lookinside.phantoms.fetus.painting import painted
from lookinside.phantoms.fetus.parts import STRUCTURES, checked_scan_removal
from lookinside.phantoms.fetus.scanner import echo_image, on_screen, random_scanner, spread
from lookinside.phantoms.fetus.screen_marks import draw_calipers, draw_scale
from lookinside.phantoms.radiography.radiographs import whole
from lookinside.phantoms.tomography.smoothing import blurred


@dataclass(frozen=True)
class FetusScan:
    """One scan and its truth.

    Attributes:
        image: uint8 (H, W).
        seed: int that gives the same scan again.
        boxes: name -> (x_min, y_min, x_max, y_max), the pixel edges around the structure's mask, for each structure
            that is seen; y points down, and x_max and y_max are one past the last pixel.
        masks: name -> bool (H, W), of the structures in `boxes`.
        calipers_mask: bool (H, W), the planted crosses.
        removed_mask: bool (H, W), where `without=` may have changed the picture: the parts, as wide as the beam
            smears them, and the shadows that they cast.
        pixel: height and width of a pixel, mm.
        facing: "left" or "right", where the face looks.
    """

    image: np.ndarray
    seed: int
    boxes: dict[str, tuple[int, int, int, int]]
    masks: dict[str, np.ndarray]
    calipers_mask: np.ndarray
    removed_mask: np.ndarray
    pixel: tuple[float, float]
    facing: str

    @property
    def present(self) -> tuple[str, ...]:
        """The structures that are seen, in the order of `STRUCTURES`."""
        return tuple(self.boxes)


def checked_size(size) -> tuple[int, int]:
    """H, W as ints. Raises LookInsideError for anything that is no pair of whole numbers from 64 to 1024."""
    if isinstance(size, (str, int, float)) or not isinstance(size, (Sequence, np.ndarray)) or len(size) != 2:
        raise LookInsideError(f"size is {size!r}; give height and width in pixels, such as (192, 256).")
    return whole(size[0], "size's height", 64, 1024), whole(size[1], "size's width", 64, 1024)


def checked_strength(calipers) -> float:
    """Calipers as a strength from 0 to 1. Raises LookInsideError for anything else."""
    if not isinstance(calipers, (bool, int, float, np.number)) or not 0.0 <= calipers <= 1.0:
        raise LookInsideError(f"calipers is {calipers!r}; give True, False or a strength from 0 to 1.")
    return float(calipers)


def fetus_scan(
    seed: int,
    *,
    size: tuple[int, int] = (192, 256),
    without: str | Sequence[str] = (),
    calipers: bool | float = False,
) -> FetusScan:
    """Take one mid-sagittal scan of the random fetus `seed`, or the same one without some of its parts.

    A scan without a part is the same scan in all else: the fetus, the probe, the gain, the speckle. What lies around
    the part stands in its place, and behind a bone that is gone the beam goes on.

    The picture is a zoomed window of a curved probe's sector, made of straight beams: speckle under a point-spread
    function, loss with depth and its compensation, bright borders where the beam meets them squarely, shadows behind
    bone, a log-compressed grey scale, the top tenth black as where burned-in text was taken out. A real scanner also
    bends and splits its beam, has side lobes and a focus, repeats strong borders below themselves and filters the
    picture. A person chooses its plane, the fetus moves, and a cord or ribs lie in the plane. None of that is here.

    Args:
        seed: int of 0 or more; the same seed is the same scan at every size.
        size: (H, W) in pixels, each 64 to 1024. The window is about 1.4 times as wide as high, as real ones are, and
            is stretched to the size.
        without: what to leave out, one name or several, out of `STRUCTURES` ("NT", "nasal_bone"), of `OTHER_PARTS`
            ("skull", "membrane") or of `SCAN_GROUPS` ("brain", "nose", "look_alikes"). A part that this scan does
            not show changes nothing.
        calipers: True, or a strength from 0 to 1: two small crosses at the ends of the line that measures the nuchal
            translucency where it is thickest. Without the NT they stay where they were.

    Returns:
        `FetusScan`; its boxes and masks are those of what was drawn.

    Raises:
        LookInsideError: wrong seed, size, strength or part; the nearest names are offered.
    """
    seed, size, strength = whole(seed, "seed", 0), checked_size(size), checked_strength(calipers)
    gone = checked_scan_removal(without)
    scanner = random_scanner(np.random.default_rng((seed, 41)))
    parts = random_parts(np.random.default_rng((seed, 40)), scanner.turn)
    shown = tuple(part for part in parts if part.name not in gone)

    right, down = scanner.beams()
    x, y = scanner.of_fetus(right, down)
    beam = x[1:] - x[:-1], y[1:] - y[:-1]
    beam = tuple(np.broadcast_to(one[:1] / np.float32(scanner.step()), x.shape) for one in beam)
    echo, shine, way = painted(shown, x, y, beam, scanner.step())
    mapping = scanner.mapping(size)
    seen = mapping[2]
    grey = on_screen(echo_image(echo, shine, way, scanner, (seed, 42)), mapping)
    removed = np.zeros(size, bool)
    if len(shown) < len(parts):
        before = painted(parts, x, y, beam, scanner.step())
        changed = np.zeros(x.shape, bool)
        for one, other in zip(before, (echo, shine, way), strict=True):
            changed |= one != other
        removed = on_screen(blurred(changed.astype(np.float32), spread(scanner)), mapping) > 0

    draw_scale(grey, scanner)
    band = next(part.shape for part in parts if part.name == "NT")
    crosses = draw_calipers(grey, scanner, band, strength)
    masks = _masks(shown, scanner, size, seen)
    return FetusScan(
        image=np.rint(np.clip(grey, 0.0, 1.0) * 255.0).astype(np.uint8),
        seed=seed,
        boxes={name: _box(mask) for name, mask in masks.items()},
        masks=masks,
        calipers_mask=crosses,
        removed_mask=removed,
        pixel=(scanner.height / size[0], scanner.width / size[1]),
        facing="right" if scanner.facing > 0 else "left",
    )


def _masks(parts, scanner, size, seen):
    """name -> bool (H, W) of the structures, inside of the sector; those of which no pixel is seen are left out."""
    x, y = scanner.of_fetus(*scanner.screen(size))
    x, y, seen = x.ravel(), y.ravel(), seen.ravel()
    masks = {}
    for name in STRUCTURES:
        mask = np.zeros(x.size, bool)
        for part in parts:
            if part.name == name:
                at = part.shape.near(x, y, 0.0)
                mask[at] |= part.shape.inside(x[at], y[at])
        mask &= seen
        if mask.any():
            masks[name] = mask.reshape(size)
    return masks


def _box(mask):
    """The pixel edges around a mask: x_min, y_min, x_max, y_max."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
