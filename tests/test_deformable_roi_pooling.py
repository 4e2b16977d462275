"""DeformableRoIPooling: RoIAlign, by loops and by onnxruntime, at the boxes that it moved; who receives gradients."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_checks import check_layer, finite_differences
from oracles import roi_align_numpy

from lookinside.layers import DeformableRoIPooling
from lookinside.layers.deformable_roi_pooling import context_boxes

BOTH = pytest.mark.parametrize("implementation", ["crop", "matmul"])
SCALE = 1 / 8


def maps_and_proposals(kind="float32"):
    """Two images' maps, of 165 x 100 pixels by a stride of 8, and four proposals each: inside, at borders, flat."""
    rng = np.random.default_rng(0)
    first = [[60.3, 35.2, 90.8, 55.7], [2.1, 3.3, 30.4, 17.9], [120.2, 80.6, 160.9, 99.1], [20.7, 48.4, 140.3, 54.8]]
    return rng.normal(size=(2, 13, 21, 3)).astype(kind), np.array([first, np.array(first) + 1.7]).astype(kind)


def around(proposal, count):
    """The context boxes from their description, one corner after the other."""
    left, top, right, bottom = proposal
    across, down = (left + right) / 2, (top + bottom) / 2
    wide, high = right - left, bottom - top
    boxes = [
        (across - 2 * wide, down - high, across, down + high),
        (across, down - high, across + 2 * wide, down + high),
        (across - wide, down - 2 * high, across + wide, down),
        (across - wide, down, across + wide, down + 2 * high),
        (across - 2 * wide, down - 2 * high, across, down),
        (across, down, across + 2 * wide, down + 2 * high),
    ]
    return boxes[:count]


def all_around(proposals, count):
    return np.array([[around(one, count) for one in image] for image in np.asarray(proposals, float)])


def offsets_drawn(layer, seed=1, strength=1.0):
    """Give both fully connected layers weights that move the boxes by up to a half of the union."""
    rng = np.random.default_rng(seed)
    kernel, _ = layer.hidden.weights
    kernel.assign(rng.normal(0, kernel.shape[0] ** -0.5, kernel.shape))
    kernel, bias = layer.offsets.weights
    kernel.assign(rng.normal(0, 0.5 * strength, kernel.shape))
    bias.assign(rng.uniform(-2, 2, bias.shape) * strength)
    return layer


@BOTH
@pytest.mark.parametrize("count", [2, 4, 6])
def test_at_first_it_pools_the_boxes_around_the_proposal(implementation, count):
    maps, proposals = maps_and_proposals()
    layer = DeformableRoIPooling((3, 4), count, 8, 2, SCALE, implementation, return_boxes=True)
    context, boxes = layer([maps, proposals])
    expected = all_around(proposals, count)
    np.testing.assert_allclose(boxes, expected, atol=1e-4)
    pooled = roi_align_numpy.roi_align(maps, expected.reshape(2, -1, 4), (3, 4), 2, SCALE)
    np.testing.assert_allclose(context, pooled.reshape(2, 4, count, 3, 4, 3), atol=2e-5)


@BOTH
def test_it_pools_where_the_fully_connected_layers_say(implementation):
    maps, proposals = maps_and_proposals()
    layer = DeformableRoIPooling((3, 4), 4, 8, 2, SCALE, implementation, return_boxes=True)
    layer.build([maps.shape, proposals.shape])
    context, boxes = offsets_drawn(layer)([maps, proposals])
    fixed = all_around(proposals, 4)
    union = np.concatenate([fixed[..., :2].min(2), fixed[..., 2:].max(2)], -1)
    features = roi_align_numpy.roi_align(maps, union, (3, 4), 2, SCALE).reshape(2, 4, -1)
    both = (layer.hidden, layer.offsets)
    (first, bias), (second, last) = ([w.numpy().astype(float) for w in one.weights] for one in both)
    told = (np.maximum(features @ first + bias, 0) @ second + last).reshape(2, 4, 4, 2)
    moves = np.tile(0.1 * told * (union[..., 2:] - union[..., :2])[:, :, None], 2)
    assert np.abs(moves).max() > 10
    np.testing.assert_allclose(boxes, fixed + moves, atol=1e-3)
    pooled = roi_align_numpy.roi_align(maps, np.reshape(boxes, (2, -1, 4)), (3, 4), 2, SCALE)
    np.testing.assert_allclose(context, pooled.reshape(2, 4, 4, 3, 4, 3), atol=5e-5)


