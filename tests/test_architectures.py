"""The networks of Khan & Yong 2016 and Roth et al. 2015: counts of weights, maps at every size, how they learn."""

import functools
import math

import keras
import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.explain import CAM, Deconvnet, GradCAM, GuidedBackprop
from lookinside.layers import LocalResponseNormalization
from lookinside.models import (
    KHAN_YONG_TABLE,
    alexnet,
    googlenet,
    inference_model,
    khan_cnn,
    layer_table,
    lenet,
    roth_convnet,
)

NETS = {"lenet": lenet, "alexnet": alexnet, "googlenet": googlenet, "khan_cnn": khan_cnn, "roth": roth_convnet}
SMALLEST = {"lenet": 16, "alexnet": 57, "googlenet": 32, "khan_cnn": 9, "roth": 57}
NARROW = {"lenet": 1.0, "alexnet": 0.05, "googlenet": 0.05, "khan_cnn": 0.05, "roth": 0.05}
COUNTS = {"lenet": 61_706, "alexnet": 62_378_344, "googlenet": 13_378_280, "khan_cnn": 35_979_589, "roth": 70_640_325}


def narrow(name, size=64, classes=3, **options):
    return NETS[name]((size, size + 3, 1), classes, width=NARROW[name], **options)


@functools.cache
def full(name, **options):
    """The nets at the published size, made once, with weights of zero: to draw 62 million takes longer."""
    shape, classes = {
        "lenet": ((32, 32, 1), 10),
        "alexnet": ((227, 227, 3), 1000),
        "googlenet": ((224, 224, 3), 1000),
        "khan_cnn": ((227, 227, 1), 5),
        "roth": ((256, 256, 1), 5),
    }[name]
    return NETS[name](shape, classes, initializer="zeros", **options)


def shapes(model):
    return {row.name: row.shape for row in layer_table(model)}


@pytest.mark.parametrize("name", NETS)
def test_weights(name):
    assert full(name).count_params() == COUNTS[name]


def test_googlenet_without_its_heads_has_caffes_count():
    assert inference_model(full("googlenet")).count_params() == 6_998_552
    assert full("googlenet", auxiliary=False).count_params() == 6_998_552


def test_khan_yong_weights_by_hand():
    assert {row.name: row.weights for row in layer_table(full("khan_cnn"), only_weighted=True)} == {
        "conv1": 11 * 11 * 1 * 96 + 96,
        "conv2": 5 * 5 * 96 * 256 + 256,
        "conv3": 3 * 3 * 256 * 384 + 384,
        "conv4": 3 * 3 * 384 * 256 + 256,
        "fc5": 4 * 4 * 256 * 4096 + 4096,
        "fc6": 4096 * 4096 + 4096,
        "logits": 4096 * 5 + 5,
    }


def test_khan_yong_row_by_row():
    model, ours = full("khan_cnn"), shapes(full("khan_cnn"))
    named = [name for _, _, name in KHAN_YONG_TABLE]
    assert [name for name in ours if name in named] == named
    assert [ours[name][0] for name in ("conv1", "pool1", "conv2", "conv3", "conv4")] == [57, 28, 14, 7, 4]
    for where, what, name in KHAN_YONG_TABLE:
        layer = model.get_layer(name)
        if where.startswith("Table I, Layer"):
            maps, size, stride = what.split(", ")
            assert f"{layer.filters} filters" == maps
            assert f"{layer.kernel_size[0]}x{layer.kernel_size[1]}" == size
            assert f"stride {layer.strides[0]}" == stride
        elif where == "Table I, fully connected layer":
            assert f"{layer.units} units" == what
    assert (model.get_layer("pool1").pool_size, model.get_layer("pool1").strides) == ((3, 3), (2, 2))
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in model.layers)


def test_maps_at_the_published_sizes():
    alex, google, le = (shapes(full(name)) for name in ("alexnet", "googlenet", "lenet"))
    assert [alex[f"{name}"][:2] for name in ("conv1", "pool1", "pool2", "pool5")] == [
        (57, 57),
        (28, 28),
        (13, 13),
        (6, 6),
    ]
    assert alex["flatten"] == (9216,)
    assert [le[name] for name in ("conv1", "pool1", "conv2", "pool2")] == [
        (28, 28, 6),
        (14, 14, 6),
        (10, 10, 16),
        (5, 5, 16),
    ]
    # Szegedy et al. 2015, Table 1, "output size".
    assert [google[name] for name in ("conv1", "pool1", "conv2", "pool2")] == [
        (112, 112, 64),
        (56, 56, 64),
        (56, 56, 192),
        (28, 28, 192),
    ]
    maps = {"3a": 256, "3b": 480, "4a": 512, "4b": 512, "4c": 512, "4d": 528, "4e": 832, "5a": 832, "5b": 1024}
    for module, channels in maps.items():
        side = {"3": 28, "4": 14, "5": 7}[module[0]]
        assert google[f"inception_{module}"] == (side, side, channels)
    assert google["auxiliary1_pool"] == (4, 4, 512)
    assert google["auxiliary2_pool"] == (4, 4, 528)


