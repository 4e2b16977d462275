"""Faster R-CNN (Ren et al. 2015) on the first three stages of a ResNet-18."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from lookinside.layers import RoIAlign
from lookinside.models.detection.anchored import anchored_proposals
from lookinside.models.detection.box_head import BoxHead
from lookinside.models.detection.detector import Detector
from lookinside.models.detection.region_proposals import RegionProposals
from lookinside.models.detection.stages import Stage
from lookinside.models.res_net import resnet18_stages

STRIDE = 16


@keras.saving.register_keras_serializable("lookinside")
class FasterRCNN(Detector):
    """Faster R-CNN: each proposal's features, 7 x 7 cells of the map of stride 16, go through a fully connected head.

        detector = FasterRCNN(train.shape, train.class_names, fit_anchor_sizes(np.concatenate(train.boxes), 6))

    RoIAlign takes the place of RoI pooling, as it does in every later version. For the arguments that all detectors
    take, for its inputs and outputs see `Detector`.

    Args:
        units: of the head's two hidden layers.

    Source: Ren et al. 2015; He et al. 2017 for RoIAlign; the trunk as in Liu, Wan & He 2019, section 3.
    """

    trunk_maps: ClassVar = {"head": "conv4_x"}

    def make_parts(self, units: int = 1024) -> RegionProposals:
        self.units = units
        self.trunk = resnet18_stages(self.image_shape, width=self.width)
        self.pool = RoIAlign(7, scale=1 / STRIDE, dtype="float32")
        self.head = BoxHead(len(self.class_names), units, seed=self.first_seed)
        return anchored_proposals(self, [STRIDE], [self.anchor_sizes])

    def maps(self, images: keras.KerasTensor, training: bool | None = None) -> Mapping[str, Any]:
        coarse = self.trunk(images, training=training)["conv4_x"]
        return {"coarse": coarse, "proposals": [coarse]}

    def stages(self, maps: Mapping[str, Any], regions: keras.KerasTensor, training: bool | None = None) -> list[Stage]:
        logits, codes = self.head(self.pool([maps["coarse"], regions]))
        return [Stage("head", regions, codes, logits)]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units}
