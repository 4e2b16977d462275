"""Primitives to start from: the directions around which the features of training images gather."""

from __future__ import annotations

from typing import Any

import numpy as np

from lookinside.layers.arguments import check_counts

_ROUNDS = 100


def primitives_from_features(features: Any, count: int, seed: int = 0, *, sample: int = 20_000) -> np.ndarray:
    """Primitives by spherical k-means: each is the mean direction of the features that are nearest to it in angle.

    k-means of the normalised features (scikit-learn) finds the groups. Then the centres are put on the sphere, and
    features and centres take turns until none changes its group. Features that are zero have no direction and are left
    out.

    Args:
        features: (..., C), what a network makes of training images.
        count: number of primitives, 1 or more.
        seed: of the sample and of k-means.
        sample: that many features are drawn where there are more; 20,000 of 256 channels take some seconds.

    Returns:
        (count, C), float32, of length 1, those with the most features first.

    Raises:
        ValueError: for features that are not finite, or fewer different ones than `count`.
    """
    from sklearn.cluster import KMeans

    check_counts(1, count=count, sample=sample)
    directions = _directions(features)
    rng = np.random.default_rng(seed)
    if len(directions) > sample:
        directions = directions[np.sort(rng.choice(len(directions), sample, replace=False))]
    different = len(np.unique(directions, axis=0)) if len(directions) else 0
    if different < count:
        raise ValueError(f"There are {different} different features for {count} primitives: give more, or ask fewer.")
    found = KMeans(count, n_init=1, random_state=seed).fit(directions)
    centres, groups = found.cluster_centers_, found.labels_
    for _ in range(_ROUNDS):
        centres = _mean_directions(directions, groups, centres)
        before, groups = groups, np.argmax(directions @ centres.T, axis=1)
        if np.array_equal(before, groups):
            break
    order = np.argsort(-np.bincount(groups, minlength=count), kind="stable")
    return centres[order].astype("float32")


def _directions(features):
    features = np.asarray(features, np.float32)
    features = features.reshape(-1, features.shape[-1]).astype(np.float64)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise ValueError("Some features are not finite: look at the images and the network that they come from.")
    kept = lengths[:, 0] > 0
    return features[kept] / lengths[kept]


def _mean_directions(directions, groups, before):
    """The mean direction of each group, of length 1; of an empty group the centre that it had."""
    sums = np.stack([directions[groups == group].sum(axis=0) for group in range(len(before))])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    centres = np.where(lengths > 0, sums, before)
    return centres / np.linalg.norm(centres, axis=1, keepdims=True)
