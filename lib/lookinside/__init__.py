"""What medical-image networks see: layers, explainers and phantoms for Keras 3."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("lookinside")
except PackageNotFoundError:  # a source tree that is on the path and was never installed
    __version__ = "0+unknown"
