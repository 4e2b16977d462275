"""The deconvnet against references that are not ours (torch) or plain loops (NumPy, float64)."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from lookinside.explain import Deconvnet

ORACLES = Path(__file__).parent / "oracles"
sys.path.insert(0, str(ORACLES))
import deconvnet_numpy as oracle  # noqa: E402

GOLDEN = np.load(ORACLES / "deconvnet_golden.npz")


def assert_close(found, expected, tolerance=1e-5):
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert np.abs(expected).max() > 0
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def plain_net():
    """The golden file's first net; activations once as argument, once as layer."""
    return keras.Sequential(
        [
            keras.Input((22, 17, 1)),
            kl.Conv2D(6, 3, padding="same", name="conv1_1"),
            kl.BatchNormalization(name="bn1_1"),
            kl.ReLU(),
            kl.Conv2D(5, 3, padding="same", activation="relu", name="conv1_2"),
            kl.MaxPooling2D(2),
            kl.Dropout(0.5),
            kl.Conv2D(8, 5, padding="same", name="conv2_1"),
            kl.BatchNormalization(name="bn2_1"),
            kl.Activation("relu"),
            kl.MaxPooling2D(2),
            kl.Conv2D(9, 3, padding="same", name="conv3_1"),
            kl.BatchNormalization(name="bn3_1"),
            kl.ReLU(),
            kl.Flatten(),
            kl.Dense(3),
        ]
    )


def varied_net():
    """The second: stride, dilation, groups, an even kernel, pools of three, padding as a layer, three channels."""
    return keras.Sequential(
        [
            keras.Input((31, 26, 3)),
            kl.Conv2D(6, 5, strides=2, activation="relu", name="conv1_1"),
            kl.Conv2D(8, 3, dilation_rate=2, groups=2, name="conv1_2"),
            kl.BatchNormalization(name="bn1_2"),
            kl.ReLU(),
            kl.MaxPooling2D(3),
            kl.Conv2D(7, 2, activation="relu", name="conv2_1"),
        ]
    )


@pytest.fixture(params=[("plain", plain_net), ("varied", varied_net)], ids=lambda pair: pair[0])
def golden(request):
    name, build = request.param
    model = build()
    for layer in model.layers:
        for weight in layer.weights:
            key = {"moving_mean": "mean", "moving_variance": "variance"}.get(weight.name, weight.name)
            if f"{name}/{layer.name}/{key}" in GOLDEN:
                weight.assign(GOLDEN[f"{name}/{layer.name}/{key}"])
    return model, *(GOLDEN[f"{name}/{key}"] for key in ("images", "indices", "maps"))


def test_maps_agree_with_torch(golden):
    model, images, indices, expected = golden
    found = Deconvnet(model, top_n=5).maps(images)
    np.testing.assert_array_equal(found.indices, indices)
    assert_close(found.maps, expected[..., 0] if expected.shape[-1] == 1 else np.abs(expected).sum(axis=-1))


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_heat_agrees_with_torch(golden, chunk):
    model, images, _, expected = golden
    assert_close(Deconvnet(model, top_n=5, chunk=chunk)(images), np.abs(expected).sum(axis=(1, 4)))


def conv(rng, size, channels, maps, stride=(1, 1), padding="same", dilation=1):
    kernel = rng.normal(0, np.sqrt(2 / (size[0] * size[1] * channels)), (*size, channels, maps))
    return ("conv", kernel, rng.normal(0, 0.1, maps), stride, padding, dilation)


def depthwise(rng, size, channels, stride, padding):
    return ("depthwise", rng.normal(0, 0.5, (*size, channels, 1)), rng.normal(0, 0.1, channels), stride, padding, 1)


def bn(rng, channels):
    return ("bn", rng.normal(0.4, 1, channels), rng.normal(0.2, 0.3, channels))


