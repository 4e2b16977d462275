"""The glaucoma classifier of Wang et al. 2019: maps and weights of the authors' figure, both heads, small images."""

import keras
import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.explain import CAM, GradCAM, GuidedBackprop
from lookinside.models import layer_table, wang_convnet

MAPS = {"conv1": (112, 64), "conv2": (54, 128), "conv3": (25, 192), "conv4": (11, 192), "conv5": (4, 256)}
CONVOLUTIONS = {
    "conv1": 5 * 5 * 3 * 64 + 64,
    "conv2": 5 * 5 * 64 * 128 + 128,
    "conv3": 5 * 5 * 128 * 192 + 192,
    "conv4": 5 * 5 * 192 * 192 + 192,
    "conv5": 5 * 5 * 192 * 256 + 256,
}
HEADS = {
    "dense": {"fc6": 4 * 4 * 256 * 256 + 256, "logits": 256 * 2 + 2},
    "pooling": {"logits": 256 * 2 + 2},
}


@pytest.mark.parametrize(("head", "count"), [("dense", 4_024_578), ("pooling", 2_975_746)])
def test_maps_and_weights_of_the_figure(head, count):
    model = wang_convnet((227, 227, 3), 2, head=head, initializer="zeros")
    shapes = {row.name: row.shape for row in layer_table(model)}
    assert {name: shapes[name] for name in MAPS} == {name: (side, side, maps) for name, (side, maps) in MAPS.items()}
    assert {r.name: r.weights for r in layer_table(model, only_weighted=True)} == {**CONVOLUTIONS, **HEADS[head]}
    assert model.count_params() == count
    for number in range(1, 6):
        convolution = model.get_layer(f"conv{number}")
        assert (convolution.kernel_size, convolution.strides, convolution.padding) == ((5, 5), (2, 2), "valid")
        (relu,) = (node.operation for node in convolution._outbound_nodes)
        assert relu is model.get_layer(f"relu{number}")


@pytest.mark.parametrize(("padding", "smallest"), [("valid", 125), ("same", 32)])
def test_the_smallest_image_and_one_pixel_less(padding, smallest):
    side = 1
    for _ in range(5):  # a map of one pixel, back through the strides
        side = 2 * side + (3 if padding == "valid" else 0)
    assert side == smallest
    model = wang_convnet((smallest, smallest + 9, 3), 2, padding=padding, width=0.05)
    assert model.get_layer("conv5").output.shape[1] == 1
    with pytest.raises(LookInsideError, match=f"at least {smallest} pixels") as error:
        wang_convnet((smallest + 9, smallest - 1, 3), 2, padding=padding)
    assert "\n" not in str(error.value)
    if padding == "valid":
        assert "padding='same' takes 32" in str(error.value)


@pytest.mark.parametrize("side", [96, 112, 128])
def test_small_images_leave_several_cells_for_a_map(side):
    model = wang_convnet((side, side, 3), 2, head="pooling", padding="same", width=0.5, batch_norm=True)
    assert model.get_layer("conv5").output.shape[1:] == (-(-side // 32), -(-side // 32), 128)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    kinds = [type(layer._outbound_nodes[0].operation) for layer in convolutions]
    assert kinds == [keras.layers.BatchNormalization] * 5


@pytest.mark.parametrize("head", ["dense", "pooling"])
def test_it_learns_reloads_and_is_explained(head, tmp_path):
    keras.utils.set_random_seed(0)
    model = wang_convnet((64, 67, 3), 2, head=head, padding="same", width=0.1, batch_norm=True, weight_decay=1e-3)
    images = np.random.default_rng(0).random((8, 64, 67, 3), "float32")
    before = [v.numpy() for v in model.trainable_variables]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=True)
    assert np.isfinite(model.train_on_batch(images, np.arange(8) % 2))
    assert all(np.any(v.numpy() != old) for v, old in zip(model.trainable_variables, before, strict=True))
    model.save(tmp_path / "net.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "net.keras")(images), model(images), atol=1e-5)
    for kind in (GradCAM, GuidedBackprop, *([CAM] if head == "pooling" else [])):
        assert kind(model)(images[:2]).shape == (2, 64, 67)
    if head == "dense":
        with pytest.raises(LookInsideError):
            CAM(model)


def test_bad_arguments_are_refused_in_one_line():
    for change, says in (
        ({"head": "gap"}, "head is 'gap': choose from dense, pooling"),
        ({"padding": "full"}, "padding"),
        ({"batch_norm": True, "bn_momentum": 2}, "bn_momentum is 2: give a share"),
    ):
        with pytest.raises(LookInsideError, match=says):
            wang_convnet((227, 227, 3), 2, **change)
