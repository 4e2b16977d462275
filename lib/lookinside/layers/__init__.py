"""Layers that Keras does not have, of the papers and for them, one a file; each is plain Keras 3 for any backend."""

from lookinside.layers.box_augmentation import BoxAugmentation
from lookinside.layers.boxes import (
    AnchorGenerator,
    KeptBoxes,
    clip_boxes,
    decode_boxes,
    encode_boxes,
    fit_anchor_sizes,
    non_max_suppression,
)
from lookinside.layers.deformable_roi_pooling import DeformableRoIPooling, context_boxes
from lookinside.layers.local_response_normalization import LocalResponseNormalization
from lookinside.layers.primitives import (
    PrimitiveDetection,
    PrimitiveVoting,
    SoftArgmax2D,
    TraceBack,
    primitives_from_features,
    strongest_primitives,
    trace_back,
    votes_at,
)
from lookinside.layers.roi_align import RoIAlign
from lookinside.layers.subtract_local_mean import SubtractLocalMean
from lookinside.layers.thin_plate_spline import ThinPlateSpline

__all__ = [
    "AnchorGenerator",
    "BoxAugmentation",
    "DeformableRoIPooling",
    "KeptBoxes",
    "LocalResponseNormalization",
    "PrimitiveDetection",
    "PrimitiveVoting",
    "RoIAlign",
    "SoftArgmax2D",
    "SubtractLocalMean",
    "ThinPlateSpline",
    "TraceBack",
    "clip_boxes",
    "context_boxes",
    "decode_boxes",
    "encode_boxes",
    "fit_anchor_sizes",
    "non_max_suppression",
    "primitives_from_features",
    "strongest_primitives",
    "trace_back",
    "votes_at",
]
