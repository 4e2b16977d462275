"""Do primitives lie on the parts that a phantom has planted? Their places against its masks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lookinside.data import BoxedImages
from lookinside.data.boxes.boxed_arguments import check_boxed
from lookinside.errors import LookInsideError
from lookinside.explain import Interval, bootstrap_interval, paired_difference
from lookinside.explain.detection.given_evidence import evidence_of
from lookinside.explain.detection.read_places import inside, read_centres
from lookinside.models.detection import Localization, StructureLocalizer
from lookinside.training.evaluation.detection.window_cells import primitives_chosen


class EvidencePlaces(NamedTuple):
    """How many of the places of the top primitives lie on each mask of a set.

    Attributes:
        shares: way of choosing primitives ("by vote", "by alpha", "random") -> mask name -> float64 (N,), the share of
            an image's places that lie on the mask; nan where the mask has no pixel on the image.
        mean: way -> mask name -> its mean with a 95 % interval over images.
        area: mask name -> the share of the window's 225 cells that lie on it, its mean with an interval: what places
            drawn at random in the window would reach.
        over_area: way -> mask name -> the paired difference of the two: an interval clear of 0 says that primitives
            seek (or avoid) the part.
    """

    shares: dict[str, dict[str, np.ndarray]]
    mean: dict[str, dict[str, Interval]]
    area: dict[str, Interval]
    over_area: dict[str, dict[str, Interval]]


def evidence_places(
    model: StructureLocalizer,
    images: BoxedImages,
    count: int = 8,
    *,
    step: str = "coarse",
    seed: int = 0,
    evidence: Localization | None = None,
) -> EvidencePlaces:
    """Look up on which parts of a phantom the primitives lie that an answer is explained by.

    A primitive's place is the cell of the window, of 15 x 15, that answers to it most; the pixel looked up is the
    middle of what that cell reads of the image (its receptive field is much larger: the mask says where the middle of
    the evidence lies, not all of it). Places outside of the image lie on no mask. Several primitives may have the same
    place, and each counts.

    Args:
        model: a trained localizer.
        images: scans with masks, any number of them.
        count: primitives an image.
        step: "coarse" or "fine".
        seed: of the random primitives.
        evidence: what `model.evidence` has returned for these images, where it is there already; None asks for it.

    Raises:
        LookInsideError: for images without a mask, evidence of other images, a step that the model does not have, or
            more primitives than it has.
    """
    if not isinstance(model, StructureLocalizer):
        raise LookInsideError(f"The model is a {type(model).__name__}, which has no primitives: give a localizer.")
    if step not in model.modules:
        raise LookInsideError(f"the localizer has no step {step!r}: choose from {', '.join(model.modules)}")
    if not 1 <= count <= model.primitives:
        raise LookInsideError(f"count is {count}: the localizer has {model.primitives} primitives")
    check_boxed(images=images)
    if not images.masks:
        raise LookInsideError("The images have no masks: `phantom_fetuses` draws some that have.")
    told = evidence_of(model, images.pixels, evidence).steps[step]
    on = _cells_on_masks(read_centres(model, step, told.windows)[0], images.masks)
    shares = {
        way: {name: np.take_along_axis(own, cells, axis=1).mean(axis=1) for name, own in on.items()}
        for way, cells in primitives_chosen(told, count, seed).items()
    }
    area = {name: own.mean(axis=1) for name, own in on.items()}
    return EvidencePlaces(
        shares,
        {way: {name: bootstrap_interval(one) for name, one in own.items()} for way, own in shares.items()},
        {name: bootstrap_interval(one) for name, one in area.items()},
        {way: {name: paired_difference(one, area[name]) for name, one in own.items()} for way, own in shares.items()},
    )


def _cells_on_masks(centres, masks):
    """Mask name -> float64 (N, 225), whether the pixel at each centre (N, 225, 2) is on it; nan for an empty mask."""
    size = next(iter(masks.values())).shape[1:]
    there = inside(centres, size)
    columns, rows = np.where(there[..., None], np.floor(centres), 0).astype(int).transpose(2, 0, 1)
    image = np.arange(len(centres))[:, None]
    found = {}
    for name, mask in masks.items():
        some = mask.any(axis=(1, 2))[:, None]
        found[name] = np.where(some, (mask[image, rows, columns] & there).astype(float), np.nan)
    return found
