"""The two networks of Patho-GAN: the authors' weights by hand, maps, precision, XLA, and bad sizes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_nets import policy

from lookinside.errors import LookInsideError
from lookinside.models import layer_table, patho_discriminator, patho_generator

# By hand, the authors' sizes at 512 x 512: kernels of 4 x 4; a bias where no normalisation follows, else its two
# numbers a map. On the way up each level reads the maps from below and those of the same size from the way down.
DOWN = [(1, 64), (64, 128), (128, 256), (256, 512), (512, 512), (512, 512)]
UP = [(512 + 64, 512), (512 + 512, 256), (256 + 512, 128), (128 + 256, 64), (64 + 128, 64)]
JUDGED = [(4, 32), (32, 64), (64, 128), (128, 256), (256, 512), (512, 512)]


def downwards(sizes):
    found = {}
    for level, (maps_in, maps) in enumerate(sizes, 1):
        found[f"down{level}"] = 16 * maps_in * maps + (maps if level == 1 else 0)
        if level > 1:
            found[f"down{level}_norm"] = 2 * maps
    return found


def weights_of(model):
    return {row.name: row.weights for row in layer_table(model, only_weighted=True)}


def test_weights_of_the_authors_generator():
    expected = downwards(DOWN) | {"project": 400 * 8 * 8 * 64 + 8 * 8 * 64, "up0": 16 * (64 + 64) * 3 + 3}
    for level, (maps_in, maps) in zip((5, 4, 3, 2, 1), UP, strict=True):
        expected |= {f"up{level}": 16 * maps_in * maps, f"up{level}_norm": 2 * maps}
    model = patho_generator((512, 512, 3))
    assert weights_of(model) == expected
    assert sum(expected.values()) == model.count_params() == 23_872_323
    assert model.get_layer("noise_maps").output.shape == (None, 8, 8, 64)
    assert model.output_shape == (None, 512, 512, 3)


def test_weights_of_the_authors_discriminator():
    expected = downwards(JUDGED) | {"logit": 8 * 8 * 512 + 1}
    model = patho_discriminator((512, 512, 3))
    assert weights_of(model) == expected
    assert sum(expected.values()) == model.count_params() == 7_017_377
    assert model.output_shape == (None, 1)


def test_without_normalisation_there_are_biases_instead():
    model = patho_discriminator((32, 32, 3), base=2, depth=2, normalization=None)
    assert weights_of(model) == {"down1": 16 * 4 * 2 + 2, "down2": 16 * 2 * 4 + 4, "logit": 8 * 8 * 4 + 1}


@pytest.mark.parametrize(("shape", "depth"), [((128, 128, 3), 5), ((48, 80, 1), 3), ((6, 4, 3), 1)])
def test_maps_level_by_level_and_what_is_joined(shape, depth):
    model = patho_generator(shape, noise=7, base=2, depth=depth)
    shapes = {row.name: row.shape for row in layer_table(model)}
    maps = [2, 4, 8, 16, 16]
    for level in range(1, depth + 1):
        assert shapes[f"down{level}"] == (shape[0] >> level, shape[1] >> level, maps[level - 1])
        if level < depth:
            up = shapes[f"up{level}"]
            assert up[:2] == shapes[f"down{level}"][:2]
            assert shapes[f"skip{level}"][2] == up[2] + maps[level - 1]
            joined = [one._keras_history.operation.name for one in model.get_layer(f"skip{level}").input]
            assert joined == [f"up{level}_relu", f"down{level}_relu"]
    assert shapes["bottom"][2] == 2 + maps[depth - 1]
    assert model.output_shape == (None, *shape)
    assert patho_discriminator(shape, base=2, depth=depth).output_shape == (None, 1)


def inputs_of(model, count=2):
    rng = np.random.default_rng(0)
    return [(rng.random((count, *one.shape[1:])) < 0.5).astype("float32") for one in model.inputs]


@pytest.mark.parametrize("make", [patho_generator, patho_discriminator])
def test_they_reload_compile_and_answer_in_float32(make, tmp_path):
    keras.utils.set_random_seed(0)
    model = make((16, 24, 3), base=2, depth=2)
    given = inputs_of(model)
    answer = np.array(model(given))
    np.testing.assert_array_equal(model([np.concatenate([one, one[:1]]) for one in given])[:2], answer)
    assert np.abs(answer[0] - answer[1]).max() > 1e-6  # it looks at them
    model.save(tmp_path / "net.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "net.keras")(given), answer, atol=1e-6)
    np.testing.assert_allclose(tf.function(model, jit_compile=True)(given), answer, rtol=1e-4, atol=1e-6)
    with policy("mixed_float16"):
        half = make((16, 24, 3), base=2, depth=2)
    half.set_weights(model.get_weights())
    assert half.get_layer("down2").compute_dtype == "float16"
    found = half(given)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, answer, atol=5e-3)


def test_the_noise_reaches_the_image_from_the_bottom():
    keras.utils.set_random_seed(0)
    model = patho_generator((16, 24, 3), noise=3, base=2, depth=2)
    vessels, code = inputs_of(model, 1)
    assert (np.array(model([vessels, code])) != np.array(model([vessels, code + 1]))).mean() > 0.95


@pytest.mark.parametrize("make", [patho_generator, patho_discriminator])
@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((100, 128, 3), {}, r"\(100, 128, 3\) does not halve 6 times: give multiples of 64, or a smaller depth"),
        ((64, 64), {}, "height, width, channels"),
        ("abc", {}, "height, width, channels"),
        (64, {}, "height, width, channels"),
        ((64, 64, 0), {}, "height, width, channels"),
        ((64, 64, 3), {"depth": 7}, "depth is 7: give a whole number from 1 to 6"),
        ((64, 64, 3), {"depth": True}, "depth is True"),
        ((64, 64, 3), {"base": 8.0}, "base is 8.0"),
        ((64, 64, 3), {"normalization": "batch"}, r'normalization is \'batch\': give "instance" or None'),
        ((64, 64, 3), {}, "depth of 6 leaves maps of one pixel, which an instance normalisation empties"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(make, shape, options, says):
    with pytest.raises(LookInsideError, match=says) as error:
        make(shape, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("initializer", ["caffe", "he_norml", 0.02])
def test_an_initializer_that_keras_does_not_know(initializer):
    with pytest.raises(
        LookInsideError, match=r"initializer is .*: give None for the authors', or one that Keras knows"
    ):
        patho_generator((64, 64, 3), depth=3, initializer=initializer)


def test_noise_of_no_numbers_and_the_smallest_size():
    with pytest.raises(LookInsideError, match="noise is 0: give how many"):
        patho_generator((64, 64, 3), depth=3, noise=0)
    model = patho_discriminator((4, 4, 3), base=2, depth=2, normalization=None)
    assert np.isfinite(model(inputs_of(model))).all()
