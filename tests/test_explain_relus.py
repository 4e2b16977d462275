"""Guided backpropagation and the class deconvnet: every ReLU answers by its rule, however it is spelled."""

from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from small_nets import CLASSES, EXPLAINERS, IMAGES, RELUS, SHAPE, assert_same, body, far_apart, filled, net, top

from lookinside.errors import LookInsideError
from lookinside.explain import ClassDeconvnet, GuidedBackprop, Saliency

RULES = {"GuidedBackprop": GuidedBackprop, "ClassDeconvnet": ClassDeconvnet}


@cache
def expected(kind):
    """The signed maps where ReLU is the convolutions' argument."""
    return EXPLAINERS[kind](net()).gradients(IMAGES, CLASSES)


def line(weights, biases):
    """Pixels -> 1x1 convolutions with ReLU between them -> their sum for class 1, nothing for class 0."""
    layers = [kl.Conv2D(1, 1, activation="relu", name=f"c{n}") for n in range(len(weights))]
    model = keras.Sequential([keras.Input((1, 3, 1)), *layers, kl.Flatten(), kl.Dense(2, use_bias=False, name="fc")])
    for layer, weight, bias in zip(layers, weights, biases, strict=True):
        layer.set_weights([np.full((1, 1, 1, 1), weight), np.array([bias])])
    model.layers[-1].set_weights([np.array([[0, 1], [0, 1], [0, -1]])])
    return model


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # First ReLU reads 2 x - 2, the second -(first) + 3; pixels 2, 4, 0.5 -> 2, 6, -1 -> 1, -3, 3.
        (Saliency, [-2, 0, 0]),  # 1 * -1 * 2; the second ReLU is shut; the first is
        (GuidedBackprop, [0, 0, 0]),  # -1 is cut by the first; shut; -1 is cut by the second
        (ClassDeconvnet, [0, 0, 0]),
    ],
)
def test_by_hand_with_a_negative_weight(kind, expected):
    model = line([2.0, -1.0], [-2.0, 3.0])
    image = np.array([2, 4, 0.5]).reshape(1, 1, 3, 1)
    np.testing.assert_array_equal(kind(model).gradients(image, 1)[0, 0, :, 0], expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # ReLUs read 2 x - 2 and 3 (first) - 6; pixels 3, 1.5, 3 -> 4, 1, 4 -> 6, -3, 6.
        (Saliency, [6, 0, -6]),
        (GuidedBackprop, [6, 0, 0]),  # shut where the forward is negative, and cut where the signal is
        (ClassDeconvnet, [6, 6, 0]),  # only the signal counts
    ],
)
def test_by_hand_with_shut_relus(kind, expected):
    model = line([2.0, 3.0], [-2.0, -6.0])
    image = np.array([3, 1.5, 3]).reshape(1, 1, 3, 1)
    np.testing.assert_array_equal(kind(model).gradients(image, 1)[0, 0, :, 0], expected)


@pytest.mark.parametrize("kind", RULES)
def test_it_is_not_the_plain_gradient(kind):
    assert far_apart(expected(kind), expected("Saliency"))
    assert far_apart(expected("GuidedBackprop"), expected("ClassDeconvnet"))
    if kind == "GuidedBackprop":  # at its first layer it hands on only what is positive and open
        inner = GuidedBackprop(net()).gradients(IMAGES, CLASSES)
        assert inner.min() < 0 < inner.max()


def flat(relu):
    return net(relu=relu)


def nested(relu):
    """The ReLUs sit in a model in a model."""
    inner = keras.Input(SHAPE)
    backbone = keras.Model(inner, body(inner, relu), name="backbone")
    outer = keras.Sequential([keras.Input(SHAPE), backbone], name="outer")
    inputs = keras.Input(SHAPE)
    return filled(keras.Model(inputs, top(outer(inputs), "softmax layer")))


@pytest.mark.parametrize("kind", RULES)
@pytest.mark.parametrize("place", [flat, nested])
@pytest.mark.parametrize("relu", RELUS)
def test_every_relu_is_found(relu, place, kind):
    assert_same(RULES[kind](place(relu)).gradients(IMAGES, CLASSES), expected(kind))


CONV2 = {"filters": 6, "kernel_size": (3, 2), "name": "conv2"}
SECOND_RELUS = {  # other spellings of the second ReLU; `kl.Lambda` and the like are in test_explain_refusals.py
    "function as argument": lambda x: kl.Conv2D(**CONV2, activation=keras.activations.relu)(x),
    "tf.nn as argument": lambda x: kl.Conv2D(**CONV2, activation=tf.nn.relu)(x),
    "operation as argument": lambda x: kl.Conv2D(**CONV2, activation=keras.ops.relu)(x),
    "layer as argument": lambda x: kl.Conv2D(**CONV2, activation=kl.ReLU())(x),
    "lambda as argument": lambda x: kl.Conv2D(**CONV2, activation=lambda z: tf.nn.relu(z))(x),
    "tf.nn in Activation": lambda x: kl.Activation(tf.nn.relu)(kl.Conv2D(**CONV2)(x)),
    "operation in Activation": lambda x: kl.Activation(keras.ops.relu)(kl.Conv2D(**CONV2)(x)),
    "layer in Activation": lambda x: kl.Activation(kl.ReLU())(kl.Conv2D(**CONV2)(x)),
    "function": lambda x: keras.activations.relu(kl.Conv2D(**CONV2)(x)),
    "maximum": lambda x: keras.ops.maximum(kl.Conv2D(**CONV2)(x), 0.0),
    "clip": lambda x: keras.ops.clip(kl.Conv2D(**CONV2)(x), 0.0, 1e9),
    "where": lambda x: (lambda z: keras.ops.where(z > 0, z, 0.0))(kl.Conv2D(**CONV2)(x)),
    "in a pipeline": lambda x: kl.Pipeline([kl.ReLU()])(kl.Conv2D(**CONV2)(x)),
    "normalised spectrum": lambda x: kl.SpectralNormalization(
        kl.Conv2D(**CONV2, activation="relu", trainable=False), trainable=False
    )(x),
}


