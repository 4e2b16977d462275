"""The same images without their shading or detail, or in another size: for sets that cannot be drawn again."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter

from lookinside.data.labelled import LabelledImages, checked_set
from lookinside.errors import LookInsideError

_GREY = 128.0


def without_shading(images: LabelledImages, sigma: float, gain: float = 1.0) -> LabelledImages:
    """The images minus their own blur, around middle grey: edges and fine structure stay, thick and thin look alike.

    On a radiograph much of what is bright is thick flesh. A real film cannot be drawn again without its flesh, but this
    takes away most of what flesh adds: slow changes of brightness. On a fundus photograph the slow changes are pigment,
    haze and light.

    Args:
        images: uint8 images; masks stay as they are.
        sigma: standard deviation of the Gaussian blur, in pixels.
        gain: what is left of the image is made so many times as strong.

    Raises:
        LookInsideError: for another kind of set, or unless sigma and gain are positive.

    Source: the subtraction of the local mean, with a gain of 4, is Graham's (2015) for fundus photographs.
    """
    if not _is_positive(gain):
        raise LookInsideError(f"gain is {gain!r:.60}: give a number above 0")
    return _changed(images, lambda pixels: gain * (pixels - _blurred(pixels, sigma)) + _GREY)


def without_detail(images: LabelledImages, sigma: float) -> LabelledImages:
    """The images blurred: what `without_shading` takes away is all that stays.

    Args:
        images: uint8 images; masks stay as they are.
        sigma: standard deviation of the Gaussian blur, in pixels.

    Raises:
        LookInsideError: for another kind of set, or unless sigma is positive.
    """
    return _changed(images, lambda pixels: _blurred(pixels, sigma))


def magnified(images: LabelledImages, factor: float) -> LabelledImages:
    """What is shown, frame and all, larger or smaller by a factor about the centre; outside of the image it is black.

    A network that names the same image in another size does not go by size.

    Args:
        images: uint8 images; masks are magnified along, read at the nearest pixel.
        factor: 1.25 shows everything a quarter larger and cuts off the border, 0.8 adds a black border.

    Raises:
        LookInsideError: for another kind of set, or unless the factor is positive.
    """
    checked_set(images)
    if not _is_positive(factor):
        raise LookInsideError(f"factor is {factor!r:.60}: give a positive number, 1 for the same size")
    masks = {name: _magnified(mask.astype(np.float32), factor, 0) > 0.5 for name, mask in images.masks.items()}
    return replace(_changed(images, lambda pixels: _magnified(pixels, factor, 1)), masks=masks)


def _changed(images, change):
    checked_set(images)
    changed = [
        change(image.astype(np.float32)) for image in images.images
    ]  # one by one: float32 takes four times as much
    whole = np.clip(np.rint(np.stack(changed)), 0, 255).astype(np.uint8) if changed else images.images
    return replace(images, images=whole)


def _is_positive(value):
    return isinstance(value, Real) and 0 < value < np.inf


def _blurred(pixels, sigma):
    if not _is_positive(sigma):
        raise LookInsideError(f"sigma is {sigma!r:.60}: give the blur's standard deviation in pixels, above 0")
    return gaussian_filter(pixels, (sigma, sigma, 0), mode="nearest")


def _magnified(pixels, factor, order):
    """One image (H, W, C), or masks (N, H, W), whose first axis is then no place."""
    first = 0 if order else 1
    scale, centre = np.ones(3), np.zeros(3)
    scale[first : first + 2] = 1 / factor
    centre[first : first + 2] = (np.array(pixels.shape[first : first + 2]) - 1) / 2
    return affine_transform(pixels, scale, centre - scale * centre, order=order, mode="constant")