def cases():
    rng = np.random.default_rng(5)
    first, second, relu = conv(rng, (3, 3), 1, 5), conv(rng, (3, 3), 5, 6), ("relu",)

    def between(pool):
        return [first, relu, pool, second, bn(rng, 6), relu]

    yield "overlapping 3/2 same", (13, 10), between(("pool", (3, 3), (2, 2), "same"))
    yield "overlapping 3/2 valid", (14, 9), between(("pool", (3, 3), (2, 2), "valid"))
    yield "overlapping 3/1 same", (9, 8), between(("pool", (3, 3), (1, 1), "same"))
    yield "overlapping, not square", (13, 12), between(("pool", (3, 2), (2, 1), "valid"))
    yield "gaps between windows", (13, 11), between(("pool", (2, 2), (3, 3), "same"))
    yield "tiled, same, not divisible", (13, 11), between(("pool", (3, 2), (3, 2), "same"))
    yield "tiled, valid, not divisible", (14, 11), between(("pool", (3, 2), (3, 2), "valid"))
    yield (
        "overlapping twice",
        (19, 17),
        [*between(("pool", (3, 3), (2, 2), "same")), ("pool", (3, 3), (2, 2), "valid"), conv(rng, (3, 3), 6, 4), relu],
    )
    yield (
        "strides",
        (13, 12),
        [conv(rng, (3, 3), 1, 4, (2, 2)), relu, conv(rng, (4, 2), 4, 5, (2, 3), "valid"), bn(rng, 5), relu],
    )
    yield "even kernels", (9, 10), [conv(rng, (2, 4), 1, 4), relu, conv(rng, (4, 2), 4, 5, padding="valid"), relu]
    yield "dilation", (11, 12), [conv(rng, (3, 3), 1, 4, dilation=2), relu, conv(rng, (3, 2), 4, 4, dilation=3), relu]
    yield (
        "depthwise",
        (11, 10),
        [first, relu, depthwise(rng, (3, 3), 5, (2, 2), "same"), bn(rng, 5), relu, conv(rng, (1, 1), 5, 4), relu],
    )
    yield "padded by a layer", (8, 7), [("pad", ((1, 2), (0, 3))), conv(rng, (3, 3), 1, 4, padding="valid"), relu]
    yield "maps with signs", (9, 8), [first, relu, second]


def keras_net(layers, shape):
    x = inputs = keras.Input((*shape, 1))
    for kind, *settings in layers:
        if kind in ("conv", "depthwise"):
            kernel, bias, stride, padding, dilation = settings
            if kind == "conv":
                layer = kl.Conv2D(kernel.shape[3], kernel.shape[:2], stride, padding, dilation_rate=dilation)
            else:
                layer = kl.DepthwiseConv2D(kernel.shape[:2], stride, padding)
            x = layer(x)
            layer.set_weights([kernel, bias])
        elif kind == "bn":
            layer = kl.BatchNormalization(epsilon=1e-3)
            x = layer(x)
            zeros = np.zeros_like(settings[0])
            layer.set_weights([settings[0], settings[1], zeros, zeros + 1 - 1e-3])
        elif kind == "relu":
            x = kl.ReLU()(x)
        elif kind == "pool":
            x = kl.MaxPooling2D(*settings)(x)
        else:
            x = kl.ZeroPadding2D(settings[0])(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize(("shape", "layers"), [pytest.param(s, n, id=name) for name, s, n in cases()])
def test_maps_agree_with_loops(shape, layers):
    rng = np.random.default_rng(1)
    images = rng.random((3, *shape, 1)).astype("float32")
    images[2] = rng.integers(0, 2, (*shape, 1))  # many windows of equal values
    images[1, :5] = 0.25
    model = keras_net(layers, shape)
    found = Deconvnet(model, top_n=3).maps(images)
    for image, maps, indices in zip(images, found.maps, found.indices, strict=True):
        expected_indices, expected = oracle.deconvnet(layers, image, 3)
        np.testing.assert_array_equal(indices, expected_indices)
        assert_close(maps, expected[..., 0])


def test_the_loops_agree_with_torch_too():
    """So that the reference for overlapping pools is itself checked where torch can say."""
    weights = {key.removeprefix("plain/"): GOLDEN[key].astype(np.float64) for key in GOLDEN if key.startswith("plain/")}

    def conv_of(name, dilation=1):
        return ("conv", weights[f"{name}/kernel"], weights[f"{name}/bias"], (1, 1), "same", dilation)

    def bn_of(name):
        scale = weights[f"{name}/gamma"] / np.sqrt(weights[f"{name}/variance"] + 1e-3)
        return ("bn", scale, weights[f"{name}/beta"] - weights[f"{name}/mean"] * scale)

    pool, relu = ("pool", (2, 2), (2, 2), "valid"), ("relu",)
    layers = [
        *(conv_of("conv1_1"), bn_of("bn1_1"), relu, conv_of("conv1_2"), relu, pool),
        *(conv_of("conv2_1"), bn_of("bn2_1"), relu, pool, conv_of("conv3_1"), bn_of("bn3_1"), relu),
    ]
    indices, maps = oracle.deconvnet(layers, GOLDEN["plain/images"][2], 5)
    np.testing.assert_array_equal(indices, GOLDEN["plain/indices"][2])
    np.testing.assert_allclose(maps, GOLDEN["plain/maps"][2], atol=1e-6 * np.abs(maps).max())