@pytest.mark.parametrize("name", SECOND_RELUS)
def test_a_relu_in_a_rare_spelling_is_found_or_refused(name):
    """What must never happen: the plain gradient under the name of guided backpropagation."""
    inputs = keras.Input(SHAPE)
    x = kl.Conv2D(5, 3, padding="same", activation="relu", name="conv1")(inputs)
    x = kl.MaxPooling2D(3, 2, padding="same")(kl.BatchNormalization(name="bn")(x))
    model = filled(keras.Model(inputs, top(SECOND_RELUS[name](x))))
    np.testing.assert_allclose(np.array(model(IMAGES)), np.array(net()(IMAGES)), rtol=1e-4, atol=1e-5)
    for kind, build in RULES.items():
        try:
            found = build(model).gradients(IMAGES, CLASSES)
        except LookInsideError as error:
            assert "\n" not in str(error)
        else:
            assert_same(found, expected(kind))


@pytest.mark.parametrize(
    "build",
    [
        lambda x: keras.activations.relu(x, negative_slope=0.2),
        lambda x: keras.activations.relu(x, max_value=0.5),
        lambda x: keras.activations.relu(x, threshold=0.3),
        lambda x: kl.Activation("squareplus")(x),
        lambda x: kl.Activation("sparse_plus")(x),
        lambda x: kl.Activation(keras.ops.leaky_relu)(x),
        lambda x: kl.Activation(tf.nn.elu)(x),
        lambda x: kl.Conv2D(5, 1, activation=kl.LeakyReLU(), name="c")(x),
        lambda x: kl.Pipeline([kl.LeakyReLU()])(x),
    ],
    ids=[
        *("relu with a slope", "relu with a ceiling", "relu with a threshold", "squareplus", "sparse_plus"),
        *("leaky operation", "tf.nn.elu", "layer as argument", "pipeline"),
    ],
)
@pytest.mark.parametrize("kind", RULES)
def test_a_rectifier_without_a_rule_is_refused(build, kind):
    inputs = keras.Input(SHAPE)
    with pytest.raises(LookInsideError) as error:
        RULES[kind](keras.Model(inputs, top(build(kl.Conv2D(5, 3)(inputs)))))
    assert "\n" not in str(error.value)


def test_what_is_no_rectifier_keeps_its_gradient():
    """tanh, sigmoid gates and average pools go back as they are; the ReLU between them by its rule."""
    inputs = keras.Input(SHAPE)
    x = kl.Conv2D(5, 3, activation="tanh", name="conv1")(inputs)
    x = kl.Multiply()([x, kl.Activation("sigmoid")(kl.Conv2D(5, 1, name="gate")(x))])
    before = keras.Model(inputs, kl.AveragePooling2D(2)(x))
    maps = keras.Input(before.output.shape[1:])
    relu = keras.Model(maps, top(kl.Conv2D(6, 2, activation="relu", name="conv2")(maps)))
    model = filled(keras.Model(inputs, relu(before(inputs))))
    middle = tf.convert_to_tensor(before(IMAGES))
    signal = GuidedBackprop(relu).gradients(middle.numpy(), CLASSES)
    x = tf.convert_to_tensor(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = before(x)
    by_hand = tape.gradient(out, x, output_gradients=tf.constant(signal)).numpy()
    assert_same(GuidedBackprop(model).gradients(IMAGES, CLASSES), by_hand)


def test_rectified_dense_layers_count_too():
    inputs = keras.Input(SHAPE)
    build = {}
    for name, (argument, after) in RELUS.items():
        x = kl.Dense(8, activation=argument, name="hidden")(kl.Flatten()(body(inputs)))
        x = after(x) if after else x
        build[name] = filled(keras.Model(inputs, kl.Dense(3, name="fc")(x)))
    first = GuidedBackprop(build.pop("argument")).gradients(IMAGES, CLASSES)
    for model in build.values():
        assert_same(GuidedBackprop(model).gradients(IMAGES, CLASSES), first)
        assert far_apart(first, Saliency(model).gradients(IMAGES, CLASSES))


def test_a_rectifier_on_another_outputs_way_does_not_matter():
    inputs = keras.Input(SHAPE)
    x = body(inputs)
    beside = kl.Dense(2, activation="leaky_relu", name="beside")(kl.GlobalMaxPooling2D()(x))
    model = filled(keras.Model(inputs, [top(x), beside]))
    assert_same(GuidedBackprop(model, output="fc").gradients(IMAGES, CLASSES), expected("GuidedBackprop"))
