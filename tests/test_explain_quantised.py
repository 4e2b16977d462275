"""Quantised models: explained as they compute; their copies are of floats, never of zeros."""

import keras
import numpy as np
import pytest
from keras import layers as kl
from small_nets import CLASSES, IMAGES, SHAPE, body, filled, policy

from lookinside.errors import LookInsideError
from lookinside.explain import (
    CAM,
    GuidedBackprop,
    PathologyAware,
    Saliency,
    ScoreCAM,
    randomization_check,
    randomize_weights,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method"),
    pytest.mark.filterwarnings("ignore:The structure of `inputs`"),
]


def floats(head="Dense"):
    inputs = keras.Input(SHAPE)
    x = kl.GlobalAveragePooling2D()(body(inputs))
    if head == "EinsumDense":  # its scale has the shape of its output, not of its kernel
        x = kl.EinsumDense("ab,cbd->acd", (2, 5), bias_axes="d", activation="relu", name="hidden")(x)
        x = kl.EinsumDense("acd,cdf->af", 3, bias_axes="f", activation="softmax", name="fc")(x)
    elif head == "attention":  # layers inside of a layer
        x = kl.Reshape((2, 3))(x)
        x = kl.Flatten()(kl.MultiHeadAttention(1, 3, name="attention")(x, x))
        x = kl.Dense(3, activation="softmax", name="fc")(x)
    else:
        x = kl.Dense(3, activation="softmax", name="fc")(x)
    return filled(keras.Model(inputs, x))


def quantised(head="Dense", mode="int8"):
    model = floats(head)
    model.quantize(mode)
    return model


def near(found, expected, tolerance=0.03):
    assert np.abs(expected).max() > 0
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def test_int8_is_explained_as_it_computes():
    model, whole = quantised("EinsumDense"), floats("EinsumDense")
    explain = GuidedBackprop(model)
    np.testing.assert_array_equal(explain.predict(IMAGES), np.array(model(IMAGES)).argmax(axis=1))
    near(explain(IMAGES, CLASSES), GuidedBackprop(whole)(IMAGES, CLASSES))
    for found, expected in zip(*(PathologyAware(one)(IMAGES, CLASSES) for one in (model, whole)), strict=True):
        near(found, expected)


def test_int4_of_half_floats_stays_int4():
    with policy("mixed_float16"):
        model = floats()
    model.quantize("int4")
    near(Saliency(model)(IMAGES, CLASSES), Saliency(floats())(IMAGES, CLASSES), 0.15)


@pytest.mark.parametrize("head", ["Dense", "EinsumDense"])
def test_copies_have_the_quantised_kernels_as_floats(head):
    model, whole = quantised(head), floats(head)
    near(ScoreCAM(model)(IMAGES[:1], 1), ScoreCAM(whole)(IMAGES[:1], 1))
    if head == "Dense":
        near(CAM(model)(IMAGES, CLASSES), CAM(whole)(IMAGES, CLASSES))


def test_the_check_of_a_quantised_model_is_that_of_its_floats():
    model, whole = quantised("EinsumDense"), floats("EinsumDense")
    found, expected = (randomization_check(Saliency, one, IMAGES, CLASSES) for one in (model, whole))
    assert list(found) == list(expected)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], atol=0.03)


@pytest.mark.parametrize(("head", "mode"), [("attention", "int8"), ("EinsumDense", "int4"), ("Dense", "float8")])
def test_an_untrained_copy_has_weights_of_floats(head, mode):
    model = quantised(head, mode)
    state = [weight.numpy() for weight in model.weights]
    fresh = randomize_weights(model, 3)
    assert [layer.quantization_mode for layer in fresh._flatten_layers()] == [None] * len(fresh._flatten_layers())
    for one, other in zip(fresh.weights, randomize_weights(floats(head), 3).weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert all(np.array_equal(one, other.numpy()) for one, other in zip(state, model.weights, strict=True))
    assert model.get_layer("fc").quantization_mode == mode


def test_lora_beside_int8_is_kept():
    model, whole = quantised(), floats()
    layer = model.get_layer("fc")
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(np.full(layer.lora_kernel_b.shape, 0.5))
    update = layer.lora_kernel_a.numpy() @ layer.lora_kernel_b.numpy()
    whole.get_layer("fc").kernel.assign_add(update)
    near(CAM(model)(IMAGES, CLASSES), CAM(whole)(IMAGES, CLASSES))
    near(ScoreCAM(model)(IMAGES[:1], 1), ScoreCAM(whole)(IMAGES[:1], 1))


def test_kernels_that_cannot_be_read_as_floats_are_refused():
    model = quantised(mode="int4")
    for use in (
        lambda: CAM(model)(IMAGES),
        lambda: ScoreCAM(model)(IMAGES),
        lambda: randomization_check(Saliency, model, IMAGES),
    ):
        with pytest.raises(LookInsideError, match=r"fc is quantised to int4: explain the model of floats"):
            use()


def test_a_quantised_layer_whose_scale_keras_forgets_is_refused():
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            kl.Reshape((2, -1)),
            kl.TimeDistributed(kl.Dense(3, name="each"), name="rows"),
            kl.Flatten(),
        ]
    )
    model.quantize("int8")
    with pytest.raises(LookInsideError, match="rows holds each, quantised"):
        Saliency(model)
