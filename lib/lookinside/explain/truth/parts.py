"""What a network really uses: the same image drawn again without a part, and whether heat lies where it matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import as_array, as_numbers
from lookinside.explain.calls.bars import bar, speaking_for
from lookinside.explain.calls.blank import are_blank, left_to_caller, warn_of_rows
from lookinside.explain.calls.images import checked_images
from lookinside.explain.calls.target import Target
from lookinside.explain.explainer import ClassScores, Explainer, explainer_of
from lookinside.explain.network.tracing import traced
from lookinside.explain.truth.comparison import IMAGE, RANDOM
from lookinside.explain.truth.intervals import Interval, bootstrap_interval, paired_difference
from lookinside.explain.truth.randomization import randomize_weights

AREA = "the part's area"
_FEWEST_PARTS = 3  # a rank correlation of two parts is 1 or -1


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
    network = _Logits(model, input=input, output=output, chunk=chunk, progress=False)
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


def heat_by_part(maps: np.ndarray, part_masks: Mapping[str, np.ndarray]) -> np.ndarray:
    """Each part's share of a map's heat; negative heat counts as zero.

    Args:
        maps: float (N, H, W), of volumes (N, D, H, W).
        part_masks: name of a part -> bool of the same shape, where it lies. Parts may overlap: shares need not sum
            to 1.

    Returns:
        float64 (N, P) in [0, 1], parts in the order of the mapping; nan where the image does not show the part or the
        map has no heat.

    Raises:
        LookInsideError: for maps and masks that do not fit, or maps that hold nan or infinite values.

    Source: Hesse, Schaub-Meyer & Roth 2023, FunnyBirds (the part importances of an explanation).
    """
    maps = as_numbers(maps, "maps")
    if maps.ndim not in (3, 4) or not np.isfinite(maps).all():
        raise LookInsideError(f"The maps have shape {maps.shape}: give finite numbers, (N, H, W) or (N, D, H, W).")
    heat, places = np.maximum(maps, 0.0), tuple(range(1, maps.ndim))
    total = heat.sum(axis=places)
    found = np.full((len(maps), len(part_masks)), np.nan)
    for place, (part, mask) in enumerate(part_masks.items()):
        mask = as_array(mask, part)
        if mask.shape != maps.shape or mask.dtype != bool:
            raise LookInsideError(f"The mask of {part!r} is {mask.dtype} {mask.shape}: give bool {maps.shape}.")
        shows = mask.any(axis=places) & (total > 0)
        found[shows, place] = (heat * mask).sum(axis=places)[shows] / total[shows]
    return found


def part_rank_correlation(heat: np.ndarray, importance: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation over the parts of each image: does heat lie on what the network misses?

    Args:
        heat: float (N, P), see `heat_by_part`.
        importance: float (N, P), `PartImportance.logit` or `.margin`.

    Returns:
        float64 (N,) in [-1, 1]; parts with a nan are left out, nan where fewer than three are left or all are equal.
        `bootstrap_interval` gives the mean with its interval over images. Chance is 0, but the part's area is the
        rival: large parts hold more heat and are missed more.

    Raises:
        LookInsideError: if the shapes differ.
    """
    heat, importance = as_numbers(heat, "heat"), as_numbers(importance, "importance")
    if heat.shape != importance.shape or heat.ndim != 2:
        raise LookInsideError(f"heat is {heat.shape}, importance {importance.shape}: give twice (N, P).")
    found = np.full(len(heat), np.nan)
    for number, (one, other) in enumerate(zip(heat, importance, strict=True)):
        both = np.isfinite(one) & np.isfinite(other)
        if both.sum() < _FEWEST_PARTS or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
            continue
        found[number] = np.corrcoef(rankdata(one[both]), rankdata(other[both]))[0, 1]
    return found


