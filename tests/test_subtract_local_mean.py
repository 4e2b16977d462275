"""SubtractLocalMean: the same as what is done to a set, a layer like any other, and what it refuses."""

import keras
import numpy as np
import pytest
from layer_checks import check_layer, finite_differences, gradient_of
from scipy.ndimage import gaussian_filter

from lookinside.data import LabelledImages, without_shading
from lookinside.layers import SubtractLocalMean


@pytest.mark.parametrize(("sigma", "gain"), [(1.3, 1.0), (2.0, 4.0), (40, 2)])
def test_it_does_what_is_done_to_a_set_up_to_its_rounding(sigma, gain):
    images = np.random.default_rng(0).integers(0, 256, (3, 21, 34, 3)).astype("uint8")
    given = LabelledImages(images, np.zeros(3, "int64"), ("eye",), ("a", "b", "c"))
    expected = without_shading(given, sigma, gain).images
    found = np.array(SubtractLocalMean(sigma, gain)(given.pixels))
    assert found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1
    assert np.abs(255 * found - expected).max() < 0.501
    if gain == 4:
        assert (found == 0).any() and (found == 1).any()  # what is cut off is cut off alike


def test_its_gradient_is_that_of_finite_differences_of_scipys_filter():
    rng = np.random.default_rng(1)
    x, weights = rng.uniform(0.3, 0.7, (2, 4, 5, 2)), rng.normal(size=(2, 4, 5, 2))

    def by_scipy(images):
        blurred = gaussian_filter(images, (0, 1.1, 1.1, 0), mode="nearest")
        return (np.clip(1.5 * (images - blurred) + 128 / 255, 0, 1) * weights).sum()

    layer = SubtractLocalMean(1.1, 1.5, dtype="float64")
    found = gradient_of(lambda images: keras.ops.sum(layer(images) * weights), x)
    np.testing.assert_allclose(found, finite_differences(by_scipy, x), rtol=1e-6, atol=1e-8)


def test_it_is_plain_keras(tmp_path):
    images = np.random.default_rng(2).uniform(0.3, 0.7, (3, 9, 7, 2))
    check_layer(lambda **kwargs: SubtractLocalMean(1.7, 1.2, **kwargs), images, path=tmp_path, half_tolerance=1e-2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((0,), "sigma is 0: give a finite number above 0"),
        ((float("nan"),), "sigma is nan"),
        (("4",), "sigma is '4'"),
        ((2.0, -1), "gain is -1"),
        ((2.0, True), "gain is True"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, says):
    with pytest.raises(ValueError, match=rf"\A{says}[^\n]*\Z"):
        SubtractLocalMean(*arguments)


@pytest.mark.parametrize("shape", [(None, None, 8, 3), (None, 8, 8), (None, 8, 8, None)])
def test_images_of_open_size_are_refused(shape):
    with pytest.raises(ValueError, match=r"takes images \(N, H, W, C\) of a fixed size, got"):
        SubtractLocalMean(2.0).build(shape)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_whole_numbers_are_refused(dtype):
    with pytest.raises(ValueError, match=rf"The images are {dtype}: give floats in .*, uint8 images divided by 255"):
        SubtractLocalMean(2.0)(np.ones((1, 8, 8, 3), dtype))


@pytest.mark.parametrize(
    ("shape", "found"), [((1, 8, 6, 3), "found shape"), ((1, 4, 8, 3), "found shape"), ((8, 8, 3), "ndim=3")]
)
def test_a_second_size_is_refused_but_not_other_channels(shape, found):
    layer = SubtractLocalMean(2.0)
    layer(np.zeros((1, 8, 8, 3), "float32"))
    with pytest.raises(ValueError, match=rf"is incompatible with the layer: expected .*{found}"):
        layer(np.zeros(shape, "float32"))
    assert layer(np.zeros((1, 8, 8, 1), "float32")).shape == (1, 8, 8, 1)
