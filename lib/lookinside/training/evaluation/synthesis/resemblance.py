"""Is a synthetic image like the photograph that it was made after, pixel by pixel, and in its vessels?"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from lookinside.data import LabelledImages
from lookinside.data.labelled import checked_set
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.training.evaluation.segmentation import evaluate_masks
from lookinside.training.evaluation.synthesis.pictures import checked_pictures
from lookinside.training.segmenter_checks import check_segmenter


def likeness(
    drawn: np.ndarray, photographs: LabelledImages, finder: keras.Model, *, mask: str = "segmented", batch: int = 40
) -> dict[str, np.ndarray]:
    """Two scores of each synthetic image beside the photograph whose vessels it was made from.

    Neither says whether it is a good picture. SSIM punishes noise, and asks for no eye: on the phantoms of chapter 6
    one colour in the round field has 0.78, and no generator as much. Show such a rival beside your own images.

    Args:
        drawn: float (N, H, W, C) in [0, 1], `PathoGAN.draw` say.
        photographs: the N photographs, with the mask that each image was drawn from.
        finder: a network that finds the mask in such images, trained by `fit_segmenter`.
        mask: its name in `masks`; "segmented" is what `vessel_masks` adds, a set of `load_vessels` has "vessels".
        batch: images at a time.

    Returns:
        "vessels": float64 (N,), the Dice coefficient of the mask and of what the finder finds in the image;
        "SSIM": float32 (N,), the structural similarity of image and photograph, 1 where they are equal.

    Raises:
        LookInsideError: for images of another number or size than the photographs, of less than 11 pixels a side, or
            that the finder does not take.

    Source: Dice 1945; Wang et al. 2004, by TensorFlow, with its window of 11 pixels.
    """
    checked_set(photographs)
    drawn, truth = checked_pictures(drawn, "drawn"), photographs.masks[mask]
    if drawn.shape != photographs.images.shape or min(drawn.shape[1:3]) < 11:
        raise LookInsideError(
            f"drawn is {drawn.shape}, photographs {photographs.images.shape}: give one for each, of 11 px or more."
        )
    check_segmenter(finder)
    if tuple(finder.input_shape[1:]) != drawn.shape[1:]:
        raise LookInsideError(f"{finder.name} takes {finder.input_shape[1:]}, drawn is {drawn.shape}: see `at_size`.")
    if not is_whole(batch):
        raise LookInsideError(f"batch is {batch!r:.60}: give a whole number from 1.")
    logits = [finder(drawn[i : i + batch], training=False) for i in range(0, len(drawn), batch)]
    again = np.concatenate(logits)[..., 0] > 0
    return {
        "vessels": evaluate_masks(again, truth, resamples=1).each["dice"],
        "SSIM": tf.image.ssim(drawn, photographs.pixels, 1.0).numpy(),
    }
