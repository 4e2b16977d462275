"""Axial slices of CT volumes as pictures, and the class of a slice that belongs to two regions."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from lookinside.data import DataWarning, Volume, read_volume, window
from lookinside.errors import LookInsideError
from lookinside.phantoms import REGIONS
from preparing.pictures import Made


@lru_cache(maxsize=1)  # its slices are asked for one after the other
def read_ct(path: Path) -> Volume:
    """The CT at `path`; what was done to it stands in its remarks alone, for `dataset.json`."""
    return _read(path)


def read_mask(path: Path, ct: Volume) -> np.ndarray:
    """A mask of an organ as bool (Z, Y, X).

    Raises:
        LookInsideError: if it does not lie in the body as the voxels of `ct` do.
    """
    mask = _read(path)
    if mask.hu.shape != ct.hu.shape or not np.allclose(
        (*mask.spacing, *mask.origin), (*ct.spacing, *ct.origin), rtol=0, atol=0.01
    ):
        raise LookInsideError(f"{path}: lies on another grid than {ct.path}: take both from one download")
    return mask.hu > 0


def _read(path: Path) -> Volume:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return read_volume(path)


def ct_slice(path: Path, z: int, name: str) -> Made:
    """Slice z of the volume at `path`, windowed to -100 to 200 HU, seen from the feet as in `Volume.hu`."""
    return Made(name, partial(_windowed, path, z))


def _windowed(path: Path, z: int) -> np.ndarray:
    return window(read_ct(path).hu[z])


def class_and_tag(regions: Collection[str]) -> tuple[str, str]:
    """The class of a slice, the lowest of its regions, and all of them from the feet up, "liver+lungs"."""
    upwards = [region for region in REGIONS if region in regions]
    return upwards[0], "+".join(upwards)
