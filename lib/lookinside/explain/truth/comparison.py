"""Explanations of one network side by side: every score of each, and of heat that needs no network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from lookinside.arrays import as_array
from lookinside.errors import LookInsideError
from lookinside.explain.calls.bars import bar, speaking_for
from lookinside.explain.calls.blank import are_blank, left_to_caller, warn_of_rows
from lookinside.explain.explainer import Explainer, explainer_of
from lookinside.explain.truth.insertion_deletion import PixelWalk
from lookinside.explain.truth.intervals import Interval, bootstrap_interval, paired_difference
from lookinside.explain.truth.randomization import randomize_weights
from lookinside.explain.truth.scores import landmark_share, map_correlation, pointing_game

IMAGE, RANDOM = "the image itself", "random heat"


class Comparison(dict[str, dict[str, Interval]]):
    """Row -> score -> mean over images with its bootstrap interval, and what it was made of.

    Attributes:
        per_image: row -> score -> float64 (N,), the scores of the single images; nan where an image has none.
    """

    def __init__(self, per_image: dict[str, dict[str, np.ndarray]]):
        super().__init__(
            {row: {name: bootstrap_interval(one) for name, one in scores.items()} for row, scores in per_image.items()}
        )
        self.per_image = per_image

    def against(self, rival: str, **options: Any) -> dict[str, dict[str, Interval]]:
        """How much better or worse than one of the rows the others are, on the same images.

        Args:
            rival: name of the row, "random heat" or "the image itself" for instance.
            options: level, resamples and seed, see `paired_difference`.

        Returns:
            Row -> score -> mean difference from the rival's with its bootstrap interval over images, for all rows but
            the rival's and the scores that both have. Higher is not always better: see `compare`.

        Raises:
            LookInsideError: for a name that is no row, and as `paired_difference`.
        """
        if rival not in self.per_image:
            raise LookInsideError(f"There is no row {rival!r:.60}: the rows are {', '.join(self.per_image)}.")
        theirs = self.per_image[rival]
        return {
            row: {name: paired_difference(one, theirs[name], **options) for name, one in ours.items() if name in theirs}
            for row, ours in self.per_image.items()
            if row != rival
        }


def compare(
    makers: dict[str, Callable[[keras.Model], Callable]],
    model: keras.Model,
    images: ArrayLike,
    classes: ArrayLike | None = None,
    *,
    regions: np.ndarray | None = None,
    input: str | int | None = None,
    output: str | int | None = None,
    seed: int = 0,
    progress: bool | Callable = True,
) -> Comparison:
    """Score explanations of one network side by side, with what chance and the bare image get.

    Args:
        makers: name -> what makes an explainer of a model: `GradCAM`, or `lambda model: Occlusion(model, 16, 8)`.
        model: a trained Keras classifier; it is left alone.
        images: (N, H, W, C), as the model takes them; of several inputs a list of them, or a dict by name.
        classes: int (N,), or one for all; None is the predicted class of each image.
        regions: bool (N, H, W), the truth; None leaves out the scores that need it.
        input: which input is explained, by name, where several are images; the makers name it too.
        output: which output, by name, where the model has several; the makers name it too.
        seed: of the random heat and of the fresh weights.
        progress: as for every `Explainer`; a step is an explainer. False silences the explainers, too, however they are
            made; your own bar stands for theirs.

    Returns:
        Row -> score -> mean over images with its bootstrap interval; `against(row)` of it gives paired differences,
        `per_image` the single scores. Rows: `makers`, then "the image itself" (its
        brightness as heat) and "random heat" (chance). Scores: "landmark_share" and "pointing_game" where there are
        regions; "insertion", "deletion" (areas); "untrained", the correlation with the map of the same network with
        fresh weights, and "next_image", that with the next image's map, which says what two maps share anyway.

    Raises:
        LookInsideError: for no maker, for regions that do not fit to the images, and as the explainers.

    Warns:
        BlankMapWarning: once, with their number in each row, where maps are empty or the same everywhere.
    """
    if not makers or not isinstance(makers, dict):
        raise LookInsideError("There is nothing to compare: give a dict, name -> what makes an explainer of a model.")
    if {IMAGE, RANDOM} & set(makers):
        raise LookInsideError(
            f"{IMAGE!r} and {RANDOM!r} are rows of the table already: give your explainer another name."
        )
    walk = PixelWalk(model, input=input, output=output, progress=False)
    given = images
    images = walk.checked(given)
    if regions is not None:
        regions = as_array(regions, "regions")
        if regions.shape != images.shape[:-1] or regions.dtype != bool:
            said = f"{regions.dtype} {regions.shape}"
            raise LookInsideError(f"regions are {said} for images {images.shape}: give bool (N, H, W).")
    if classes is None:
        classes = walk.predict(given)
    fresh = randomize_weights(model, seed)
    heats = {name: _Heat(make, model, fresh, given, classes) for name, make in makers.items()}
    heats[IMAGE] = lambda: (images.mean(axis=-1), None)
    heats[RANDOM] = lambda: (np.random.default_rng(seed).random(images.shape[:-1]), None)
    per_image, blank = {}, {}
    with bar(progress, len(heats), "explanations", "method") as shown, speaking_for(progress), left_to_caller():
        for name, heat in heats.items():
            trained, untrained = heat()
            per_image[name] = _scores(trained, untrained, walk, given, classes, regions)
            for row, maps in ((name, trained), (f"{name}, untrained", untrained)):
                blank[row] = 0 if maps is None else int(are_blank(np.asarray(maps)).sum())
            shown.update(1)
    warn_of_rows(blank, len(images), "compare", "their scores mean nothing")
    return Comparison(per_image)


class _Heat:
    """An explanation by a network and by the same one with fresh weights."""

    def __init__(self, make, model, fresh, images, classes):
        self.make, self.models, self.images, self.classes = make, (model, fresh), images, classes

    def __call__(self):
        return tuple(self._one(explainer_of(self.make, model)) for model in self.models)

    def _one(self, explain):
        return explain(self.images, self.classes) if isinstance(explain, Explainer) else explain(self.images)


def _scores(heat, untrained, walk, images, classes, regions):
    """Score -> float64 (N,)."""
    values = {}
    if regions is not None:
        values["landmark_share"] = landmark_share(heat, regions)
        values["pointing_game"] = pointing_game(heat, regions)
    values["insertion"] = walk.insertion(images, heat, classes).areas
    values["deletion"] = walk.deletion(images, heat, classes).areas
    if untrained is not None:
        values["untrained"] = map_correlation(heat, untrained)
    if len(heat) > 1:
        values["next_image"] = map_correlation(heat, np.roll(heat, 1, axis=0))
    return values
