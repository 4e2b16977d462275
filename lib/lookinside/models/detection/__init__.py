"""Two-stage detectors of structures: two black boxes and one that shows its evidence (Liu, Wan & He 2019)."""

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
