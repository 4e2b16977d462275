"""Does heat lie on the parts that a network misses? Shares of heat, rank correlations, explanations side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from lookinside.arrays import as_array, as_numbers
from lookinside.errors import LookInsideError
from lookinside.explain.calls.bars import bar, speaking_for
from lookinside.explain.calls.blank import are_blank, left_to_caller, warn_of_rows
from lookinside.explain.explainer import Explainer, explainer_of
from lookinside.explain.truth.comparison import IMAGE, RANDOM
from lookinside.explain.truth.intervals import Interval, bootstrap_interval, paired_difference
from lookinside.explain.truth.logits import Logits
from lookinside.explain.truth.randomization import randomize_weights

AREA = "the part's area"
_FEWEST_PARTS = 3  # a rank correlation of two parts is 1 or -1


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

    Source: Hesse, Schaub-Meyer & Roth 2023, FunnyBirds (the single deletion protocol).
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

    Source: as `part_rank_correlation`; fresh weights, Adebayo et al. 2018. The other rows are ours.
    """
    network = Logits(model, input=input, output=output, progress=False)
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
