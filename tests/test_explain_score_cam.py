"""Score-CAM: right where tf-keras-vis left alone is class-blind, constant or raising."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from scipy.ndimage import zoom
from small_nets import CLASSES, HEADS, IMAGES, SHAPE, assert_same, body, far_apart, filled, net, policy, top

from lookinside.errors import LookInsideError
from lookinside.explain import GradCAM, ScoreCAM

pytestmark = pytest.mark.filterwarnings("error:The structure of `inputs`")


def nested():
    inner, inputs = keras.Input(SHAPE), keras.Input(SHAPE)
    backbone = keras.Model(inner, body(inner, "layer"), name="backbone")
    return filled(keras.Model(inputs, top(backbone(inputs), "softmax layer")))


def by_formula(model, images, classes, maps_used=6):
    """Wang et al. 2020, Eqs. 5 to 7, image by image and map by map; the weight is the class's probability."""
    maps = np.array(keras.Model(model.input, model.get_layer("conv2").output)(images))
    found = []
    for image, own, wanted in zip(images, maps, classes, strict=True):
        total = np.zeros(own.shape[:2])
        widest_first = sorted(np.moveaxis(own, -1, 0), key=np.std, reverse=True)
        for one in widest_first[:maps_used]:
            mask = zoom(one, np.divide(SHAPE[:2], one.shape), order=1, mode="nearest")
            mask = (mask - mask.min()) / (np.ptp(mask) + 1e-7)
            logits = np.array(model((image * mask[..., None])[None]), np.float64)[0]
            total += np.exp(logits[wanted]) / np.exp(logits).sum() * one
        found.append(np.maximum(total, 0))
    return np.array(found, np.float32)


def test_it_is_the_papers_formula():
    explain = ScoreCAM(net())
    assert_same(explain.maps(IMAGES, CLASSES), by_formula(net(), IMAGES, CLASSES), 1e-5)
    larger = tf.image.resize(explain.maps(IMAGES, CLASSES)[..., None], SHAPE[:2])[..., 0].numpy()
    assert_same(explain(IMAGES, CLASSES), larger)


@pytest.mark.parametrize("head", [head for head in HEADS if head.startswith(("softmax", "log_softmax"))])
def test_every_ending_gives_the_maps_of_the_logits(head):
    assert_same(ScoreCAM(net(head=head))(IMAGES, CLASSES), ScoreCAM(net())(IMAGES, CLASSES), 1e-5)


def test_nested_and_mixed_models_give_the_same_maps():
    expected = ScoreCAM(net())(IMAGES, CLASSES)
    assert_same(ScoreCAM(nested())(IMAGES, CLASSES), expected, 1e-5)
    with policy("mixed_float16"):
        half = net(head="softmax argument")
    assert_same(ScoreCAM(half)(IMAGES, CLASSES), expected, 1e-5)


def test_classes_differ():
    explain = ScoreCAM(net(head="softmax layer"))
    assert far_apart(explain(IMAGES, 0), explain(IMAGES, 1))
    assert far_apart(explain(IMAGES, 1), explain(IMAGES, 2))


def test_one_logit_tells_two_classes_apart():
    one = net(head="sigmoid argument", columns=1)
    kernel, bias = one.get_layer("fc").get_weights()
    two = net(columns=2)
    two.get_layer("fc").set_weights([kernel * [-0.5, 0.5], bias * [-0.5, 0.5]])  # the softmax of these is the sigmoid
    for wanted in (0, 1):
        assert_same(ScoreCAM(one)(IMAGES, wanted), ScoreCAM(two)(IMAGES, wanted), 1e-5)


@pytest.mark.parametrize("maps_used", [None, 2])
def test_neighbours_do_not_matter(maps_used):
    explain = ScoreCAM(net(), maps_used=maps_used)
    together, alone = explain(IMAGES, 1), explain(IMAGES[1:2], 1)
    assert_same(together[1:2], alone, 1e-5)


def test_weights_are_read_at_each_call_and_left_alone():
    model = net(head="softmax argument")
    explain = ScoreCAM(model)
    before = explain(IMAGES, CLASSES)
    model.get_layer("conv2").set_weights([weight[..., ::-1] for weight in model.get_layer("conv2").get_weights()])
    assert far_apart(before, explain(IMAGES, CLASSES))
    assert_same(explain(IMAGES, CLASSES), ScoreCAM(model)(IMAGES, CLASSES))
    assert model.get_layer("fc").activation is keras.activations.softmax


def test_sigmoids_of_several_classes_are_refused():
    model = net(head="sigmoid argument")
    with pytest.raises(LookInsideError, match="sigmoids"):
        ScoreCAM(model)
    assert np.isfinite(GradCAM(model)(IMAGES)).all()


def test_only_the_maps_of_largest_spread_are_used():
    expected = by_formula(net(), IMAGES[:1], CLASSES[:1], maps_used=2)
    assert_same(ScoreCAM(net(), maps_used=2).maps(IMAGES[:1], CLASSES[:1]), expected, 1e-5)
    with pytest.raises(LookInsideError, match="has 6 maps"):
        ScoreCAM(net(), maps_used=7)


def test_many_are_silent(capfd, caplog):
    """tf-keras-vis predicts with a bar of its own; TensorFlow takes many models' traces for those of one."""
    for _ in range(7):
        ScoreCAM(net(), progress=False)(IMAGES, 0)
    out = "".join(capfd.readouterr()) + caplog.text
    assert "━" not in out and "ms/step" not in out and "retracing" not in out


def test_a_layer_that_cannot_be_copied_is_named():
    class Doubled(kl.Layer):
        def __init__(self, factor):
            super().__init__(name="doubled")
            self.factor = factor

        def call(self, x):
            return x * self.factor

    inputs = keras.Input(SHAPE)
    model = filled(keras.Model(inputs, top(body(Doubled(2)(inputs)))))
    with pytest.raises(LookInsideError, match=r"doubled \(Doubled\) cannot be copied"):
        ScoreCAM(model)
