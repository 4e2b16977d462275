"""What a graph does not show is refused, not guessed: calls of one's own, black boxes, softmaxes in unusual places."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from small_nets import CLASSES, IMAGES, SHAPE, assert_same, body, filled, gradient, net, policy, top

from lookinside.errors import LookInsideError
from lookinside.explain import (
    CAM,
    ActivationMaximization,
    ClassDeconvnet,
    Deconvnet,
    GradCAM,
    GuidedBackprop,
    Occlusion,
    PathologyAware,
    Saliency,
    ScoreCAM,
    compare,
    insertion,
    randomization_check,
    randomize_weights,
)
from lookinside.explain.calls.target import Target


def refused(says):
    return pytest.raises(LookInsideError, match=rf"\A(?=.*{says})[^\n]{{15,300}}\Z")


class Inverted(keras.Model):
    def call(self, x):
        return super().call(255 - x)


class InvertedSequence(keras.Sequential):
    def call(self, x):
        return super().call(255 - x)


class InvertedOutside(keras.Model):
    def __call__(self, x, **options):
        return super().__call__(255 - x, **options)


class TrainedInItsWay(keras.Model):
    def train_step(self, data):
        return {}


def functional(kind, build=lambda x: top(body(x))):
    inputs = keras.Input(SHAPE)
    return filled(kind(inputs, build(inputs), name="mine"))


def patched():
    model = functional(keras.Model)
    own = model.call
    model.call = lambda x, **options: own(255 - x, **options)
    return model


OWN_CALLS = {
    "functional": (lambda: functional(Inverted), r"mine \(Inverted\) has a call of its own"),
    "Sequential": (
        lambda: filled(InvertedSequence([keras.Input(SHAPE), kl.Conv2D(2, 3), kl.Flatten(), kl.Dense(3)], name="mine")),
        r"mine \(InvertedSequence\) has a call",
    ),
    "__call__": (lambda: functional(InvertedOutside), r"mine \(InvertedOutside\) has a __call__"),
    "set on the model": (patched, r"mine \(Functional\) has a call of its own"),
    "nested": (lambda: functional(keras.Model, lambda x: top(functional(Inverted, body)(x))), r"mine \(Inverted\)"),
    "nested in a Sequential": (
        lambda: keras.Sequential([keras.Input(SHAPE), functional(Inverted, body), kl.Flatten(), kl.Dense(3)]),
        r"mine \(Inverted\)",
    ),
}
ALL = (Saliency, GuidedBackprop, GradCAM, CAM, ScoreCAM, Occlusion, Deconvnet, PathologyAware)
EVERY_USE = {
    **{one.__name__: one for one in ALL},
    "ActivationMaximization": ActivationMaximization,
    "insertion": lambda model: insertion(model, IMAGES, IMAGES[..., 0]),
    "compare": lambda model: compare({"s": Saliency}, model, IMAGES),
    "randomize_weights": randomize_weights,
    "randomization_check": lambda model: randomization_check(Saliency, model, IMAGES),
}


@pytest.mark.parametrize("name", OWN_CALLS)
def test_a_call_of_ones_own_is_refused_where_layers_are_needed(name):
    build, says = OWN_CALLS[name]
    model = build()
    for title, use in EVERY_USE.items():
        if title not in ("Saliency", "Occlusion", "insertion"):
            with refused(says):
                use(model)


@pytest.mark.parametrize("name", OWN_CALLS)
def test_a_call_of_ones_own_is_followed_where_they_are_not(name):
    model = OWN_CALLS[name][0]()
    assert_same(Saliency(model).gradients(IMAGES, CLASSES), gradient(model, IMAGES, CLASSES), 1e-5)
    drop = np.array(model(IMAGES) - model(0 * IMAGES))[np.arange(3), CLASSES]
    np.testing.assert_allclose(Occlusion(model, SHAPE[:2])(IMAGES, CLASSES)[:, 0, 0], drop, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        insertion(model, IMAGES, IMAGES[..., 0], CLASSES, steps=2).probabilities[:, -1],
        np.array(keras.ops.softmax(model(IMAGES)))[np.arange(3), CLASSES],
        rtol=1e-4,
    )


def test_a_class_of_ones_own_without_a_call_is_explained():
    assert_same(Saliency(functional(TrainedInItsWay))(IMAGES, CLASSES), Saliency(net())(IMAGES, CLASSES))


def test_a_layers_call_that_was_set_is_followed_or_refused():
    model = net()
    convolution = model.get_layer("conv1")
    own = convolution.call
    convolution.call = lambda x: own(-x)
    expected = gradient(model, IMAGES, CLASSES)
    assert_same(Saliency(model).gradients(IMAGES, CLASSES), expected)
    for use in (GuidedBackprop, Deconvnet, ScoreCAM, randomize_weights):
        with refused("conv1"):
            use(model)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Name -> folder of a SavedModel: a whole classifier, and its convolutions alone."""
    folder = tmp_path_factory.mktemp("saved")
    inputs = keras.Input(SHAPE)
    whole, backbone = net(head="softmax argument"), filled(keras.Model(inputs, body(inputs)))
    for name, model in (("whole", whole), ("backbone", backbone)):
        model.export(folder / name, verbose=False)
    return folder


