"""What a head makes of boxes that are off by a known amount: it tells heads apart where the end result cannot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookinside.data import BoxedImages
from lookinside.data.boxes.boxed_arguments import check_boxed
from lookinside.errors import LookInsideError
from lookinside.models.detection import Detector
from lookinside.models.detection.batching import in_parts
from lookinside.models.detection.checked_inputs import check_times
from lookinside.training.evaluation.detection.box_overlap import box_iou

_SIGNS = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.float32)


def recovered(
    model: Detector, images: BoxedImages, shift: Sequence[float], times: int = 2, step: str | None = None
) -> dict[str, np.ndarray]:
    """Shift each image's first true box to its four sides, let the second stage correct it, and measure the overlap.

    A detector's end result mixes its proposals, its scores and its head. Here the head alone is asked, from where it
    matters. Run the same head twice before you praise a second one.

    Args:
        model: a trained detector.
        images: test images; those without a box are left out.
        shift: pixels to the right and down; the box is shifted by both, in all four combinations of signs.
        times: how often the head looks; its own answer is what it looks at next.
        step: name of the step whose answer that is, see `Detector.refine`; the last one unless told.

    Returns:
        Name -> float64 (N,), mean IoU of the four with the true box: "shifted" is where they start, then for each time
        and step "coarse, 1", "fine, 1", "coarse, 2" and so on.

    Raises:
        LookInsideError: for a set without a box, a shift that is no pair, or times that are no whole number from 1 on.
    """
    if len(tuple(shift)) != 2:
        raise LookInsideError(f"shift is {shift!r}: give pixels to the right and pixels down")
    check_times(times)
    check_boxed(images=images)
    some = images.subset(~images.negatives)
    if not len(some):
        raise LookInsideError("No image of the set has a box: there is nothing to recover.")
    true = np.stack([boxes[0] for boxes in some.boxes])
    moves = np.tile(_SIGNS * np.asarray(shift, np.float32), (1, 2))
    regions = true[:, None] + moves[None]
    found = {"shifted": _overlap(regions, true)}
    for time in range(1, times + 1):
        steps: dict[str, list] = {}
        answers: dict[str, np.ndarray] = {}
        for part in in_parts(len(some)):
            for name, boxes in model.refine(some.pixels[part], regions[part], step=step).items():
                steps.setdefault(name, []).append(boxes)
        for name, boxes in steps.items():
            answers[name] = np.concatenate(boxes)
            found[f"{name}, {time}"] = _overlap(answers[name], true)
        regions = answers[step or list(answers)[-1]]
    return found


def _overlap(regions, true):
    return np.array([box_iou(own, box[None]).mean() for own, box in zip(regions, true, strict=True)])
