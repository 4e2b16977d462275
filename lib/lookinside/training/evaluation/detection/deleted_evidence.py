"""Does a box follow its evidence? The image places of some primitives are blurred, and the box is looked for again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from lookinside.data import BoxedImages
from lookinside.errors import LookInsideError
from lookinside.explain import Interval, bootstrap_interval, paired_difference
from lookinside.models.detection import StructureLocalizer


class EvidenceDeletion(NamedTuple):
    """How far a box's centre moves when the places of some primitives are blurred.

    Attributes:
        moved: way of choosing primitives -> float64 (N,), pixels.
        mean: way -> its mean with a 95 % interval over images.
        over_random: way -> its paired difference from random primitives, with its interval.
    """

    moved: dict[str, np.ndarray]
    mean: dict[str, Interval]
    over_random: dict[str, Interval]


def evidence_deletion(
    model: StructureLocalizer,
    images: BoxedImages,
    count: int = 8,
    *,
    step: str = "coarse",
    side: int = 16,
    seed: int = 0,
) -> EvidenceDeletion:
    """Blur what some primitives of a step were found at, and measure how far that step's answer moves.

    A primitive's place is the cell of the window that it answers to most; `side` x `side` pixels around it are replaced
    by the blurred image. Primitives are chosen by their vote for the cell that won, by the paper's alpha, or at random;
    the proposal stays, so that only the step itself is asked.

    Args:
        model: a trained localizer.
        images: test images; those without a box are asked, too.
        count: primitives whose places are blurred.
        step: "coarse" or "fine".
        side: pixels.
        seed: of the random primitives.

    Raises:
        LookInsideError: for a step that the model does not have, or more primitives than it has.

    Source: insertion and deletion, Petsiuk et al. 2018; here primitives are deleted, not pixels.
    """
    if step not in model.modules:
        raise LookInsideError(f"the localizer has no step {step!r}: choose from {', '.join(model.modules)}")
    if not 1 <= count <= model.primitives:
        raise LookInsideError(f"count is {count}: the localizer has {model.primitives} primitives")
    pixels = images.pixels
    told = model.evidence(pixels).steps[step]
    rng = np.random.default_rng(seed)
    chance = rng.random(told.votes.shape)
    chosen = {"by vote": told.votes, "by alpha": told.alpha, "random": chance}
    blurred = gaussian_filter(pixels, (0, side / 2, side / 2, 0), mode="nearest")
    moved = {}
    for name, scores in chosen.items():
        best = np.argsort(-scores, axis=1)[:, :count]
        mask = _places(told, best, pixels.shape[1:3], side)
        changed = np.where(mask[..., None], blurred, pixels)
        boxes = model.refine(changed, told.regions[:, None])[step][:, 0]
        centres = (boxes[:, :2] + boxes[:, 2:] - told.boxes[:, :2] - told.boxes[:, 2:]) / 2
        moved[name] = np.hypot(*centres.T.astype(np.float64))
    ways = ("by vote", "by alpha")
    return EvidenceDeletion(
        moved,
        {name: bootstrap_interval(one) for name, one in moved.items()},
        {name: paired_difference(moved[name], moved["random"]) for name in ways},
    )


def _places(told, best, size, side):
    """Bool (N, H, W): squares around the cells that the primitives `best` (N, count) answer to most."""
    count, rows, columns, _ = told.responses.shape
    mask = np.zeros((count, *size), bool)
    for i in range(count):
        left, top, right, bottom = told.windows[i]
        for k in best[i]:
            row, column = np.unravel_index(told.responses[i, ..., k].argmax(), (rows, columns))
            x = left + (column + 0.5) / columns * (right - left)
            y = top + (row + 0.5) / rows * (bottom - top)
            low_y, low_x = (max(0, round(float(v - side / 2))) for v in (y, x))
            mask[i, low_y : max(0, round(float(y + side / 2))), low_x : max(0, round(float(x + side / 2)))] = True
    return mask
