"""Where a measurement was marked on a scan: the strips of its calipers, bridged, and the control beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import correlate1d

from lookinside.data.boxes.box_checks import wrong_with_box
from lookinside.data.boxes.boxed import BoxedImages
from lookinside.data.boxes.boxed_arguments import check_boxed
from lookinside.errors import LookInsideError

# A pixel minus the mean of those two to its left and right. Ultrasound is smooth sideways, and marks on it are not.
_DETAIL = (-0.5, 0.0, 1.0, 0.0, -0.5)
_TRIANGLE = np.array((1.0, 2.0, 3.0, 2.0, 1.0)) / 9.0
_EDGE = 4  # pixels at both ends of a box that are not searched: black frames often begin there


def caliper_strips(images: BoxedImages, width: int = 9, grow: int = 4) -> tuple[np.ndarray, ...]:
    """The upright strip inside of each box that holds most of its sideways detail: mostly where it was measured.

    A scanner's calipers stand above each other, at the upper and the lower edge of what is measured. Where they have
    been erased, a trace is left. For each column of a box, the detail is the mean of |pixel - mean of the pixels two
    places to its left and to its right|, over the rows of the box and a fifth of its height above and below. It is
    smoothed over five columns. Where there are no calipers, it is the column of most detail all the same.

    Args:
        images: scans with their boxes, uint8 (N, H, W, C).
        width: of a strip, pixels, odd.
        grow: pixels by which a strip is higher than its box, above and below.

    Returns:
        N times float32 (K_i, 4), x_min, y_min, x_max, y_max in pixels, as `images.boxes`; K_i is smaller where a box is
        too narrow for a strip.

    Raises:
        LookInsideError: for what is no `BoxedImages`, a width that is not odd, or a `grow` below 0.
    """
    check_boxed(images=images)
    _checked_whole(width, grow)
    found = []
    for own, image in zip(images.boxes, images.images, strict=True):
        detail = np.abs(correlate1d(image.mean(axis=2, dtype=np.float64), _DETAIL, axis=1, mode="nearest"))
        strips = []
        for box in own:
            first, last = _columns_of(box, width)
            if first > last:
                continue
            above = 0.2 * (box[3] - box[1])
            rows = slice(max(int(box[1] - above), 0), int(np.ceil(box[3] + above)))
            by_column = correlate1d(detail[rows].mean(axis=0), _TRIANGLE, mode="nearest")
            middle = first + int(np.argmax(by_column[first : last + 1]))
            strips.append(_strip(box, middle, width, grow, image.shape))
        found.append(np.array(strips, np.float32).reshape(-1, 4))
    return tuple(found)


def strips_elsewhere(images: BoxedImages, strips: Sequence[ArrayLike], seed: int = 0) -> tuple[np.ndarray, ...]:
    """A strip of the same size in another place of the same box, drawn at random: where to do the same as a control.

    Args:
        images: scans with their boxes.
        strips: what `caliper_strips` found on them, in whole pixels.
        seed: of the draw.

    Returns:
        N times float32 (K_i, 4), as `strips`; without those whose box leaves no room beside the strip.

    Raises:
        LookInsideError: for strips of another number of images, or a strip that is none, lies outside or is not in
            whole pixels.
    """
    strips, rng, found = _checked(images, strips), np.random.default_rng(seed), []
    for own, given, image in zip(images.boxes, strips, images.images, strict=True):
        moved = []
        for strip in given:
            width = int(strip[2] - strip[0])
            middles = (strip[0] + strip[2]) / 2
            inside = [box for box in own if box[0] <= strip[0] and strip[2] <= box[2]]
            # Of boxes that overlap, the one whose rows are those of the strip.
            inside.sort(key=lambda box: abs(box[1] + box[3] - strip[1] - strip[3]))
            half = width // 2
            first, last = _columns_of(inside[0], width) if inside else (half + 1, image.shape[1] - half - 2)
            free = np.arange(first, last + 1)
            free = free[np.abs(free + 0.5 - middles) >= width]
            if len(free):
                left = rng.choice(free) - width // 2
                moved.append((left, strip[1], left + width, strip[3]))
        found.append(np.array(moved, np.float32).reshape(-1, 4))
    return tuple(found)


def bridged(images: BoxedImages, strips: Sequence[ArrayLike]) -> BoxedImages:
    """The same scans with each strip filled, row by row, from the pixel to its left to the pixel to its right.

    What runs through a strip from side to side, such as the dark band between two bright lines, goes on in it. What
    stands in it, such as a caliper, is gone. All pixels outside of the strips, and the boxes to find, stay.

    Args:
        images: the scans.
        strips: for each image (K, 4), x_min, y_min, x_max, y_max in whole pixels.

    Raises:
        LookInsideError: for strips of another number of images, or a strip that is none, lies outside, is not in whole
            pixels or has no pixel to its left or right.
    """
    strips, pixels = _checked(images, strips), images.images.copy()
    for own, given, name in zip(pixels, strips, images.names, strict=True):
        for strip in given:
            left, top, right, bottom = strip.astype(int)
            if left < 1 or right > own.shape[1] - 1:
                raise LookInsideError(f"{name}: the strip from x = {left} to {right} has no pixel on both of its sides")
            weight = (np.arange(right - left) + 1.0)[None, :, None] / (right - left + 1)
            before, after = own[top:bottom, left - 1, None].astype(float), own[top:bottom, right, None].astype(float)
            own[top:bottom, left:right] = np.round((1 - weight) * before + weight * after)
    return replace(images, images=pixels)


def _columns_of(box, width):
    """(first, last) middle column of strips that lie in a box, away from its ends."""
    margin = max(_EDGE, width // 2 + 1)
    return int(np.ceil(box[0])) + margin, int(np.floor(box[2])) - 1 - margin


def _strip(box, middle, width, grow, shape):
    top, bottom = max(int(box[1]) - grow, 0), min(int(np.ceil(box[3])) + grow, shape[0])
    return middle - width // 2, top, middle + width // 2 + 1, bottom


def _checked_whole(width, grow):
    if not isinstance(width, int | np.integer) or width < 1 or width % 2 == 0:
        raise LookInsideError(f"width is {width!r}: give an odd number of pixels")
    if not isinstance(grow, int | np.integer) or grow < 0:
        raise LookInsideError(f"grow is {grow!r}: give a whole number of pixels, 0 or more")


def _checked(images, strips):
    """The strips as float (K, 4) for each image, in whole pixels."""
    check_boxed(images=images)
    if len(strips) != len(images):
        raise LookInsideError(
            f"There are strips for {len(strips)} images, and {len(images)} images: give (K, 4) for each"
        )
    found = []
    for given, name in zip(strips, images.names, strict=True):
        given = np.asarray(given, np.float64)
        given = given.reshape(0, 4) if not given.size else given
        if given.ndim != 2 or given.shape[1] != 4:
            raise LookInsideError(f"{name}: its strips are {given.shape}: give (K, 4)")
        for one in given:
            if wrong := wrong_with_box(one, *images.images.shape[1:3]):
                raise LookInsideError(f"{name}: the strip {wrong}: give x_min, y_min, x_max, y_max in pixels")
            if (one % 1).any():
                raise LookInsideError(f"{name}: the strip {one.tolist()} is not in whole pixels: round it")
        found.append(given)
    return found
