"""Are the primitives of a localizer different at all? Their templates, and their maps, beside each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.explain.detection.given_evidence import evidence_of
from lookinside.models.detection import Localization, StructureLocalizer
from lookinside.models.detection.checked_inputs import checked_pixels

_TWINS = 0.95  # two templates with a larger cosine look for the same thing


def primitives_alike(
    model: StructureLocalizer, images: ArrayLike, *, evidence: Localization | None = None
) -> dict[str, dict[str, float]]:
    """Measure how alike the primitives of each step are: as templates, and by what they do on images.

    Args:
        model: a trained localizer with two primitives or more.
        images: float32 (N, H, W, C) in [0, 1], any number of them.
        evidence: what `model.evidence` has returned for these images, where it is there already; None asks for it.

    Returns:
        Step -> "nearest cosine": the mean cosine of a template to the one nearest to it, -1 to 1; "twins": the share
        of templates with another at a cosine above 0.95; "Rs" and "Rc": the mean correlation of two primitives'
        responses, and of what is traced back, over the cells of a window, -1 to 1, nan where all are constant.

    Raises:
        LookInsideError: for a model without primitives or with one only, or images that are none.
    """
    if not isinstance(model, StructureLocalizer) or model.primitives < 2:
        kind = type(model).__name__
        raise LookInsideError(f"The model is a {kind} with no two primitives to compare: give a localizer that has.")
    steps = evidence_of(model, checked_pixels(images, model.image_shape), evidence).steps
    found = {}
    for step, one in steps.items():
        templates = np.asarray(model.modules[step].detect.templates)
        nearest = (templates @ templates.T - 2 * np.eye(len(templates))).max(axis=1)
        found[step] = {"nearest cosine": float(nearest.mean()), "twins": float((nearest > _TWINS).mean())}
        found[step] |= {"Rs": _correlated(one.responses), "Rc": _correlated(one.traced)}
    return found


def _correlated(maps):
    """Mean correlation over cells of two maps of an image, of (N, 15, 15, K); a constant map is left out."""
    cells = maps.reshape(len(maps), -1, maps.shape[-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.stack([np.corrcoef(one, rowvar=False) for one in cells])
    pairs = own[:, ~np.eye(maps.shape[-1], dtype=bool)]
    return float(np.nanmean(pairs)) if np.isfinite(pairs).any() else float("nan")
