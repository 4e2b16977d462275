"""One way to divide labelled images in two: class by class, with a seed, whole groups on one side."""

import operator

import numpy as np
from numpy.typing import ArrayLike

from lookinside.arrays import as_array
from lookinside.data.named import one_for_each
from lookinside.errors import LookInsideError


def stratified_split(
    labels: ArrayLike, fraction: float, seed: int, groups: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Divide indices 0..N-1 into (rest, part): `part` holds about `fraction` of every class.

    A class with two or more members (groups) gets at least one on each side where its groups allow it; a class with a
    single one stays in `rest`. Groups of one class each give the same numbers as single images do; a group with
    images of several classes counts for each of them.

    Args:
        labels: (N,) class numbers or names.
        fraction: share of each class for `part`, between 0 and 1 (both excluded).
        seed: whole number; the same seed gives the same division. Each class has its own stream of random numbers,
            so adding a class at the end leaves the division of the others as it was.
        groups: (N,) marks, or None. Images with the same mark (duplicates, one patient) stay on one side.

    Returns:
        Two sorted int64 arrays that together hold every index once.

    Raises:
        LookInsideError: if `fraction` is not between 0 and 1, the seed is no whole number of 0 or more, labels are not
            one for each image, or groups not one for each label.
    """
    _check_numbers(fraction, seed)
    labels = as_array(labels, "labels")
    if labels.ndim != 1:
        raise LookInsideError(f"labels are of shape {labels.shape}: give one for each image, (N,)")
    if groups is not None:
        groups = one_for_each(groups, "groups", len(labels), "group")
    groups = np.arange(len(labels)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    names, numbers = np.unique(labels, return_inverse=True)
    counts = np.zeros((groups.max(initial=-1) + 1, len(names)), np.int64)  # (group, class): images
    np.add.at(counts, (groups, numbers), 1)
    has = counts > 0
    left = np.zeros(len(names), np.int64)  # images that `part` still wants of each class
    for number, sizes in enumerate(counts.T):
        if has[:, number].sum() > 1:
            left[number] = np.clip(round(fraction * sizes.sum()), 1, sizes.sum() - 1)
    in_part = np.zeros(len(counts), dtype=bool)
    # The rarest class chooses first: a common one has enough groups to make up for what it was given.
    for number in np.argsort(has.sum(axis=0), kind="stable"):
        order = np.random.default_rng([seed, number]).permutation(np.flatnonzero(has[:, number]))
        for group in order:
            if left[number] > 0 and not in_part[group] and (counts[group] <= left).all():
                in_part[group] = True
                left -= counts[group]
        if len(order) > 1 and not in_part[order].any():  # every group is larger than a share
            _add_one(order, counts, in_part, left)
    chosen = in_part[groups] if len(labels) else np.zeros(0, dtype=bool)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _check_numbers(fraction, seed):
    try:
        fits = bool(0 < fraction < 1)
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise LookInsideError(f"the split fraction is {fraction!r:.60}: give a number between 0 and 1, such as 0.15")
    try:
        fits = operator.index(seed) >= 0
    except TypeError:
        fits = False
    if not fits:
        raise LookInsideError(f"seed is {seed!r:.60}: give a whole number of 0 or more")


def _add_one(order, counts, in_part, left):
    """Put the group that goes least beyond the shares into the part, if every class keeps an image in the rest."""
    in_rest = counts[~in_part].sum(axis=0)
    allowed = [group for group in order if (counts[group][counts[group] > 0] < in_rest[counts[group] > 0]).all()]
    if allowed:
        best = min(allowed, key=lambda group: np.maximum(counts[group] - np.maximum(left, 0), 0).sum())
        in_part[best] = True
        left -= counts[best]
