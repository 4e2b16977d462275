"""How fast phantoms are made, on one core, and what a whole volume takes."""

from __future__ import annotations

from measure import Bound, Rate, alone

from lookinside.phantoms import CLASSES, MODALITIES, ORGANS, fetus_scan, fundus_photo, organ_image, radiograph


def all_classes(side: int, each: int):
    """So many radiographs of every class."""

    def make():
        for name in CLASSES:
            for seed in range(each):
                radiograph(name, seed, size=side)

    return lambda: (make, each * len(CLASSES))


def all_cells(side: int, each: int):
    """So many images of every organ in every modality."""

    def make():
        for organ in ORGANS:
            for modality in MODALITIES:
                for seed in range(each):
                    organ_image(organ, modality, seed, size=side)

    return lambda: (make, each * len(ORGANS) * len(MODALITIES))


def scans(size: tuple[int, int], count: int):
    """So many scans of a fetus."""

    def make():
        for seed in range(count):
            fetus_scan(seed, size=size)

    return lambda: (make, count)


def photographs(side: int, count: int):
    """So many fundus photographs, each with both signs of glaucoma."""

    def make():
        for seed in range(count):
            fundus_photo(seed, size=side, rim_loss=0.7, nerve_defect=0.7)

    return lambda: (make, count)


VOLUME = r"""
import sys, time
began = time.perf_counter()
from lookinside.phantoms import whole_volume
imported = time.perf_counter()
shape = tuple(int(side) for side in sys.argv[1].split("x"))
volume = whole_volume(0, (1.0, 1.0, 1.5), shape=shape)
ended = time.perf_counter()
assert volume.hu.shape == volume.labels.shape == shape
found = {"seconds": ended - imported, "start": imported - began}
"""


def volume(shape: str = "650x512x512"):
    """Seconds and peak memory of drawing one CT volume with its label map."""
    return alone(VOLUME, shape)


NAME = "whole_volume, 650 x 512 x 512 voxels of 1.0 x 1.0 x 1.5 mm"
ROWS = [
    Rate("Phantom radiographs of 128 px, all 24 classes, one core", "images a second", 30, all_classes(128, 3)),
    Rate("Phantom organs of 96 px, all 25 cells, one core", "images a second", 25, all_cells(96, 2)),
    Rate("Phantom scans of a fetus of 192 x 256 px, one core", "images a second", 20, scans((192, 256), 40)),
    Rate("Phantom fundus photographs of 224 px, one core", "images a second", 15, photographs(224, 40)),
    Bound(f"{NAME}: time", volume, "seconds", "s", 90.0),
    Bound(f"{NAME}: peak memory", volume, "gigabytes", "GB", 1.5),
]
