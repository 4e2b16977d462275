"""Classes in a feature space: clouds whose distance is known."""

import keras
import numpy as np
import pytest

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.training import features, flattened, separation

RANDOM = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], 40)
CLOUDS = RANDOM.normal(size=(120, 6))


def test_far_apart_and_not_at_all():
    far = separation(CLOUDS + 20 * np.eye(6)[LABELS], LABELS)
    assert far.neighbours[0] == 1 and far.neighbours[1] > 0.95 and far.silhouette > 0.8
    same = separation(CLOUDS, LABELS)
    assert 0.2 < same.neighbours[0] < 0.5 and abs(same.silhouette) < 0.05


def test_a_point_is_not_its_own_neighbour():
    """Pairs of unlike points: each one's nearest neighbour has the other class."""
    pairs = np.repeat(np.arange(10.0), 2)[:, None] * [[1.0, 0.0]] + np.tile([[0, 0], [0, 0.1]], (10, 1))
    assert separation(pairs, np.tile([0, 1], 10), neighbours=1).neighbours[0] == 0


def test_silhouette_by_hand():
    """Points at 0, 1 and at 10: (10 - 1) / 10 and (9 - 1) / 9; one alone in its class counts 0."""
    found = separation(np.array([[0.0], [1.0], [10.0]]), np.array([0, 0, 1]), neighbours=1)
    assert found.silhouette == pytest.approx((0.9 + 8 / 9 + 0) / 3)


def test_the_plane_keeps_clouds_together_and_a_seed_gives_the_same():
    space = CLOUDS + 20 * np.eye(6)[LABELS]
    plane = flattened(space, seed=1)
    assert plane.shape == (120, 2) and separation(plane, LABELS).neighbours[0] == 1
    np.testing.assert_array_equal(plane, flattened(space, seed=1))
    assert flattened(space[::12]).shape == (10, 2)  # fewer points than three times the perplexity


def test_features_are_the_layers():
    image = keras.Input((4, 5, 1), name="image")
    maps = keras.layers.Conv2D(3, 2, name="maps")(image)
    model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(maps)))
    images = RANDOM.random((7, 4, 5, 1)).astype("float32")
    expected = np.asarray(model.get_layer("maps")(images)).reshape(7, -1)
    np.testing.assert_allclose(features(model, "maps", images, batch_size=3), expected, atol=1e-6)
    with pytest.raises(LookInsideError, match="no layer 'map': choose from image, maps"):
        features(model, "map", images)


IMAGES = RANDOM.random((3, 4, 5, 1)).astype("float32")
SET = LabelledImages((255 * IMAGES).astype("uint8"), np.zeros(3, "int64"), ("one",), ("a", "b", "c"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"images": SET.images}, "The images are uint8: give float in the model's range"),
        ({"images": IMAGES > 0.5}, "The images are bool"),
        ({"images": SET}, "give the array in its .pixels"),
        ({"images": IMAGES[:, :3]}, "the model takes"),
        ({"images": IMAGES[:0]}, "no image"),
        ({"images": np.nan * IMAGES}, "nan or infinite"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2.0}, "batch_size is 2.0"),
        ({"model": "net.keras"}, "model is 'net.keras': give a Keras model"),
        ({"model": keras.Sequential([keras.layers.Dense(1)])}, "give a Keras model of one input"),
    ],
)
def test_features_of_what_does_not_fit(change, says):
    net = keras.Sequential([keras.Input((4, 5, 1)), keras.layers.Flatten(name="row")])
    with pytest.raises(LookInsideError, match=rf"\A[^\n]*{says}[^\n]*\Z"):
        features(**{"model": net, "layer": "row", "images": IMAGES, **change})


def test_refusals():
    for space, labels in ((CLOUDS, LABELS[:5]), (CLOUDS[:, 0], LABELS), (CLOUDS, 0 * LABELS), (CLOUDS[:3], LABELS[:3])):
        with pytest.raises(LookInsideError):
            separation(space, labels)
