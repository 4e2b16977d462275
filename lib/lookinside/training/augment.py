"""Augmentation of radiographs: the list of Kumar & Menkovski 2016 (crop, rotate, translate, shear, stretch, flip)."""

from __future__ import annotations

from collections.abc import Sequence

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
        if not 0 <= value <= largest:
            raise LookInsideError(f"{name} is {value}: give a number from 0 to {largest}.")
    if finer < 1:
        raise LookInsideError(f"finer is {finer}: give a whole number from 1 on.")

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


def _sides(image_shape):
    shape = tuple(image_shape)
    if len(shape) != 3 or any(not isinstance(side, int) or side < 1 for side in shape):
        raise LookInsideError(f"image_shape must be three whole numbers (height, width, channels), got {shape}.")
    return shape