def test_normalisations_and_pools_stand_where_the_papers_have_them():
    def order(name):
        return [one for one in shapes(full(name)) if one.startswith(("conv", "norm", "pool", "fc", "inception"))]

    assert order("alexnet")[:6] == ["conv1", "norm1", "pool1", "conv2", "norm2", "pool2"]
    assert order("alexnet")[6:] == ["conv3", "conv4", "conv5", "pool5", "fc6", "fc7"]
    roth = [one for one in shapes(full("roth")) if one not in ("image", "pixels")]
    assert roth[:8] == ["conv1", "norm1", "pool1", "relu1", "conv2", "norm2", "pool2", "relu2"]
    assert roth[8:16] == ["conv3", "relu3", "conv4", "relu4", "conv5", "relu5", "pool5", "flatten"]
    assert [shapes(full("roth"))[name][0] for name in ("conv1", "pool1", "pool2", "pool5")] == [64, 31, 15, 7]
    google = [one for one in order("googlenet") if one.count("_") < 2]
    assert google[:7] == ["conv1", "pool1", "norm1", "conv2_reduce", "conv2", "norm2", "pool2"]
    assert [one.removeprefix("inception_") for one in google[7:]] == [
        *("3a", "3b", "pool3", "4a", "4b", "4c", "4d", "4e", "pool4", "5a", "5b", "pool5")
    ]


def test_the_papers_dropout_and_that_it_can_be_left_away():
    def rates(model):
        return {layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}

    assert rates(full("alexnet")) == rates(full("roth")) == {"drop6": 0.5, "drop7": 0.5}
    assert rates(full("googlenet")) == {"drop5": 0.4, "auxiliary1_fc_drop": 0.7, "auxiliary2_fc_drop": 0.7}
    assert rates(narrow("alexnet", dropout=False)) == rates(narrow("googlenet", dropout=False)) == {}


@pytest.mark.parametrize("name", NETS)
def test_the_smallest_image_and_one_pixel_less(name):
    side = SMALLEST[name]
    model = NETS[name]((side, side + 9, 2), 3, width=0.1)
    assert all(min(shape) >= 1 for shape in shapes(model).values())
    with pytest.raises(LookInsideError, match=f"at least {side} pixels") as error:
        NETS[name]((side + 9, side - 1, 2), 3, width=0.1)
    assert "\n" not in str(error.value)


def test_sizes_that_are_refused_would_leave_no_map():
    """By the formula of a convolution and a pool without padding, or 'same', at one pixel less than is asked for."""
    valid = lambda side, size, stride: (side - size) // stride + 1  # noqa: E731
    sides = {"lenet": 15, "alexnet": 56, "khan_cnn": 8}
    le = valid(valid(valid(valid(sides["lenet"], 5, 1), 2, 2), 5, 1), 2, 2)
    alex = valid(valid(valid(math.ceil(sides["alexnet"] / 4), 3, 2), 3, 2), 3, 2)
    assert (le, alex, valid(math.ceil(sides["khan_cnn"] / 4), 3, 2)) == (0, 0, 0)


@pytest.mark.parametrize("name", NETS)
def test_order_is_convolution_bn_relu_in_every_layer(name):
    model = narrow(name, batch_norm=True)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) == {"lenet": 2, "alexnet": 5, "googlenet": 59, "khan_cnn": 4, "roth": 5}[name]
    for layer in convolutions:
        (bn,) = (node.operation for node in layer._outbound_nodes)
        (relu,) = (node.operation for node in bn._outbound_nodes)
        assert isinstance(bn, keras.layers.BatchNormalization)
        kind = keras.layers.ReLU
        if name == "roth" and layer.name in ("conv1", "conv2"):  # there the ReLU comes behind the pool
            kind = LocalResponseNormalization
        assert isinstance(relu, kind)
        assert bn.momentum == 0.9
    assert narrow(name, batch_norm=True, bn_momentum=0.99).get_layer("bn1").momentum == 0.99
    plain = narrow(name)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in plain.layers)
    assert {"conv1", "relu1", "pool1"} <= set(shapes(plain))


