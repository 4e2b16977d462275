"""MetaImage and NRRD files, read by ITK."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookinside.data.volumes.ct_numbers import CTNumbers
from lookinside.data.volumes.orienting import Grid
from lookinside.errors import LookInsideError

SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr")
_ORIENTED = ("left-posterior-superior", "right-anterior-superior", "left-anterior-superior")
_START = 4096  # bytes; a header is shorter


def read_itk(path: Path) -> CTNumbers:
    """Read a .mha, .mhd, .nrrd or .nhdr file.

    Raises:
        LookInsideError: if it is damaged or cut short, has not three axes, is colour or complex, holds NaN, says no
            orientation, or its axes are not at right angles.
    """
    import SimpleITK

    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError:
        raise LookInsideError(f"{path}: is cut short, damaged or no such file: replace or delete it") from None
    if image.GetDimension() != 3:
        axes = f"{image.GetDimension()} axes ({' x '.join(map(str, image.GetSize()))})"
        raise LookInsideError(f"{path}: has {axes}, a volume has three: save the one to use by itself")
    if image.GetNumberOfComponentsPerPixel() != 1 or "complex" in image.GetPixelIDTypeAsString():
        raise LookInsideError(f"{path}: is in colour or complex: a CT volume has one number a voxel, save it so")
    if not _says_its_orientation(image, path):
        raise LookInsideError(
            f"{path}: does not say how it lies in the body, left and right would be a guess: "
            "save it again with its orientation, or as NIfTI"
        )
    steps = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    grid = Grid(steps, np.array(image.GetOrigin()))
    grid.refuse_slanted(path)
    stored = SimpleITK.GetArrayViewFromImage(image)
    numbers = CTNumbers(grid, stored.shape, path)
    for k, values in enumerate(stored):
        numbers.put(k, values)
    return numbers


def _says_its_orientation(image, path: Path) -> bool:
    if path.suffix.lower() in (".nrrd", ".nhdr"):
        return image.HasMetaDataKey("NRRD_space") and image.GetMetaData("NRRD_space") in _ORIENTED
    with path.open("rb") as file:
        start = file.read(_START)
    return any(name in start for name in (b"\nTransformMatrix", b"\nOrientation", b"\nRotation"))
