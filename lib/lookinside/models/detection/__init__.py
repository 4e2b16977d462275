"""Detectors of structures, which learn from images with boxes, all in the same way.

Three have two stages, proposals and what is made of each: two black boxes (`FasterRCNN`, `FPN`) and one that shows its
evidence (`StructureLocalizer`, Liu, Wan & He 2019). `CentreHeatMap` has one stage, and is the floor beside them.
"""

from lookinside.models.detection.box_model import BoxModel
from lookinside.models.detection.centre_heat_map import CentreHeatMap
from lookinside.models.detection.detector import Detector
from lookinside.models.detection.faster_rcnn import FasterRCNN
from lookinside.models.detection.feature_pyramid import FPN
from lookinside.models.detection.primitive_module import Evidence, PrimitiveModule
from lookinside.models.detection.structure_localizer import Localization, StructureLocalizer

__all__ = [
    "FPN",
    "BoxModel",
    "CentreHeatMap",
    "Detector",
    "Evidence",
    "FasterRCNN",
    "Localization",
    "PrimitiveModule",
    "StructureLocalizer",
]
