"""`COURSE_STRATEGY`: two devices train to the losses of one, runs go on with another number, bad values in a line."""

import subprocess
import sys

import pytest

from lookinside.course.strategy import use_strategy
from lookinside.errors import LookInsideError

# A classifier with batch normalisation and mirrored images, a detector with random draws, a game with noise.
SCRIPT = """
import json, sys
from dataclasses import replace
import keras, numpy as np
from lookinside.course import set_up
set_up(0)
from small_games import eyes, small_game, small_judge
from lookinside.layers import fit_anchor_sizes
from lookinside.models import FasterRCNN
from lookinside.training import fit_classifier, fit_detector, fit_patho_gan
from test_detectors import OPTIONS, SHAPE, SIZES, images
steps, folder = int(sys.argv[1]), sys.argv[2] or None
found = {}

def keep(name, history):
    found[name] = {k: np.asarray(v, float).tolist() for k, v in history.curves.items() if "loss" in k}

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
data = replace(eyes(16), labels=np.arange(16) % 2)
layers = keras.layers
middle = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(), layers.GlobalAveragePooling2D()]
net = keras.Sequential([keras.Input(data.shape), *middle, layers.Dense(2)])
flips = layers.RandomFlip("horizontal_and_vertical", seed=1)
how = {"batch_size": 8, "optimizer": keras.optimizers.SGD(0.05), "patience": None, "augment": flips, "progress": False}
keep("classifier", fit_classifier(net, data, data, steps=steps, run_folder=folder and folder + "/net", **how))

keras.utils.set_random_seed(0)
detector = FasterRCNN(SHAPE, ["a"], SIZES, **OPTIONS)
boxed = images(8)
keep("detector", fit_detector(detector, boxed, boxed, steps=steps, batch_size=4, learning_rate=0.0001, progress=False))

gan = small_game(small_judge(), noise_std=1.0)
gan.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
keep("game", fit_patho_gan(gan, data, steps=steps, every=2, batch_size=4, rotation=20, progress=False))
print("FOUND", json.dumps(found))
"""


def run(request, strategy, steps=10, folder=""):
    import json
    import os

    environment = {**os.environ, "COURSE_STRATEGY": strategy}
    command = [sys.executable, "-c", SCRIPT, str(steps), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=request.path.parent, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.split("FOUND")[1])


def test_two_devices_train_to_the_losses_of_one(request):
    import numpy as np

    one, two = run(request, ""), run(request, "mirrored:2")
    assert set(one) == {"classifier", "detector", "game"}
    for name, curves in one.items():
        for column, values in curves.items():
            np.testing.assert_allclose(two[name][column], values, rtol=1e-4, atol=1e-5, err_msg=f"{name}, {column}")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("all", "COURSE_STRATEGY='all' is no strategy: use mirrored"),
        ("mirrored:0", "is no strategy"),
        ("mirrored:two", "is no strategy"),
        ("mirrored", "needs a GPU, and there is none"),
    ],
)
def test_other_values_are_refused_in_one_line(value, said, monkeypatch):
    monkeypatch.setenv("COURSE_STRATEGY", value)
    with pytest.raises(LookInsideError, match=said):
        use_strategy()


def test_too_late_is_said(monkeypatch):
    import tensorflow as tf

    tf.zeros(1)  # TensorFlow is at work
    monkeypatch.setenv("COURSE_STRATEGY", "mirrored:2")
    with pytest.raises(LookInsideError, match="comes too late: restart the kernel"):
        use_strategy()


def test_without_it_nothing_happens(monkeypatch):
    monkeypatch.delenv("COURSE_STRATEGY", raising=False)
    assert use_strategy() is None
