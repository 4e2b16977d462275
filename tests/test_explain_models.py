"""The explainers on every kind of model: however it is put together, its maps are those of the plain spelling."""

from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from small_nets import (
    CLASSES,
    EXPLAINERS,
    GRADIENTS,
    HEADS,
    IMAGES,
    SHAPE,
    assert_same,
    body,
    far_apart,
    filled,
    gradient,
    net,
    policy,
    top,
)

from lookinside.errors import LookInsideError
from lookinside.explain import CAM, GradCAM, GuidedBackprop, Occlusion, Saliency, SmoothGrad


@cache
def expected(kind, classes=tuple(CLASSES)):
    """The maps of the plain spelling."""
    return EXPLAINERS[kind](net())(IMAGES, np.array(classes))


def part(build, shape, name):
    """A model of its own, to be nested."""
    inputs = keras.Input(shape)
    return keras.Model(inputs, build(inputs), name=name)


def sequential():
    layers = [
        kl.Conv2D(5, 3, padding="same", activation="relu", name="conv1"),
        kl.BatchNormalization(name="bn"),
        kl.MaxPooling2D(3, 2, padding="same"),
        kl.Conv2D(6, (3, 2), name="conv2"),
        kl.ReLU(),
        kl.GlobalAveragePooling2D(),
        kl.Dense(3, activation="softmax", name="fc"),
    ]
    return keras.Sequential(layers)


def built_by_a_call():
    model = sequential()
    model(IMAGES)
    return filled(model)


def with_an_input():
    return filled(keras.Sequential([keras.Input(SHAPE), *sequential().layers]))


def nested_backbone():
    inputs = keras.Input(SHAPE)
    return filled(keras.Model(inputs, top(part(body, SHAPE, "backbone")(inputs), "softmax argument")))


def nested_in_a_sequential():
    backbone = part(body, SHAPE, "backbone")
    return filled(keras.Sequential([keras.Input(SHAPE), backbone, *sequential().layers[-2:]]))


def sequential_in_functional():
    inputs = keras.Input(SHAPE)
    backbone = keras.Sequential([keras.Input(SHAPE), *sequential().layers[:5]])
    return filled(keras.Model(inputs, top(backbone(inputs), "softmax operation")))


def nested_thrice_with_its_head():
    """The classifier lies in a model in a model: its softmax is three levels down."""
    model = part(lambda x: top(body(x, "layer"), "softmax Activation"), SHAPE, "inner")
    for name in ("middle", "outer"):
        model = part(lambda x, model=model: model(x), SHAPE, name)
    return filled(model)


def augmented():
    """Layers that do something in training only."""
    inputs = keras.Input(SHAPE)
    x = kl.GaussianNoise(0.5)(kl.RandomRotation(0.2)(kl.RandomFlip()(inputs)))
    return filled(keras.Model(inputs, top(kl.SpatialDropout2D(0.5)(body(x)), "softmax argument")))


def any_size():
    inputs = keras.Input((None, None, 1))
    return filled(keras.Model(inputs, top(body(inputs), "softmax argument")))


def fixed_batch():
    inputs = keras.Input(SHAPE, batch_size=2)
    return filled(keras.Model(inputs, top(body(inputs), "softmax argument")))


def inputs_in_a_list():
    inputs = keras.Input(SHAPE)
    return filled(keras.Model([inputs], [top(body(inputs), "softmax argument")]))


def inputs_in_a_dict():
    inputs = keras.Input(SHAPE, name="image")
    return filled(keras.Model({"image": inputs}, top(body(inputs), "softmax argument")))


def frozen():
    model = net(head="softmax argument")
    model.trainable = False
    return model


def cut_out():
    """Built from the inner tensors of another model, whose own head is another."""
    whole = net(head="sigmoid argument", columns=2)
    return filled(keras.Model(whole.inputs, top(whole.get_layer("conv2").output, "softmax layer", name="fc")))


def mixed(name):
    with policy(name):
        return filled(sequential_in_functional())


