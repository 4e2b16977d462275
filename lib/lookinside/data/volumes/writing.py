"""Write a volume as NIfTI, which every medical viewer opens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lookinside.data.volumes.volume import three_numbers
from lookinside.errors import LookInsideError
from lookinside.extras import need


def write_volume(
    path: str | Path,
    hu: np.ndarray,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    origin: Sequence[float] = (0.0, 0.0, 0.0),
) -> None:
    """Write CT numbers as a NIfTI file that says their orientation; `read_volume` gives them back as they are.

    Args:
        path: ends in .nii.gz or .nii; a file of that name is replaced once the new one is whole.
        hu: whole numbers (Z, Y, X) that fit into int16; indices grow to the head, to the back and to the patient's
            left, as in `Volume` and `lookinside.phantoms.CTVolume`.
        spacing: (x, y, z) mm.
        origin: (x, y, z) mm of the first voxel.

    Raises:
        LookInsideError: for a name with another ending, a folder that is not there, floats or values beyond int16.
    """
    need("SimpleITK")
    import SimpleITK

    path = Path(path).expanduser()
    ending = next((end for end in (".nii.gz", ".nii") if path.name.lower().endswith(end)), None)
    if ending is None:
        raise LookInsideError(f"{path}: give a name that ends in .nii.gz or .nii")
    if not path.parent.is_dir():
        raise LookInsideError(f"{path.parent}: is no folder: make it first")
    image = SimpleITK.GetImageFromArray(_int16(hu))
    image.SetSpacing(three_numbers(spacing, "spacing", positive=True))
    image.SetOrigin(three_numbers(origin, "origin"))
    part = path.with_name(f".{path.name}.{os.getpid()}{ending}")
    try:
        SimpleITK.WriteImage(image, str(part))
        os.replace(part, path)
    except (RuntimeError, OSError):
        raise LookInsideError(f"{path}: could not be written: check the folder and the space left") from None
    finally:
        part.unlink(missing_ok=True)


def _int16(hu: np.ndarray) -> np.ndarray:
    values = np.asarray(hu)
    if values.ndim != 3 or not values.size or values.dtype.kind not in "iu":
        raise LookInsideError(f"hu is {values.dtype} {values.shape}: give whole numbers (Z, Y, X), as np.int16")
    limits = np.iinfo(np.int16)
    if values.dtype != np.int16 and not limits.min <= values.min() <= values.max() <= limits.max:
        raise LookInsideError(f"hu runs from {values.min()} to {values.max()}: give CT numbers that fit into int16")
    return values.astype(np.int16, copy=False)
