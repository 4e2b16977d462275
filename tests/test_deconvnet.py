"""The deconvnet: the toy by hand, its algebra, what it must not depend on, and what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from lookinside.errors import LookInsideError
from lookinside.explain import Deconvnet
from lookinside.layers import LocalResponseNormalization
from lookinside.models import deeper_cnn, shallow_cnn

RNG = np.random.default_rng(0)
IMAGES = RNG.random((3, 20, 17, 1)).astype("float32")


@pytest.fixture(autouse=True)
def same_start():
    keras.utils.set_random_seed(0)


def chain(*layers, shape=(20, 17, 1)):
    return keras.Sequential([keras.Input(shape), *layers])


def small(shape=(20, 17, 1), seed=0):
    keras.utils.set_random_seed(seed)  # before the layers are made: their initializers draw a seed then
    layers = [
        *(kl.Conv2D(6, 3, padding="same", name="conv1"), kl.BatchNormalization(name="bn1"), kl.ReLU(name="relu1")),
        *(kl.MaxPooling2D(2, name="pool1"), kl.Conv2D(8, 3, name="conv2", activation="relu"), kl.Flatten(name="flat")),
        kl.Dense(2, name="fc"),
    ]
    model = chain(*layers, shape=shape)
    rng = np.random.default_rng(seed)
    size = 6
    model.get_layer("bn1").set_weights(
        [rng.normal(0.5, 1, size), rng.normal(0, 0.2, size), rng.normal(0, 0.2, size), rng.uniform(0.5, 2, size)]
    )
    return model


def assert_near(found, expected, tolerance=1e-5):
    assert found.shape == expected.shape
    assert np.abs(expected).max() > 0
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def test_one_pool_by_hand():
    image = np.array([[1, 2, 0, 0], [3, 4, 0, 5], [9, 0, 1, 1], [0, 0, 1, 1]], "float32")
    by_hand = np.array([[0, 0, 0, 0], [0, 4, 0, 5], [9, 0, 1, 0], [0, 0, 0, 0]], "float32")
    explain = Deconvnet(chain(kl.MaxPooling2D(2, name="pool"), shape=(4, 4, 1)), "pool")
    found = explain.maps(image[None, ..., None])
    np.testing.assert_array_equal(found.maps[0, 0], by_hand)
    np.testing.assert_array_equal(found.indices, [[0]])
    np.testing.assert_array_equal(found.peaks, [[9]])
    np.testing.assert_array_equal(explain(image[None, ..., None])[0], by_hand)


@pytest.mark.parametrize("size", [3, 7, 25, 41])
def test_every_window_gets_its_own_value_back(size):
    image = np.zeros((3 * size, 3 * size), "float32")
    corners = np.arange(3) * size
    image[np.ix_(corners, corners)] = np.arange(1, 10).reshape(3, 3)  # each window's first pixel is its largest
    explain = Deconvnet(chain(kl.MaxPooling2D(size, name="pool"), shape=(*image.shape, 1)), "pool")
    np.testing.assert_array_equal(explain(image[None, ..., None])[0], image)


def test_overlapping_windows_add_up_in_their_common_switch():
    image = np.zeros((5, 5), "float32")
    image[2, 2] = 3
    explain = Deconvnet(chain(kl.MaxPooling2D(3, strides=2, name="pool"), shape=(5, 5, 1)), "pool")
    assert explain(image[None, ..., None])[0][2, 2] == 4 * 3  # all four windows hold it
    assert explain(image[None, ..., None]).sum() == 12


def test_relu_on_the_way_back_looks_at_the_signal_not_at_the_input():
    model = chain(kl.ReLU(), kl.Conv2D(1, 1, use_bias=False, name="conv"), shape=(1, 2, 1))
    model.get_layer("conv").set_weights([np.full((1, 1, 1, 1), -1.0)])
    image = np.array([[[[2.0], [-3.0]]]], "float32")  # after ReLU 2 and 0, after the convolution -2 and 0
    np.testing.assert_array_equal(Deconvnet(model, "conv").maps(image).maps[0, 0], [[2, 0]])
    model = chain(kl.Conv2D(1, 1, use_bias=False), kl.ReLU(), kl.Conv2D(1, 1, name="conv"), shape=(1, 1, 1))
    for layer, weight in zip((model.layers[0], model.layers[2]), (1.0, -1.0), strict=True):
        layer.set_weights([np.full((1, 1, 1, 1), weight), np.array([5.0])][: len(layer.weights)])
    # forward 2 -> -2 + 5 = 3; back: 3 * -1 = -3, and ReLU lets nothing through, where a gradient would
    assert Deconvnet(model, "conv")(np.full((1, 1, 1, 1), 2.0)).max() == 0


def test_without_relu_and_pool_the_way_back_is_the_adjoint():
    """<A x, A x> = <x, A^T A x>, with BN of both signs, a stride, padding layers and no biases."""
    model = chain(
        kl.ZeroPadding2D(((1, 2), (0, 1))),
        kl.Conv2D(5, 3, strides=2, use_bias=False),
        kl.BatchNormalization(center=False, name="bn"),
        kl.Cropping2D(1),
        kl.Conv2D(4, (2, 3), padding="same", use_bias=False, name="last"),
    )
    model.get_layer("bn").set_weights([np.array([-1.5, 0.3, 1, -0.2, 2]), np.zeros(5), np.full(5, 0.7)])
    found = Deconvnet(model, "last", top_n=4).maps(IMAGES)
    maps = np.array(model(IMAGES))
    there = (maps**2).sum(axis=(1, 2, 3))
    back = (found.maps.sum(axis=1) * IMAGES[..., 0]).sum(axis=(1, 2))
    np.testing.assert_allclose(back, there, rtol=1e-5)


def test_maps_are_ranked_by_their_largest_activation():
    model = small()
    activations = np.array(keras.Model(model.inputs[0], model.get_layer("conv2").output)(IMAGES))
    peaks = activations.max(axis=(1, 2))
    found = Deconvnet(model, top_n=4).maps(IMAGES)
    np.testing.assert_array_equal(found.indices, np.argsort(-peaks, axis=1, kind="stable")[:, :4])
    np.testing.assert_allclose(found.peaks, -np.sort(-peaks, axis=1)[:, :4], rtol=1e-5)
    assert found.maps.shape == (3, 4, 20, 17)
    assert found.maps.dtype == np.float32


def test_heat_is_the_sum_of_absolute_projections():
    explain = Deconvnet(small(), top_n=5)
    heat = explain(IMAGES)
    assert heat.shape == (3, 20, 17)
    assert heat.dtype == np.float32
    assert_near(heat, np.abs(explain.maps(IMAGES).maps).sum(axis=1))
    assert explain.maps(IMAGES).maps.min() < 0


def test_more_maps_asked_than_there_are():
    assert Deconvnet(small(), top_n=99).maps(IMAGES).maps.shape == (3, 8, 20, 17)


def test_an_image_does_not_depend_on_its_neighbours():
    explain = Deconvnet(small(), top_n=5)
    together = explain(IMAGES)
    for number, image in enumerate(IMAGES):
        assert_near(explain(image[None])[0], together[number])
    others = np.concatenate([IMAGES[:1], 1 - IMAGES[1:]])
    np.testing.assert_array_equal(explain(others)[0], together[0])


@pytest.mark.parametrize("chunk", [1, 3, 5, 12, 1000])
def test_the_chunk_changes_nothing(chunk):
    images = RNG.random((5, 20, 17, 1)).astype("float32")
    whole = Deconvnet(small(), top_n=5, chunk=10**6)
    parts = Deconvnet(small(), top_n=5, chunk=chunk)
    assert_near(parts(images), whole(images))
    assert_near(parts.maps(images).maps, whole.maps(images).maps)
    np.testing.assert_array_equal(parts.maps(images).indices, whole.maps(images).indices)


def test_the_chunk_bounds_what_goes_back_at_once():
    explain = Deconvnet(small(), top_n=5, chunk=3)
    sizes = []
    project = explain._project
    explain._project = lambda chosen, *rest: sizes.append(chosen.shape[0] * chosen.shape[3]) or project(chosen, *rest)
    explain(IMAGES)
    assert sizes == [3, 2] * 3


def test_it_reads_the_weights_of_now_and_changes_none():
    model = small()
    explain = Deconvnet(model, top_n=4)
    before = [weight.copy() for weight in model.get_weights()]
    first = explain(IMAGES)
    assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))
    other = small(seed=3)
    model.set_weights(other.get_weights())
    assert not np.allclose(explain(IMAGES), first)
    assert_near(explain(IMAGES), Deconvnet(other, top_n=4)(IMAGES))


def test_batch_norm_uses_the_moving_statistics_with_its_sign():
    model = small()
    positive = Deconvnet(model, "bn1", top_n=6)(IMAGES)
    gamma, *rest = model.get_layer("bn1").get_weights()
    model.get_layer("bn1").set_weights([-gamma, -rest[0], *rest[1:]])
    # Maps and the way back both change their sign: the projection of a map stays, the ranking does not matter for all.
    assert_near(Deconvnet(model, "bn1", top_n=6)(IMAGES), positive)
    one = chain(kl.BatchNormalization(epsilon=0.0, name="bn"), shape=(1, 1, 1))
    one.layers[0].set_weights([np.array([w]) for w in (-2.0, 1.0, 0.5, 4.0)])  # (x - 0.5) * -1 + 1
    assert Deconvnet(one, "bn").maps(np.full((1, 1, 1, 1), 3.5)).maps.item() == pytest.approx(2.0)  # -2 * -1


def test_local_response_normalization_multiplies_by_what_it_has_multiplied_by():
    norm = LocalResponseNormalization(3, 1.0, 2.0, 0.75, name="norm")
    model = chain(kl.Conv2D(5, 3, padding="same", name="conv1"), norm, kl.Conv2D(4, (3, 5), strides=2, name="conv2"))
    conv1, conv2 = model.layers[0], model.layers[2]
    images = IMAGES * np.array([1, 10, 3], "float32").reshape(3, 1, 1, 1)  # another damping in each image
    found = Deconvnet(model, "conv2", top_n=4).maps(images)
    for number, image in enumerate(images):
        damping = norm.damping(conv1(image[None]))
        assert 0.02 < np.std(damping) < 0.5
        maps = conv2(conv1(image[None]) * damping)
        for place, index in enumerate(found.indices[number]):
            # Without a ReLU the way back is the adjoint of convolution, a fixed damping, convolution.
            with tf.GradientTape() as tape:
                x = tf.convert_to_tensor(image[None])
                tape.watch(x)
                value = tf.reduce_sum((conv2(conv1(x) * damping) * maps)[..., index])
            assert_near(found.maps[number, place], tape.gradient(value, x).numpy()[0, ..., 0])


def test_the_default_is_the_last_convolution_with_what_belongs_to_it():
    assert Deconvnet(deeper_cnn((32, 32, 1), 3, batch_norm=True, dropout=True)).layer == "relu4_3"
    assert Deconvnet(shallow_cnn((32, 32, 1), 3)).layer == "relu1_2"
    assert Deconvnet(small()).layer == "conv2"
    assert Deconvnet(chain(kl.Conv2D(3, 3, name="only"))).layer == "only"


def test_a_convolution_stands_for_its_maps_behind_bn_and_relu():
    model = small()
    assert Deconvnet(model, "conv1").layer == "relu1"
    assert_near(Deconvnet(model, "conv1")(IMAGES), Deconvnet(model, "relu1")(IMAGES))
    assert Deconvnet(model, "bn1").layer == "bn1"
    assert Deconvnet(model, "pool1").maps(IMAGES).maps.shape == (3, 6, 20, 17)


def test_what_comes_behind_the_layer_does_not_matter():
    inputs = keras.Input((20, 17, 1))
    x = kl.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    pooled = kl.GlobalAveragePooling2D()(kl.LeakyReLU()(kl.Add()([x, x])))
    model = keras.Model(inputs, [kl.Dense(2)(pooled), kl.Dense(3)(pooled)])
    assert Deconvnet(model)(IMAGES).shape == (3, 20, 17)


def nested():
    """The same network as `small`, with its convolutions in two nested models."""
    flat = small()
    inner = keras.Sequential([keras.Input((20, 17, 1)), *flat.layers[:3]], name="inner")
    rest = keras.Sequential([keras.Input((20, 17, 6)), *flat.layers[3:5]], name="rest")
    inputs = keras.Input((20, 17, 1))
    backbone = keras.Model(inputs, rest(inner(inputs)), name="backbone")
    outer = keras.Sequential([keras.Input((20, 17, 1)), kl.Dropout(0.2), backbone, kl.Flatten(), kl.Dense(2)])
    return flat, outer


def test_nested_models_are_opened():
    flat, outer = nested()
    explain = Deconvnet(outer, top_n=5)
    assert explain.layer == "backbone/rest/conv2"
    assert_near(explain(IMAGES), Deconvnet(flat, top_n=5)(IMAGES))
    for name in ("relu1", "inner/relu1", "backbone/inner/relu1", "inner"):
        assert_near(Deconvnet(outer, name)(IMAGES), Deconvnet(flat, "relu1")(IMAGES))


def test_a_network_in_mixed_precision_is_computed_in_float32():
    full = small()
    policy = keras.dtype_policies.DTypePolicy("mixed_float16")
    half = keras.models.clone_model(
        full, clone_function=lambda layer: type(layer).from_config({**layer.get_config(), "dtype": policy})
    )
    half.set_weights(full.get_weights())
    assert half.get_layer("conv2").compute_dtype == "float16"
    found = Deconvnet(half, top_n=5).maps(IMAGES)
    assert found.maps.dtype == np.float32
    np.testing.assert_array_equal(found.maps, Deconvnet(full, top_n=5).maps(IMAGES).maps)


def test_uint8_is_cast_not_rescaled_and_rescaling_is_undone():
    grey = RNG.integers(0, 256, (2, 20, 17, 1)).astype("uint8")
    plain = small()
    np.testing.assert_array_equal(Deconvnet(plain)(grey), Deconvnet(plain)(grey.astype("float32")))
    scaled = keras.Sequential([keras.Input((20, 17, 1)), kl.Rescaling(1 / 255, offset=0.0), plain])
    assert_near(Deconvnet(scaled)(grey), Deconvnet(plain)(grey.astype("float32") / 255) / 255)


def test_normalisation_is_undone():
    plain = small()
    layer = kl.Normalization(axis=-1, mean=0.4, variance=0.25)
    model = keras.Sequential([keras.Input((20, 17, 1)), layer, plain])
    assert_near(Deconvnet(model)(IMAGES), Deconvnet(plain)((IMAGES - 0.4) / 0.5) / 0.5)


def test_colours_are_summed_as_absolute_values():
    model = chain(kl.Conv2D(1, 1, use_bias=False, name="conv"), shape=(1, 1, 3))
    model.get_layer("conv").set_weights([np.array([2.0, -3.0, 0.5]).reshape(1, 1, 3, 1)])
    pixel = np.array([4.0, 2.0, 0.0]).reshape(1, 1, 1, 3)  # map 8 - 6 = 2; back 4, -6, 1
    assert Deconvnet(model)(pixel).item() == pytest.approx(11)
    assert Deconvnet(model).maps(pixel).maps.item() == pytest.approx(11)


def test_any_image_size_where_the_model_takes_any():
    model = chain(kl.Conv2D(4, 3, activation="relu"), kl.MaxPooling2D(2), kl.Conv2D(4, 3), shape=(None, None, 1))
    explain = Deconvnet(model)
    for shape in ((12, 9), (15, 22)):
        assert explain(RNG.random((2, *shape, 1))).shape == (2, *shape)


def test_relu_as_an_operation():
    inputs = keras.Input((20, 17, 1))
    convolution = kl.Conv2D(4, 3)
    as_operation = keras.Model(inputs, keras.ops.relu(convolution(inputs)))
    as_layer = keras.Model(inputs, kl.ReLU()(convolution(inputs)))
    assert Deconvnet(as_operation).layer != convolution.name
    assert_near(Deconvnet(as_operation)(IMAGES), Deconvnet(as_layer)(IMAGES))


def test_no_heat_where_nothing_is_active():
    model = small()
    assert Deconvnet(model)(np.zeros_like(IMAGES)).shape == (3, 20, 17)
    model.get_layer("conv2").bias.assign(np.full(8, -1e6))
    assert Deconvnet(model)(IMAGES).max() == 0


def joined():
    inputs = keras.Input((20, 17, 1))
    x = kl.Conv2D(4, 3, padding="same", name="first")(inputs)
    y = kl.Multiply(name="times")([x, kl.Conv2D(4, 3, padding="same")(x)])
    return keras.Model(inputs, kl.Conv2D(4, 3, name="last")(y))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.convolution = kl.Conv2D(2, 3)

    def call(self, x):
        return self.convolution(x)


def two_inputs():
    inputs = [keras.Input((8, 8, 1)), keras.Input((8, 8, 1))]
    return keras.Model(inputs, kl.Conv2D(2, 3)(kl.Add()(inputs)))


def shared():
    convolution = kl.Conv2D(1, 3, padding="same", name="twice")
    return chain(convolution, kl.ReLU(), convolution)


@pytest.mark.parametrize(
    ("build", "layer", "says"),
    [
        (lambda: chain(kl.Conv2D(2, 3), kl.LeakyReLU(name="leak"), kl.Conv2D(2, 3)), None, r"leak \(LeakyReLU\)"),
        (lambda: chain(kl.Conv2D(2, 3), kl.LeakyReLU(name="leak")), None, r"leak \(LeakyReLU\)"),
        (lambda: chain(kl.ReLU(6.0, name="six"), kl.Conv2D(2, 3)), None, r"six \(ReLU with a slope"),
        (lambda: chain(kl.Conv2D(2, 3, activation="gelu", name="g")), None, "g has the activation gelu"),
        (lambda: chain(kl.Activation("tanh", name="t"), kl.Conv2D(2, 3)), None, "t has the activation tanh"),
        (lambda: chain(kl.AveragePooling2D(2, name="mean"), kl.Conv2D(2, 3)), None, r"mean \(AveragePooling2D\)"),
        (lambda: chain(kl.SeparableConv2D(2, 3, name="sep"), kl.Conv2D(2, 3)), None, r"sep \(SeparableConv2D\)"),
        (lambda: chain(kl.LayerNormalization(name="ln"), kl.Conv2D(2, 3)), None, r"ln \(LayerNormalization\)"),
        (joined, "last", r"times \(Multiply\) joins several paths"),
        (two_inputs, None, "2 inputs"),
        (shared, "twice", "used 2 times"),
        (Subclassed, None, "subclassed"),
        (lambda: keras.Sequential([kl.Conv2D(2, 3)]), None, "not built"),
        (lambda: chain(kl.MaxPooling2D()), None, "no convolution"),
        (small, "fc", "fc has no maps"),
        (small, "conv3", "did you mean conv2 or conv1"),
        (small, "zzzz", "its layers are conv1, bn1"),
    ],
)
def test_what_cannot_be_explained_is_refused_by_name(build, layer, says):
    with pytest.raises(LookInsideError, match=says) as error:
        Deconvnet(build(), layer)
    assert "\n" not in str(error.value)


def test_a_refusal_says_what_is_possible():
    with pytest.raises(LookInsideError, match="max pooling"):
        Deconvnet(chain(kl.AveragePooling2D(2), kl.Conv2D(2, 3)))


def test_two_layers_of_one_name_are_asked_for_by_path():
    parts = [
        keras.Sequential([keras.Input((20, 17, 1)), kl.Conv2D(1, 3, padding="same", name="conv")], name=name)
        for name in ("left", "right")
    ]
    model = chain(*parts)
    with pytest.raises(LookInsideError, match="left/conv or right/conv"):
        Deconvnet(model, "conv")
    assert Deconvnet(model, "left/conv").layer == "left/conv"


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (np.full((2, 20, 17, 1), np.nan), "Image 0 holds nan"),
        (np.concatenate([IMAGES, np.full_like(IMAGES[:1], np.inf)]), "Image 3 holds nan or infinite"),
        (IMAGES[:0], "holds no image"),
        (IMAGES[0], r"image\[None\]"),
        (np.repeat(IMAGES, 3, axis=-1), r"\(N, 20, 17, 1\)"),
        (IMAGES[:, :10], r"\(3, 10, 17, 1\)"),
        (IMAGES[..., 0], r"\(N, 20, 17, 1\)"),
        (IMAGES.astype(str), "give numbers"),
    ],
)
def test_bad_images_are_refused_in_one_line(images, says):
    explain = Deconvnet(small())
    for use in (explain, explain.maps):
        with pytest.raises(LookInsideError, match=says) as error:
            use(images)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("numbers", [{"top_n": 0}, {"chunk": 0}])
def test_numbers_below_one_are_refused(numbers):
    with pytest.raises(LookInsideError, match="1 or more"):
        Deconvnet(small(), **numbers)
