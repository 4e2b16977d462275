"""The networks of the papers: their counts of weights by hand, and what every Keras model must be able to do."""

import functools

import keras
import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.models import PAPER_TABLES, beside_paper, deeper_cnn, layer_table, shallow_cnn

# By hand: a convolution has 3 * 3 * (maps in) * (maps out) weights and one bias a map; a fully connected layer
# inputs * outputs and one bias an output; BN four numbers a map.
CONVOLUTIONS = {
    "conv1_1": 9 * 1 * 32 + 32,
    "conv1_2": 9 * 32 * 16 + 16,
    "conv2_1": 9 * 16 * 64 + 64,
    "conv2_2": 9 * 64 * 32 + 32,
    "conv3_1": 9 * 32 * 128 + 128,
    "conv3_2": 9 * 128 * 128 + 128,
    "conv3_3": 9 * 128 * 64 + 64,
    "conv4_1": 9 * 64 * 256 + 256,
    "conv4_2": 9 * 256 * 256 + 256,
    "conv4_3": 9 * 256 * 128 + 128,
}
HEAD = {"fc1": 14 * 14 * 128 * 128 + 128, "fc2": 128 * 128 + 128, "logits": 128 * 24 + 24}
VARIANTS = {
    "shallow": shallow_cnn,
    "deeper": deeper_cnn,
    "deeper_bn": lambda shape, classes: deeper_cnn(shape, classes, batch_norm=True),
    "deeper_bn_dropout": lambda shape, classes: deeper_cnn(shape, classes, batch_norm=True, dropout=True),
}


@functools.cache
def at_224(name):
    """The nets at the paper's size, made once: the shallow one has 103 million weights."""
    return VARIANTS[name]((224, 224, 1), 24)


def weights(model):
    return {row.name: row.weights for row in layer_table(model, only_weighted=True)}


def test_table_2_weights():
    model = at_224("shallow")
    assert weights(model) == {
        "conv1_1": 9 * 32 + 32,
        "conv1_2": 9 * 32 * 64 + 64,
        "fc1": 112 * 112 * 64 * 128 + 128,
        "logits": 128 * 24 + 24,
    }
    assert model.count_params() == 102_782_488


def test_table_3_weights():
    model = at_224("deeper")
    assert weights(model) == {**CONVOLUTIONS, **HEAD}
    assert model.count_params() == 4_554_888


def test_table_4_weights():
    model = at_224("deeper_bn_dropout")
    maps = 32 + 16 + 64 + 32 + 128 + 128 + 64 + 256 + 256 + 128
    assert model.count_params() == 4_554_888 + 4 * maps
    assert sum(np.prod(v.shape) for v in model.non_trainable_variables if "moving" in v.path) == 2 * maps


def test_the_shallow_net_has_about_22_times_more_weights():
    shallow, deeper = at_224("shallow"), at_224("deeper")
    assert 22 < shallow.count_params() / deeper.count_params() < 23


