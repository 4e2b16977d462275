"""How fast phantoms are made, on one core."""

from __future__ import annotations

from measure import Rate

from lookinside.phantoms import CLASSES, MODALITIES, ORGANS, organ_image, radiograph


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


ROWS = [
    Rate("Phantom radiographs of 128 px, all 24 classes, one core", "images a second", 30, all_classes(128, 3)),
    Rate("Phantom organs of 96 px, all 25 cells, one core", "images a second", 25, all_cells(96, 2)),
]
