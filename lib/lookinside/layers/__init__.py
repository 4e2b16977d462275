"""Layers of the papers that Keras does not have, one a file; each is plain Keras 3 and runs on any backend."""

from lookinside.layers.local_response_normalization import LocalResponseNormalization
from lookinside.layers.thin_plate_spline import ThinPlateSpline

__all__ = ["LocalResponseNormalization", "ThinPlateSpline"]
