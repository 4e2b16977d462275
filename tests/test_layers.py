"""Local response normalization, against a loop over pixels and against torch."""

from pathlib import Path

import keras
import numpy as np
import pytest
from layer_checks import check_layer, finite_differences, gradient_of

from lookinside.layers import LocalResponseNormalization

GOLDEN = np.load(Path(__file__).parent / "oracles" / "normalization_golden.npz")
SETTINGS = [(place, int(n), *others) for place, (n, *others) in enumerate(GOLDEN["settings"].tolist())]


def by_hand(x, n, k, alpha, beta):
    """Krizhevsky et al.'s formula, term by term, in float64: the sum goes from map i - n // 2 to i + (n - 1) // 2."""
    x = np.asarray(x, np.float64)
    out = np.zeros_like(x)
    for pixel in np.ndindex(x.shape[:-1]):
        for i in range(x.shape[-1]):
            first, last = max(0, i - n // 2), min(x.shape[-1] - 1, i + (n - 1) // 2)
            total = sum(x[pixel][j] ** 2 for j in range(first, last + 1))
            out[pixel][i] = x[pixel][i] / (k + alpha * total) ** beta
    return out


def maps(*shape, scale=3.0):
    return np.random.default_rng(3).normal(0, scale, shape)


@pytest.mark.parametrize(("place", "n", "k", "alpha", "beta"), SETTINGS)
def test_it_is_the_formula_and_torch(place, n, k, alpha, beta):
    layer = LocalResponseNormalization(n, k, alpha, beta, dtype="float64")
    expected, images = GOLDEN[f"{place}/maps"], GOLDEN["images"]
    np.testing.assert_allclose(by_hand(images, n, k, alpha, beta), expected, rtol=1e-12)
    np.testing.assert_allclose(layer(images), expected, rtol=1e-12)
    single = LocalResponseNormalization(n, k, alpha, beta)
    np.testing.assert_allclose(single(images.astype("float32")), expected, rtol=2e-5, atol=1e-6)
    gradient = gradient_of(lambda x: keras.ops.sum(layer(x) * GOLDEN["weights"]), images)
    np.testing.assert_allclose(gradient, GOLDEN[f"{place}/gradient"], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 9])
@pytest.mark.parametrize("shape", [(2, 3, 5, 6), (3, 2, 1, 1), (4, 7)])
def test_it_is_the_formula_on_maps_of_any_shape(n, shape):
    x = maps(*shape)
    layer = LocalResponseNormalization(n, 1.5, 0.2, 0.75, dtype="float64")
    np.testing.assert_allclose(layer(x), by_hand(x, n, 1.5, 0.2, 0.75), rtol=1e-12)


def test_its_gradient_is_that_of_finite_differences():
    x, weights = maps(2, 2, 3, 6), np.random.default_rng(4).normal(size=(2, 2, 3, 6))
    layer = LocalResponseNormalization(4, 0.7, 0.4, 0.9, dtype="float64")
    value = lambda z: keras.ops.sum(layer(z) * weights)  # noqa: E731
    np.testing.assert_allclose(gradient_of(value, x), finite_differences(value, x), rtol=1e-6, atol=1e-9)


def test_it_is_plain_keras(tmp_path):
    check_layer(lambda **kwargs: LocalResponseNormalization(4, 1.0, 0.1, **kwargs), maps(3, 5, 4, 7), path=tmp_path)


def test_the_defaults_are_the_papers():
    config = LocalResponseNormalization().get_config()
    assert {name: config[name] for name in ("n", "k", "alpha", "beta")} == {
        "n": 5,
        "k": 2.0,
        "alpha": 1e-4,
        "beta": 0.75,
    }


def test_half_precision_sums_in_float32():
    x = np.full((1, 2, 2, 5), 1000.0, "float16")  # its square is no half float
    found = LocalResponseNormalization(dtype="mixed_float16")(x)
    expected = by_hand(x, 5, 2.0, 1e-4, 0.75)
    np.testing.assert_allclose(np.array(found, "float64"), expected, rtol=1e-3)


def test_zeros_stay_zeros():
    layer = LocalResponseNormalization(k=1e-3, alpha=1.0, beta=3.0)
    assert not np.any(layer(np.zeros((1, 2, 2, 3), "float32")))
    assert not np.any(np.isnan(gradient_of(lambda x: keras.ops.sum(layer(x)), np.zeros((1, 2, 2, 3), "float32"))))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n": 0}, "n is 0: give a whole number"),
        ({"n": 2.0}, r"n is 2\.0"),
        ({"n": True}, "n is True"),
        ({"k": 0}, "k is 0: give a number above 0"),
        ({"k": -1.0}, "k is -1.0"),
        ({"alpha": -1e-4}, "alpha is -0.0001: give a finite number, 0 or more"),
        ({"beta": np.nan}, "beta is nan"),
        ({"beta": "0.75"}, "beta is '0.75'"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, says):
    with pytest.raises(ValueError, match=says) as error:
        LocalResponseNormalization(**arguments)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(None, 4, 4, None), (None,)])
def test_an_input_without_a_known_number_of_maps_is_refused(shape):
    with pytest.raises(ValueError, match="with a known C"):
        LocalResponseNormalization().build(shape)
