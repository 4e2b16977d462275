"""What becomes of a detector's best box when the image is drawn again without a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.explain import Interval, paired_difference
from lookinside.models.detection import BoxModel
from lookinside.models.detection.checked_inputs import checked_pixels
from lookinside.training.evaluation.detection.box_overlap import box_iou
from lookinside.training.evaluation.detection.detected import Detections
from lookinside.training.evaluation.share_intervals import proportion_interval

_SAME = 0.5  # an IoU above it counts as the same place


class BoxImportance(NamedTuple):
    """A detector's best box, with and without parts.

    Attributes:
        score: mean score of the best box of the whole images, 0 to 1.
        falls: part -> by how much that score falls without it, paired, with its 95 % interval over images.
        stays: part -> share of the images whose best box is still at the same place (IoU above 0.5), with its 95 %
            interval.
    """

    score: float
    falls: dict[str, Interval]
    stays: dict[str, tuple[float, float, float]]

    def rows(self) -> dict[str, dict[str, tuple[float, float, float]]]:
        """Part -> "score falls" and "box stays", as a table shows them."""
        return {part: {"score falls": self.falls[part], "box stays": self.stays[part]} for part in self.falls}


def box_importance(model: BoxModel, images: ArrayLike, redrawn: Mapping[str, ArrayLike]) -> BoxImportance:
    """Measure what a detector's best box needs: part removal, by drawing each image again.

    A detector answers with a best box even where there is nothing to find. Whether it still answers at the old place
    says what held the box there.

    Args:
        model: a trained detector.
        images: float32 (N, H, W, C) in [0, 1].
        redrawn: name of a part (or of a group) -> the same images without it, in the same order.

    Raises:
        LookInsideError: for images that the detector does not take, another number of them, or no part at all.

    Source: single deletion, Hesse, Schaub-Meyer & Roth 2023 (FunnyBirds); here of a box.
    """
    if not isinstance(redrawn, Mapping) or not redrawn:
        raise LookInsideError("There is no part to take away: give a dict, name -> the images drawn without it.")
    if not hasattr(model, "image_shape"):
        raise LookInsideError(f"The model is a {type(model).__name__}: give a detector, FasterRCNN say.")
    images = checked_pixels(images, model.image_shape)
    places, sure = _best(model, images)
    falls, stays = {}, {}
    for part, others in redrawn.items():
        others = checked_pixels(others, model.image_shape)
        if len(others) != len(images):
            raise LookInsideError(f"{part!r} has {len(others)} images, the whole set {len(images)}: draw each.")
        left, less_sure = _best(model, others)
        falls[part] = paired_difference(sure, less_sure)
        same = sum((box_iou(one, two) > _SAME).any() for one, two in zip(places, left, strict=True))
        stays[part] = proportion_interval(int(same), len(images))
    return BoxImportance(float(sure.mean()), falls, stays)


def _best(model, images):
    """The best box of each image, (1, 4) or (0, 4) where none is found, and its score, 0 there: (N,)."""
    found = Detections.from_padded(**model.predict(images, batch_size=8, verbose=0))
    scores = np.array([own[0] if len(own) else 0.0 for own in found.scores], np.float64)
    return [own[:1] for own in found.boxes], scores