def mixed_with_operations():
    with policy("mixed_float16"):
        return net(relu="operation", head="softmax Activation")


KINDS = [
    *(built_by_a_call, with_an_input, nested_backbone, nested_in_a_sequential, sequential_in_functional),
    *(nested_thrice_with_its_head, augmented, any_size, fixed_batch, inputs_in_a_list, inputs_in_a_dict),
    *(frozen, cut_out, mixed_with_operations),
]


@pytest.mark.parametrize("build", KINDS, ids=lambda build: build.__name__)
def test_the_model_may_be_put_together_in_any_way(build):
    model = build()
    assert_same(GuidedBackprop(model)(IMAGES, CLASSES), expected("GuidedBackprop"))
    assert_same(CAM(model)(IMAGES, CLASSES), expected("CAM"))


@pytest.mark.parametrize("kind", EXPLAINERS)
@pytest.mark.parametrize("build", [nested_thrice_with_its_head, lambda: mixed("mixed_float16")], ids=["nested", "half"])
def test_every_explainer_knows_nested_and_mixed_models(kind, build):
    assert_same(EXPLAINERS[kind](build())(IMAGES, CLASSES), expected(kind))


@pytest.mark.parametrize("kind", ["GuidedBackprop", "CAM", "Occlusion"])
def test_bfloat16_is_computed_in_float32(kind):
    model = mixed("mixed_bfloat16")
    assert model.get_layer("fc").compute_dtype == "bfloat16"
    assert_same(EXPLAINERS[kind](model)(IMAGES, CLASSES), expected(kind))


@pytest.mark.parametrize("kind", ["SmoothGrad", "GradCAM"])
def test_a_global_policy_of_half_floats_changes_nothing(kind):
    model = net(head="softmax layer")
    with policy("mixed_float16"):
        assert_same(EXPLAINERS[kind](model)(IMAGES, CLASSES), expected(kind))


@pytest.mark.parametrize("name", ["float64", "float16"])
def test_weights_of_another_type_are_read_as_float32_or_refused(name):
    with policy(name):
        model = net()
    plain = net()
    plain.set_weights([weight.numpy().astype("float32") for weight in model.weights])
    try:
        found = Saliency(model)(IMAGES, CLASSES)
    except LookInsideError as error:
        assert "\n" not in str(error) and name in str(error)
    else:
        assert_same(found, Saliency(plain)(IMAGES, CLASSES))


@pytest.mark.parametrize("head", [head for head in HEADS if head != "logits"])
def test_a_softmax_or_sigmoid_is_looked_behind(head):
    model = net(head=head)
    assert far_apart(gradient(model, IMAGES, CLASSES), gradient(net(), IMAGES, CLASSES))  # there is something to hide
    assert_same(Saliency(model)(IMAGES, CLASSES), expected("Saliency"))
    assert_same(CAM(model)(IMAGES, CLASSES), expected("CAM"))


OTHER_SOFTMAXES = {
    "tf.nn as argument": lambda x: kl.Dense(3, activation=tf.nn.softmax, name="fc")(x),
    "operation as argument": lambda x: kl.Dense(3, activation=keras.ops.softmax, name="fc")(x),
    "layer as argument": lambda x: kl.Dense(3, activation=kl.Softmax(), name="fc")(x),
    "Activation of an operation": lambda x: kl.Activation(keras.ops.softmax)(kl.Dense(3, name="fc")(x)),
    "with a shape behind it": lambda x: kl.Reshape((3,))(kl.Dense(3, activation="softmax", name="fc")(x)),
    "flattened": lambda x: kl.Flatten()(kl.Dense(3, activation="softmax", name="fc")(x)),
}


@pytest.mark.parametrize("name", OTHER_SOFTMAXES)
def test_a_softmax_in_a_rare_spelling_is_looked_behind_or_refused(name):
    inputs = keras.Input(SHAPE)
    model = filled(keras.Model(inputs, OTHER_SOFTMAXES[name](kl.GlobalAveragePooling2D()(body(inputs)))))
    np.testing.assert_allclose(np.array(model(IMAGES)).sum(axis=1), 1, rtol=1e-5)
    try:
        found = Saliency(model)(IMAGES, CLASSES)
    except LookInsideError as error:
        assert "\n" not in str(error)
    else:
        assert_same(found, expected("Saliency"))


