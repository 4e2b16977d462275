"""One way to divide labelled images in two: class by class, with a seed, whole groups on one side."""

import numpy as np

from lookinside.errors import LookInsideError


def stratified_split(labels, fraction: float, seed: int, groups=None) -> tuple[np.ndarray, np.ndarray]:
    """Divide indices 0..N-1 into (rest, part): `part` holds about `fraction` of every class.

    A class with two or more members (groups) gets at least one on each side; a class with a single one stays in `rest`.

    Args:
        labels: (N,) class numbers or names.
        fraction: share of each class for `part`, between 0 and 1 (both excluded).
        seed: whole number; the same seed gives the same division. Each class has its own stream of random numbers,
            so adding a class at the end leaves the division of the others as it was.
        groups: (N,) marks, or None. Images with the same mark (duplicates, one patient) stay on one side.

    Returns:
        Two sorted int64 arrays that together hold every index once.

    Raises:
        LookInsideError: if `fraction` is not between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise LookInsideError(f"the split fraction is {fraction}: give a number between 0 and 1, such as 0.15")
    labels = np.asarray(labels)
    groups = np.arange(len(labels)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    # A group is placed by the class of its first member, so that it is placed once even if its labels differ.
    _, first = np.unique(groups, return_index=True)
    sizes = np.bincount(groups, minlength=len(first))
    in_part = np.zeros(len(first), dtype=bool)
    for number, label in enumerate(np.unique(labels)):
        members = np.flatnonzero(labels[first] == label)
        if len(members) < 2:
            continue
        order = np.random.default_rng([seed, number]).permutation(members)
        total = sizes[members].sum()
        wanted = int(np.clip(round(fraction * total), 1, total - 1))
        for group in order:
            if sizes[group] <= wanted:
                in_part[group] = True
                wanted -= sizes[group]
        if not in_part[members].any():  # every group is larger than the share
            in_part[order[np.argmin(sizes[order])]] = True
    chosen = in_part[groups] if len(labels) else np.zeros(0, dtype=bool)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
