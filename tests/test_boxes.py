"""Anchors, box coding and suppression, against loops over boxes and what one works out on paper."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.utils import bounding_boxes
from layer_checks import finite_differences, gradient_of

from lookinside.layers import (
    AnchorGenerator,
    clip_boxes,
    decode_boxes,
    encode_boxes,
    fit_anchor_sizes,
    non_max_suppression,
)

sys.path.insert(0, str(Path(__file__).parent / "oracles"))
import boxes_numpy as oracle

SIZES = [(60.0, 8.0), (90.5, 14.0), (20.0, 40.0)]


def random_boxes(*shape, seed=0, size=100):
    corners = np.random.default_rng(seed).uniform(0, size, (*shape, 2, 2))
    low, high = corners.min(axis=-2), corners.max(axis=-2)
    return np.concatenate([low, high + 4], axis=-1).astype("float32")


# Anchors.


def test_anchors_on_paper():
    """A map of 1 x 2 cells at stride 16, two rows of anchors in each, 4 and 12 pixels below the cell's upper edge."""
    layer = AnchorGenerator([(10, 2), (4, 4)], 16, rows_per_cell=2)
    assert layer.per_cell == 4
    expected = [[3, 3, 13, 5], [6, 2, 10, 6], [3, 11, 13, 13], [6, 10, 10, 14]]
    expected += [[left + 16, top, right + 16, bottom] for left, top, right, bottom in expected]
    np.testing.assert_array_equal(layer(np.zeros((3, 1, 2, 5))), expected)


@pytest.mark.parametrize(("rows", "columns", "stride", "rows_per_cell"), [(3, 5, 16, 1), (4, 2, 8, 3), (1, 1, 7, 2)])
def test_anchors_at_any_stride(rows, columns, stride, rows_per_cell):
    layer, features = AnchorGenerator(SIZES, stride, rows_per_cell), np.zeros((2, rows, columns, 6), "float32")
    expected = oracle.anchors(rows, columns, SIZES, stride, rows_per_cell)
    np.testing.assert_allclose(layer(features), expected, rtol=1e-6, atol=1e-5)
    assert layer.compute_output_shape(features.shape) == expected.shape
    open_size = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 6))])
    np.testing.assert_allclose(open_size(features), expected, rtol=1e-6, atol=1e-5)
    np.testing.assert_array_equal(tf.function(layer, jit_compile=True)(features), layer(features))


def test_anchors_stand_in_the_order_of_a_convolutions_output():
    """What a head says about cell (1, 2), its second row, third size, is read beside that anchor."""
    layer, head = AnchorGenerator(SIZES, 16, 2), np.zeros((1, 3, 4, 2, 3, 4))
    head[0, 1, 2, 1, 2] = 1
    place = np.flatnonzero(head.reshape(1, 3, 4, -1).reshape(1, -1, 4)[0, :, 0])[0]
    anchor = np.array(layer(np.zeros((1, 3, 4, 8))))[place]
    assert oracle.centred(anchor) == (2.5 * 16, 1.75 * 16, *SIZES[2])


def test_anchors_are_plain_keras(tmp_path):
    inputs = keras.Input((None, 4, 3))
    layer = AnchorGenerator(np.array(SIZES), 16, 2, dtype="mixed_float16")
    outputs = layer(inputs)
    assert outputs.shape == (None, 4) and outputs.dtype == "float32"
    assert layer(keras.Input((3, 4, 3))).shape == (3 * 4 * 6, 4)
    assert not layer.weights
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "anchors.keras")
    loaded = keras.models.load_model(tmp_path / "anchors.keras")
    assert loaded.layers[-1].get_config() == layer.get_config()
    features = np.zeros((2, 3, 4, 3), "float32")
    np.testing.assert_array_equal(loaded(features), oracle.anchors(3, 4, SIZES, 16, 2))