def test_a_softmax_inside_the_network_stays():
    """Attention over channels is no head."""
    inputs = keras.Input(SHAPE)
    gate = kl.Dense(6, activation="softmax", name="gate")(kl.GlobalAveragePooling2D()(body(inputs)))
    model = filled(keras.Model(inputs, kl.Dense(3, name="fc")(gate)))
    assert_same(Saliency(model).gradients(IMAGES, CLASSES), gradient(model, IMAGES, CLASSES))


def signed_pair(model):
    """A model of two logits, -z and z, where the given one has z."""
    pair = net(columns=2)
    for one, other in zip(model.layers[1:], pair.layers[1:], strict=False):
        weights = one.get_weights()
        other.set_weights([np.concatenate([-w, w], axis=-1) for w in weights] if one.name == "fc" else weights)
    return pair


@pytest.mark.parametrize("kind", EXPLAINERS)
def test_one_score_tells_two_classes_apart(kind):
    """It is like two logits, -z and z, for every explainer; class 1 is what the sigmoid speaks for."""
    model = net(head="sigmoid argument", columns=1)
    model.get_layer("fc").bias.assign_add([0.4])  # logits -0.1, 0.06 and 2.2: on both sides of zero, near to it
    explain, pair = EXPLAINERS[kind](model), EXPLAINERS[kind](signed_pair(model))
    predicted = (np.array(model(IMAGES))[:, 0] > 0.5).astype(int)
    assert set(predicted) == {0, 1}
    for classes in (predicted, 1 - predicted, 0, 1):
        found, reference = explain(IMAGES, classes), pair(IMAGES, classes)
        assert np.abs(found - reference).max() <= 2e-6 * np.abs(reference).max()
    np.testing.assert_array_equal(explain(IMAGES), explain(IMAGES, predicted))
    np.testing.assert_array_equal(explain.predict(IMAGES), predicted)


@pytest.mark.parametrize("head", ["logits", "sigmoid argument", "sigmoid Activation", "sigmoid operation"])
def test_class_0_of_one_score_is_minus_class_1(head):
    explain = Saliency(net(head=head, columns=1))
    by_hand = gradient(net(columns=1), IMAGES, np.zeros(3, int))
    assert_same(explain.gradients(IMAGES, 1), by_hand)
    assert_same(explain.gradients(IMAGES, 0), -by_hand)
    signs = np.array([1, 0, 1])
    assert_same(explain.gradients(IMAGES, signs), by_hand * (2 * signs - 1).reshape(3, 1, 1, 1).astype("float32"))


def two_outputs(inputs):
    x = body(inputs)
    return top(x, "softmax argument"), top(x, "sigmoid argument", 4, "findings")


@pytest.mark.parametrize("kind", EXPLAINERS)
def test_of_two_outputs_one_is_named(kind):
    inputs = keras.Input(SHAPE)
    outputs = two_outputs(inputs)
    model = filled(keras.Model(inputs, outputs))
    alone = EXPLAINERS[kind](filled(keras.Model(inputs, outputs[1])))(IMAGES, CLASSES)
    assert_same(EXPLAINERS[kind](model, output="fc")(IMAGES, CLASSES), expected(kind))
    assert_same(EXPLAINERS[kind](model, output="findings")(IMAGES, CLASSES), alone)
    assert far_apart(alone, expected(kind))


