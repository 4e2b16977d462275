"""The U-Net: its published weights by hand, its maps level by level, what each pixel sees, and bad sizes."""

import keras
import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.models import at_size, layer_table, unet

# By hand, Fig. 1 of the paper: two 3 x 3 convolutions a level on the way down; a 2 x 2 up-convolution that halves the
# maps, and two convolutions whose first reads the skipped maps too, on the way up. One bias a map.
DOWN = [(1, 64), (64, 128), (128, 256), (256, 512), (512, 1024)]
UP = [(1024, 512), (512, 256), (256, 128), (128, 64)]


def by_hand(channels, outputs):
    found = {}
    for level, (maps_in, maps) in enumerate(DOWN, 1):
        found[f"conv{level}_1"] = 9 * (channels if level == 1 else maps_in) * maps + maps
        found[f"conv{level}_2"] = 9 * maps * maps + maps
    for level, (maps_in, maps) in zip((4, 3, 2, 1), UP, strict=True):
        found[f"up{level}"] = 4 * maps_in * maps + maps
        found[f"conv{level}_3"] = 9 * (2 * maps) * maps + maps
        found[f"conv{level}_4"] = 9 * maps * maps + maps
    return found | {"logits": 64 * outputs + outputs}


@pytest.mark.parametrize(
    ("channels", "outputs", "count"),
    [(1, 1, 31_030_593), (1, 2, 31_030_658), (3, 1, 31_031_745)],
    ids=["published", "two_outputs", "colour"],
)
def test_weights_of_the_paper(channels, outputs, count):
    model = unet((64, 48, channels), outputs=outputs, initializer="zeros")
    expected = by_hand(channels, outputs)
    assert {row.name: row.weights for row in layer_table(model, only_weighted=True)} == expected
    assert sum(expected.values()) == model.count_params() == count
    convolutions = [layer for layer in model.layers if type(layer) is keras.layers.Conv2D]
    assert sum(layer.kernel_size == (3, 3) for layer in convolutions) == 18  # and one 1 x 1, and 4 up: "23 in total"
    assert len(convolutions) + 4 == 23
    assert model.output_shape == (None, 64, 48, outputs)


def test_maps_level_by_level_and_what_is_skipped():
    model = unet((96, 64, 3), base=6, depth=3)
    shapes = {row.name: row.shape for row in layer_table(model)}
    for level, (height, width, maps) in enumerate([(96, 64, 6), (48, 32, 12), (24, 16, 24), (12, 8, 48)], 1):
        assert shapes[f"conv{level}_2"] == (height, width, maps)
        if level < 4:
            assert shapes[f"up{level}"] == shapes[f"conv{level}_4"] == (height, width, maps)
            assert shapes[f"skip{level}"] == (height, width, 2 * maps)
            joined = model.get_layer(f"skip{level}").input
            assert [one._keras_history.operation.name for one in joined] == [f"relu{level}_2", f"up{level}"]
    assert "pool4" not in shapes and "up4" not in shapes


def test_each_pixel_sees_so_far_and_no_farther():
    """By hand for depth 2: convolutions see 2, 2 * 2, 2 * 4 px to each side going down, as far going up, and pools."""
    keras.utils.set_random_seed(0)
    model = unet((64, 64, 1), base=4, depth=2)
    image = np.full((1, 64, 64, 1), 0.5, "float32")
    before = np.array(model(image))[0, ..., 0]
    image[0, 32, 32] += 1
    rows, columns = np.nonzero(np.array(model(image))[0, ..., 0] - before)
    # A changed pixel 32 reaches cells 31..33, 30..34 of level 1, then 15..17, 13..19 of level 2, then 6..9, 4..11 of
    # level 3; up again 8..23, 6..25 of level 2, then 12..51, 10..53 of level 1.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 53, 10, 53)


