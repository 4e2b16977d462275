"""Augmentation: of radiographs as Kumar & Menkovski 2016 list it, of fundus photographs as Wang et al. 2019 have it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real

import keras
from keras import layers

from lookinside.errors import LookInsideError


def augmentation(
    image_shape: Sequence[int],
    *,
    crop: float = 0.1,
    rotation: float = 12.0,
    translation: float = 0.08,
    shear: float = 0.08,
    stretch: float = 0.12,
    flip: bool = True,
    fill: float = 0.0,
    finer: int = 2,
    seed: int = 0,
) -> keras.Sequential:
    """A pipeline of Keras' own layers that changes each image a little, for `augment=` of `fit_classifier`.

    It belongs into the tf.data pipeline (`training=True`), not into the model: the model that is explained and saved
    sees images as they are. The paper names the changes but no sizes: the defaults are ours, and 0 leaves one out.

    Each change resamples the image, and five in a row blur it visibly. So they are done on a grid `finer` times as
    fine, and one resize at the end brings the image back: a quarter of the fine detail is lost instead of half.

    Input shape and output shape: (N, H, W, C), float32 in [0, 1].

    Args:
        image_shape: (H, W, C) of one image.
        crop: share of height and width cut away, at one random place for a batch (as Keras' RandomCrop does), then
            resized back.
        rotation: largest angle in degrees, to both sides.
        translation: largest shift as a share of height and width.
        shear: largest shear factor in x and in y.
        stretch: largest change of height and, independently, of width, as a share (shrinking goes further by what
            the crop magnifies).
        flip: mirror half of the images left to right.
        fill: value of pixels from outside the image, in [0, 1]; 0 is black, as beyond the collimator.
        finer: the factor of the finer grid; 1 is fastest and blurs.
        seed: of the random changes.

    Raises:
        LookInsideError: for a shape that is not (H, W, C) or a size out of its range.
    """
    height, width, channels = _sides(image_shape)
    for name, value, largest in (
        ("crop", crop, 0.9),
        ("rotation", rotation, 180.0),
        ("translation", translation, 1.0),
        ("shear", shear, 1.0),
        ("stretch", stretch, 0.9),
        ("fill", fill, 1.0),
    ):
        if not _within(value, largest):
            raise LookInsideError(f"{name} is {value!r:.60}: give a number from 0 to {largest}.")
    if isinstance(finer, bool) or not isinstance(finer, Integral) or finer < 1:
        raise LookInsideError(f"finer is {finer!r:.60}: give a whole number from 1 on.")

    outside = {"fill_mode": "constant", "fill_value": fill}
    tall, wide = finer * height, finer * width
    steps = [keras.Input((height, width, channels), name="image")]
    if finer > 1:
        steps.append(layers.Resizing(tall, wide, interpolation="nearest", name="finer"))
    if flip:
        steps.append(layers.RandomFlip("horizontal", seed=seed, name="flip"))
    if rotation:
        steps.append(layers.RandomRotation(rotation / 360, seed=seed + 1, name="rotate", **outside))
    if shear:
        # A pair, because Keras cannot reload what it makes of one number; the layer draws the sign by itself.
        steps.append(layers.RandomShear((0.0, shear), (0.0, shear), seed=seed + 2, name="shear", **outside))
    if stretch:
        # The crop magnifies; letting the stretch shrink as much keeps an image's own size well inside the range.
        sizes = (-stretch, min(1.0, stretch + crop / (1 - crop)))
        steps.append(layers.RandomZoom(sizes, sizes, seed=seed + 3, name="stretch", **outside))
    if translation:
        steps.append(layers.RandomTranslation(translation, translation, seed=seed + 4, name="translate", **outside))
    if crop:
        kept = max(1, round(tall * (1 - crop))), max(1, round(wide * (1 - crop)))
        steps.append(layers.RandomCrop(*kept, seed=seed + 5, name="crop"))
    if crop or finer > 1:
        steps.append(layers.Resizing(height, width, name="back"))
    return keras.Sequential(steps, name="augmentation")


def crop_and_rotate(
    image_shape: Sequence[int], side: int, *, rotation: float = 180.0, fill: float = 0.0, seed: int = 0
) -> keras.Sequential:
    """Keras' own layers that turn each image and cut out a random place, for `augment=` of `fit_classifier`.

    Wang et al. 2019, section 3: crops of 227 px out of 280, turned by any angle. The paper turns the crop; here the
    whole image is turned before it is cropped, so that what comes into the corners is the image's own margin wherever
    there is one: 3 % of a crop is filled, where it would be 12 %. The fill is black, as it is around the round field of
    a fundus photograph; a reflection would show a second disc or vessels that are not there.

    The network is built for the crop. Validation and test see the middle, `lookinside.data.centre_crop(images, side)`:
    called without `training`, Keras' RandomCrop would scale the whole image down instead.

    Input shape: (N, H, W, C), float32 in [0, 1]. Output shape: (N, side, side, C).

    Args:
        image_shape: (H, W, C) of one image.
        side: height and width of the crop in pixels. Keras' RandomCrop takes one place for all images of a batch; the
            images are turned before it, each by an angle of its own.
        rotation: largest angle in degrees, to both sides; 180 is any angle, 0 leaves it out.
        fill: value of pixels from outside the image, in [0, 1]; 0 is black.
        seed: of the random changes.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), or a side, an angle or a fill out of its range.
    """
    shape = _sides(image_shape)
    if isinstance(side, bool) or not isinstance(side, Integral) or not 1 <= side <= min(shape[:2]):
        raise LookInsideError(f"side is {side!r}: give a whole number from 1 to {min(shape[:2])}, 227 of 280 say.")
    if not _within(rotation, 180) or not _within(fill, 1):
        raise LookInsideError(
            f"rotation is {rotation!r:.60}, fill {fill!r:.60}: give 0 to 180 degrees and a fill from 0 to 1."
        )
    steps = [keras.Input(shape, name="image")]
    if rotation:
        outside = {"fill_mode": "constant", "fill_value": fill}
        steps.append(layers.RandomRotation(rotation / 360, seed=seed, name="rotate", **outside))
    steps.append(layers.RandomCrop(side, side, seed=seed + 1, name="crop"))
    return keras.Sequential(steps, name="crop_and_rotate")


def _sides(image_shape):
    shape = tuple(image_shape) if isinstance(image_shape, Iterable) else image_shape
    if not isinstance(shape, tuple) or len(shape) != 3 or any(not isinstance(one, int) or one < 1 for one in shape):
        raise LookInsideError(f"image_shape must be three whole numbers (height, width, channels), got {shape}.")
    return shape


def _within(value, largest):
    """Whether a value is a number from 0 to the largest."""
    return isinstance(value, Real) and 0 <= value <= largest
