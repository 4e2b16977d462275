"""The primitive module (Liu et al. 2019, Fig. 2): visual primitives find a structure's centre by voting for it."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from lookinside.layers import (
    PrimitiveDetection,
    PrimitiveVoting,
    RoIAlign,
    SoftArgmax2D,
    trace_back,
    votes_at,
)
from lookinside.layers.primitives.unit_length import unit_vectors
from lookinside.models.detection.box_head import BoxHead
from lookinside.models.detection.stages import Stage

CELLS = 15  # rows and columns of a crop; odd, so that vote and trace-back are adjoint
REACH = 2.0  # a crop is so many times as large as its region: half of it is as far as a vote goes
_POOLED = 3  # the attended features are averaged over 3 x 3 cells before the fully connected layers


class Evidence(NamedTuple):
    """What a primitive module saw in one region of each image, and what came of it.

    Attributes:
        regions: (N, 4), xyxy in pixels, where it started.
        windows: (N, 4), the crops it looked at.
        responses: Rs, (N, 15, 15, K), from 0 to 1.
        vote: Phi, (N, 15, 15).
        position: (N, 2), x and y of the voted centre, in cells of the crop.
        traced: Rc, (N, 15, 15, K), the responses rebuilt from the vote.
        alpha: (N, K), how well Rs and Rc match, 0 to 1.
        votes: (N, K), what each primitive votes for the cell that was chosen.
        boxes: (N, 4), xyxy in pixels, its answer.
    """

    regions: np.ndarray
    windows: np.ndarray
    responses: np.ndarray
    vote: np.ndarray
    position: np.ndarray
    traced: np.ndarray
    alpha: np.ndarray
    votes: np.ndarray
    boxes: np.ndarray


class PrimitiveModule(layers.Layer):
    """From regions of a feature map to boxes and scores, by primitives that vote.

    A window twice as large as the region is cropped to 15 x 15 cells. Each cell's likeness to each primitive is
    measured, each primitive votes for the centre, the votes' peak is the new centre. Score and size come from the
    features, weighted by where primitives were found.

    Args:
        stride: pixels of the image for a cell of the map.
        primitives: K.
        kinds: number of classes.
        units: of the fully connected layers that give score and size.

    Input shape: a list of two, a map (B, H, W, C) and regions (B, R, 4), xyxy in pixels.

    Output shape: logits (B, R, kinds) and codes (B, R, 4), float32.

    Source: Liu, Wan & He 2019, section 2.2, Eq. 2.
    """

    def __init__(self, stride: int, primitives: int, kinds: int, *, units: int = 256, seed: int = 0, name: str):
        super().__init__(name=name, autocast=False)  # half precision has no place for a box's coordinates
        self.pool = RoIAlign(CELLS, sampling=1, scale=1 / stride, dtype="float32")
        self.detect = PrimitiveDetection(primitives, dtype="float32")
        self.cast_votes = PrimitiveVoting((CELLS, CELLS), dtype="float32")
        self.peak = SoftArgmax2D(units="shares", dtype="float32")
        self.average = layers.AveragePooling2D(_POOLED)
        self.head = BoxHead(kinds, units, codes=2, seed=seed)

    def build(self, input_shape: list) -> None:
        channels = input_shape[0][-1]
        self.detect.build((None, CELLS, CELLS, channels))
        self.cast_votes.build((None, CELLS, CELLS, self.detect.primitives))
        self.peak.build((None, CELLS, CELLS))
        self.head.build((None, None, (CELLS // _POOLED) ** 2 * channels))

    def call(self, inputs: list) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        crops, responses = self._seen(*inputs)
        count = inputs[1].shape[1]
        shift = ops.reshape(self._shift(self.peak(self.cast_votes(responses))), (-1, count, 2))
        attended = self.average(crops * ops.mean(responses, axis=-1, keepdims=True))
        flat = ops.reshape(attended, (-1, count, (CELLS // _POOLED) ** 2 * crops.shape[-1]))
        logits, stretch = self.head(flat)
        return logits, ops.concatenate([shift, stretch], axis=2)

    def evidence(self, features: keras.KerasTensor, regions: keras.KerasTensor) -> Evidence:
        """All that one region of each image went through: features (N, H, W, C), regions (N, 4)."""
        regions = ops.convert_to_tensor(regions, "float32")
        _, responses = self._seen(features, regions[:, None])
        phi = self.cast_votes(responses)
        shares = self.peak(phi)
        traced, alpha = trace_back(responses, phi, self.cast_votes.templates)
        position = shares * CELLS - 0.5
        votes = votes_at(responses, self.cast_votes.templates, position)
        boxes = Stage(self.name, regions[:, None], self([features, regions[:, None]])[1], None).boxes()[:, 0]
        window = windows(regions)
        found = (regions, window, responses, phi, position, traced, alpha, votes, boxes)
        return Evidence(*(ops.convert_to_numpy(one) for one in found))

    def features_at(self, features: keras.KerasTensor, regions: keras.KerasTensor) -> keras.KerasTensor:
        """The cells' features in the windows of regions, (B * R, 15, 15, C), of length 1: to start primitives from."""
        return self._crops(features, regions)

    def _crops(self, features, regions):
        crops = self.pool([features, windows(regions)])
        return unit_vectors(ops.reshape(crops, (-1, CELLS, CELLS, features.shape[-1])))

    def _seen(self, features, regions):
        crops = self._crops(features, regions)
        return crops, self.detect(crops)

    def _shift(self, shares):
        """From a place in the window, in shares of it, to the shift of a region's centre, in shares of the region."""
        return (shares - 0.5) * REACH


def windows(regions: keras.KerasTensor) -> keras.KerasTensor:
    """The windows that are cropped: each has the centre of its region, and twice (`REACH`) its width and height.

    Args:
        regions: (..., 4), x_min, y_min, x_max, y_max in pixels.

    Returns:
        (..., 4), likewise; they may reach over the image's rim.
    """
    middle = 0.5 * (regions[..., :2] + regions[..., 2:])
    half = 0.5 * REACH * (regions[..., 2:] - regions[..., :2])
    return ops.concatenate([middle - half, middle + half], axis=-1)
