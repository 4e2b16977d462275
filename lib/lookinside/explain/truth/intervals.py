"""How sure is a mean over test images? Bootstrap intervals, also of paired differences."""

from typing import NamedTuple

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import as_numbers, is_number, is_whole

_DRAWS_AT_ONCE = 2**20  # 8 MiB of them


class Interval(NamedTuple):
    """An estimate with the two ends of its interval."""

    estimate: float
    low: float
    high: float


def bootstrap_interval(values: np.ndarray, *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """Mean of per-image values with its percentile bootstrap interval over images; nan values are left out.

    The images are drawn anew with repetition `resamples` times; the interval holds the middle `level` of the means.
    It says how the mean would vary over other test images, not over other trainings.

    Args:
        values: float (N,).
        level: between 0 and 1.
        resamples: number of draws.
        seed: of the draws.

    Returns:
        Interval; three nan where no value is left.

    Raises:
        LookInsideError: for values that are not (N,), a level outside (0, 1), or resamples or a seed that are no whole
            numbers.

    Source: Efron & Tibshirani 1993, chapter 13.
    """
    values = as_numbers(values, "values")
    if values.ndim != 1:
        raise LookInsideError(f"bootstrap_interval takes values (N,), not {values.shape}.")
    if not (is_number(level) and 0 < level < 1 and is_whole(resamples) and is_whole(seed, 0)):
        raise LookInsideError(
            f"level is {level}, resamples {resamples}, seed {seed}: give a level in (0, 1), whole numbers from 1 and 0."
        )
    values = values[~np.isnan(values)]
    if np.isinf(values).any():
        raise LookInsideError("values hold infinity: look for it in the maps that were scored.")
    if not len(values):
        return Interval(np.nan, np.nan, np.nan)
    random, at_once = np.random.default_rng(seed), max(1, _DRAWS_AT_ONCE // len(values))
    means = [
        values[random.integers(0, len(values), (min(at_once, resamples - done), len(values)))].mean(axis=1)
        for done in range(0, resamples, at_once)
    ]
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(means), (tail, 1 - tail))
    return Interval(float(values.mean()), float(low), float(high))


def paired_difference(
    first: np.ndarray, second: np.ndarray, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Mean of `first` minus `second`, image by image, with its percentile bootstrap interval over images.

    Two explainers that are scored on the same images are compared by this: what makes one image easier than another
    cancels out, which the two intervals beside one another do not show. An interval clear of 0 says that they differ.

    Args:
        first, second: float (N,), the scores of the same images in the same order; a pair with a nan is left out.
        level, resamples, seed: as in `bootstrap_interval`.

    Returns:
        Interval of the difference, in the scores' own units; three nan where no pair is left.

    Raises:
        LookInsideError: for values that are not twice (N,), and as `bootstrap_interval`.

    Source: Efron & Tibshirani 1993, chapters 8 and 13.
    """
    first, second = as_numbers(first, "first"), as_numbers(second, "second")
    if first.ndim != 1 or first.shape != second.shape:
        raise LookInsideError(f"The scores have shapes {first.shape} and {second.shape}: give twice (N,).")
    for values, name in ((first, "first"), (second, "second")):
        if np.isinf(values).any():
            raise LookInsideError(f"{name} holds infinity: look for it in the maps that were scored.")
    return bootstrap_interval(first - second, level=level, resamples=resamples, seed=seed)
