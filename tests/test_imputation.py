"""Noisy linear imputation by hand, against a densely solved system, and as a fill of insertion and deletion."""

import keras
import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.explain import PixelWalk, deletion, insertion, linear_imputation

IMAGES = np.random.default_rng(0).normal(0.4, 1, (3, 9, 7, 2)).astype("float32")


def gone(*places, shape=(3, 3)):
    removed = np.zeros((1, *shape), bool)
    for place in places:
        removed[0][place] = True
    return removed


def test_one_pixel_by_hand():
    image = np.array([[1.0, 2, 4], [3, 99, 5], [6, 7, 8]])[None, ..., None]
    (found,) = linear_imputation(image, gone((1, 1)), noise=0)
    assert found[1, 1, 0] == pytest.approx((2 + 3 + 5 + 7) / 6 + (1 + 4 + 6 + 8) / 12)
    found[1, 1] = 99
    np.testing.assert_array_equal(found, image[0])


def test_two_neighbours_depend_on_one_another_and_the_border_shares_its_weight():
    """A corner a and the pixel b beside it, in the rows  a b 3 / 6 9 12:  a has neighbours b, 6 (1/6) and 9 (1/12);
    b has a, 3, 9 (1/6), 6 and 12 (1/12).  a (5/12) = b/6 + 1 + 3/4;  b (8/12) = a/6 + 1/2 + 3/2 + 1/2 + 1."""
    image = np.array([[0.0, 0, 3], [6, 9, 12]])[None, ..., None]
    (found,) = linear_imputation(image, gone((0, 0), (0, 1), shape=(2, 3)), noise=0)
    a, b = np.linalg.solve([[5, -2], [-2, 8]], [12 * 1.75, 12 * 3.5])
    np.testing.assert_allclose(found[0, :2, 0], [a, b], rtol=1e-6)


def dense(image, removed):
    """The system for all pixels, known ones with an equation of their own, by numpy's solver."""
    height, width = removed.shape
    matrix, right_side = np.eye(height * width), image.reshape(height * width, -1).astype(float).copy()
    for i, j in np.argwhere(removed):
        own = i * width + j
        weights = {
            (y, x): 1 / 6 if y == i or x == j else 1 / 12
            for y in range(max(i - 1, 0), min(i + 2, height))
            for x in range(max(j - 1, 0), min(j + 2, width))
            if (y, x) != (i, j)
        }
        right_side[own] = 0
        for (y, x), weight in weights.items():
            matrix[own, y * width + x] = -weight / sum(weights.values())
    return np.linalg.solve(matrix, right_side).reshape(image.shape)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_all_pixels_and_channels_against_a_densely_solved_system(share):
    removed = np.random.default_rng(1).random(IMAGES.shape[:3]) < share
    found = linear_imputation(IMAGES, removed, noise=0)
    assert found.dtype == np.float32 and removed.any(axis=(1, 2)).all()
    for one, image, mask in zip(found, IMAGES, removed, strict=True):
        np.testing.assert_allclose(one, dense(image, mask), atol=2e-6)
        np.testing.assert_array_equal(one[~mask], image[~mask])


@pytest.mark.parametrize("shape", [(1, 6), (5, 1)])
def test_an_image_of_one_row_is_interpolated(shape):
    line = np.arange(max(shape), dtype=float).reshape(1, *shape, 1)
    removed = np.zeros((1, *shape), bool)
    removed.reshape(-1)[1:-2] = True
    np.testing.assert_allclose(linear_imputation(line, removed, noise=0), line, atol=1e-6)


def test_an_image_of_which_nothing_is_left_is_its_mean():
    found = linear_imputation(IMAGES, np.ones((3, 9, 7), bool), noise=0)
    np.testing.assert_allclose(found, np.broadcast_to(IMAGES.mean(axis=(1, 2), keepdims=True), found.shape), rtol=1e-5)


