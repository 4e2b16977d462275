"""Feature maps of any network, as a Keras model that is cut off behind the layer computes them."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from lookinside.errors import LookInsideError
from lookinside.explain import dead_maps, feature_maps
from lookinside.models import alexnet, googlenet, inference_model, khan_cnn, lenet

IMAGES = np.random.default_rng(0).random((5, 64, 64, 1)).astype("float32")


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_convolution_stands_for_what_is_behind_its_relu(batch_norm):
    keras.utils.set_random_seed(1)
    net = alexnet((64, 64, 1), 5, width=0.05, batch_norm=batch_norm)
    found = feature_maps(net, IMAGES, ["fc6", "conv5", "conv1"], chunk=2)
    assert list(found) == ["conv1", "conv5", "fc6"], "in the order in which they are computed"
    for name, cut in {"conv1": "relu1", "conv5": "relu5", "fc6": "relu6"}.items():
        wanted = keras.Model(net.input, net.get_layer(cut).output)(IMAGES, training=False).numpy()
        assert found[name].dtype == np.float32 and found[name].shape == wanted.shape
        np.testing.assert_allclose(found[name], wanted, rtol=1e-5, atol=1e-5)
        assert found[name].min() == 0 < found[name].max()


def test_without_names_all_that_dead_maps_counts():
    keras.utils.set_random_seed(2)
    net = inference_model(googlenet((64, 64, 1), 5, width=0.05))
    found, counted = feature_maps(net, IMAGES), dead_maps(net, IMAGES, progress=False)
    assert tuple(found) == counted.layers
    for name, zero in counted.zero_images.items():
        np.testing.assert_array_equal((found[name] == 0).all(axis=(1, 2)).sum(axis=0), zero)
    module = feature_maps(net, IMAGES, ["inception_5b"])["inception_5b"]
    ways = [found[f"inception_5b_{way}"] for way in ("1x1", "3x3", "5x5", "pool_proj")]
    np.testing.assert_array_equal(module, np.concatenate(ways, axis=-1))


def test_the_sizes_at_which_the_chapter_looks():
    """The last maps of the proposed network are single pixels at 64 pixels; chapter 2 says so."""
    sizes = {}
    for build, names in ((lenet, ["conv2"]), (alexnet, ["conv3", "conv5"]), (khan_cnn, ["conv1", "conv2", "conv4"])):
        found = feature_maps(build((64, 64, 1), 5, width=0.25), IMAGES[:1], names)
        sizes[build.__name__] = [one.shape[1] for one in found.values()]
    assert sizes == {"lenet": [26], "alexnet": [3, 3], "khan_cnn": [16, 4, 1]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "net.keras"}, "A Keras model is needed"),
        ({"layers": ["conv7"]}, "No layer 'conv7' in this model: did you mean conv1"),
        ({"layers": "conv1"}, "layers is 'conv1': give a list"),
        ({"images": IMAGES[..., 0]}, "the channel axis is missing"),
        ({"chunk": 0}, "chunk is 0"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(change, says):
    net = keras.Sequential([keras.Input((64, 64, 1)), kl.Conv2D(2, 3, activation="relu", name="conv1")])
    with pytest.raises(LookInsideError, match=says) as error:
        feature_maps(**{"model": net, "images": IMAGES, **change})
    assert "\n" not in str(error.value)
