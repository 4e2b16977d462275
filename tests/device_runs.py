"""Each kind of training of the chapters, ten steps long, as a script: on the devices that COURSE_STRATEGY names.

python device_runs.py KINDS FOLDER prints the losses. Half-way the run folders are copied to FOLDER/cut, which is what a
process leaves that is killed there. With a third folder, such copies of a run on other devices, these go on.
"""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

STEPS = 10


def data():
    """Sixteen noisy eyes, every second with the disease."""
    import numpy as np
    from small_games import eyes

    return replace(eyes(16), labels=np.arange(16) % 2)


def classifier(augment=None, shape=None, **how):
    """Batch normalisation and mirrored images."""
    import keras

    from lookinside.training import fit_classifier

    kl, own = keras.layers, data()
    middle = [kl.Conv2D(4, 3), kl.BatchNormalization(), kl.ReLU(), kl.GlobalAveragePooling2D()]
    net = keras.Sequential([keras.Input(shape or own.shape), *middle, kl.Dense(2)])
    augment = augment or kl.RandomFlip("horizontal_and_vertical", seed=1)
    how |= {"batch_size": 8, "optimizer": keras.optimizers.SGD(0.05, momentum=0.9), "patience": None}
    seen = own if shape is None else replace(own, images=own.images[:, 2:-2, 2:-2], masks={})
    return fit_classifier(net, own, seen, augment=augment, **how)


def cropped(**how):
    """Turned, and cut out at a random place."""
    from lookinside.training import crop_and_rotate

    return classifier(crop_and_rotate(data().shape, 12, seed=3), (12, 12, 3), **how)


def detector(**how):
    """Regions drawn at random."""
    from test_detectors import OPTIONS, SHAPE, SIZES, images

    from lookinside.layers import BoxAugmentation
    from lookinside.models import FasterRCNN
    from lookinside.training import fit_detector

    boxed = images(8)
    how |= {"batch_size": 4, "learning_rate": 0.0001, "augment": BoxAugmentation(shift=0.05, scale=0.1, seed=1)}
    return fit_detector(FasterRCNN(SHAPE, ["a"], SIZES, **OPTIONS), boxed, boxed, **how)


def segmenter(**how):
    """A U-Net, by Adam."""
    import keras

    from lookinside.models import unet
    from lookinside.training import fit_segmenter

    flips = keras.layers.RandomFlip("horizontal_and_vertical", seed=1)
    net = unet(data().shape, base=3, depth=2, batch_norm=True)
    return fit_segmenter(net, data(), data(), batch_size=8, augment=flips, learning_rate=0.01, **how)


def game(**how):
    """Two networks, turned photographs and noise."""
    import keras
    from small_games import small_game, small_judge

    from lookinside.training import fit_patho_gan

    gan = small_game(small_judge(), noise_std=1.0)
    gan.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
    return fit_patho_gan(gan, data(), every=2, batch_size=4, rotation=20, **how)


RUNS = {run.__name__: run for run in (classifier, cropped, detector, segmenter, game)}


def bar_that_copies(run, cut):
    """A progress bar that copies the run folder after half of the steps, in the middle of an epoch."""

    class Bar:
        done = 0

        def update(self, steps):
            self.done += steps
            if self.done == STEPS // 2:
                shutil.copytree(run, cut)

        def set_postfix_str(self, text):
            pass

        def close(self):
            pass

    return lambda steps, description, unit: Bar()


def main(kinds, folder, go_on=None):
    """Run the kinds to their end, or on from what was left half-way on other devices."""
    import keras
    import numpy as np

    from lookinside.course import set_up

    set_up(0)
    found = {}
    for kind in kinds:
        keras.utils.set_random_seed(0)
        run = (go_on or folder) / kind
        bar = False if go_on else bar_that_copies(run, folder / "cut" / kind)
        history = RUNS[kind](steps=STEPS, run_folder=run, progress=bar)
        assert history.resumed_after == (2 if go_on else 0), "epochs of two steps: the third was cut off"
        found[kind] = {name: np.asarray(one, float).tolist() for name, one in history.curves.items() if "loss" in name}
    print("FOUND", json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1].split(","), *map(Path, sys.argv[2:]))