def test_width_and_fully_connected_units():
    wide, less = (shapes(alexnet((64, 64, 1), 5, width=0.25, fc_units=units)) for units in (4096, 512))
    assert (wide["conv1"], wide["conv5"], wide["fc6"], wide["logits"]) == ((16, 16, 24), (3, 3, 64), (1024,), (5,))
    assert (less["conv5"], less["fc6"], less["fc7"]) == ((3, 3, 64), (128,), (128,))
    assert shapes(khan_cnn((64, 64, 1), 5, width=0.25, fc_units=512))["fc6"] == (128,)
    google = shapes(googlenet((64, 64, 1), 5, width=0.25))
    assert (google["inception_3a_5x5_reduce"], google["inception_5b"]) == ((8, 8, 4), (2, 2, 256))
    assert google["auxiliary1_fc"] == (256,)


def start(model, name):
    layer = model.get_layer(name)
    return float(np.std(layer.kernel)), float(np.mean(layer.bias))


def test_caffes_start():
    keras.utils.set_random_seed(1)
    for net in (alexnet, khan_cnn):
        model = net((64, 64, 1), 5, width=0.25)
        biases = {"conv1": 0.0, "conv2": 0.1, "conv3": 0.0, "conv4": 0.1, "conv5": 0.1, "logits": 0.0}
        for name in [name for name in biases if name in shapes(model)]:
            assert start(model, name) == pytest.approx((0.01 / 0.25**0.5, biases[name]), rel=0.1)
        assert start(model, "fc6") == pytest.approx((0.005 / 0.25**0.5, 0.1), rel=0.02)
    model = googlenet((64, 64, 1), 5, width=0.25)
    for name, inputs, bias in (("inception_4b_3x3", 9 * 28, 0.2), ("auxiliary1_fc", 32, 0.2), ("logits", 256, 0.0)):
        assert start(model, name) == pytest.approx((inputs**-0.5, bias), rel=0.1)
        limit = (3 / inputs) ** 0.5
        kernel = np.array(model.get_layer(name).kernel)
        assert np.abs(kernel).max() <= limit  # uniform
        assert np.abs(kernel).max() > 0.9 * limit
    assert start(lenet((64, 64, 1), 5), "fc3") == pytest.approx((2704**-0.5, 0.0), rel=0.02)


@pytest.mark.parametrize("initializer", ["he_normal", keras.initializers.HeNormal()])
def test_another_start_is_that_of_every_kernel_and_no_two_are_equal(initializer):
    keras.utils.set_random_seed(2)
    model = khan_cnn((64, 64, 1), 5, width=0.5, fc_units=128, initializer=initializer)
    assert start(model, "fc5") == pytest.approx(((2 / 128) ** 0.5, 0.0), rel=0.1)
    model = googlenet((64, 64, 1), 5, width=0.25, initializer=initializer)
    assert start(model, "conv2")[1] == 0.0
    same = [np.array(model.get_layer(f"inception_{name}_pool_proj").kernel) for name in ("4c", "4d")]
    assert same[0].shape[-1] == same[1].shape[-1]
    assert not np.allclose(same[0][..., :128, :], same[1][..., :128, :])


def test_pixels_reach_the_first_convolution_as_the_range_says():
    values = np.array([[0.0, 0.5, 1.0]])
    for name in ("alexnet", "googlenet", "khan_cnn"):
        np.testing.assert_allclose(narrow(name).get_layer("pixels")(values), [[-128, -0.5, 127]], atol=1e-4)
    assert "pixels" not in shapes(narrow("lenet"))
    assert "pixels" not in shapes(narrow("alexnet", pixel_range=(0, 1)))
    np.testing.assert_allclose(narrow("lenet", pixel_range=(-40, 215)).get_layer("pixels")(values), [[-40, 87.5, 215]])


