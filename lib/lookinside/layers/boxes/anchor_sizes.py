"""Sizes of anchors that fit the boxes of a training set."""

from __future__ import annotations

from typing import Any

import numpy as np

from lookinside.layers.arguments import check_counts


def fit_anchor_sizes(boxes: Any, count: int = 6, seed: int = 0) -> list[tuple[float, float]]:
    """Sizes of anchors by k-means of the boxes' sizes.

    The distance is that of the logarithms of width and height, for how far two boxes of one centre overlap depends on
    the ratios of their sides.

    Args:
        boxes: (N, 4), x_min, y_min, x_max, y_max in pixels, of the training images at the size at which they are read.
        count: number of sizes, 1 or more.
        seed: of k-means.

    Returns:
        (width, height) of each in pixels, the smallest area first.

    Raises:
        ValueError: for boxes that are not (N, 4), not finite or without an area, or fewer different sizes than `count`.
    """
    from sklearn.cluster import KMeans

    check_counts(1, count=count)
    boxes = np.asarray(boxes, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes have shape {boxes.shape}: (N, 4), x_min, y_min, x_max, y_max, is needed.")
    if not len(boxes):
        raise ValueError("There is no box: anchors are fitted to the boxes of a training set that has some.")
    sides = boxes[:, 2:] - boxes[:, :2]
    bad = np.flatnonzero(~(np.isfinite(boxes).all(axis=1) & (sides > 0).all(axis=1)))
    if len(bad):
        raise ValueError(f"Box {bad[0]} is {boxes[bad[0]].tolist()}: x_min < x_max and y_min < y_max are needed.")
    different = len(np.unique(sides, axis=0))
    if different < count:
        raise ValueError(f"There are {different} different sizes of boxes for {count} anchors: ask for fewer.")
    found = KMeans(count, n_init=10, random_state=seed).fit(np.log(sides))
    sizes = np.exp(found.cluster_centers_)
    return [(float(width), float(height)) for width, height in sizes[np.argsort(sizes.prod(axis=1))]]
