"""The evidence of a localizer, asked for once and handed on."""

from __future__ import annotations

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.models.detection import Localization, StructureLocalizer


def evidence_of(model: StructureLocalizer, images: np.ndarray, given: Localization | None) -> Localization:
    """The evidence that was given, or what `model.evidence(images)` returns where none was.

    Raises:
        LookInsideError: for evidence that cannot be that of these images: another number of them, or other steps.
    """
    if given is None:
        return model.evidence(images)
    if not isinstance(given, Localization):
        raise LookInsideError(f"evidence is a {type(given).__name__}: give what model.evidence(images) returns.")
    counts = {name: len(one.responses) for name, one in given.steps.items()}
    if counts != dict.fromkeys(model.modules, len(images)):
        raise LookInsideError(
            f"evidence has {counts}, but there are {len(images)} images and the steps {', '.join(model.modules)}: give "
            "what model.evidence(images) returns for them."
        )
    return given