def test_sizes_are_those_of_the_boxes():
    """Three kinds of boxes, whose sides vary by a tenth: the middle of each kind, the smallest area first."""
    rng = np.random.default_rng(1)
    kinds = np.repeat([[264.0, 34.0], [20.0, 12.0], [60.0, 80.0]], 50, axis=0)
    sides = kinds * np.exp(rng.normal(0, 0.1, kinds.shape))
    corners = rng.uniform(0, 300, sides.shape)
    found = fit_anchor_sizes(np.concatenate([corners, corners + sides], axis=1), 3, seed=2)
    expected = [np.exp(np.log(sides[kinds[:, 0] == width]).mean(axis=0)) for width in (20, 60, 264)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert AnchorGenerator(found, 16).per_cell == 3


# Coding.


@pytest.mark.parametrize("variance", [None, (0.1, 0.1, 0.2, 0.3)])
def test_boxes_are_encoded_and_decoded(variance):
    boxes, references = random_boxes(3, 7), random_boxes(7, seed=1)
    expected = np.array([[oracle.encode(*pair) for pair in zip(one, references, strict=True)] for one in boxes])
    found = encode_boxes(boxes, references, variance)
    np.testing.assert_allclose(found, expected / (variance or 1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(decode_boxes(found, references, variance), boxes, rtol=1e-4, atol=1e-3)
    proposals = random_boxes(3, 7, seed=2)  # of each image its own
    there = encode_boxes(boxes, proposals, variance)
    np.testing.assert_allclose(there[1, 4] * (variance or 1), oracle.encode(boxes[1, 4], proposals[1, 4]), rtol=1e-4)
    for compiled in (False, True):
        back = tf.function(decode_boxes, jit_compile=compiled)(there, proposals, variance)
        np.testing.assert_allclose(back, boxes, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("variance", [None, (0.1, 0.1, 0.2, 0.2)])
def test_no_box_becomes_infinite(variance):
    deltas, references = np.array([[0.5, -0.5, 500, 1.0], [0, 0, -500, 4.2]]), random_boxes(2)
    stretched = deltas * (variance or 1)
    expected = [oracle.decode(*pair, np.log(62.5)) for pair in zip(stretched, references, strict=True)]
    found = np.array(decode_boxes(deltas, references, variance))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-2)
    assert found[0, 2] - found[0, 0] == pytest.approx(62.5 * (references[0, 2] - references[0, 0]), rel=1e-4)
    options = {"anchor_format": "xyxy", "box_format": "xyxy", "encoded_format": "center_xywh"}
    unlimited = bounding_boxes.decode_deltas_to_boxes(
        tf.constant(references), tf.constant(deltas, "float32"), **options
    )
    assert not np.isfinite(unlimited).all()


def test_the_gradient_of_decoded_boxes():
    references, deltas = random_boxes(5), np.random.default_rng(1).normal(0, 0.5, (5, 4))
    weights = np.random.default_rng(2).normal(size=(5, 4))
    found = gradient_of(lambda x: tf.reduce_sum(decode_boxes(x, references) * weights), deltas.astype("float32"))
    value = lambda x: sum(  # noqa: E731
        oracle.decode(*pair, np.log(62.5)) @ weight for *pair, weight in zip(x, references, weights, strict=True)
    )
    np.testing.assert_allclose(found, finite_differences(value, deltas), rtol=1e-3, atol=1e-2)


def test_boxes_are_clipped_to_the_image():
    boxes = np.array([[[-5, 10, 40, 90], [10, -3, 120, 20.5], [130, 20, 140, 30]]], "float32")
    expected = [[[0, 10, 40, 60], [10, 0, 100, 20.5], [100, 20, 100, 30]]]
    np.testing.assert_array_equal(clip_boxes(boxes, 60, 100), expected)


# Suppression.


@pytest.mark.parametrize("compiled", [None, False, True])
@pytest.mark.parametrize("options", [{}, {"least_score": 0.6}, {"classes": True}, {"overlap": 0.1}])
def test_suppression(options, compiled):
    boxes, scores = random_boxes(3, 40, seed=5), np.random.default_rng(6).random((3, 40)).astype("float32")
    classes = np.random.default_rng(7).integers(0, 3, (3, 40)) if "classes" in options else None
    options = {**options, "classes": classes} if classes is not None else options
    count = 18
    call = lambda boxes, scores: non_max_suppression(boxes, scores, count, **options)  # noqa: E731
    if compiled is not None:
        call = tf.function(call, jit_compile=compiled, input_signature=[tf.TensorSpec((None, 40, 4)), scores_spec()])
    found = call(boxes, scores)
    assert found.boxes.shape == (3, count, 4)
    lengths = []
    for image in range(3):
        most, least = options.get("overlap", 0.5), options.get("least_score", -np.inf)
        each = None if classes is None else classes[image]
        expected = oracle.suppress(boxes[image], scores[image], count, most, least, each)
        lengths.append(len(expected))
        valid = np.array(found.valid[image])
        np.testing.assert_array_equal(valid, np.arange(count) < len(expected))
        np.testing.assert_array_equal(found.indices[image], expected + [0] * (count - len(expected)))
        np.testing.assert_array_equal(found.boxes[image].numpy()[valid], boxes[image][expected])
        np.testing.assert_array_equal(found.scores[image].numpy()[valid], scores[image][expected])
        assert not found.boxes[image].numpy()[~valid].any() and not found.scores[image].numpy()[~valid].any()
    assert (min(lengths) < count) == bool(options.keys() & {"least_score", "overlap"}), "the test should see both"


def scores_spec():
    return tf.TensorSpec((None, 40))


def test_suppression_on_paper():
    """Two boxes share 50 of 150 pixels, a third: both stay where the limit is above it."""
    boxes = np.array([[[0, 0, 10, 10], [5, 0, 15, 10], [30, 0, 40, 10]]], "float32")
    scores = np.array([[0.5, 0.9, 0.1]])
    assert non_max_suppression(boxes, scores, 4, 0.32).indices.numpy().tolist() == [[1, 2, 0, 0]]
    assert non_max_suppression(boxes, scores, 4, 0.34).indices.numpy().tolist() == [[1, 0, 2, 0]]
    assert non_max_suppression(boxes, scores, 1, 0.34).indices.numpy().tolist() == [[1]]


def test_an_image_without_boxes_keeps_none():
    found = non_max_suppression(np.zeros((2, 0, 4)), np.zeros((2, 0)), 3)
    assert not np.any(found.valid) and found.boxes.shape == (2, 3, 4) and not np.any(found.boxes)


# What is refused.


BOXES = random_boxes(1, 5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: AnchorGenerator([], 16), r"sizes is \[\]: give pairs \(width, height\)"),
        (lambda: AnchorGenerator([10, 20], 16), "sizes is"),
        (lambda: AnchorGenerator([(10, 0)], 16), "sizes is"),
        (lambda: AnchorGenerator([(10, 20, 30)], 16), "sizes is"),
        (lambda: AnchorGenerator(SIZES, 0), "stride is 0: give a whole number, 1 or more"),
        (lambda: AnchorGenerator(SIZES, 16, 1.5), r"rows_per_cell is 1\.5"),
        (lambda: fit_anchor_sizes([[0, 0, 1]]), r"boxes have shape \(1, 3\)"),
        (
            lambda: fit_anchor_sizes([[0, 0, 4, 4], [9, 0, 3, 4]], 1),
            r"Box 1 is \[9\.0, 0\.0, 3\.0, 4\.0\]: x_min < x_max",
        ),
        (lambda: fit_anchor_sizes([[0, 0, np.nan, 4]], 1), "Box 0 is"),
        (
            lambda: fit_anchor_sizes([[0, 0, 4, 4], [1, 1, 5, 5]], 2),
            "There are 1 different sizes of boxes for 2 anchors",
        ),
        (lambda: encode_boxes(BOXES, BOXES, (0.1, 0.2)), "give four numbers above 0, or None"),
        (lambda: decode_boxes(BOXES, BOXES, (0.1, 0.2, 0.1, 0)), "give four numbers above 0, or None"),
        (lambda: non_max_suppression(BOXES, np.ones((1, 5)), 0), "count is 0"),
        (lambda: non_max_suppression(BOXES, np.ones((1, 5)), 3, 1.5), r"overlap is 1\.5: give a number from 0 to 1"),
        (lambda: non_max_suppression(BOXES[0], np.ones(5), 3), r"boxes \(5, 4\)"),
        (lambda: non_max_suppression(BOXES, np.ones((1, 4)), 3), r"\(B, N, 4\) and \(B, N\) are needed"),
    ],
)
def test_what_is_bad_is_refused_in_one_line(call, says):
    with pytest.raises(ValueError, match=says) as error:
        call()
    assert "\n" not in str(error.value)
