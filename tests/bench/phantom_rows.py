"""How fast phantoms are made, on one core."""

from __future__ import annotations

from measure import Rate

from lookinside.phantoms import CLASSES, radiograph


def all_classes(side: int, each: int):
    """So many radiographs of every class."""

    def make():
        for name in CLASSES:
            for seed in range(each):
                radiograph(name, seed, size=side)

    return lambda: (make, each * len(CLASSES))


ROWS = [Rate("Phantom radiographs of 128 px, all 24 classes, one core", "images a second", 30, all_classes(128, 3))]