def with_black_box(folder, head):
    inputs = keras.Input(SHAPE)
    return filled(keras.Model(inputs, head(kl.TFSMLayer(folder, call_endpoint="serve", name="box")(inputs))))


def test_a_saved_model_that_may_hide_a_softmax_is_refused(saved):
    for head in (lambda x: x, lambda x: x * 1.0, lambda x: kl.Dropout(0.5)(x)):
        model = with_black_box(saved / "whole", head)
        for kind in (Saliency, GuidedBackprop, GradCAM, Occlusion, ScoreCAM):
            with refused(r"box \(TFSMLayer\) is a black box that may hide a softmax: .*Dense layer"):
                kind(model)


def test_a_saved_model_with_a_head_behind_it_is_differentiated_but_not_rectified_otherwise(saved):
    model = with_black_box(saved / "backbone", top)
    assert_same(Saliency(model)(IMAGES, CLASSES), Saliency(net())(IMAGES, CLASSES), 1e-5)
    for kind in (GuidedBackprop, ClassDeconvnet):
        with refused(r"box \(TFSMLayer\) is a black box whose ReLUs cannot be reached: use Saliency"):
            kind(model)
    with refused("box .*cannot be gone back through"):
        Deconvnet(model, "box")
    with refused(r"box \(TFSMLayer\) is a black box, whose weights cannot be drawn anew"):  # it would read the trained
        randomize_weights(model)


@pytest.mark.parametrize("name", ["JaxLayer", "FlaxLayer", "TorchModuleWrapper"])
def test_other_libraries_layers_are_black_boxes(name):
    foreign = type(name, (kl.Layer,), {"call": lambda self, x: tf.nn.softmax(x), "__module__": "keras.src.utils"})
    with refused(rf"box \({name}\) is a black box that may hide"):
        Saliency(functional(keras.Model, lambda x: foreign(name="box")(top(body(x)))))
    with refused(rf"box \({name}\) is a black box whose ReLUs"):
        GuidedBackprop(functional(keras.Model, lambda x: top(foreign(name="box")(body(x)))))


def test_a_layer_of_ones_own_near_the_end_may_hide_a_softmax():
    class Own(kl.Layer):
        def call(self, x):
            return keras.ops.softmax(x)

    for head in (lambda x: Own(name="own")(x), lambda x: Own(name="own")(x) * 1.0):
        with refused("own, which may hide a softmax"):
            Saliency(functional(keras.Model, lambda x, head=head: head(top(body(x)))))


def test_cam_knows_a_pooling_by_what_it_does():
    class Root(kl.GlobalAveragePooling2D):
        def call(self, x):
            return keras.ops.sqrt(super().call(x**2))

    with refused("does not end in global average pooling"):
        CAM(functional(keras.Model, lambda x: kl.Dense(3)(Root()(body(x)))))


def test_an_operation_of_ones_own_is_hidden():
    class Add(keras.Operation):  # the name of a harmless one
        def call(self, x):
            return keras.ops.relu(x)

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape, x.dtype)

    with refused("not one of Keras'"):
        GuidedBackprop(functional(keras.Model, lambda x: top(Add()(body(x)))))
    with refused("may hide a softmax"):
        Saliency(functional(keras.Model, lambda x: Add()(top(body(x)))))


