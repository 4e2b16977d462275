"""Insertion and deletion on a model whose probabilities can be worked out by hand."""

import keras
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lookinside.errors import LookInsideError
from lookinside.explain import deletion, insertion


@pytest.fixture(scope="module")
def bright():
    """Class 1's logit is the sum of the pixels of a 2 x 2 image, class 0's is 0."""
    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.layers[-1].set_weights([np.array([[0, 1]] * 4, np.float32), np.zeros(2, np.float32)])
    return model


IMAGE = np.array([[[[4], [0]], [[2], [1]]]], np.float32)
ORDER = np.array([[[4, 1], [3, 2]]], np.float64)  # 4, 2, 1, 0: the brightest pixel first


def sigmoid(z):
    return 1 / (1 + np.exp(-np.asarray(z, float)))


def test_deletion_by_hand(bright):
    curves = deletion(bright, IMAGE, ORDER, 1, steps=4)
    by_hand = sigmoid([7, 3, 1, 0, 0])
    assert np.allclose(curves.shares, [0, 0.25, 0.5, 0.75, 1])
    assert np.allclose(curves.probabilities, [by_hand], atol=1e-6)
    assert np.allclose(curves.areas, (by_hand[:-1] + by_hand[1:]).mean() / 2, atol=1e-6)


def test_insertion_by_hand(bright):
    curves = insertion(bright, IMAGE, ORDER, 1, steps=4, blur=100.0)  # so wide a blur leaves the mean, 7 / 4
    by_hand = sigmoid([7, 4 + 3 * 1.75, 6 + 2 * 1.75, 7 + 1.75, 7])
    assert np.allclose(curves.probabilities, [by_hand], atol=1e-3)


def test_the_predicted_class_is_that_of_the_whole_image(bright):
    both = np.concatenate([IMAGE, -IMAGE])
    curves = deletion(bright, both, np.repeat(ORDER, 2, axis=0), steps=4)
    assert np.allclose(curves.probabilities[0], curves.probabilities[1], atol=1e-6)  # class 1, then class 0


def test_a_good_order_beats_its_reverse(bright):
    assert insertion(bright, IMAGE, ORDER, 1, blur=100.0).areas > insertion(bright, IMAGE, -ORDER, 1, blur=100.0).areas
    assert deletion(bright, IMAGE, ORDER, 1).areas < deletion(bright, IMAGE, -ORDER, 1).areas


def test_fill_is_what_a_deleted_pixel_becomes(bright):
    assert np.allclose(deletion(bright, IMAGE, ORDER, 1, steps=1, fill=-1.0).probabilities[0, 1], sigmoid(-4))


def test_copies_and_neighbours_change_nothing(bright):
    images = np.random.default_rng(0).random((5, 2, 2, 1), "float32")
    heat = images[..., 0]
    whole = deletion(bright, images, heat, 1, steps=4)
    for copies in (1, 7, 64):
        assert np.allclose(deletion(bright, images, heat, 1, steps=4, copies=copies).areas, whole.areas, atol=1e-6)
    assert np.allclose(deletion(bright, images[3:4], heat[3:4], 1, steps=4).areas, whole.areas[3], atol=1e-6)


def test_equal_pixels_come_in_a_random_order_not_from_the_top(bright):
    image = np.array([[[[1], [0]], [[0], [1]]]], np.float32)
    even = np.zeros((1, 2, 2))
    first = [deletion(bright, image, even, 1, steps=4, seed=seed).probabilities[0, 1] for seed in range(8)]
    assert {round(float(one), 4) for one in first} == {0.8808, 0.7311}  # sigmoid of 2 and of 1


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda m: deletion(m, IMAGE, ORDER[0]), "a map for each image"),
        (lambda m: deletion(m, IMAGE, ORDER * np.nan), "nan"),
        (lambda m: deletion(m, IMAGE, ORDER, 2), "outside the range"),
        (lambda m: deletion(m, IMAGE, ORDER, steps=0), "steps is 0"),
        (lambda m: deletion(m, IMAGE, ORDER, fill=None), "fill is None: give one number"),
        (lambda m: insertion(m, IMAGE, ORDER, blur=-1), "blur is -1"),
        (lambda m: insertion(m, IMAGE + np.inf, ORDER), "infinite pixels"),
    ],
)
def test_refusals(bright, call, hint):
    with pytest.raises(LookInsideError, match=hint):
        call(bright)


def test_a_model_that_answers_nan_on_the_way_is_refused():
    """It divides by the image's own spread, which an image of one value has none of."""

    inputs = keras.Input((2, 2, 1))
    x = inputs / keras.ops.std(inputs, axis=(1, 2, 3), keepdims=True)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    assert np.isfinite(np.array(model(IMAGE))).all()
    with pytest.raises(LookInsideError, match="image 0 with some of its pixels changed"):
        deletion(model, IMAGE, ORDER, 0, steps=4)


def test_it_starts_from_the_blurred_and_ends_at_the_whole_image():
    images = np.random.default_rng(0).random((2, 9, 8, 1), "float32")
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten()]
    model = keras.Sequential([keras.Input((9, 8, 1)), *layers, keras.layers.Dense(3, activation="sigmoid")])
    found = insertion(model, images, images[..., 0], 1, blur=2.0, steps=4).probabilities
    blurred = np.stack([gaussian_filter(image[..., 0], 2.0)[..., None] for image in images])
    np.testing.assert_allclose(found[:, 0], np.array(model(blurred))[:, 1], rtol=1e-5)
    np.testing.assert_allclose(found[:, -1], np.array(model(images))[:, 1], rtol=1e-5)
