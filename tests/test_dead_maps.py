"""Maps that a ReLU leaves at zero: counted by hand, in every spelling of a network, and whatever the chunk."""

import keras
import numpy as np
import pytest
from keras import layers as kl
from small_nets import RELUS, spelled

from lookinside import figures
from lookinside.errors import LookInsideError
from lookinside.explain import dead_maps
from lookinside.models import alexnet, googlenet, inference_model

# One bright pixel an image, but for the last one, which is all dark.
IMAGES = np.zeros((5, 6, 7, 1), "float32")
for number in range(4):
    IMAGES[number, number, number + 1] = number + 1


def by_hand(relu="layer"):
    """Four maps, each the image times one number and plus another: alive, dead, zero on some images, never zero."""
    argument, after = RELUS[relu]
    inputs = keras.Input((6, 7, 1))
    convolution = kl.Conv2D(4, 1, activation=argument, name="conv1")
    x = spelled(convolution, after)(inputs)
    model = keras.Model(inputs, kl.Dense(2, name="fc")(kl.Flatten()(kl.MaxPooling2D(2, name="pool1")(x))))
    convolution.set_weights([np.array([1, 1, 1, 0], "float32").reshape(1, 1, 1, 4), np.array([0, -9, -2, 0.5])])
    return model


ZERO_IMAGES = [1, 5, 3, 0]  # the dark image; all; those with a pixel of 1, of 2 and the dark one; none


@pytest.mark.parametrize("relu", RELUS)
def test_four_maps_by_hand(relu):
    found = dead_maps(by_hand(relu), IMAGES)
    (name,) = found.layers
    assert name == "conv1"
    assert (found.images, found.maps.tolist()) == (5, [4])
    np.testing.assert_array_equal(found.zero_images["conv1"], ZERO_IMAGES)
    assert found.share_dead.tolist() == [1 / 4]
    assert found.share_zero.tolist() == [9 / 20]
    assert found.rows == {"conv1": {"maps": 4, "dead": 0.25, "zero": 0.45}}
    text = repr(figures.table(found.rows, units={"dead": "%", "zero": "%"}))
    assert text.splitlines()[-1].split() == ["conv1", "4", "25.0", "45.0"]