def maps(x):
    return kl.Conv2D(6, 5, strides=3, activation="relu", name="maps")(x)


def pooled(x):
    return kl.GlobalAveragePooling2D()(maps(x))


def one_pixel(x):
    return kl.Reshape((1, 1, 6))(pooled(x))


def flat(x):
    return kl.Flatten()(x)


HEADS = {  # every layer with an activation, at the end of a model; the second makes logits of the same weights
    "EinsumDense": lambda x, a: kl.EinsumDense("ab,bc->ac", 3, bias_axes="c", activation=a, name="fc")(pooled(x)),
    "EinsumDense of maps": lambda x, a: kl.EinsumDense("abcd,bcde->ae", 3, activation=a, name="fc")(maps(x)),
    "Conv2D": lambda x, a: flat(kl.Conv2D(3, 1, activation=a, name="fc")(one_pixel(x))),
    "Conv2D over all": lambda x, a: kl.Reshape((3,))(kl.Conv2D(3, (3, 2), activation=a, name="fc")(maps(x))),
    "SeparableConv2D": lambda x, a: flat(kl.SeparableConv2D(3, 1, activation=a, name="fc")(one_pixel(x))),
    "Conv2DTranspose": lambda x, a: keras.ops.squeeze(
        kl.Conv2DTranspose(3, 1, activation=a, name="fc")(one_pixel(x)), (1, 2)
    ),
    "Conv1D": lambda x, a: flat(kl.Conv1D(3, 1, activation=a, name="fc")(kl.Reshape((1, 6))(pooled(x)))),
    "a softmax layer of maps": lambda x, a: flat(kl.Activation(a)(kl.Conv2D(3, 1, name="fc")(one_pixel(x)))),
    "Dense of a sequence": lambda x, a: flat(kl.Dropout(0.5)(kl.Dense(3, activation=a, name="fc")(one_pixel(x)))),
}


def assert_behind(model, logits):
    """What is explained are the logits; the class is the one that the model itself names."""
    logits.set_weights(model.get_weights())
    explain = Saliency(model)
    found, expected = explain._logits(tf.constant(IMAGES), Target(None)).numpy(), np.array(logits(IMAGES))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert np.ptp(expected, axis=1).min() > 0.01
    np.testing.assert_array_equal(found.argmax(axis=1), np.array(model(IMAGES)).argmax(axis=1))


@pytest.mark.parametrize("name", HEADS)
def test_every_layer_with_an_activation_counts(name):
    for squashing in ("softmax", "sigmoid"):
        assert_behind(*(functional(keras.Model, lambda x, a=a: HEADS[name](x, a)) for a in (squashing, None)))


@pytest.mark.parametrize("name", ["SeparableConv2D", "a softmax layer of maps"])
def test_every_ending_can_be_copied_and_halved(name):
    with policy("mixed_bfloat16"):
        model = functional(keras.Model, lambda x: HEADS[name](x, "softmax"))
    logits = functional(keras.Model, lambda x: HEADS[name](x, None))
    logits.set_weights(model.get_weights())
    found, expected = (ScoreCAM(one, "maps", maps_used=2)(IMAGES[:1], 1) for one in (model, logits))
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())
    assert expected.max() > 0


def row(x):
    return kl.Reshape((1, 6))(pooled(x))


