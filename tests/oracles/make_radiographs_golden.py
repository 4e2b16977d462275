"""Writes radiographs_golden.npz: one small radiograph of every class, to be met within one grey level on any machine.

Run it with `python tests/oracles/make_radiographs_golden.py` after a change that is meant to change the pictures.
"""

from pathlib import Path

import numpy as np

from lookinside.phantoms import CLASSES, radiograph

SEED, SIZE = 11, 32

if __name__ == "__main__":
    pictures = {name: radiograph(name, SEED, size=SIZE).image for name in CLASSES}
    np.savez_compressed(Path(__file__).with_name("radiographs_golden.npz"), **pictures)
