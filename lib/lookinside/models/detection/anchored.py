"""Proposals of a detector on its feature maps: the anchors for maps of given strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from lookinside.layers import AnchorGenerator
from lookinside.models.detection.region_proposals import RegionProposals

ROWS = 2  # rows of anchors in a cell: flat structures slip between rows a whole stride apart


def anchored_proposals(detector: Any, strides: Sequence[int], sizes: Sequence[Sequence]) -> RegionProposals:
    """The proposals of a detector whose maps have these strides, each with anchors of these (width, height)."""
    height, width, _ = detector.image_shape
    anchors = []
    for stride, own in zip(strides, sizes, strict=True):
        cells = np.zeros((1, -(-height // stride), -(-width // stride), 1), np.float32)
        anchors.append(keras.ops.convert_to_numpy(AnchorGenerator(own, stride, rows_per_cell=ROWS)(cells)))
    return RegionProposals(
        np.concatenate(anchors),
        (height, width),
        per_cell=ROWS * len(sizes[0]),
        filters=max(16, round(256 * detector.width)),
        seed=detector.first_seed,
    )
