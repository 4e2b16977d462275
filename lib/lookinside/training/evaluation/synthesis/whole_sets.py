"""Synthetic images as a set: how far from real ones, and how near to those that the generator has learned from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lookinside.training.evaluation.synthesis.frechet import frechet_distance
from lookinside.training.evaluation.synthesis.nearest import nearest_images


def compare_sets(
    drawn: np.ndarray,
    real: np.ndarray,
    train: np.ndarray,
    read: Callable[[np.ndarray], np.ndarray],
    *,
    field: np.ndarray | None = None,
) -> dict[str, float]:
    """The Frechet distance of a set of synthetic images and the nearest training images, each beside real images'.

    Neither number means something alone. The Frechet distance grows where images are few: as many real images have one,
    too. A copy is nearer to the training images than a real image which the generator has never seen.

    Args:
        drawn: float (N, H, W, C) in [0, 1], synthetic images.
        real: float (M, H, W, C) in [0, 1], real images that the generator has not seen.
        train: float (T, H, W, C) in [0, 1], the real images that it has learned from.
        read: images -> features (N, D), from `features` of one layer of a trained network say.
        field: bool (H, W), the pixels that count for the nearest image; None takes all.

    Returns:
        By the names of the record: "Frechet", of drawn and real; "Frechet, real", of real and the first M of train;
        "nearest", the mean distance of drawn images to the nearest of train, see `nearest_images`; "nearest, real",
        that of real ones.

    Raises:
        LookInsideError: as `frechet_distance` and `nearest_images`.

    Source: Heusel et al. 2017, with features of one's own network in place of Inception's.
    """
    seen, made, learned = (read(one) for one in (real, drawn, train[: len(real)]))
    near, near_real = (nearest_images(one, train, field=field).distances.mean() for one in (drawn, real))
    return {
        "Frechet": frechet_distance(made, seen),
        "Frechet, real": frechet_distance(learned, seen),
        "nearest": float(near),
        "nearest, real": float(near_real),
    }
