"""Explanations of one network side by side: every score of each, and of heat that needs no network."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from lookinside.errors import LookInsideError
from lookinside.explain.arguments import as_array
from lookinside.explain.bars import bar
from lookinside.explain.explainer import Explainer, explainer_of
from lookinside.explain.images import checked_images
from lookinside.explain.truth.insertion_deletion import PixelWalk
from lookinside.explain.truth.randomization import randomize_weights
from lookinside.explain.truth.scores import Interval, bootstrap_interval, landmark_share, map_correlation, pointing_game

IMAGE, RANDOM = "the image itself", "random heat"


def compare(
    makers: dict[str, Callable[[keras.Model], Callable]],
    model: keras.Model,
    images,
    classes=None,
    *,
    regions: np.ndarray | None = None,
    output: str | int | None = None,
    seed: int = 0,
    progress: bool | Callable = True,
) -> dict[str, dict[str, Interval]]:
    """Score explanations of one network side by side, with what chance and the bare image get.

    Args:
        makers: name -> what makes an explainer of a model: `GradCAM`, or `lambda model: Occlusion(model, 16, 8)`.
        model: a trained Keras classifier; it is left alone.
        images: (N, H, W, C), as the model takes them.
        classes: int (N,), or one for all; None is the predicted class of each image.
        regions: bool (N, H, W), the truth; None leaves out the scores that need it.
        output: which output, by name, where the model has several; the makers name it too.
        seed: of the random heat and of the fresh weights.
        progress: as for every `Explainer`; a step is an explainer.

    Returns:
        Row -> score -> mean over images with its bootstrap interval. Rows: `makers`, then "the image itself" (its
        brightness as heat) and "random heat" (chance). Scores: "landmark_share" and "pointing_game" where there are
        regions; "insertion", "deletion" (areas); "untrained", the correlation with the map of the same network with
        fresh weights, and "next_image", that with the next image's map, which says what two maps share anyway.

    Raises:
        LookInsideError: for no maker, for regions that do not fit to the images, and as the explainers.
    """
    if not makers or not isinstance(makers, dict):
        raise LookInsideError("There is nothing to compare: give a dict, name -> what makes an explainer of a model.")
    if {IMAGE, RANDOM} & set(makers):
        raise LookInsideError(
            f"{IMAGE!r} and {RANDOM!r} are rows of the table already: give your explainer another name."
        )
    walk = PixelWalk(model, output=output, progress=False)
    images = checked_images(images, model.input_shape).astype(np.float32)
    if regions is not None:
        regions = as_array(regions, "regions")
        if regions.shape != images.shape[:3] or regions.dtype != bool:
            said = f"{regions.dtype} {regions.shape}"
            raise LookInsideError(f"regions are {said} for images {images.shape}: give bool (N, H, W).")
    if classes is None:
        classes = walk.predict(images)
    fresh = randomize_weights(model, seed)
    heats = {name: _Heat(make, model, fresh, images, classes) for name, make in makers.items()}
    heats[IMAGE] = lambda: (images.mean(axis=-1), None)
    heats[RANDOM] = lambda: (np.random.default_rng(seed).random(images.shape[:3]), None)
    found = {}
    with bar(progress, len(heats), "explanations", "method") as shown:
        for name, heat in heats.items():
            found[name] = _row(*heat(), walk, images, classes, regions)
            shown.update(1)
    return found


class _Heat:
    """An explanation by a network and by the same one with fresh weights."""

    def __init__(self, make, model, fresh, images, classes):
        self.make, self.models, self.images, self.classes = make, (model, fresh), images, classes

    def __call__(self):
        return tuple(self._one(explainer_of(self.make, model)) for model in self.models)

    def _one(self, explain):
        return explain(self.images, self.classes) if isinstance(explain, Explainer) else explain(self.images)


def _row(heat, untrained, walk, images, classes, regions):
    values = {}
    if regions is not None:
        values["landmark_share"] = landmark_share(heat, regions)
        values["pointing_game"] = pointing_game(heat, regions)
    values["insertion"] = walk.insertion(images, heat, classes).areas
    values["deletion"] = walk.deletion(images, heat, classes).areas
    if untrained is not None:
        values["untrained"] = map_correlation(heat, untrained)
    if len(images) > 1:
        values["next_image"] = map_correlation(heat, np.roll(heat, 1, axis=0))
    return {name: bootstrap_interval(value) for name, value in values.items()}
