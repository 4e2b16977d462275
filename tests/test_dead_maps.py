"""Dead maps, counted: by hand, in branches, behind every spelling of a ReLU, and what is refused."""

import keras
import numpy as np
import pytest

from lookinside import explain
from lookinside.errors import LookInsideError

RNG = np.random.default_rng(0)


def four_maps():
    """A 1 x 1 convolution of four maps: the pixel, minus one (zero on dark images), dead, and one always on."""
    model = keras.Sequential([keras.Input((3, 4, 1)), keras.layers.Conv2D(4, 1, activation="relu", name="conv")])
    model.set_weights([np.ones((1, 1, 1, 4)), np.array([0.0, -1.0, -100.0, 5.0])])
    return model


def test_by_hand():
    images = np.zeros((4, 3, 4, 1), np.float32)
    images[0, 1, 2], images[1, 0, 0], images[2] = 3, 0.5, 0.25
    found = explain.dead_maps(four_maps(), images, progress=False)
    assert found.layers == ("conv",) and found.maps.tolist() == [4] and found.dead.tolist() == [1]
    # the pixel is zero on image 3 only; minus one on images 1, 2, 3; dead on all; always on on none: 1 + 3 + 4 + 0
    assert found.zero.tolist() == [8 / 16] and found.share_dead == 0.25 and found.share_zero == 0.5
    assert found.rows() == {"conv": {"maps": 4, "dead": 0.25, "zero": 0.5}}


def branches():
    inputs = keras.Input((9, 7, 1))
    x = keras.layers.Conv2D(6, 3, name="first")(inputs)
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = keras.layers.ReLU(name="relu_of_first")(x)
    one = keras.layers.Conv2D(5, 1, activation="relu", name="one")(x)
    two = keras.ops.relu(keras.layers.Conv2D(4, 3, padding="same", name="two")(x))
    x = keras.layers.Concatenate(name="both")([one, two])
    x = keras.layers.Dense(8, activation="relu", name="fc")(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(3, name="logits")(x))


def test_as_computed_from_the_layers_outputs():
    keras.utils.set_random_seed(1)
    model, images = branches(), RNG.normal(size=(23, 9, 7, 1)).astype(np.float32)
    one = model.get_layer("one")
    one.set_weights([one.get_weights()[0], np.array([-50.0, 0, 0, -1.5, -0.5])])
    found = explain.dead_maps(model, images, progress=False)
    assert len(found.layers) == 3 and found.layers[:2] == (
        "relu_of_first",
        "one",
    )  # "both" only stacks, "fc" has no maps
    read = keras.Model(
        model.inputs, [model.get_layer("relu_of_first").output, one.output, model.get_layer("both").output]
    )
    first, of_one, both = (np.asarray(value) for value in read([images]))
    for place, maps in enumerate((first, of_one, both[..., 5:])):
        zero = (maps == 0).all(axis=(1, 2))
        assert found.dead[place] == zero.all(axis=0).sum() and found.zero[place] == pytest.approx(zero.mean())
    assert found.dead[1] >= 1


@pytest.mark.parametrize("chunk", [1, 5, 64])
def test_chunks_do_not_change_the_answer(chunk):
    keras.utils.set_random_seed(2)
    model, images = branches(), RNG.normal(size=(12, 9, 7, 1)).astype(np.float32)
    whole, parts = (explain.dead_maps(model, images, chunk=n, progress=False) for n in (12, chunk))
    assert whole.dead.tolist() == parts.dead.tolist() and whole.zero.tolist() == parts.zero.tolist()


def test_progress_counts_images():
    calls = []

    class Bar:
        def update(self, steps):
            calls.append(steps)

        def close(self):
            calls.append("closed")

    images = np.zeros((7, 3, 4, 1))
    explain.dead_maps(four_maps(), images, chunk=3, progress=lambda steps, description, unit: Bar())
    assert calls == [3, 3, 1, "closed"]


@pytest.mark.parametrize(
    "call,says",
    [
        (lambda: explain.dead_maps(four_maps(), np.zeros((2, 5, 5, 1))), "shape"),
        (lambda: explain.dead_maps(four_maps(), np.zeros((0, 3, 4, 1))), "no image"),
        (lambda: explain.dead_maps(four_maps(), np.zeros((2, 3, 4, 1)), chunk=0), "chunk"),
        (lambda: explain.dead_maps("net", np.zeros((2, 3, 4, 1))), "Keras model"),
        (
            lambda: explain.dead_maps(
                keras.Sequential([keras.Input((3, 4, 1)), keras.layers.Conv2D(2, 1, activation="tanh")]),
                np.zeros((2, 3, 4, 1)),
            ),
            "no ReLU",
        ),
    ],
)
def test_refusals_are_one_line(call, says):
    with pytest.raises(LookInsideError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
