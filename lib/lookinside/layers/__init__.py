"""Layers of the papers that Keras does not have, one a file; each is plain Keras 3 and runs on any backend."""

from lookinside.layers.local_response_normalization import LocalResponseNormalization

__all__ = ["LocalResponseNormalization"]
