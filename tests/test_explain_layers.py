"""Where class maps are taken by default, and scores that hide probabilities."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from small_nets import CLASSES, IMAGES, SHAPE, assert_same, body, filled, net, top

from lookinside.errors import LookInsideError
from lookinside.explain import CAM, GradCAM, GradCAMPlusPlus, Saliency, ScoreCAM


def model_of(build, shape=SHAPE):
    inputs = keras.Input(shape)
    return filled(keras.Model(inputs, build(inputs)))


def test_a_convolution_that_stands_for_a_dense_layer_is_no_map():
    """MobileNet ends in a 1x1 convolution behind its pooling."""

    def build(x):
        x = kl.GlobalAveragePooling2D(keepdims=True)(body(x))
        return kl.Reshape((3,))(kl.Conv2D(3, 1, name="scores")(x))

    model = model_of(build)
    assert GradCAM(model).layer == "conv2"
    assert np.ptp(GradCAM(model)(IMAGES, CLASSES), axis=(1, 2)).min() > 0
    with pytest.raises(LookInsideError, match="scores has maps of one pixel"):
        GradCAM(model, "scores")


def test_a_residual_block_stands_for_its_sum():
    def build(x):
        x = kl.Conv2D(4, 3, padding="same", name="stem")(x)
        y = kl.BatchNormalization(name="norm")(kl.Conv2D(4, 3, padding="same", name="branch")(x))
        return top(kl.ReLU(name="end")(kl.Add(name="sum")([x, y])))

    assert GradCAM(model_of(build)).layer == "end"
    assert GradCAM(model_of(build), "branch").layer == "norm"  # asked for, it is the branch alone
    cam, grad_cam = (kind(model_of(build)).maps(IMAGES, CLASSES) for kind in (CAM, GradCAM))
    assert grad_cam.max() > 0
    np.testing.assert_allclose(grad_cam, np.maximum(cam, 0) / (12 * 10), atol=1e-6)


def test_the_default_layer_lies_on_the_outputs_own_way():
    inputs = keras.Input(SHAPE)
    late = top(kl.Conv2D(3, 1, name="late")(body(inputs)), "softmax argument", 4, "findings")
    model = filled(keras.Model(inputs, [net()(inputs), late]))
    assert_same(GradCAM(model, output=0).maps(IMAGES, CLASSES), GradCAM(net()).maps(IMAGES, CLASSES))
    assert GradCAM(model, output="findings").layer == "late"


PROBABILITIES = {
    "two softmaxes": lambda x: kl.Average()([top(x, "softmax argument"), top(x, "softmax layer", name="b")]),
    "two softmaxes, by operators": lambda x: (top(x, "softmax argument") + top(x, "softmax operation", name="b")) / 2,
    "sigmoids in a row": lambda x: kl.Concatenate()([top(x, "sigmoid argument", 1, name) for name in "abc"]),
    "a softmax at each pixel": lambda x: kl.GlobalAveragePooling2D()(kl.Conv2D(3, 1, activation="softmax")(x)),
    "one softmax": lambda x: top(x, "softmax argument", 1),
    "a clipped softmax": lambda x: keras.ops.clip(top(x, "softmax argument"), 1e-3, 1),
    "its logarithm": lambda x: keras.ops.log(top(x, "softmax argument")),
    "scaled": lambda x: top(x, "softmax argument") * 1.0,
    "the counterpart": lambda x: 1 - top(x, "sigmoid argument"),
    "a power": lambda x: top(x, "softmax argument") ** 2,
    "some of the classes": lambda x: top(x, "softmax argument", 4)[:, :3],
    "a product": lambda x: kl.Multiply()([top(x, "softmax argument"), top(x, "softmax argument", name="b")]),
    "a row of a softmax and logits": lambda x: kl.Concatenate()([top(x, "softmax argument"), top(x, name="b")]),
    "a wrapped softmax": lambda x: kl.TimeDistributed(kl.Dense(3, activation="softmax"))(kl.Reshape((-1, 6))(x))[:, 0],
    "a softmax of one's own": lambda x: kl.Average()(
        [kl.Dense(3, activation=lambda z: tf.nn.softmax(z))(kl.GlobalAveragePooling2D()(x)), top(x)]
    ),
    "normalised by layer": lambda x: kl.LayerNormalization()(top(x, "softmax argument")),
    "rectified": lambda x: kl.PReLU()(top(x, "softmax argument")),
    "normalised by its length": lambda x: kl.RMSNormalization()(top(x, "softmax argument")),
    "standardised": lambda x: kl.Normalization()(top(x, "softmax argument")),
    "weighed one by one": lambda x: kl.EinsumDense("ab,b->ab", 3)(top(x, "softmax argument")),
    "normalised": lambda x: kl.BatchNormalization()(top(x, "softmax argument")),
}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_scores_that_mix_probabilities_are_refused(name):
    with pytest.raises(LookInsideError, match=r"made of the probabilities|softmax of one score"):
        Saliency(model_of(lambda x: PROBABILITIES[name](body(x))))


def tokens(x):
    return kl.Reshape((-1, 6))(x)


ALLOWED = {
    "a dense layer behind a softmax": lambda x: kl.Dense(3, name="last")(top(x, "softmax argument")),
    "logits behind a gate": lambda x: kl.Multiply()([top(x), top(x, "sigmoid argument", name="b")]),
    "attention": lambda x: kl.Dot(1)([kl.Softmax(1)(kl.Dense(1)(tokens(x))), kl.Dense(3)(tokens(x))])[:, 0],
    "maps behind a gate": lambda x: kl.GlobalAveragePooling2D()(
        kl.Multiply()([kl.Conv2D(3, 1)(x), kl.Conv2D(1, 1, activation="sigmoid")(x)])
    ),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_scores_behind_a_gate_are_explained(name):
    assert Saliency(model_of(lambda x: ALLOWED[name](body(x))))(IMAGES, CLASSES).max() > 0


UNREADABLE = {
    "a wrapped softmax": lambda f: kl.SpectralNormalization(kl.Dense(3, activation="softmax"))(f),
    "a softmax in a lambda": lambda f: kl.Lambda(lambda z: tf.nn.softmax(z))(kl.Dense(3)(f)) * 1.0,
    "a hard sigmoid": lambda f: kl.Dense(1, activation="hard_sigmoid")(f),
    "a sigmoid written out": lambda f: 1 / (1 + keras.ops.exp(-kl.Dense(1)(f))),
    "a softmax written out": lambda f: keras.ops.exp(kl.Dense(3)(f)) / keras.ops.sum(keras.ops.exp(f)),
    "a recurrent layer": lambda f: kl.LSTM(3, activation="softmax")(kl.Reshape((1, 6))(f)),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_end_that_may_hide_a_softmax_is_refused(name):
    with pytest.raises(LookInsideError, match="may hide a softmax"):
        Saliency(model_of(lambda x: UNREADABLE[name](kl.GlobalAveragePooling2D()(body(x)))))


def test_logits_over_a_number_are_logits():
    assert_same(Saliency(model_of(lambda x: top(body(x)) / 2.0))(IMAGES, CLASSES), Saliency(net())(IMAGES, CLASSES) / 2)


def test_sums_of_logits_are_not():
    model = model_of(lambda x: kl.Average()([top(body(x)), top(kl.Conv2D(2, 3, name="other")(x), name="b")]))
    assert Saliency(model)(IMAGES, CLASSES).max() > 0


def test_an_adapted_normalisation_is_copied_as_it_is():
    layer, images = kl.Normalization(), IMAGES * 50 + 100
    layer.adapt(images)
    mean, spread = images.mean().item(), images.std().item()
    by_hand = kl.Rescaling(1 / spread, -mean / spread)
    expected = ScoreCAM(model_of(lambda x: top(body(by_hand(x))))).maps(images, CLASSES)
    assert_same(ScoreCAM(model_of(lambda x: top(body(layer(x))))).maps(images, CLASSES), expected, 1e-5)


@pytest.mark.parametrize("layer", [3, None.__class__, ["conv2"]])
def test_a_layer_is_given_by_its_name(layer):
    with pytest.raises(LookInsideError, match="give its name"):
        GradCAM(net(), layer)


def branches(x):
    """An Inception module: branches that are joined."""
    return kl.Concatenate(name="mixed")([kl.Conv2D(k, 3, padding="same", activation="relu")(x) for k in (4, 3, 2)])


def operator_sum(x):
    x = kl.Conv2D(4, 3, padding="same", name="stem")(x)
    return x + kl.Dropout(0.5)(kl.BatchNormalization()(kl.Conv2D(4, 3, padding="same")(x)))


def gated(x):
    x = kl.Conv2D(4, 3, padding="same", activation="relu")(x)
    gate = kl.Conv2D(4, 1, activation="sigmoid")(kl.GlobalAveragePooling2D(keepdims=True)(x))
    return kl.Multiply(name="gated")([x, gate])


DEFAULTS = {
    "branches that are joined": (branches, "mixed"),
    "branches, normalised": (lambda x: kl.ReLU(name="end")(kl.BatchNormalization()(branches(x))), "end"),
    "a sum by an operator": (lambda x: kl.ReLU(name="end")(operator_sum(x)), "end"),
    "group normalisation and an operation": (
        lambda x: keras.ops.leaky_relu(kl.GroupNormalization(2)(kl.Conv2D(4, 3)(x))),
        "leaky_relu",
    ),
    "layer normalisation and silu": (
        lambda x: kl.Activation("silu", name="end")(kl.LayerNormalization()(kl.Conv2D(4, 3)(x))),
        "end",
    ),
    "dropout before the activation": (lambda x: kl.ReLU(name="end")(kl.Dropout(0.5)(kl.Conv2D(4, 3)(x))), "end"),
    "an activation that is none": (lambda x: kl.ReLU(name="end")(kl.Activation("linear")(kl.Conv2D(4, 3)(x))), "end"),
    "a wrapped convolution": (
        lambda x: kl.ReLU(name="end")(kl.SpectralNormalization(kl.Conv2D(4, 3))(kl.Conv2D(4, 3)(x))),
        "end",
    ),
    "dropout behind": (lambda x: kl.Dropout(0.5)(kl.Conv2D(4, 3, activation="relu", name="end")(x)), "end"),
    "a transposed convolution": (lambda x: kl.Conv2DTranspose(4, 3, 2, activation="relu", name="end")(x), "end"),
    "a gate of one pixel": (gated, "conv2d"),
    "two networks one after the other": (lambda x: body(keras.ops.abs(x)), "conv2"),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_default_maps_carry_all_of_the_score(name):
    build, expected = DEFAULTS[name]
    explain = GradCAM(model_of(lambda x: top(build(x))))
    assert explain.layer.startswith(expected)
    assert explain(IMAGES, CLASSES).shape == IMAGES.shape[:3]


def two_ways(x):
    ways = [kl.GlobalAveragePooling2D()(kl.Conv2D(4, k, activation="relu", name=f"way{k}")(x)) for k in (3, 5)]
    return kl.Dense(3, name="fc")(kl.Concatenate()(ways))


def test_before_several_ways_the_last_maps_of_all_are_taken():
    def build(x):
        x = kl.Conv2D(4, 3, padding="same", activation="relu", name="stem1")(x)
        return two_ways(kl.Conv2D(4, 3, padding="same", activation="relu", name="stem2")(x))

    assert GradCAM(model_of(build)).layer == "stem2"


def test_a_score_of_several_ways_needs_a_named_layer():
    with pytest.raises(LookInsideError, match=r"has several ways: name one, layer='way\d' say"):
        GradCAM(model_of(two_ways))
    assert GradCAM(model_of(two_ways), "way3")(IMAGES, CLASSES).max() > 0


def test_cam_refuses_maps_of_one_pixel():
    def build(x):
        return kl.Dense(3)(kl.GlobalAveragePooling2D()(kl.Conv2D(4, SHAPE[:2], name="whole")(x)))

    with pytest.raises(LookInsideError, match="whole has maps of one pixel"):
        CAM(model_of(build))


def test_a_nested_model_that_is_used_twice_is_no_layer():
    inner = keras.Input(SHAPE)
    backbone = keras.Model(inner, body(inner), name="backbone")
    pool = kl.GlobalAveragePooling2D()
    model = model_of(
        lambda x: kl.Dense(3)(kl.Concatenate()([pool(backbone(x)), pool(backbone(kl.Rescaling(-1.0)(x)))]))
    )
    with pytest.raises(LookInsideError, match="'backbone' is used 2 times"):
        GradCAM(model, "backbone")


def test_a_layer_of_two_outputs_is_no_maps():
    model = model_of(lambda x: top(kl.Concatenate()(keras.ops.split(body(x), 2, axis=-1))))
    with pytest.raises(LookInsideError, match="has 2 outputs"):
        GradCAM(model, "split")


def test_grad_cam_plus_plus_of_a_negative_map_is_empty():
    """A head of maps: the class's own map, all below zero, speaks nowhere for it, and the weight must not turn it."""
    model = model_of(lambda x: kl.GlobalAveragePooling2D()(kl.Conv2D(3, 1, name="maps")(body(x))))
    kernel, _ = model.get_layer("maps").get_weights()
    model.get_layer("maps").set_weights([kernel, np.array([-1000, 0, 1000.0])])
    assert GradCAMPlusPlus(model, "maps")(IMAGES, 0).max() == 0
    assert GradCAMPlusPlus(model, "maps")(IMAGES, 2).min() > 0


def test_a_head_that_is_used_twice_ends_in_logits_once():
    shared, again = kl.Dense(3, activation="softmax", name="fc"), kl.Dense(6, name="again")

    def build(x, end):
        features = kl.GlobalAveragePooling2D()(body(x))
        return end(kl.Add()([features, again(shared(features))]))

    one = model_of(lambda x: build(x, shared))
    other = kl.Dense(3, activation="softmax", name="end")
    two = model_of(lambda x: build(x, other))
    other.set_weights(shared.get_weights())
    assert_same(ScoreCAM(one, "conv2")(IMAGES, CLASSES), ScoreCAM(two, "conv2")(IMAGES, CLASSES), 1e-5)


def test_copies_have_names_of_their_own():
    model = model_of(lambda x: kl.Dense(1, name="it")(kl.Flatten(name="explained_maps")(body(x))))
    assert ScoreCAM(model)(IMAGES, 1).shape == IMAGES.shape[:3]
