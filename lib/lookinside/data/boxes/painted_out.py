"""Scans in which something small inside of boxes is painted out by a rule, and the control: the same done elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import median_filter

from lookinside.data.boxes.box_checks import wrong_with_box
from lookinside.data.boxes.boxed import BoxedImages
from lookinside.errors import LookInsideError

_BLACK = 8  # of 255: darker pixels are outside of what was scanned, or in a shadow


def smoothed_inside(images: BoxedImages, boxes: Sequence[ArrayLike], size: int = 5) -> BoxedImages:
    """The same scans with a median filter inside of some boxes; the boxes to find, and all pixels outside, stay.

    It paints out what is smaller than half of the filter, such as the crosses of calipers, and keeps edges where they
    are. A detector that went by them then answers otherwise: more so than where as many pixels are smoothed elsewhere
    (`boxes_elsewhere`).

    Args:
        images: the scans.
        boxes: for each image (K, 4), x_min, y_min, x_max, y_max in pixels, K 0 or more; a pixel is inside if its centre
            is. `images.boxes` are those to find.
        size: of the filter, pixels along each side, odd; it reads pixels outside of the box, too.

    Raises:
        LookInsideError: for boxes of another number of images, a box that is none or lies outside, or a size that is
            not odd.
    """
    if not isinstance(size, int | np.integer) or size < 3 or size % 2 == 0:
        raise LookInsideError(f"size is {size!r}: give an odd number of pixels, 3 or more")
    pixels = images.images.copy()
    for own, given, name in zip(pixels, _checked(images, boxes), images.names, strict=True):
        smooth = median_filter(own, (size, size, 1), mode="nearest") if len(given) else own
        for box in given:
            if wrong := wrong_with_box(box, *own.shape[:2]):
                raise LookInsideError(f"{name}: the box {wrong}: give x_min, y_min, x_max, y_max in pixels")
            # A pixel's centre is half a pixel from its corner.
            left, top, right, bottom = np.ceil(box - 0.5).astype(int)
            own[top:bottom, left:right] = smooth[top:bottom, left:right]
    return replace(images, images=pixels)


def boxes_elsewhere(images: BoxedImages, seed: int = 0) -> tuple[np.ndarray, ...]:
    """A box of the same size for each box of each image, in another place of it: where to do the same as a control.

    Each is drawn from all places, in whole pixels from where the box was, that lie in the image, touch none of its
    boxes, and are hardly blacker than the box itself (a share of black pixels at most a tenth larger; without such a
    place the least black one is taken): where a scan is black there is nothing to smooth. With two boxes on an image
    the two drawn may overlap.

    Args:
        images: scans with their boxes.
        seed: of the draw.

    Returns:
        N times float32 (K_i, 4), as `images.boxes`.

    Raises:
        LookInsideError: where the boxes of an image leave no room.
    """
    rng, (height, width) = np.random.default_rng(seed), images.shape[:2]
    found = []
    for own, image, name in zip(images.boxes, images.images, images.names, strict=True):
        moved, black = [], np.pad((image.max(axis=2) < _BLACK).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        for box in own:
            left, top, right, bottom = box
            across = np.arange(np.ceil(-left), np.floor(width - right) + 1)
            down = np.arange(np.ceil(-top), np.floor(height - bottom) + 1)
            shifts = np.stack(np.meshgrid(across, down), axis=2).reshape(-1, 2)
            places = box + np.tile(shifts, 2)
            apart = (places[:, None, :2] >= own[:, 2:]) | (places[:, None, 2:] <= own[:, :2])
            free = places[apart.any(axis=2).all(axis=1)]
            if not len(free):
                raise LookInsideError(
                    f"{name}: its boxes leave no room for one of {right - left:g} x {bottom - top:g} px"
                )
            share, most = _share(black, free), _share(black, box[None])[0] + 0.1
            moved.append(rng.choice(free[share <= max(most, share.min())]))
        found.append(np.array(moved, np.float32).reshape(-1, 4))
    return tuple(found)


def _share(sums, boxes):
    """Share of marked pixels in boxes (K, 4), by the sums (H + 1, W + 1) of marks above and to the left."""
    left, top, right, bottom = np.ceil(boxes - 0.5).astype(int).T
    marked = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return marked / np.maximum((right - left) * (bottom - top), 1)


def _checked(images, boxes):
    if len(boxes) != len(images):
        raise LookInsideError(
            f"There are boxes for {len(boxes)} images, and {len(images)} images: give (K, 4) for each"
        )
    found = []
    for given, name in zip(boxes, images.names, strict=True):
        given = np.asarray(given, np.float64)
        given = given.reshape(0, 4) if not given.size else given
        if given.ndim != 2 or given.shape[1] != 4:
            raise LookInsideError(f"{name}: its boxes are {given.shape}: give (K, 4)")
        found.append(given)
    return found
