"""Squares cut out of images: their middle, or what lies around a region."""

from __future__ import annotations

import dataclasses
from numbers import Integral

import numpy as np

from lookinside.arrays import as_array
from lookinside.data.labelled import LabelledImages, checked_set
from lookinside.errors import LookInsideError


def centre_crop(images: LabelledImages, side: int) -> LabelledImages:
    """The middle (side, side) of every image and of its masks, for validation and test.

    Training sees random places instead, see `lookinside.training.crop_and_rotate`. Where the margin is odd, one pixel
    more is cut away below and on the right, as Keras' CenterCrop does.

    Args:
        images: a set of images with H and W of `side` or more.
        side: height and width of the crop in pixels; 227 of 280 in Wang et al. 2019, section 3.

    Returns:
        The set with H = W = side; names, labels, groups and tags are the same.

    Raises:
        LookInsideError: for another kind of set, or a `side` that is no whole number from 1 to the shorter side.
    """
    checked_set(images)
    _check_side(images, side)
    height, width = images.shape[:2]
    top, left = (height - side) // 2, (width - side) // 2
    middle = (slice(None), slice(top, top + side), slice(left, left + side))
    masks = {name: mask[middle] for name, mask in images.masks.items()}
    return dataclasses.replace(images, images=images.images[middle], masks=masks)


def crop_around(images: LabelledImages, regions: np.ndarray, side: int) -> LabelledImages:
    """A square (side, side) around a region of every image, the same of its masks: the optic disc, a lesion, a box.

    Its middle is the middle of the region. A square that would reach over the border is moved until it lies inside.

    Args:
        images: a set of images with H and W of `side` or more.
        regions: bool (N, H, W), `find_discs(images)` or one of the masks say.
        side: height and width of the square in pixels.

    Returns:
        The set with H = W = side; names, labels, groups and tags are the same.

    Raises:
        LookInsideError: for another kind of set, regions of another shape or type, an image without region, or a `side`
            that is no whole number from 1 to the shorter side.
    """
    checked_set(images)
    _check_side(images, side)
    regions = as_array(regions, "regions")
    if regions.dtype != bool or regions.shape != images.images.shape[:3]:
        raise LookInsideError(
            f"regions are {regions.dtype} {regions.shape}: give bool {images.images.shape[:3]}, one for each image"
        )
    squares = []
    for name, region in zip(images.names, regions, strict=True):
        places = [np.flatnonzero(region.any(axis=axis)) for axis in (1, 0)]
        if not len(places[0]):
            raise LookInsideError(f"The region of {name} is empty: there is nothing to crop around")
        starts = [(first[0] + first[-1] + 1 - side) // 2 for first in places]
        starts = [min(max(start, 0), length - side) for start, length in zip(starts, region.shape, strict=True)]
        squares.append(tuple(slice(start, start + side) for start in starts))

    def cut(pixels):
        found = [one[square] for one, square in zip(pixels, squares, strict=True)]
        return np.stack(found) if found else pixels[:, :side, :side]

    masks = {name: cut(mask) for name, mask in images.masks.items()}
    return dataclasses.replace(images, images=cut(images.images), masks=masks)


def _check_side(images, side):
    height, width = images.shape[:2]
    if isinstance(side, bool) or not isinstance(side, Integral) or not 1 <= side <= min(height, width):
        raise LookInsideError(f"side is {side!r}: give a whole number from 1 to {min(height, width)}, 227 of 280 say")