@pytest.mark.parametrize("name", NETS)
def test_weight_decay_is_that_of_sgd(name):
    """A step from a loss of nothing but the penalty: w - rate * decay * w for kernels, biases stay."""
    model = narrow(name, weight_decay=0.02, batch_norm=True)
    before = {variable.path: np.array(variable) for variable in model.trainable_variables}
    image = np.random.default_rng(0).random((2, 64, 67, 1), "float32")
    nothing = [lambda y, p: 0.0 * keras.ops.sum(p)] * len(model.outputs)
    model.compile(keras.optimizers.SGD(0.5), nothing, run_eagerly=True)
    model.train_on_batch(image, [np.zeros((2, 3), "float32")] * len(model.outputs))
    kernels = 0
    for variable in model.trainable_variables:
        decays = variable.path.endswith("/kernel")
        kernels += decays
        expected = before[variable.path] * (1 - 0.5 * 0.02 * decays)
        np.testing.assert_allclose(variable, expected, rtol=1e-5, atol=1e-9, err_msg=variable.path)
    assert kernels == {"lenet": 5, "alexnet": 8, "googlenet": 64, "khan_cnn": 7, "roth": 8}[name]
    assert not narrow(name).losses


@pytest.mark.parametrize("name", NETS)
def test_save_and_reload(name, tmp_path):
    model = narrow(name, batch_norm=True, weight_decay=1e-3)
    image = np.random.default_rng(1).random((2, 64, 67, 1), "float32")
    model.save(tmp_path / "net.keras")
    reloaded = keras.models.load_model(tmp_path / "net.keras")
    for found, expected in zip(keras.tree.flatten(reloaded(image)), keras.tree.flatten(model(image)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert len(reloaded.losses) == len(model.losses)


@pytest.mark.parametrize("name", NETS)
def test_a_fit_step_changes_every_trainable_weight(name):
    keras.utils.set_random_seed(0)
    model = narrow(name, initializer="he_normal", pixel_range=(0, 1), batch_norm=True)
    before = [np.array(v) for v in model.trainable_variables]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), [loss] * len(model.outputs), run_eagerly=True)  # to trace takes longer
    images = np.random.default_rng(0).random((8, 64, 67, 1), "float32")
    value = model.train_on_batch(images, [np.arange(8) % 3] * len(model.outputs))
    assert np.isfinite(value).all()
    assert all(np.any(np.array(v) != old) for v, old in zip(model.trainable_variables, before, strict=True))


@pytest.mark.parametrize("name", NETS)
def test_mixed_precision_computes_in_half_and_answers_in_float32(name):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = narrow(name)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("conv1").compute_dtype == "float16"
    for logits in keras.tree.flatten(model(np.random.default_rng(0).random((2, 64, 67, 1), "float32"))):
        assert keras.backend.standardize_dtype(logits.dtype) == "float32"
        assert np.isfinite(logits).all()


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("alexnet", (GuidedBackprop, lambda model: Deconvnet(model, "conv3", 3))),
        ("roth", (GuidedBackprop, lambda model: Deconvnet(model, "conv3", 3))),
        ("googlenet", (GradCAM, CAM)),
    ],
)
def test_explainers_look_through_them(name, kinds):
    keras.utils.set_random_seed(0)
    model = inference_model(narrow(name, initializer="he_normal", pixel_range=(0, 1)))
    images = np.random.default_rng(0).random((2, 64, 67, 1), "float32")
    for explainer in [kind(model) for kind in kinds]:
        heat = explainer(images)
        assert heat.shape == (2, 64, 67)
        assert np.isfinite(heat).all()
        assert heat.max() > 0


@pytest.mark.parametrize(
    ("build", "change", "says"),
    [
        (lenet, {"input_shape": (64, 64)}, "height, width, channels"),
        (alexnet, {"classes": 1}, "at least 2 classes"),
        (alexnet, {"classes": 2.5}, "at least 2 classes"),
        (googlenet, {"width": 0}, "width is 0: give a number above 0"),
        (alexnet, {"width": "1"}, "width is '1'"),
        (alexnet, {"width": -1}, "width is -1"),
        (khan_cnn, {"fc_units": 0}, "fc5 has 0 units"),
        (alexnet, {"fc_units": 0.5}, "fc6 has 0.5 units"),
        (lenet, {"weight_decay": -1e-4}, "weight_decay is -0.0001"),
        (lenet, {"initializer": "he_norml"}, "initializer is 'he_norml': give \"caffe\""),
        (lenet, {"initializer": 0.01}, "initializer is 0.01"),
        (khan_cnn, {"pixel_range": (127, -128)}, r"pixel_range is \(127, -128\): give \(what 0 becomes"),
        (khan_cnn, {"pixel_range": 255}, "pixel_range is 255"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(build, change, says):
    with pytest.raises(LookInsideError, match=says) as error:
        build(**{"input_shape": (64, 64, 1), "classes": 3, **change})
    assert "\n" not in str(error.value)
