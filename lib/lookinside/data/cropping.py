"""The middle of images, as a network sees them that was trained on random crops."""

from __future__ import annotations

import dataclasses
from numbers import Integral

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
    height, width = images.shape[:2]
    if isinstance(side, bool) or not isinstance(side, Integral) or not 1 <= side <= min(height, width):
        raise LookInsideError(f"side is {side!r}: give a whole number from 1 to {min(height, width)}, 227 of 280 say")
    top, left = (height - side) // 2, (width - side) // 2
    middle = (slice(None), slice(top, top + side), slice(left, left + side))
    masks = {name: mask[middle] for name, mask in images.masks.items()}
    return dataclasses.replace(images, images=images.images[middle], masks=masks)
