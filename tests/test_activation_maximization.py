"""Feature visualisation: it raises its class's score, and repeats itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_nets import SHAPE, net

from lookinside.errors import LookInsideError
from lookinside.explain import ActivationMaximization, Saliency
from lookinside.explain.calls.target import Target

pytestmark = pytest.mark.filterwarnings("error:The structure of `inputs`")


def ascent(classes, *, world=0, **options):
    """`world` seeds all that draws from a global state: it must not matter."""
    explain = ActivationMaximization(net(head="softmax argument"), steps=5, progress=False, **options)
    keras.utils.set_random_seed(world)
    return explain(classes)


def test_activation_maximization_raises_its_class():
    model = net(head="softmax argument")
    found = ActivationMaximization(model, steps=30)([0, 2])
    assert found.shape == (2, *SHAPE)
    assert found.min() >= 0 and found.max() <= 1
    start = np.random.default_rng(0).uniform(0, 1, (1, *SHAPE)).astype(np.float32)
    logits = Saliency(model)._logits(tf.constant(np.concatenate([start, found])), Target(None)).numpy()
    assert logits[1, 0] > logits[0, 0]
    assert logits[2, 2] > logits[0, 2]


def test_a_class_looks_the_same_alone_and_among_others():
    among = ascent([0, 2, 1])
    assert np.abs(ascent([0, 2, 1], chunk=2) - among).max() <= 1e-5
    assert np.abs(ascent(2)[0] - among[1]).max() <= 1e-5


def test_the_seed_says_all():
    one, again = (ascent(1, seed=3, world=world) for world in (7, 8))
    assert (one == again).all()
    assert np.abs(one - ascent(1, seed=4)).max() > 0.01


def test_the_image_is_shifted_on_its_way(monkeypatch):
    shifted = ascent(1)
    monkeypatch.setattr("lookinside.explain.activation_maximization.SHIFT", 0)
    assert np.abs(ascent(1) - shifted).max() > 0.01


def test_activation_maximization_shows_its_steps():
    done = []

    class Shown:
        def __init__(self, steps, description, unit):
            done.append((steps, unit))

        def update(self, steps):
            done.append(steps)

        def close(self):
            done.append("closed")

    ActivationMaximization(net(), steps=3, chunk=2, progress=Shown)([0, 1, 2])
    assert done == [(6, "step"), *[1] * 6, "closed"]


@pytest.mark.parametrize(
    "value_range", [(0,), (0, 1, 2), None, 3, (1, 0), (0, 0), (0, np.inf), (np.nan, 1), "ab", "01x"]
)
def test_a_range_of_pixels_is_two_numbers(value_range):
    with pytest.raises(LookInsideError, match="the low before the high"):
        ActivationMaximization(net(), value_range=value_range)


def test_no_class_is_refused():
    with pytest.raises(LookInsideError, match="name one or more"):
        ActivationMaximization(net())(np.array([], int))


def test_the_units_of_the_pixels_do_not_matter():
    inputs = keras.Input(SHAPE)
    coarse = keras.Model(inputs, net(head="softmax argument")(keras.layers.Rescaling(1 / 255)(inputs)))
    found = ActivationMaximization(coarse, value_range=(0, 255), steps=20, progress=False)([0, 1])
    expected = ActivationMaximization(net(), steps=20, progress=False)([0, 1])
    assert np.abs(found / 255 - expected).max() <= 1e-3