def test_it_is_onnxruntimes_roi_align_at_the_moved_boxes():
    pytest.importorskip("onnx", reason="onnx is not installed: pooling is not compared with onnxruntime's")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pooling is not compared with its own")
    from oracles import roi_align_onnx

    maps, proposals = maps_and_proposals()
    layer = DeformableRoIPooling(7, 6, 8, scale=SCALE, return_boxes=True)
    layer.build([maps.shape, proposals.shape])
    context, boxes = offsets_drawn(layer)([maps, proposals])
    pooled = roi_align_onnx.roi_align(maps, np.reshape(boxes, (2, -1, 4)), (7, 7), 2, SCALE)
    np.testing.assert_allclose(context, pooled.reshape(2, 4, 6, 7, 7, 3), atol=5e-5)


@BOTH
def test_offsets_and_maps_receive_gradients_and_proposals_do_not(implementation):
    keras.utils.set_random_seed(0)
    maps, proposals = (tf.constant(one) for one in maps_and_proposals())
    layer = DeformableRoIPooling(3, 4, 8, 2, SCALE, implementation)
    layer.build([maps.shape, proposals.shape])
    with tf.GradientTape() as tape:
        tape.watch([maps, proposals])
        value = keras.ops.sum(layer([maps, proposals]) ** 2)
    to_maps, to_proposals, *others = tape.gradient(value, [maps, proposals, *layer.trainable_variables])
    assert to_proposals is None
    kernel, bias, last_kernel, last_bias = others
    assert tf.reduce_any(to_maps != 0) and tf.reduce_all(last_bias != 0) and tf.reduce_any(last_kernel != 0)
    assert not tf.reduce_any(kernel != 0) and not tf.reduce_any(bias != 0)  # behind weights that are still 0


def test_the_offsets_gradient_is_that_of_central_differences():
    maps, proposals = maps_and_proposals("float64")
    layer = DeformableRoIPooling(3, 4, 8, 2, SCALE, dtype="float64")
    layer.build([maps.shape, proposals.shape])
    bias = offsets_drawn(layer, 3).offsets.bias
    weights = np.random.default_rng(2).normal(size=(2, 4, 4, 3, 3, 3))

    def value(given):
        bias.assign(given)
        return keras.ops.sum(layer([maps, proposals]) * weights)

    start = np.array(bias)
    expected = finite_differences(value, start, 1e-6)
    with tf.GradientTape() as tape:
        found = tape.gradient(value(start), bias.value)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_boxes_learn_to_move_to_what_is_asked_for():
    """The maps say their own column; the left context box is asked for what lies 4 pixels to its right."""
    keras.utils.set_random_seed(0)
    maps = np.broadcast_to(np.arange(40, dtype="float32")[None, None, :, None], (1, 30, 40, 1))
    proposals = np.array([[[17.0, 12, 23, 18]]], "float32")
    layer = DeformableRoIPooling(2, 2, 16, return_boxes=True)
    inputs = keras.Input(maps.shape[1:]), keras.Input(proposals.shape[1:])
    model = keras.Model(inputs, layer(inputs)[0])
    start = np.array(layer([maps, proposals])[1])
    target = np.array(model([maps, proposals]))
    target[:, :, 0] += 4
    model.compile(keras.optimizers.Adam(0.02), "mse")
    steps = [np.repeat(one, 40, axis=0) for one in (maps, proposals, target)]
    model.fit(steps[:2], steps[2], batch_size=1, verbose=0)
    assert model.evaluate([maps, proposals], target, verbose=0) < 0.1  # 8 at first
    moves = np.array(layer([maps, proposals])[1]) - start
    np.testing.assert_allclose(moves[0, 0, :, ::2], [[4, 4], [0, 0]], atol=0.5)


@keras.saving.register_keras_serializable("tests")
class Moved(DeformableRoIPooling):
    """With offsets from the start: behind weights of 0 the first layer would not learn in one step.

    They are small, so that XLA's other rounding moves no box far.
    """

    def build(self, input_shape):
        super().build(input_shape)
        offsets_drawn(self, strength=0.1)