def test_it_learns_a_dark_line_and_reloads(tmp_path):
    keras.utils.set_random_seed(0)
    model = unet((32, 48, 3), base=4, depth=1, batch_norm=True, weight_decay=1e-4)
    rng = np.random.default_rng(0)
    images = rng.uniform(0.5, 0.7, (8, 32, 48, 3)).astype("float32")
    lines = np.zeros((8, 32, 48, 1), "float32")
    for number, row in enumerate(rng.integers(2, 30, 8)):
        lines[number, row : row + 2] = 1
    images -= 0.4 * lines
    before = [v.numpy() for v in model.trainable_variables]
    model.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True), run_eagerly=True)
    losses = [float(model.train_on_batch(images, lines)) for _ in range(20)]
    assert losses[-1] < 0.5 * losses[0]
    assert all(np.any(v.numpy() != old) for v, old in zip(model.trainable_variables, before, strict=True))
    model.save(tmp_path / "net.keras")
    reloaded = keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(reloaded(images), model(images), atol=1e-5)


def test_mixed_precision_computes_in_half_and_answers_in_float32():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = unet((32, 32, 3), base=4, depth=2, batch_norm=True)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("conv3_2").compute_dtype == model.get_layer("up1").compute_dtype == "float16"
    logits = model(np.random.default_rng(0).random((2, 32, 32, 3), "float32"))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.isfinite(logits).all()


def test_batch_normalisation_stands_between_each_convolution_and_its_relu():
    model = unet((16, 16, 1), base=2, depth=1, batch_norm=True)
    names = [row.name for row in layer_table(model)]
    assert names[:7] == ["conv1_1", "bn1_1", "relu1_1", "conv1_2", "bn1_2", "relu1_2", "pool1"]
    assert names[-8:] == ["skip1", "conv1_3", "bn1_3", "relu1_3", "conv1_4", "bn1_4", "relu1_4", "logits"]


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((100, 128, 3), {}, r"^100x128 px cannot be halved 4 times: .* 16 divides, 112x128 say, or a smaller depth\.$"),
        ((128, 132, 3), {"depth": 3}, r"128x132 px .* 8 divides, 128x136 say"),
        ((8, 64, 3), {}, "at least 16 pixels"),
        ((64, 64), {}, "height, width, channels"),
        ((64, 64, 3), {"outputs": 0}, "outputs is 0: give a whole number"),
        ((64, 64, 3), {"base": 8.0}, "base is 8.0"),
        ((64, 64, 3), {"depth": True}, "depth is True"),
        ((64, 64, 3), {"batch_norm": True, "bn_momentum": 2}, "bn_momentum is 2: give a share"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(shape, options, says):
    with pytest.raises(LookInsideError, match=says) as error:
        unet(shape, **options)
    assert "\n" not in str(error.value)


def test_the_same_network_at_another_size_answers_alike_where_the_border_is_far():
    small = unet((32, 32, 2), base=2, depth=1, batch_norm=True)
    large = at_size(small, 64, 96)
    assert large.input_shape == (None, 64, 96, 2) and small.input_shape == (None, 32, 32, 2)
    for own, other in zip(small.weights, large.weights, strict=True):
        np.testing.assert_array_equal(own, other)
    image = np.zeros((1, 64, 96, 2), np.float32)
    image[:, 16:48, 32:64] = np.random.default_rng(0).random((32, 32, 2))
    inner = np.asarray(small(image[:, 16:48, 32:64]))[:, 15:17, 15:17]  # no further than 15 pixels off
    np.testing.assert_allclose(np.asarray(large(image))[:, 31:33, 47:49], inner, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "size", "says"),
    [
        ("flat", (16, 16), "Model flat cannot take 16x16 px .* give a network of convolutions alone"),
        ("unet", (18, 16), "Model unet cannot take 18x16 px"),
        ("unet", (0, 16), "height is 0: give a whole number"),
        ("unet", (16, True), "width is True"),
        ("nothing", (16, 16), "model is 'nothing': give a functional Keras model"),
    ],
)
def test_what_cannot_be_of_another_size(model, size, says):
    image = keras.Input((8, 8, 1))
    flat = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)), name="flat")
    models = {"flat": flat, "unet": unet((8, 8, 1), base=1, depth=2)}
    with pytest.raises(LookInsideError, match=says) as error:
        at_size(models.get(model, model), *size)
    assert "\n" not in str(error.value)
