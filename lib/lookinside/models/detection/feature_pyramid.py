"""Faster R-CNN on a feature pyramid (Lin et al. 2017), with the two finest maps that three stages of a ResNet have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from lookinside.layers import RoIAlign
from lookinside.models.detection.anchored import anchored_proposals
from lookinside.models.detection.box_head import BoxHead
from lookinside.models.detection.detector import Detector
from lookinside.models.detection.region_proposals import RegionProposals
from lookinside.models.detection.stages import Stage
from lookinside.models.res_net import resnet18_stages

STRIDES = (8, 16)


@keras.saving.register_keras_serializable("lookinside")
class FPN(Detector):
    """Faster R-CNN on a pyramid: the map of stride 8 learns from the one of stride 16, which has seen more.

    Each map is brought to the same number of channels by a 1 x 1 convolution, the coarser one is doubled in size and
    added to the finer one, and a 3 x 3 convolution smooths the sum. Small anchors stand on the finer map, large ones on
    the coarser; a proposal's features come from the map that its size belongs to. For the arguments that all detectors
    take, for its inputs and outputs see `Detector`.

    Args:
        units: of the head's two hidden layers.

    Source: Lin et al. 2017, sections 3 and 4; the trunk as in Liu, Wan & He 2019, section 3.
    """

    trunk_maps: ClassVar = {"head": "conv3_x"}  # of small structures

    def make_parts(self, units: int = 1024) -> RegionProposals:
        self.units = units
        self.trunk = resnet18_stages(self.image_shape, width=self.width)
        channels = max(8, round(256 * self.width))
        self.sideways = [layers.Conv2D(channels, 1, name=f"sideways_{stride}") for stride in STRIDES]
        self.smooth = [layers.Conv2D(channels, 3, padding="same", name=f"smooth_{stride}") for stride in STRIDES]
        self.pools = [RoIAlign(7, scale=1 / stride, dtype="float32") for stride in STRIDES]
        self.head = BoxHead(len(self.class_names), units, seed=self.first_seed)
        sizes = sorted(self.anchor_sizes, key=np.prod)
        half = -(
            -len(sizes) // 2
        )  # the maps share their head and have as many anchors; of an odd number one is on both
        self.border = float(np.sqrt(np.prod(sizes[half - 1])))  # of the square root of a box's area
        return anchored_proposals(self, STRIDES, [sizes[:half], sizes[-half:]])

    def maps(self, images: keras.KerasTensor, training: bool | None = None) -> Mapping[str, Any]:
        found = self.trunk(images, training=training)
        fine, coarse = self.sideways[0](found["conv3_x"]), self.sideways[1](found["conv4_x"])
        doubled = ops.repeat(ops.repeat(coarse, 2, axis=1), 2, axis=2)
        fine = fine + doubled[:, : fine.shape[1], : fine.shape[2]]
        fine, coarse = (smooth(one) for smooth, one in zip(self.smooth, (fine, coarse), strict=True))
        return {"fine": fine, "coarse": coarse, "proposals": [fine, coarse]}

    def stages(self, maps: Mapping[str, Any], regions: keras.KerasTensor, training: bool | None = None) -> list[Stage]:
        sides = ops.maximum(regions[..., 2:] - regions[..., :2], 0.0)
        small = ops.sqrt(sides[..., 0] * sides[..., 1]) <= self.border
        fine, coarse = (pool([maps[name], regions]) for pool, name in zip(self.pools, ("fine", "coarse"), strict=True))
        logits, codes = self.head(ops.where(small[..., None, None, None], fine, coarse))
        return [Stage("head", regions, codes, logits)]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units}
