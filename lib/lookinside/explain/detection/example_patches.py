"""What each primitive of a localizer answers to: the places where it is found most (Liu et al. 2019, Fig. 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.explain.detection.given_evidence import evidence_of
from lookinside.explain.detection.read_places import inside, read_centres
from lookinside.models.detection import Localization, StructureLocalizer
from lookinside.models.detection.checked_inputs import checked_pixels
from lookinside.models.receptive_fields import ReceptiveField


class PrimitiveExamples(NamedTuple):
    """The places that each of P primitives answers to most, the strongest first, one an image at most.

    Attributes:
        primitives: int (P,), their numbers.
        images: int (P, E), the images the places are on.
        centres: float64 (P, E, 2), x and y in pixels, the middle of what the cell reads.
        patches: float64 (P, E, 4), xyxy in pixels, what matters of the receptive field, cut at the image's rim.
        responses: float32 (P, E), how much the primitive is like it, 0 to 1.
        templates: float32 (T, S, P), their spatial templates D: where the centre lies as seen from the primitive.
        field: the receptive field of a cell: `field.size` pixels in theory, `field.effective` of them matter.
    """

    primitives: np.ndarray
    images: np.ndarray
    centres: np.ndarray
    patches: np.ndarray
    responses: np.ndarray
    templates: np.ndarray
    field: ReceptiveField


def primitive_examples(
    model: StructureLocalizer,
    images: ArrayLike,
    step: str = "coarse",
    primitives: Sequence[int] | None = None,
    count: int = 1,
    evidence: Localization | None = None,
) -> PrimitiveExamples:
    """Find for each primitive the images, and the places on them, that it answers to most.

    Looked at is the window of each image's best proposal, its cells that read around a pixel of the image. In theory a
    cell of the coarse map reads 211 x 211 pixels, more than a small image has. A patch is what matters of it, twice the
    spread to either side: see `ReceptiveField`.

    Args:
        model: a trained localizer.
        images: float32 (N, H, W, C) in [0, 1], any number of them.
        step: "coarse" or "fine".
        primitives: their numbers; None takes all.
        count: E, examples of each.
        evidence: what `model.evidence` has returned for these images, where it is there already; None asks for it.

    Raises:
        LookInsideError: for images that are none, evidence of other images, a step or primitive that the model does not
            have, or more examples than images.

    Source: Liu, Wan & He 2019, Fig. 3; Luo et al. 2016 for what matters of a receptive field.
    """
    if not isinstance(model, StructureLocalizer):
        raise LookInsideError(f"The model is a {type(model).__name__}, which has no primitives: give a localizer.")
    images = checked_pixels(images, model.image_shape)
    if step not in model.modules:
        raise LookInsideError(f"the localizer has no step {step!r}: choose from {', '.join(model.modules)}")
    numbers = np.arange(model.primitives) if primitives is None else np.atleast_1d(np.asarray(primitives))
    if numbers.dtype.kind not in "iu" or not numbers.size or not ((numbers >= 0) & (numbers < model.primitives)).all():
        raise LookInsideError(f"primitives is {primitives!r}: give whole numbers from 0 to {model.primitives - 1}")
    if not 1 <= count <= len(images):
        raise LookInsideError(f"count is {count}: there are {len(images)} images, each with one example of a primitive")
    told = evidence_of(model, images, evidence).steps[step]
    centres, field = read_centres(model, step, told.windows)
    there = inside(centres, images.shape[1:3])
    flat = told.responses.reshape(*there.shape, -1)[..., numbers]  # (N, 225, P)
    flat = np.where(there[..., None], flat, -1.0)
    cells, highest = flat.argmax(axis=1), flat.max(axis=1)  # (N, P)
    best = np.argsort(-highest, axis=0, kind="stable")[:count].T  # (P, E)
    places = centres[best, np.take_along_axis(cells, best.T, axis=0).T]
    half = field.effective / 2
    height, width = images.shape[1:3]
    patches = np.concatenate([places - half, places + half], axis=2).clip(0, [width, height, width, height])
    templates = np.asarray(model.modules[step].cast_votes.templates)[..., numbers]
    responses = np.take_along_axis(highest, best.T, axis=0).T.astype(np.float32)
    return PrimitiveExamples(numbers, best, places, patches, responses, templates, field)
