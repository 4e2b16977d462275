"""The first stages of ResNet-18: weights counted on paper, which pixels a cell sees, that a step reaches them all."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.models import layer_table, resnet18_stages


def by_hand(channels, stages=3):
    """Kernels without biases, and four numbers a map for each batch normalisation, as in torchvision's resnet18."""
    rows, before = {"conv1": 7 * 7 * channels * 64, "bn1": 4 * 64}, 64
    for stage, maps in zip(range(2, 2 + stages), (64, 128, 256, 512), strict=False):
        for block, inputs in ((1, before), (2, maps)):
            rows |= {f"conv{stage}_{block}a": 3 * 3 * inputs * maps, f"conv{stage}_{block}b": 3 * 3 * maps * maps}
            rows |= {f"bn{stage}_{block}a": 4 * maps, f"bn{stage}_{block}b": 4 * maps}
        if maps != before:
            rows |= {f"conv{stage}_1_shortcut": before * maps, f"bn{stage}_1_shortcut": 4 * maps}
        before = maps
    return rows


@pytest.mark.parametrize(("channels", "stages", "count"), [(3, 3, 2_787_264), (1, 3, 2_780_992), (3, 4, 11_186_112)])
def test_weights_layer_by_layer(channels, stages, count):
    model = resnet18_stages((64, 96, channels), stages=stages, initializer="zeros")
    rows = {row.name: row.weights for row in layer_table(model, only_weighted=True)}
    assert rows == by_hand(channels, stages)
    assert model.count_params() == sum(rows.values()) == count


def test_maps():
    model = resnet18_stages((240, 330, 1), initializer="zeros")
    shapes = {name: tensor.shape for name, tensor in model.output.items()}
    assert shapes == {"conv3_x": (None, 30, 42, 128), "conv4_x": (None, 15, 21, 256)}
    narrow = resnet18_stages((100, 70, 3), 24 / 64, 4, initializer="zeros").output
    assert {name: tensor.shape[1:] for name, tensor in narrow.items()} == {
        "conv3_x": (13, 9, 48),
        "conv4_x": (7, 5, 96),
        "conv5_x": (4, 3, 192),
    }


@pytest.mark.parametrize("pixel", [(0, 0), (103, 121), (121, 103), (255, 269)])
def test_which_cells_see_a_pixel(pixel):
    """Those whose middle, pixel (s * i, s * j), is within the receptive field: 99 pixels at stride 8, 211 at 16.

    With all kernels of one a pixel that differs changes whatever sees it. Pixels 103 and 121 lie on the fields' edges.
    """
    model = resnet18_stages((256, 270, 1), 1 / 64, initializer="ones")
    image = np.zeros((1, 256, 270, 1), "float32")
    image[0, *pixel] = 1
    for (name, maps), stride, field in zip(model(image).items(), (8, 16), (99, 211), strict=True):
        rows, columns = (
            np.abs(np.arange(n) * stride - at) <= field // 2 for n, at in zip(maps.shape[1:3], pixel, strict=True)
        )
        np.testing.assert_array_equal(np.array(maps)[0, ..., 0] > 0, rows[:, None] & columns, name)


def test_it_is_saved(tmp_path):
    model = resnet18_stages((32, 40, 1), 1 / 8)
    images = np.random.default_rng(0).random((2, 32, 40, 1)).astype("float32")
    model.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    for name, maps in model(images).items():
        np.testing.assert_array_equal(loaded(images)[name], maps)


def test_a_step_reaches_every_weight():
    keras.utils.set_random_seed(0)
    model = resnet18_stages((32, 40, 1), 1 / 8)
    images = np.random.default_rng(0).random((4, 32, 40, 1)).astype("float32")

    def error():
        return sum(tf.reduce_mean((maps - 1) ** 2) for maps in model(images, training=True).values())

    with tf.GradientTape() as tape:
        before = error()
    slopes = tape.gradient(before, model.trainable_variables)
    for variable, slope in zip(model.trainable_variables, slopes, strict=True):
        assert np.isfinite(slope).all() and np.any(slope), variable.path
    keras.optimizers.SGD(0.01).apply(slopes, model.trainable_variables)
    assert float(error()) < float(before)


def test_two_of_them_stand_in_one_model():
    image = keras.Input((32, 32, 1))
    local, context = (resnet18_stages((32, 32, 1), 1 / 32, name=name) for name in ("local", "context"))
    model = keras.Model(image, [local(image)["conv4_x"], context(image)["conv4_x"]])
    assert model.count_params() == 2 * local.count_params()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (((15, 64, 3),), r"input_shape \(15, 64, 3\) is too small for 4 halvings: make height and width at least 16"),
        (((64, 64),), "input_shape must be three whole numbers"),
        (((64, 64, 3), 0), "width is 0: give a number above 0"),
        (((64, 64, 3), 1, 1), "stages is 1: give 2, 3 or 4"),
        (((64, 64, 3), 1, 2.0), r"stages is 2\.0"),
    ],
)
def test_bad_options_are_refused_in_one_line(arguments, says):
    with pytest.raises(LookInsideError, match=says):
        resnet18_stages(*arguments)
