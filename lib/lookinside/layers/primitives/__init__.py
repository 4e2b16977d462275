"""Visual primitives (Liu et al. 2019, section 2.2): seen in a feature map, they vote for the centre of a structure."""

from lookinside.layers.primitives.kmeans_start import primitives_from_features
from lookinside.layers.primitives.primitive_detection import PrimitiveDetection
from lookinside.layers.primitives.primitive_voting import PrimitiveVoting
from lookinside.layers.primitives.soft_argmax import SoftArgmax2D
from lookinside.layers.primitives.tracing import TraceBack, strongest_primitives, trace_back, votes_at

__all__ = [
    "PrimitiveDetection",
    "PrimitiveVoting",
    "SoftArgmax2D",
    "TraceBack",
    "primitives_from_features",
    "strongest_primitives",
    "trace_back",
    "votes_at",
]
