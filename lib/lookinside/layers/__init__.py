"""Layers of the papers that Keras does not have, one a file; each is plain Keras 3 and runs on any backend."""

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
from lookinside.layers.thin_plate_spline import ThinPlateSpline

__all__ = [
    "LocalResponseNormalization",
    "PrimitiveDetection",
    "PrimitiveVoting",
    "SoftArgmax2D",
    "ThinPlateSpline",
    "TraceBack",
    "primitives_from_features",
    "strongest_primitives",
    "trace_back",
    "votes_at",
]