def compare_parts(
    makers: Mapping[str, Callable[[keras.Model], Callable]],
    model: keras.Model,
    images: ArrayLike,
    importance: np.ndarray,
    part_masks: Mapping[str, np.ndarray],
    classes: ArrayLike | None = None,
    *,
    input: str | int | None = None,
    output: str | int | None = None,
    seed: int = 0,
    progress: bool | Callable = True,
) -> dict[str, np.ndarray]:
    """Rank correlation of heat and importance for several explanations, and for heat that knows nothing.

    Args:
        makers: name -> what makes an explainer of a model, as in `compare`.
        model: the trained network.
        images: (N, H, W, C), as the model takes them; of several inputs a list of them, or a dict by name.
        importance: float (N, P), `PartImportance.logit` or `.margin` of this network.
        part_masks: name -> bool (N, H, W), in the same order of parts.
        classes: int (N,), or one for all; None is the predicted class of each image.
        input: which input is explained, by name, where several are images; the makers name it too.
        output: which output, by name, where the model has several; the makers name it too.
        seed: of the random heat and of the fresh weights.
        progress: as for every `Explainer`; a step is an explainer.

    Returns:
        Row -> float64 (N,), see `part_rank_correlation`. Rows: `makers`; each again with ", untrained" behind its
        name, by the same network with fresh weights; "the part's area", "the image itself" and "random heat". An image
        whose map is empty has nan there; how many these are is said once, in a `BlankMapWarning`.

    Raises:
        LookInsideError: as the explainers, `heat_by_part` and `part_rank_correlation`.
    """
    network = _Logits(model, input=input, output=output, progress=False)
    given = images
    images, beside = network.checked(given)
    classes = network.classes_of(network.logits(images, beside), classes)
    fresh = randomize_weights(model, seed)
    found, blank = {}, {}
    with bar(progress, 2 * len(makers), "explanations", "method") as shown, speaking_for(progress), left_to_caller():
        for name, make in makers.items():
            for one, label in ((model, name), (fresh, f"{name}, untrained")):
                explain = explainer_of(make, one)
                maps = explain(given, classes) if isinstance(explain, Explainer) else explain(given)
                blank[label] = int(are_blank(np.asarray(maps)).sum())
                found[label] = part_rank_correlation(heat_by_part(maps, part_masks), importance)
                shown.update(1)
    warn_of_rows(blank, len(images), "compare_parts", "their rank correlations mean nothing")
    shape = images.shape[:-1]
    bare = {
        AREA: np.ones(shape),
        IMAGE: images.astype(np.float64).mean(axis=-1),
        RANDOM: np.random.default_rng(seed).random(shape),
    }
    return found | {
        name: part_rank_correlation(heat_by_part(maps, part_masks), importance) for name, maps in bare.items()
    }


def summarize_parts(*found: Mapping[str, np.ndarray]) -> dict[str, dict[str, Interval | None]]:
    """Rank correlations of one or several sets of images as a table: the "rank", and its lead "over area".

    Args:
        found: what `compare_parts` returned, for each set of images (hands, feet).

    Returns:
        Row -> column -> mean over all images with its interval. "over area" is the paired difference from the row "the
        part's area": what an explanation knows beyond size; None in that row itself.

    Raises:
        LookInsideError: for no result, or results with different rows.
    """
    if not found or any(set(one) != set(found[0]) for one in found):
        raise LookInsideError("Give one or several results of compare_parts, all with the same rows.")
    joined = {row: np.concatenate([one[row] for one in found]) for row in found[0]}
    area = joined[AREA]
    return {
        row: {
            "rank": bootstrap_interval(ranks),
            "over area": None if row == AREA else paired_difference(ranks, area),
        }
        for row, ranks in joined.items()
    }


def mean_importance(importance: PartImportance, value: str = "margin") -> dict[str, Interval]:
    """The mean over images of each part's importance, with its bootstrap interval; images without the part left out.

    Args:
        importance: what `part_importance` returned.
        value: "margin" or "logit".
    """
    columns = getattr(importance, value).T
    return {part: bootstrap_interval(column) for part, column in zip(importance.parts, columns, strict=True)}


class _Logits(ClassScores):
    """A model's logits, image by image, in NumPy."""

    title = "part_importance"
    explained = (2, 3)
    needs_layers = False

    def __init__(self, model, **options):
        super().__init__(model, **options)
        self._traced_logits = traced(self._logits)

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Of the input that is explained."""
        return self._input_shape

    def checked(self, images) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """The images, and the model's other inputs."""
        return self._inputs.checked(images)

    def logits(self, images, others) -> np.ndarray:
        """(N, H, W, C) and the other inputs of the same images -> float64 (N, columns)."""
        target = Target(np.zeros(len(images), np.int32), others)
        return self._chunk_by_chunk(self._traced_logits, images, target).astype(np.float64)

    def classes_of(self, logits, classes) -> np.ndarray:
        """int (N,): the given ones, checked, or the predicted ones."""
        classes = self._checked_classes(classes, len(logits))
        return np.where(classes < 0, self.predicted(logits), classes)

    def predicted(self, logits) -> np.ndarray:
        """(N, columns) -> int (N,)."""
        return self._both(logits).argmax(axis=1)

    def score(self, logits, classes) -> np.ndarray:
        """The class's logit, float64 (N,)."""
        if self._head.columns == 1:  # one logit speaks for the second class, its opposite for the first
            return logits[:, 0] * (2 * classes - 1)
        return np.take_along_axis(logits, classes[:, None], axis=1)[:, 0]

    def over_runner_up(self, logits, classes) -> np.ndarray:
        """The class's logit over the best of the others', float64 (N,); of one logit, the logit itself: log odds."""
        both = self._both(logits)
        others = both.copy()
        np.put_along_axis(others, classes[:, None], -np.inf, axis=1)
        return np.take_along_axis(both, classes[:, None], axis=1)[:, 0] - others.max(axis=1)

    def _both(self, logits):
        """One logit is the second class's over the first's."""
        return np.concatenate([np.zeros_like(logits), logits], axis=1) if self._head.columns == 1 else logits
