"""A whole CT from a .nii.gz file to its profile, in a process of its own: time and peak memory."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from measure import Bound, alone

from lookinside.data import write_volume
from lookinside.phantoms import whole_volume

SHAPE, SPACING = (652, 512, 512), (0.98, 0.98, 1.5)  # the CT of Roth et al. 2015, section 3.2
NAME = "classify_volume, 652 x 512 x 512 voxels from a .nii.gz, the full-width network at 256 px"

# Imports and the first trace are part of it: a person who has one CT waits for them, too.
WORK = r"""
import sys, time
began = time.perf_counter()
import numpy as np
from lookinside.models import roth_convnet
from lookinside.training import classify_volume
model = roth_convnet((256, 256, 1), 5)
built = time.perf_counter()
profile = classify_volume(model, sys.argv[1], ("legs", "pelvis", "liver", "lungs", "neck"))
ended = time.perf_counter()
assert profile.probabilities.shape == (652, 5)
found = {"seconds": ended - built, "start": built - began}
"""


@functools.cache
def measured() -> dict:
    """Seconds of reading and classifying, seconds of importing and building, peak memory in GB (2 ** 30 bytes)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ct.nii.gz"
        volume = whole_volume(0, SPACING, shape=SHAPE)
        write_volume(path, volume.hu, volume.spacing, volume.origin)
        del volume
        return alone(WORK, str(path))


ROWS = [
    Bound(f"{NAME}: time", measured, "seconds", "s", 30.0),
    Bound(f"{NAME}: peak memory", measured, "gigabytes", "GB", 2.5),
]
