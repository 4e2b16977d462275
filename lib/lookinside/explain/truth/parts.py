"""What a network really uses: the same image drawn again without a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.explain.calls.bars import bar
from lookinside.explain.calls.images import checked_images
from lookinside.explain.truth.intervals import Interval, bootstrap_interval
from lookinside.explain.truth.logits import Logits


class PartImportance(NamedTuple):
    """What each image's class loses without each part.

    Attributes:
        parts: (P,) their names.
        logit: float64 (N, P), the drop of the class's logit; nan where the image does not show the part.
        margin: float64 (N, P), the drop of the class's logit over the runner-up's, the best of the other classes.
        changed: bool (N, P), whether another class is predicted without the part.
    """

    parts: tuple[str, ...]
    logit: np.ndarray
    margin: np.ndarray
    changed: np.ndarray


def part_importance(
    model: keras.Model,
    images: ArrayLike,
    redrawn: Mapping[str, np.ndarray],
    classes: ArrayLike | None = None,
    *,
    input: str | int | None = None,
    output: str | int | None = None,
    chunk: int = 64,
    progress: bool | Callable = True,
) -> PartImportance:
    """Measure what a network loses when a part is not there: single deletion, by drawing the image again.

    Nothing is masked, so the network sees no hole: everything but the part is as it was. A part that two others can
    stand in for is not missed; take groups of parts away together to find that out.

    Args:
        model: a Keras classifier; a softmax or sigmoid at its end is looked behind.
        images: (N, H, W, C), as the model takes them; of several inputs a list of them, or a dict by name.
        redrawn: name of a part (or of a group) -> the same images without it, (N, H, W, C). An image that is equal
            without the part does not show it. Other inputs stay as they are.
        classes: int (N,), or one for all; None is the class that the model predicts for the whole image.
        input: which input is redrawn, by name, where several are images.
        output: which output, by name, where the model has several.
        chunk: images at a time.
        progress: as for every `Explainer`; a step is a part.

    Returns:
        `PartImportance`.

    Raises:
        LookInsideError: for images or redrawn images that do not fit, no part at all, or as an `Explainer`.

    Source: Hesse, Schaub-Meyer & Roth 2023, FunnyBirds (the single deletion protocol).
    """
    if not isinstance(redrawn, Mapping) or not redrawn:
        raise LookInsideError("There is no part to take away: give a dict, name -> the images drawn without it.")
    network = Logits(model, input=input, output=output, chunk=chunk, progress=False)
    images, beside = network.checked(images)
    whole = network.logits(images, beside)
    wanted = network.classes_of(whole, classes)
    shape = (len(images), len(redrawn))
    logit, margin, changed = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, bool)
    with bar(progress, len(redrawn), "parts", "part") as shown:
        for place, (part, others) in enumerate(redrawn.items()):
            others = checked_images(others, network.input_shape)
            if others.shape != images.shape:
                raise LookInsideError(f"{part!r} is drawn as {others.shape}, the images are {images.shape}: draw each.")
            seen = (others != images).reshape(len(images), -1).any(axis=1)
            if seen.any():
                left = network.logits(others[seen], tuple(one[seen] for one in beside))
                pair = (whole[seen], left)
                logit[seen, place] = np.subtract(*(network.score(one, wanted[seen]) for one in pair))
                margin[seen, place] = np.subtract(*(network.over_runner_up(one, wanted[seen]) for one in pair))
                changed[seen, place] = np.not_equal(*(network.predicted(one) for one in pair))
            shown.update(1)
    return PartImportance(tuple(redrawn), logit, margin, changed)


def mean_importance(importance: PartImportance, value: str = "margin") -> dict[str, Interval]:
    """The mean over images of each part's importance, with its bootstrap interval; images without the part left out.

    Args:
        importance: what `part_importance` returned.
        value: "margin" or "logit"; both are in logits.

    Returns:
        Part -> `Interval` of 95 % over images.

    Raises:
        LookInsideError: for another value.
    """
    if value not in ("margin", "logit"):
        raise LookInsideError(f"value is {value!r:.60}: give 'margin' or 'logit'.")
    columns = getattr(importance, value).T
    return {part: bootstrap_interval(column) for part, column in zip(importance.parts, columns, strict=True)}