def branched(shape=(12, 10, 1)):
    """Two convolutions side by side, a normalisation before a ReLU, a residual sum, and a ReLU that is used twice."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input(shape)
    biases = keras.initializers.RandomNormal(stddev=0.7)
    one = kl.Conv2D(7, 3, padding="same", activation="relu", bias_initializer=biases, name="one")(inputs)
    other = kl.Conv2D(7, 5, padding="same", bias_initializer=biases, name="other")(inputs)
    other = kl.ReLU(6.0, name="other_relu")(kl.BatchNormalization(beta_initializer=biases, name="bn")(other))
    x = kl.Concatenate(name="module")([one, other])
    shared = kl.ReLU(name="shared")
    skip = kl.Conv2D(14, 1, name="skip")(x)
    x = shared(kl.Add(name="sum")([shared(skip), kl.Conv2D(14, 3, padding="same", name="deep")(x)]))
    x = kl.ReLU(negative_slope=0.1, name="leaky")(kl.Conv2D(5, 3, name="last")(x))
    x = kl.Dense(9, activation="relu", bias_initializer=biases, name="fc")(kl.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, kl.Dense(3)(kl.Dropout(0.9)(x)))


def counted(maps):
    """int (maps,), in NumPy: on how many images each map is zero."""
    return (np.abs(maps).max(axis=tuple(range(1, maps.ndim - 1))) == 0).sum(axis=0)


def test_branches_sums_and_shared_layers_as_numpy_counts_them():
    model = branched()
    rng = np.random.default_rng(0)
    images = (rng.normal(0, 1, (9, 12, 10, 1)) * rng.uniform(0, 1, (9, 1, 1, 1))).astype("float32")
    found = dead_maps(model, images)
    skip, shared = (node.outputs[0] for node in model.get_layer("shared")._inbound_nodes)
    tensors = {
        "one": model.get_layer("one").output,
        "other": model.get_layer("other_relu").output,
        "skip": skip,
        "shared": shared,
    }
    assert set(found.layers) == set(tensors)
    for name, tensor in tensors.items():
        expected = counted(keras.Model(model.input, tensor)(images).numpy())
        np.testing.assert_array_equal(found.zero_images[name], expected)
    assert 0 < found.share_zero[found.layers.index("one")] < 1
    assert 0 < found.share_zero[found.layers.index("other")] < 1
    named = dead_maps(model, images, ["fc", "module", "other", "leaky"])
    assert named.layers == ("other", "module", "leaky", "fc")
    assert named.maps.tolist() == [7, 14, 5, 9]
    both = np.concatenate([found.zero_images[name] for name in ("one", "other")])
    np.testing.assert_array_equal(named.zero_images["module"], both)
    np.testing.assert_array_equal(named.zero_images["other"], found.zero_images["other"])
    units = keras.Model(model.input, model.get_layer("fc").output)(images).numpy()
    np.testing.assert_array_equal(named.zero_images["fc"], (units == 0).sum(axis=0))
    assert 0 < named.share_zero[-1] < 1


def test_a_layer_that_is_called_twice_is_counted_twice():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 7, 1))
    shared = kl.Conv2D(1, 3, padding="same", activation="relu", name="conv")
    model = keras.Model(inputs, kl.Flatten()(shared(shared(inputs))))
    assert dead_maps(model, IMAGES).layers == ("conv", "conv (call 2)")


@pytest.mark.parametrize("chunk", [1, 2, 4, 100])
def test_the_chunk_changes_nothing(chunk):
    steps = []

    class Bar:
        def update(self, count):
            steps.append(count)

        def close(self):
            steps.append("closed")

    found = dead_maps(by_hand(), IMAGES, chunk=chunk, progress=lambda total, what, unit: Bar())
    np.testing.assert_array_equal(found.zero_images["conv1"], ZERO_IMAGES)
    assert (sum(steps[:-1]), steps[-1]) == (5, "closed")
    assert max(steps[:-1]) <= chunk


def test_nested_models_integers_and_half_precision():
    inner = by_hand()
    inner = keras.Model(inner.input, inner.get_layer("pool1").output)
    outer = keras.Sequential([keras.Input((6, 7, 1)), kl.Rescaling(1.0), inner])
    found = dead_maps(outer, IMAGES.astype("uint8"))
    (name,) = found.layers
    assert name.endswith("/conv1")
    np.testing.assert_array_equal(found.zero_images[name], ZERO_IMAGES)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = by_hand()
    finally:
        keras.config.set_dtype_policy("float32")
    half.get_layer("conv1").set_weights([np.ones((1, 1, 1, 4)), np.array([0, -9, -3.9999, 0.5])])
    # In half precision 3.9999 is 4 and the third map would be zero on every image.
    np.testing.assert_array_equal(dead_maps(half, IMAGES).zero_images["conv1"], [1, 5, 4, 0])


def test_the_chapters_networks():
    images = np.random.default_rng(0).random((3, 64, 64, 1))
    net = alexnet((64, 64, 1), 5, width=0.05, batch_norm=True)
    assert dead_maps(net, images).layers == ("conv1", "conv2", "conv3", "conv4", "conv5")
    net = googlenet((64, 64, 1), 5, width=0.05)
    before = net.get_weights()
    heads = {"auxiliary1_conv", "auxiliary2_conv"}
    found = dead_maps(net, images)
    assert len(found.layers) == 3 + 9 * 6 + 2
    assert heads < set(found.layers)
    alone = dead_maps(inference_model(net), images)
    assert set(found.layers) - heads == set(alone.layers)
    np.testing.assert_array_equal(alone.zero_images["inception_4d_3x3"], found.zero_images["inception_4d_3x3"])
    assert all(np.array_equal(old, new) for old, new in zip(before, net.get_weights(), strict=True))


def linear():
    return keras.Sequential([keras.Input((6, 7, 1)), kl.Conv2D(2, 3, name="conv1"), kl.Flatten(), kl.Dense(2)])


def overflowing():
    model = by_hand()
    model.get_layer("conv1").set_weights([np.full((1, 1, 1, 4), 3e38), np.zeros(4)])
    return model


@pytest.mark.parametrize(
    ("model", "change", "says"),
    [
        (linear, {}, "no ReLU that writes maps"),
        (by_hand, {"chunk": 0}, "chunk is 0"),
        (by_hand, {"layers": ["conv7"]}, "No layer 'conv7' in this model: did you mean conv1"),
        (by_hand, {"layers": "conv1"}, "layers is 'conv1': give a list"),
        (by_hand, {"layers": []}, r"layers is \[\]"),
        (by_hand, {"images": IMAGES[..., 0]}, "the channel axis is missing"),
        (by_hand, {"images": IMAGES[:0]}, "holds no image"),
        (by_hand, {"images": IMAGES * np.nan}, "nan or infinite pixels"),
        (overflowing, {}, "Layer conv1 holds nan or infinite values"),
        (by_hand, {"progress": 3}, "progress is 3"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(model, change, says):
    with pytest.raises(LookInsideError, match=says) as error:
        dead_maps(**{"model": model(), "images": IMAGES, "progress": False, **change})
    assert "\n" not in str(error.value)