CANNOT_BE_LEFT_OUT = {
    "LSTM": lambda x: kl.LSTM(3, activation="softmax")(row(x)),
    "Bidirectional": lambda x: kl.Bidirectional(kl.GRU(3, activation="softmax"), merge_mode="sum")(row(x)),
    "RNN of a cell": lambda x: kl.RNN(kl.SimpleRNNCell(3, activation="softmax"))(row(x)),
    "RNN of cells": lambda x: kl.RNN([kl.GRUCell(4), kl.SimpleRNNCell(3, activation="softmax")])(row(x)),
    "ConvLSTM2D": lambda x: flat(kl.ConvLSTM2D(3, 1, activation="softmax")(kl.Reshape((1, 1, 1, 6))(pooled(x)))),
    "Pipeline": lambda x: kl.Pipeline([kl.Dense(3), kl.Softmax()])(pooled(x)),
    "a wrapped model": lambda x: flat(
        kl.TimeDistributed(keras.Sequential([keras.Input((6,)), kl.Dense(3, activation="softmax"), kl.Dropout(0.5)]))(
            row(x)
        )
    ),
    "the mean of a wrapped model": lambda x: kl.GlobalAveragePooling1D()(
        kl.TimeDistributed(keras.Sequential([keras.Input((6,)), kl.Dense(3), kl.Softmax()]))(row(x))
    ),
    "normalised exponentials": lambda x: keras.ops.normalize(keras.ops.exp(kl.Dense(3)(pooled(x))), order=1),
    "divided exponentials, scaled": lambda x: (lambda e: e / keras.ops.sum(e, axis=1, keepdims=True) * 2.0)(
        keras.ops.exp(kl.Dense(3)(pooled(x)))
    ),
    "a sigmoid, scaled": lambda x: 2.0 / (1.0 + keras.ops.exp(-kl.Dense(3)(pooled(x)))) * 1.0,
    "less the logsumexp": lambda x: (lambda z: keras.ops.exp(z - keras.ops.logsumexp(z, axis=1, keepdims=True)))(
        kl.Dense(3)(pooled(x))
    ),
    "maps averaged": lambda x: kl.GlobalAveragePooling2D()(kl.SeparableConv2D(3, 2, activation="softmax")(maps(x))),
}


@pytest.mark.parametrize("name", CANNOT_BE_LEFT_OUT)
def test_a_softmax_that_cannot_be_left_out_is_refused(name):
    with refused("(?:may hide a softmax|made of the probabilities)"):
        Saliency(functional(keras.Model, CANNOT_BE_LEFT_OUT[name]))


EXPLAINED = {
    "LSTM": lambda x: kl.LSTM(3)(row(x)),
    "Bidirectional": lambda x: kl.Bidirectional(kl.GRU(3), merge_mode="sum")(row(x)),
    "RNN of cells": lambda x: kl.RNN([kl.GRUCell(4), kl.SimpleRNNCell(3)])(row(x)),
    "a wrapped model": lambda x: flat(
        kl.TimeDistributed(keras.Sequential([keras.Input((6,)), kl.Dense(3, activation="relu"), kl.Dense(3)]))(row(x))
    ),
    "logits over their length": lambda x: (lambda z: z / keras.ops.norm(z, axis=1, keepdims=True) * 2.0)(
        kl.Dense(3)(pooled(x))
    ),
    "attention": lambda x: (lambda one: kl.MultiHeadAttention(1, 3, output_shape=3)(one, one)[:, 0])(row(x)),
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_hides_nothing_is_explained(name):
    model = functional(keras.Model, EXPLAINED[name])
    found, expected = Saliency(model)._logits(tf.constant(IMAGES), Target(None)).numpy(), np.array(model(IMAGES))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_layer_that_keeps_a_state_is_refused():
    inputs = keras.Input(SHAPE, batch_size=3)
    model = keras.Model(inputs, kl.Dense(3)(kl.LSTM(4, stateful=True, name="memory")(row(inputs))))
    with refused("memory keeps a state from call to call"):
        Saliency(model)


def test_the_relus_of_recurrent_layers_are_found():
    keras.utils.set_random_seed(0)
    options = {"recurrent_activation": "relu", "name": "rec"}
    heads = (lambda x: kl.GRU(4, **options)(x), lambda x: kl.RNN(kl.GRUCell(4, **options))(x))
    one, other = (
        functional(keras.Model, lambda x, head=head: kl.Dense(3, name="fc")(head(kl.Reshape((2, 60))(x))))
        for head in heads
    )
    other.set_weights(one.get_weights())
    guided, again, plain = (
        kind(model).gradients(IMAGES, CLASSES)
        for kind, model in ((GuidedBackprop, one), (GuidedBackprop, other), (Saliency, one))
    )
    np.testing.assert_allclose(again, guided, atol=1e-5 * np.abs(guided).max())
    assert np.abs(guided - plain).max() > 0.1 * np.abs(guided).max() > 0