def test_an_output_may_be_named_in_many_ways():
    inputs = keras.Input(SHAPE)
    fc, other = two_outputs(inputs)
    turned = filled(keras.Model(inputs, [other, fc]))
    alone = Saliency(keras.Model(inputs, other))(IMAGES, CLASSES)
    for output in ("fc", 1):
        assert_same(Saliency(turned, output=output)(IMAGES, CLASSES), expected("Saliency"))
    for output in ("findings", 0):
        assert_same(Saliency(turned, output=output)(IMAGES, CLASSES), alone)
    nested = part(turned, SHAPE, "outer")
    assert_same(Saliency(nested, output=1)(IMAGES, CLASSES), expected("Saliency"))
    assert_same(Saliency(nested, output=f"{turned.name}/fc")(IMAGES, CLASSES), expected("Saliency"))
    assert_same(Saliency(keras.Model(inputs, fc), output="fc")(IMAGES, CLASSES), expected("Saliency"))
    with pytest.raises(LookInsideError, match=f"{turned.name}/findings"):  # both outputs are the nested model's
        Saliency(nested, output=turned.name)


def test_outputs_in_a_dict_are_named_by_its_keys():
    inputs = keras.Input(SHAPE)
    fc, other = two_outputs(inputs)
    model = filled(keras.Model(inputs, {"organ": fc, "findings": other}))
    assert set(model(IMAGES)) == {"organ", "findings"}
    assert_same(Saliency(model, output="organ")(IMAGES, CLASSES), expected("Saliency"))
    assert far_apart(Saliency(model, output="findings")(IMAGES, CLASSES), expected("Saliency"))


def test_the_last_convolution_is_that_of_the_outputs_own_way():
    inputs = keras.Input(SHAPE)
    late = top(kl.Conv2D(3, 1, name="late")(body(inputs)), "softmax argument", 4, "findings")
    model = filled(keras.Model(inputs, [net()(inputs), late]))
    try:
        found = GradCAM(model, output=0).maps(IMAGES, CLASSES)
    except LookInsideError as error:  # refused by name is right too
        assert "late" in str(error)
    else:
        assert_same(found, GradCAM(net()).maps(IMAGES, CLASSES))


GREY = np.random.default_rng(3).integers(0, 256, (3, *SHAPE)).astype("uint8")


@pytest.mark.parametrize("kind", EXPLAINERS)
def test_whole_numbers_are_cast_not_rescaled(kind):
    explain = EXPLAINERS[kind](net())
    from_floats = explain(GREY.astype("float32"), CLASSES)
    for dtype in ("uint8", "int64", "float64"):
        np.testing.assert_array_equal(explain(GREY.astype(dtype), CLASSES), from_floats)


@pytest.mark.parametrize(("kind", "dtype"), [("SmoothGrad", "uint8"), ("GradCAM", "uint8"), ("Saliency", "float32")])
def test_a_model_may_rescale_by_itself(kind, dtype):
    inputs = keras.Input(SHAPE, dtype=dtype)
    plain = net(head="softmax argument")
    model = keras.Model(inputs, plain(kl.Rescaling(1 / 255, dtype="float32")(inputs)))
    factor = np.float32(255 if kind in GRADIENTS else 1)
    reference = EXPLAINERS[kind](plain)(GREY.astype("float32") / 255, CLASSES)
    assert np.abs(EXPLAINERS[kind](model)(GREY, CLASSES) * factor - reference).max() <= 1e-5 * reference.max()


def test_a_saved_model_has_the_same_maps(tmp_path):
    net(relu="operation", head="softmax operation").save(tmp_path / "m.keras")
    model = keras.models.load_model(tmp_path / "m.keras")
    assert_same(SmoothGrad(model, samples=5, copies=6)(IMAGES, CLASSES), expected("SmoothGrad"))
    assert_same(Occlusion(model, (5, 4), (4, 3), 0.3)(IMAGES, CLASSES), expected("Occlusion"))


@pytest.mark.parametrize("kind", EXPLAINERS)
def test_one_map_an_image_in_the_images_size(kind):
    images = np.random.default_rng(4).normal(0, 1, (2, 9, 17, 3))
    found = EXPLAINERS[kind](net(shape=(9, 17, 3)))(images)
    assert isinstance(found, np.ndarray)
    assert found.shape == (2, 9, 17)
    assert found.dtype == np.float32
    assert np.isfinite(found).all() and np.ptp(found, axis=(1, 2)).min() > 0