def test_the_noise_is_a_share_of_each_images_range_and_comes_from_the_seed():
    images = np.random.default_rng(2).random((2, 60, 50, 1)).astype("float32")
    images[1] = images[0] * 100 - 30
    removed = np.random.default_rng(3).random((2, 60, 50)) < 0.5
    removed[1] = removed[0]
    plain = linear_imputation(images, removed, noise=0)
    noise = (linear_imputation(images, removed, noise=0.1, seed=5) - plain) / np.ptp(images, axis=(1, 2, 3))[
        :, None, None, None
    ]
    assert not noise[~removed].any()
    assert noise[removed].std() == pytest.approx(0.1, rel=0.05)
    np.testing.assert_allclose(noise[0], noise[1], atol=1e-5)
    np.testing.assert_array_equal(linear_imputation(images, removed), linear_imputation(images, removed))
    other = linear_imputation(images, removed, noise=0.1, seed=6)
    assert np.abs(other - plain - noise)[removed].max() > 0.1


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten()]
    return keras.Sequential([keras.Input((9, 7, 2)), *layers, keras.layers.Dense(3, activation="softmax")])


@pytest.mark.parametrize("noise", [0, 0.2])
def test_a_walk_shows_the_network_images_imputed_step_by_step(model, noise):
    heat = IMAGES[..., 0] * np.random.default_rng(4).random((3, 9, 7))
    ranks = np.argsort(np.argsort(-heat.reshape(3, -1), axis=1), axis=1).reshape(heat.shape)
    changed = [0, 16, 32, 47, 63]
    options = {"steps": 4, "noise": noise, "seed": 7}
    deleted = deletion(model, IMAGES, heat, 2, fill="imputed", **options)
    inserted = insertion(model, IMAGES, heat, 2, fill="imputed", **options)
    for place, count in enumerate(changed):
        for curves, removed in ((deleted, ranks < count), (inserted, ranks >= count)):
            pictures = linear_imputation(IMAGES, removed, noise=noise, seed=7)
            expected = np.array(model(pictures))[:, 2]
            np.testing.assert_allclose(curves.probabilities[:, place], expected, rtol=2e-5)
    np.testing.assert_allclose(deleted.areas, np.trapezoid(deleted.probabilities, np.array(changed) / 63, axis=1))
    np.testing.assert_allclose(deleted.probabilities[:, 0], np.array(model(IMAGES))[:, 2], rtol=1e-5)
    np.testing.assert_allclose(inserted.probabilities[:, -1], np.array(model(IMAGES))[:, 2], rtol=1e-5)
    few = deletion(model, IMAGES[1:2], heat[1:2], 2, fill="imputed", copies=2, **options)
    np.testing.assert_allclose(few.probabilities[0], deleted.probabilities[1], rtol=1e-5)


def test_a_walk_is_traced_once_and_insertion_takes_constants_too(model, monkeypatch):
    made, own = [], keras.layers.Conv2D.call
    monkeypatch.setattr(keras.layers.Conv2D, "call", lambda layer, x: made.append(x.shape) or own(layer, x))
    walk, heat = PixelWalk(model, steps=3), IMAGES[..., 0]
    for count in (1, 3, 2):
        walk.deletion(IMAGES[:count], heat[:count], 1, fill="imputed")
        walk.insertion(IMAGES[:count], heat[:count], 1, fill="imputed")
    assert len(made) == 1
    backwards = walk.insertion(IMAGES, -heat, 1, fill=(0.5, 1)).probabilities[:, ::-1]
    shares = walk.deletion(IMAGES, heat, 1, fill=(0.5, 1)).probabilities
    np.testing.assert_allclose(backwards, shares, rtol=1e-4)


def test_refusals():
    for call, says in (
        (lambda: linear_imputation(IMAGES, np.zeros((3, 9, 8), bool)), "removed is bool"),
        (lambda: linear_imputation(IMAGES * np.nan, np.zeros((3, 9, 7), bool)), "nan"),
        (lambda: linear_imputation(IMAGES, np.zeros((3, 9, 7), bool), seed=-1), "seed -1"),
        (lambda: linear_imputation(IMAGES[0], np.zeros((3, 9, 7), bool)), "shape"),
    ):
        with pytest.raises(LookInsideError, match=says):
            call()