@pytest.mark.parametrize(("table", "build"), [(2, "shallow"), (3, "deeper"), (4, "deeper_bn_dropout")])
def test_every_row_of_the_paper_has_its_layer(table, build):
    model = at_224(build)
    shapes = {row.name: row.shape for row in layer_table(model)}
    named = [name for _, _, name in PAPER_TABLES[table]]
    assert [name for name in shapes if name in named] == named
    for kind, size, name in PAPER_TABLES[table]:
        if kind.startswith("Conv"):
            assert shapes[name][-1] == int(size.split(", ")[1].rstrip("x"))
        if "BN" in kind:
            assert f"bn{name.removeprefix('conv')}" in shapes
        if "Dropout" in kind:
            assert f"drop_{name}" in shapes
    dropouts = {layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
    expected = {
        2: {"drop_pool1": 0.25, "drop_fc1": 0.25},
        3: {},
        4: dict.fromkeys(("drop_pool4", "drop_fc1", "drop_fc2"), 0.5),
    }
    assert dropouts == expected[table]


def test_order_is_convolution_bn_relu():
    names = [row.name for row in layer_table(deeper_cnn((32, 32, 1), 3, batch_norm=True))]
    assert names[:7] == ["conv1_1", "bn1_1", "relu1_1", "conv1_2", "bn1_2", "relu1_2", "pool1"]


def test_bn_momentum_is_0_9_unless_asked():
    assert deeper_cnn((16, 16, 1), 2, batch_norm=True).get_layer("bn1_1").momentum == 0.9
    assert deeper_cnn((16, 16, 1), 2, batch_norm=True, bn_momentum=0.99).get_layer("bn1_1").momentum == 0.99


def test_he_normal_keeps_the_size_of_activations():
    keras.utils.set_random_seed(0)
    model = deeper_cnn((32, 32, 1), 4)
    image = np.random.default_rng(0).random((4, 32, 32, 1), "float32")
    last = keras.Model(model.input, model.get_layer("relu4_3").output)(image)
    assert 0.02 < float(np.std(last)) < 2  # Keras' default start leaves about 1e-3 here


@pytest.mark.parametrize("name", VARIANTS)
def test_save_and_reload(name, tmp_path):
    model = VARIANTS[name]((21, 18, 1), 3)
    image = np.random.default_rng(1).random((2, 21, 18, 1), "float32")
    model.save(tmp_path / "net.keras")
    reloaded = keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(model(image), reloaded(image), rtol=1e-6)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_fit_step_changes_every_trainable_weight(name):
    keras.utils.set_random_seed(0)
    model = VARIANTS[name]((16, 20, 1), 3)
    before = [v.numpy() for v in model.trainable_variables]
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)
    history = model.fit(rng.random((12, 16, 20, 1), "float32"), np.arange(12) % 3, epochs=1, batch_size=12, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    assert all(np.any(v.numpy() != old) for v, old in zip(model.trainable_variables, before, strict=True))


def test_mixed_precision_computes_in_half_and_answers_in_float32():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = deeper_cnn((16, 16, 1), 3, batch_norm=True, dropout=True)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("conv1_1").compute_dtype == "float16"
    logits = model(np.random.default_rng(0).random((2, 16, 16, 1), "float32"))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.isfinite(logits).all()


def test_answers_are_logits():
    logits = np.array(shallow_cnn((16, 16, 1), 3)(np.ones((2, 16, 16, 1), "float32")))
    assert logits.shape == (2, 3)
    assert not np.allclose(logits.sum(axis=1), 1)


def test_width_scales_maps_and_units():
    shapes = {row.name: row.shape for row in layer_table(deeper_cnn((32, 32, 3), 5, width=0.25))}
    assert shapes["conv1_1"] == (32, 32, 8)
    assert shapes["conv4_3"] == (4, 4, 32)
    assert shapes["fc1"] == (32,)
    assert shapes["logits"] == (5,)


def test_nested_models_are_opened():
    inner = deeper_cnn((16, 16, 1), 2)
    outer = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Rescaling(1 / 255), inner])
    rows = layer_table(outer)
    assert rows[1].name == "deeper_cnn/conv1_1"
    assert sum(row.weights for row in rows) == inner.count_params()


@pytest.mark.parametrize(
    ("build", "shape", "classes", "says"),
    [
        (deeper_cnn, (15, 64, 1), 24, "at least 16"),
        (deeper_cnn, (64, 64), 24, "height, width, channels"),
        (deeper_cnn, (None, 64, 1), 24, "height, width, channels"),
        (shallow_cnn, (1, 8, 1), 24, "at least 2 pixels"),
        (shallow_cnn, (8, 8, 1), 1, "at least 2 classes"),
        (shallow_cnn, (8, 8, 1), "2", "a whole number, got '2'"),
        (shallow_cnn, 8, 2, "height, width, channels.*got 8"),
    ],
)
def test_bad_shapes_are_refused_in_one_line(build, shape, classes, says):
    with pytest.raises(LookInsideError, match=says) as error:
        build(shape, classes)
    assert "\n" not in str(error.value)


def test_a_table_of_the_paper_beside_our_network():
    model = shallow_cnn((32, 32, 1), 24)
    rows = beside_paper(model, PAPER_TABLES[2])
    assert rows[0] == {
        "layer": "conv1_1",
        "in the paper": "Conv Layer 3x3, 32x",
        "ours": "(32, 32, 32)",
        "weights": 320,
    }
    assert sum(row["weights"] for row in rows) == model.count_params()
    with pytest.raises(LookInsideError, match="has no layer 'conv2_1'"):
        beside_paper(model, PAPER_TABLES[3])
