"""CT volumes: read from NIfTI, DICOM and ITK files in one orientation, and written."""

from lookinside.data.volumes.reading import read_volume
from lookinside.data.volumes.volume import Volume
from lookinside.data.volumes.writing import write_volume

__all__ = ["Volume", "read_volume", "write_volume"]
