"""The randomisation check: from the top down, the trained model untouched, and a verdict that tells methods apart."""

import keras
import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.explain import (
    Deconvnet,
    GradCAM,
    Saliency,
    map_correlation,
    randomization_check,
    randomize_weights,
)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            keras.layers.Conv2D(4, 3, activation="relu", name="low"),
            keras.layers.BatchNormalization(name="bn"),
            keras.layers.Conv2D(4, 3, activation="relu", name="high"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, name="logits"),
        ]
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((3, 12, 12, 1), "float32")


def test_layers_fall_from_the_top_down_and_the_model_stays(model, images):
    before = [weight.copy() for weight in model.get_weights()]
    found = randomization_check(Saliency, model, images)
    assert list(found) == ["logits", "high", "bn", "low"]
    assert all(one.shape == (3,) for one in found.values())
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert found["logits"].mean() < 0.99


def test_below_the_layer_that_a_map_needs_nothing_changes_it(model, images):
    found = randomization_check(lambda m: Deconvnet(m, layer="low", top_n=4), model, images)
    assert np.allclose(found["bn"], 1)  # maps of "low" do not see what lies above
    assert found["low"].mean() < 0.99


def test_a_map_that_ignores_the_network_is_convicted(model, images):
    found = randomization_check(lambda m: lambda x: np.abs(x[..., 0]), model, images)
    assert np.allclose(list(found.values()), 1)


def test_the_class_is_the_trained_networks(model, images):
    given = Saliency(model).predict(images)
    as_found, as_given = (randomization_check(GradCAM, model, images, classes) for classes in (None, given))
    assert all(np.allclose(as_found[name], as_given[name], equal_nan=True) for name in as_found)


def test_a_model_without_weights_is_refused(images):
    bare = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten()])
    with pytest.raises(LookInsideError, match="no weights"):
        randomization_check(Saliency, bare, images)


def test_an_adapted_normalisation_stays():
    """How pixels are scaled is no matter of training: forgetting it would compare maps of other images."""
    scale = keras.layers.Normalization()
    network = keras.Sequential([keras.Input((8, 8, 1)), scale, keras.layers.Conv2D(2, 3), keras.layers.Flatten()])
    images = np.random.default_rng(0).normal(100, 50, (4, 8, 8, 1)).astype("float32")
    scale.adapt(images)
    fresh = randomize_weights(network)
    np.testing.assert_allclose(fresh.layers[0](images), scale(images), rtol=1e-6)
    found = randomization_check(Saliency, network, images, 1)
    assert list(found) == [network.layers[1].name]


def test_layers_of_another_output_are_left_out(images):
    inputs = keras.Input((12, 12, 1))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, activation="relu", name="shared")(inputs))
    model = keras.Model(inputs, [keras.layers.Dense(3, name="organ")(x), keras.layers.Dense(2, name="side")(x)])
    found = randomization_check(lambda one: Saliency(one, output="organ"), model, images)
    assert list(found) == ["organ", "shared"]


def test_a_wrapped_layers_weights_repeat_themselves():
    layers = [keras.layers.TimeDistributed(keras.layers.Conv2D(3, 3), name="wrapped"), keras.layers.Flatten()]
    model = keras.Sequential([keras.Input((2, 8, 8, 1)), *layers])
    one, again, other = (randomize_weights(model, seed).get_weights()[0] for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_layers_stay_fresh_once_they_are(model, images):
    """By hand: each step keeps what the steps before it have re-initialised."""
    found = randomization_check(Saliency, model, images, seed=5)
    classes, fresh = Saliency(model).predict(images), randomize_weights(model, 5)
    one, trained = keras.models.clone_model(model), Saliency(model)(images)
    one.set_weights(model.get_weights())
    for name in ("logits", "high", "bn", "low"):
        one.get_layer(name).set_weights(fresh.get_layer(name).get_weights())
        np.testing.assert_allclose(found[name], map_correlation(trained, Saliency(one)(images, classes)), atol=1e-5)


@pytest.mark.parametrize(
    "layer", [keras.layers.LayerNormalization, keras.layers.BatchNormalization, keras.layers.PReLU]
)
def test_nothing_learned_stays(layer):
    model = keras.Sequential([keras.Input((4, 4, 2)), layer(name="learned")])
    model.set_weights([weight + 5 for weight in model.get_weights()])
    learned = randomize_weights(model).get_layer("learned").get_weights()
    assert all(np.isin(weight, (0, 1)).all() for weight in learned)
