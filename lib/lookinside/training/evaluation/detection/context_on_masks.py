"""Do context boxes sit on anything? Where a localizer has moved them, against the masks of a phantom."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np

from lookinside.data import BoxedImages
from lookinside.data.boxes.boxed_arguments import check_boxed
from lookinside.errors import LookInsideError
from lookinside.explain import Interval, bootstrap_interval, paired_difference
from lookinside.layers.deformable_roi_pooling import context_boxes
from lookinside.models.detection import StructureLocalizer


class ContextPlaces(NamedTuple):
    """Where the context boxes of each image's best answer were put, and where they were moved to.

    Attributes:
        put: float32 (N, O, 4), the boxes around the proposal, xyxy in pixels.
        moved: float32 (N, O, 4), the same boxes after Eq. 4.
        moved_by: float64 (N, O), how far their centres were moved, pixels.
        covered: "put" and "moved" -> mask name -> float64 (N,), the share of the mask's pixels that lie in some context
            box; nan where the mask has no pixel on the image.
        area: "put" and "moved" -> float64 (N,), the share of the image's pixels in some context box: what a part that
            lies anywhere would reach.
        gain: mask name -> how much more of it the moved boxes cover, paired, with a 95 % interval over images.
        area_gain: the same for the whole image, the rival: a part that the boxes seek gains more.
    """

    put: np.ndarray
    moved: np.ndarray
    moved_by: np.ndarray
    covered: dict[str, dict[str, np.ndarray]]
    area: dict[str, np.ndarray]
    gain: dict[str, Interval]
    area_gain: Interval

    def mean(self, where: str, mask: str | None = None) -> Interval:
        """The mean share over images that boxes "put" or "moved" cover, of a mask or of the whole image."""
        return bootstrap_interval(self.area[where] if mask is None else self.covered[where][mask])


def context_places(model: StructureLocalizer, images: BoxedImages) -> ContextPlaces:
    """Look up what the context boxes cover, as they were put around the proposal and after they were moved.

    A pixel is in a box if its centre is. Parts of a box outside of the image cover nothing.

    Args:
        model: a trained localizer with a context branch.
        images: scans, with masks or without.

    Raises:
        LookInsideError: for a model without context boxes, or what is no `BoxedImages`.

    Source: Liu et al. 2019, Eq. 4.
    """
    if not isinstance(model, StructureLocalizer) or not model.context:
        raise LookInsideError("The model has no context boxes: give a StructureLocalizer with context=2, 4 or 6.")
    check_boxed(images=images)
    told = model.evidence(images.pixels)
    regions = next(iter(told.steps.values())).regions
    put = keras.ops.convert_to_numpy(context_boxes(regions, model.context, model.context_stretch))
    boxes = {"put": put, "moved": np.asarray(told.context)}
    inside = {where: _inside(one, images.shape[:2]) for where, one in boxes.items()}
    covered = {where: {name: _share(one, mask) for name, mask in images.masks.items()} for where, one in inside.items()}
    area = {where: one.mean(axis=(1, 2)) for where, one in inside.items()}
    middles = {where: (one[..., :2] + one[..., 2:]) / 2 for where, one in boxes.items()}
    return ContextPlaces(
        **boxes,
        moved_by=np.linalg.norm(middles["moved"] - middles["put"], axis=-1),
        covered=covered,
        area=area,
        gain={name: paired_difference(one, covered["put"][name]) for name, one in covered["moved"].items()},
        area_gain=paired_difference(area["moved"], area["put"]),
    )


def _inside(boxes, shape):
    """bool (N, H, W): is the pixel's centre in some box of (N, O, 4)?"""
    rows, columns = (np.arange(side) + 0.5 for side in shape)
    down = (boxes[..., 1, None] <= rows) & (rows < boxes[..., 3, None])
    across = (boxes[..., 0, None] <= columns) & (columns < boxes[..., 2, None])
    return (down[..., :, None] & across[..., None, :]).any(axis=1)


def _share(inside, mask):
    """float64 (N,): the share of each mask's pixels that are inside; nan for an empty mask."""
    count = mask.sum(axis=(1, 2))
    return np.where(count, (mask & inside).sum(axis=(1, 2)) / np.maximum(count, 1), np.nan)
