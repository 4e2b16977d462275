"""How fast phantoms are made, on one core."""

from __future__ import annotations

from measure import Rate

from lookinside.phantoms import CLASSES, MODALITIES, ORGANS, fetus_scan, organ_image, radiograph


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


ROWS = [
    Rate("Phantom radiographs of 128 px, all 24 classes, one core", "images a second", 30, all_classes(128, 3)),
    Rate("Phantom organs of 96 px, all 25 cells, one core", "images a second", 25, all_cells(96, 2)),
    Rate("Phantom scans of a fetus of 192 x 256 px, one core", "images a second", 20, scans((192, 256), 40)),
]