@BOTH
def test_it_is_plain_keras(implementation, tmp_path):
    check_layer(
        lambda **kwargs: Moved(2, 2, 8, 2, SCALE, implementation, **kwargs),
        list(maps_and_proposals()),
        path=tmp_path,
        compiles=implementation == "matmul",
    )
    assert Moved(2, implementation=implementation).supports_jit is (implementation == "matmul")


@BOTH
def test_both_outputs_in_half_precision_saved_and_without_proposals(implementation, tmp_path):
    maps, proposals = maps_and_proposals()
    inputs = keras.Input((None, None, 3)), keras.Input((None, 4))
    layer = DeformableRoIPooling(
        3, 6, 8, scale=SCALE, implementation=implementation, return_boxes=True, dtype="mixed_float16"
    )
    outputs = layer(inputs)
    assert [(one.shape, one.dtype) for one in outputs] == [
        ((None, None, 6, 3, 3, 3), "float16"),
        ((None, None, 6, 4), "float32"),
    ]
    model = keras.Model(inputs, outputs)
    context, boxes = model([maps, proposals])
    assert context.dtype == "float16" and boxes.dtype == "float32"
    np.testing.assert_allclose(boxes, all_around(proposals, 6), atol=1e-4)
    model.save(tmp_path / "pooling.keras")
    loaded = keras.models.load_model(tmp_path / "pooling.keras")
    for one, again in zip((context, boxes), loaded([maps, proposals]), strict=True):
        np.testing.assert_array_equal(one, again)
    assert [tuple(one.shape) for one in model([maps, proposals[:, :0]])] == [(2, 0, 6, 3, 3, 3), (2, 0, 6, 4)]


def test_all_arguments_come_back_from_its_configuration():
    arguments = {"size": (2, 3), "contexts": 6, "units": 5, "sampling": 1, "scale": 0.25}
    arguments |= {"implementation": "matmul", "return_boxes": True, "stretch": (2.0, 8.0)}
    config = json.loads(json.dumps(DeformableRoIPooling(**arguments).get_config()))
    again = DeformableRoIPooling.from_config(config)
    assert {name: getattr(again, name) for name in arguments} == arguments


def test_context_boxes_of_any_number_of_axes():
    proposal = np.array([10.0, 20.0, 30.0, 26.0])
    np.testing.assert_allclose(context_boxes(keras.ops.convert_to_tensor(proposal), 6), around(proposal, 6))
    # Stretched by (3, 8), they are the boxes around a proposal of the same centre that is 1.5 times as wide, 4 as high.
    other = np.array([5.0, 11.0, 35.0, 35.0])
    stretched = context_boxes(keras.ops.convert_to_tensor(proposal), 6, (3, 8))
    np.testing.assert_allclose(stretched, around(other, 6))


def test_stretched_boxes_are_what_is_pooled():
    maps, proposals = (
        np.random.default_rng(0).normal(size=(1, 20, 24, 2)).astype("float32"),
        np.array([[[8, 9, 14, 11]]], "float32"),
    )
    wide = np.array([[[8, 6, 14, 14]]], "float32")  # four times as high, about the same centre
    found = DeformableRoIPooling(3, 4, stretch=(2, 8), return_boxes=True)([maps, proposals])
    same = DeformableRoIPooling(3, 4, return_boxes=True)([maps, wide])
    for one, other in zip(found, same, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"contexts": 3}, "contexts is 3: give one of 2, 4, 6"),
        ({"stretch": 2}, "stretch is 2: give two numbers above 0"),
        ({"stretch": (2, 0)}, "two numbers above 0"),
        ({"units": 0}, "units is 0: give a whole number, 1 or more"),
        ({"size": 0}, "size is 0"),
        ({"implementation": "gather"}, "implementation is 'gather'"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, says):
    with pytest.raises(ValueError, match=says) as error:
        DeformableRoIPooling(**{"size": 7, **arguments})
    assert "\n" not in str(error.value)


def test_inputs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"boxes \(N, R, 4\)"):
        DeformableRoIPooling(7)([np.zeros((2, 8, 9, 3)), np.zeros((2, 5, 3))])
    with pytest.raises(ValueError, match="number of channels must be known"):
        DeformableRoIPooling(7).build([(None, 8, 9, None), (None, 5, 4)])
    with pytest.raises(ValueError, match="too coarse for pixels"):
        DeformableRoIPooling(7)([np.zeros((2, 8, 9, 3)), np.zeros((2, 5, 4), "float16")])
