"""The layers of Liu, Wan & He 2019, Eqs. 2 and 3: against loops over cells, SciPy, and what one works out on paper."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from layer_checks import check_layer, finite_differences, gradient_of
from scipy.signal import convolve2d
from scipy.special import softmax

from lookinside.layers import (
    PrimitiveDetection,
    PrimitiveVoting,
    SoftArgmax2D,
    primitives_from_features,
    strongest_primitives,
    trace_back,
    votes_at,
)

sys.path.insert(0, str(Path(__file__).parent / "oracles"))
import voting_numpy as oracle

MAPS = [((5, 5), (5, 5)), ((4, 7), (3, 5)), ((6, 2), (9, 1)), ((1, 1), (3, 3))]  # a map's cells, a template's


def rng(seed=0):
    return np.random.default_rng(seed)


def voting(templates, cells):
    """A float64 layer with given templates (T, S, K) for maps of given cells."""
    layer = PrimitiveVoting(templates.shape[:2], dtype="float64")
    layer.build((None, *cells, templates.shape[2]))
    layer.before_softplus.assign(np.log(np.expm1(templates)))
    return layer


def sparse(*shape, seed=0):
    """Responses, a third of them zero."""
    values = rng(seed).random(shape)
    return values * (values > 1 / 3)


# Detection.


@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (3, 1, 1, 7)])
def test_a_response_is_a_cosine(shape):
    features, vectors = rng(1).normal(0, 3, shape), rng(2).normal(0, 2, (6, shape[-1]))
    features[0, 0, 0] = 0  # as where a crop reaches beyond the image
    layer = PrimitiveDetection(6, dtype="float64")
    layer.start_from(vectors)
    found = np.array(layer(features))
    np.testing.assert_allclose(found, [oracle.detect(one, vectors) for one in features], atol=1e-6)
    assert found.min() == 0 and found.max() <= 1 and not found[0, 0, 0].any()
    np.testing.assert_allclose(layer(features * 100), found, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(layer.templates, axis=1), 1, rtol=1e-6)


def test_the_gradient_of_responses():
    features, weights = rng(1).normal(0, 1, (2, 2, 3, 3)), rng(3).normal(size=(2, 2, 3, 4))
    layer = PrimitiveDetection(4, dtype="float64")
    layer.start_from(rng(2).normal(size=(4, 3)))
    value = lambda x: ops.sum(layer(x) * weights)  # noqa: E731
    np.testing.assert_allclose(gradient_of(value, features), finite_differences(value, features), atol=1e-7)
    assert np.isfinite(gradient_of(value, np.zeros_like(features))).all()


def test_detection_is_plain_keras(tmp_path):
    keras.utils.set_random_seed(1)
    check_layer(lambda **kwargs: PrimitiveDetection(5, **kwargs), rng().normal(size=(3, 4, 5, 6)), path=tmp_path)


def test_half_precision_takes_lengths_that_are_no_half_float():
    features = np.full((1, 1, 1, 4), 1000.0, "float16")
    layer = PrimitiveDetection(1, dtype="mixed_float16")
    layer.start_from(np.ones((1, 4)))
    np.testing.assert_allclose(np.array(layer(features), "float32"), 1, rtol=1e-3)


def test_primitives_are_the_mean_directions_of_their_features():
    """What spherical k-means ends with; four groups that differ in direction, not in length, are found."""
    directions = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]]) / np.sqrt([[1], [1], [1], [3]])
    groups = np.repeat(np.arange(4), (40, 30, 20, 10))
    features = directions[groups] + rng().normal(0, 0.15, (100, 3))
    lengths = rng(1).uniform(0.1, 50, (100, 1))
    found = primitives_from_features((features * lengths).reshape(10, 2, 5, 3), 4, seed=3)
    assert np.argmax(found @ directions.T, axis=1).tolist() == [0, 1, 2, 3]  # the largest group first
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    nearest = np.argmax(units @ found.T, axis=1)
    for k in range(4):
        mean = units[nearest == k].sum(axis=0)
        np.testing.assert_allclose(found[k], mean / np.linalg.norm(mean), atol=1e-5)
    again = primitives_from_features(np.concatenate([features * lengths, np.zeros((50, 3))]), 4, seed=3)
    np.testing.assert_allclose(again, found, atol=1e-6)  # cells of zeros have no say
    layer = PrimitiveDetection(4)
    layer.start_from(found)
    response = np.array(layer((features * lengths)[None, None].astype("float32")))[0, 0]
    assert (np.argmax(response, axis=1) == groups).mean() > 0.95


def test_a_sample_is_drawn_by_its_seed():
    features = rng().normal(size=(400, 5))
    first, again, other = (primitives_from_features(features, 3, seed, sample=50) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


# Voting.


def test_a_vote_on_paper():
    """5 x 5 cells. A primitive at row 1, column 1 says that the centre lies two rows down and one to the right."""
    responses, templates = np.zeros((1, 5, 5, 2)), np.full((5, 5, 2), 1e-9)
    responses[0, 1, 1, 0] = 0.8
    templates[2 + 2, 2 + 1, 0] = 1.0
    responses[0, 3, 4, 1] = 0.6  # the other sits to the right of the centre and says so
    templates[2, 2 - 2, 1] = 0.5
    layer = voting(templates, (5, 5))
    phi = np.array(layer(responses))[0]
    expected = np.zeros((5, 5))
    expected[3, 2] = (0.8 * 1.0 + 0.6 * 0.5) / 2
    np.testing.assert_allclose(phi, expected, atol=1e-7)
    np.testing.assert_allclose(SoftArgmax2D(dtype="float64")(phi[None]), [[2, 3]], atol=1e-6)
    back = trace_back(responses, phi[None], templates)
    np.testing.assert_allclose(back.responses[0, 1, 1], [0.55 * 1.0, 0], atol=1e-7)
    np.testing.assert_allclose(back.responses[0, 3, 4], [0, 0.55 * 0.5], atol=1e-7)
    np.testing.assert_allclose(votes_at(responses, templates, [[2.2, 2.9]]), [[0.8, 0.3]], atol=1e-7)


@pytest.mark.parametrize(("cells", "size"), MAPS)
def test_a_vote_is_a_convolution(cells, size):
    responses, templates = sparse(3, *cells, 4), rng(1).random((*size, 4)) + 1e-3
    layer = voting(templates, cells)
    expected = np.array([oracle.votes(one, templates) for one in responses])
    by_scipy = [[convolve2d(one[..., k], templates[..., k], "same") for k in range(4)] for one in responses]
    np.testing.assert_allclose(np.moveaxis(by_scipy, 1, -1), expected, atol=1e-12)
    np.testing.assert_allclose(layer.templates, templates, rtol=1e-12)
    np.testing.assert_allclose(layer(responses), expected.mean(axis=-1), atol=1e-12)
    np.testing.assert_allclose(layer.votes(responses), expected, atol=1e-12)
    single = PrimitiveVoting(size)
    single.build((None, *cells, 4))
    single.set_weights(layer.get_weights())
    np.testing.assert_allclose(single(responses.astype("float32")), expected.mean(axis=-1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("cells", "size"), MAPS)
def test_vote_and_trace_back_are_adjoint(cells, size):
    x, y = rng(1).normal(size=(2, *cells, 3)), rng(2).normal(size=(2, *cells))
    templates = rng(3).random((*size, 3)) + 0.1
    there = np.sum(np.array(voting(templates, cells)(x)) * y) * 3  # the vote is a mean over three
    back = np.sum(x * np.array(trace_back(x, y, templates).responses))
    assert there == pytest.approx(back, rel=1e-10)


def test_a_shift_by_whole_cells_moves_the_vote_by_as_many():
    responses, templates = np.zeros((1, 11, 13, 4)), rng(1).random((5, 3, 4)) + 0.1
    responses[:, 3:6, 4:7] = sparse(1, 3, 3, 4)
    layer = voting(templates, (11, 13))
    moved = np.roll(responses, (2, -2), (1, 2))
    np.testing.assert_allclose(layer(moved), np.roll(layer(responses), (2, -2), (1, 2)), atol=1e-12)
    place = SoftArgmax2D(200.0, dtype="float64")
    np.testing.assert_allclose(place(layer(moved)) - place(layer(responses)), [[-2, 2]], atol=1e-6)


def test_the_gradients_of_a_vote():
    responses, weights = sparse(2, 3, 4, 2), rng(4).normal(size=(2, 3, 4))
    layer = voting(rng(1).random((3, 5, 2)) + 0.1, (3, 4))
    value = lambda x: ops.sum(layer(x) * weights)  # noqa: E731
    np.testing.assert_allclose(gradient_of(value, responses), finite_differences(value, responses), atol=1e-8)
    raw = layer.before_softplus.numpy()

    def of_templates(raw):
        with keras.StatelessScope([(layer.before_softplus, ops.convert_to_tensor(raw))]):
            return value(responses)

    np.testing.assert_allclose(gradient_of(of_templates, raw), finite_differences(of_templates, raw), atol=1e-8)


def test_voting_is_plain_keras(tmp_path):
    keras.utils.set_random_seed(1)
    check_layer(lambda **kwargs: PrimitiveVoting((5, 3), **kwargs), sparse(3, 4, 5, 6), path=tmp_path)


def test_a_new_vote_has_its_peak_in_the_middle():
    """So a box does not move before anything is learned: the templates start nearly flat."""
    keras.utils.set_random_seed(1)
    responses, layer = rng().random((1, 15, 15, 32)).astype("float32"), PrimitiveVoting()
    np.testing.assert_allclose(SoftArgmax2D()(layer(responses)), [[7, 7]], atol=0.5)
    assert 0.05 < np.min(layer.templates) < np.max(layer.templates) < 0.2


# The position.


def test_a_peak_is_found_at_temperature_30_and_not_at_1():
    phi = np.zeros((1, 15, 15))
    phi[0, 11, 3] = 0.02  # whatever its height
    np.testing.assert_allclose(SoftArgmax2D(1.0)(phi), [[7, 7]], atol=0.04)
    np.testing.assert_allclose(SoftArgmax2D()(phi), [[3, 11]], atol=1e-5)
    shares = np.array(SoftArgmax2D(units="shares")(phi))
    np.testing.assert_allclose(shares, [[3.5 / 15, 11.5 / 15]], atol=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 10.0, 30.0])
@pytest.mark.parametrize("cells", [(4, 7), (5, 1)])
def test_a_position_is_an_expectation(cells, temperature):
    phi = rng(1).random((3, *cells))
    layer = SoftArgmax2D(temperature, dtype="float64")
    expected = np.array([oracle.soft_argmax(one, temperature) for one in phi])
    np.testing.assert_allclose(layer(phi), expected, rtol=1e-6)  # the temperature's logarithm is a float32
    np.testing.assert_allclose(layer.temperature, temperature, rtol=1e-6)
    flat = phi.reshape(3, -1)
    weights = softmax(temperature * flat / flat.max(axis=1, keepdims=True), axis=1)
    np.testing.assert_allclose(layer.weights_of_cells(phi), weights, rtol=1e-5)
    shares = SoftArgmax2D(temperature, units="shares", dtype="float64")(phi)
    np.testing.assert_allclose(shares, (expected + 0.5) / cells[::-1], rtol=1e-6)


def test_the_gradient_of_a_position():
    phi, weights = rng(1).random((2, 3, 4)), rng(2).normal(size=(2, 2))
    value = lambda layer: lambda x: ops.sum(layer(x) * weights)  # noqa: E731
    layer = SoftArgmax2D(5.0, dtype="float64")
    np.testing.assert_allclose(gradient_of(value(layer), phi), finite_differences(value(layer), phi), atol=1e-7)
    assert np.abs(gradient_of(value(SoftArgmax2D(dtype="float64")), np.zeros((1, 3, 4)))).max() < 30 * 4


def test_an_empty_map_says_the_middle():
    np.testing.assert_allclose(SoftArgmax2D()(np.zeros((2, 3, 5))), [[2, 1]] * 2, atol=1e-6)


@pytest.mark.parametrize(("learn", "target"), [(True, 2.0), (True, 0.0), (False, 2.0)])
def test_the_temperature_is_learned_and_stays_above_zero(learn, target):
    """To lower it takes the position from the peak at (0, 0) to the middle, (2, 2)."""
    phi = np.zeros((1, 5, 5), "float32")
    phi[0, 0, 0] = 1
    layer = SoftArgmax2D(5.0, learn)
    layer(phi)
    variables = layer.trainable_variables
    for _ in range(30):
        with tf.GradientTape() as tape:
            error = tf.reduce_mean((layer(phi) - target) ** 2)
        for variable, slope in zip(variables, tape.gradient(error, variables), strict=True):
            variable.assign_sub(5.0 * slope)
    now = float(layer.temperature)
    assert (now == pytest.approx(5.0)) if not learn else (0 < now < 4 if target else now > 6)


def test_soft_argmax_is_plain_keras(tmp_path):
    check_layer(lambda **kwargs: SoftArgmax2D(units="shares", **kwargs), rng().random((3, 4, 5)), path=tmp_path)


# From the vote back.


@pytest.mark.parametrize(("cells", "size"), MAPS)
def test_trace_back_is_the_papers(cells, size):
    responses, templates = sparse(3, *cells, 4), rng(1).random((*size, 4)) * (rng(2).random((*size, 4)) > 0.5)
    responses[0, ..., 2] = 0  # a primitive that is not seen
    phi = np.array([oracle.votes(one, templates).mean(axis=-1) for one in responses])
    phi[2] = 0
    found = trace_back(responses, phi, templates)
    expected = np.array([oracle.rebuilt(one, templates) for one in phi])
    np.testing.assert_allclose(found.responses, expected, atol=1e-12)
    flipped = templates[::-1, ::-1]
    by_scipy = [[convolve2d(one, flipped[..., k], "same") for k in range(4)] for one in phi]
    np.testing.assert_allclose(np.moveaxis(by_scipy, 1, -1), expected, atol=1e-12)
    alphas = [oracle.alphas(*pair) for pair in zip(responses, expected, strict=True)]
    np.testing.assert_allclose(found.alpha, alphas, atol=1e-12)
    assert np.min(found.alpha) >= 0 and np.max(found.alpha) <= 1 + 1e-12
    assert not np.any(found.alpha[2])


def test_an_alpha_on_paper():
    """Three cells in a row, a template that stays where it is: Rc is Phi, and half of the mass lies in common."""
    responses = np.array([0.0, 1.0, 2.0]).reshape(1, 1, 3, 1)
    found = trace_back(responses, np.array([[[5.0, 4.0, 0.0]]]), np.ones((1, 1, 1)))
    np.testing.assert_allclose(found.responses[0, 0, :, 0], [5, 4, 0])
    np.testing.assert_allclose(found.alpha, [[(1 + 4) / (3 + 9)]])


def test_votes_at_a_cell_add_up_to_the_vote_there():
    responses, templates = sparse(4, 5, 6, 3), rng(1).random((3, 5, 3)) + 0.1
    layer = voting(templates, (5, 6))
    positions = np.array([[2.4, 3.6], [0.0, 0.0], [5.0, 4.0], [9.0, -3.0]])  # the last beyond the map
    cells = [(4, 2), (0, 0), (4, 5), (0, 5)]
    alone = np.array(layer.votes(responses))
    expected = np.array([alone[image][cell] for image, cell in enumerate(cells)])
    found = votes_at(responses, templates, positions)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    at_cells = [np.array(layer(responses))[image][cell] for image, cell in enumerate(cells)]
    np.testing.assert_allclose(np.mean(found, axis=1), at_cells, atol=1e-12)
    np.testing.assert_array_equal(strongest_primitives(found, 2), np.argsort(-expected, axis=1)[:, :2])


# What is refused.


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: PrimitiveDetection(0), "primitives is 0: give a whole number, 1 or more"),
        (lambda: PrimitiveDetection(2.0), r"primitives is 2\.0"),
        (lambda: PrimitiveDetection(3).build((None, 4, 4, None)), "with a known C"),
        (lambda: PrimitiveDetection(3, name="seen").templates, "seen has no primitives yet"),
        (lambda: PrimitiveDetection(3).start_from(np.ones((2, 5))), r"shape \(2, 5\): \(3, C\) is needed"),
        (lambda: PrimitiveDetection(2).start_from([[1, 0], [0, 0]]), "A vector is zero"),
        (lambda: primitives_from_features(np.ones((9, 2)), 2), "There are 1 different features for 2 primitives"),
        (lambda: primitives_from_features(np.zeros((9, 2)), 2), "There are 0 different features"),
        (lambda: primitives_from_features([[np.nan, 1]], 1), "not finite"),
        (lambda: PrimitiveVoting(15), "size is 15: give the rows and columns of a template, two odd numbers"),
        (lambda: PrimitiveVoting((15, 14)), r"size is \(15, 14\)"),
        (lambda: PrimitiveVoting((15, -1)), r"size is \(15, -1\)"),
        (lambda: PrimitiveVoting().build((None, None, 15, 8)), "with known M, N, K"),
        (lambda: PrimitiveVoting(name="vote").templates, "vote has no templates yet"),
        (lambda: SoftArgmax2D(0), "temperature is 0: give a number above 0"),
        (lambda: SoftArgmax2D(-1.0), "temperature is -1.0"),
        (lambda: SoftArgmax2D(learn=1), "learn is 1: give True or False"),
        (lambda: SoftArgmax2D(units="pixels"), "units is 'pixels': give one of cells, shares"),
        (lambda: SoftArgmax2D().build((None, 4, None)), "with known M and N"),
        (lambda: SoftArgmax2D(name="where").temperature, "where has no temperature yet"),
        (lambda: trace_back(np.ones((1, 3, 3, 2)), np.ones((1, 3, 4)), np.ones((3, 3, 2))), "phi has shape"),
        (lambda: trace_back(np.ones((1, 3, 3, 2)), np.ones((1, 3, 3)), np.ones((3, 3, 4))), "of one K are needed"),
        (lambda: trace_back(np.ones((1, 3, 3, 2)), np.ones((1, 3, 3)), np.ones((3, 2, 2))), "templates have 3 x 2"),
        (lambda: votes_at(np.ones((1, 3, 3, 2)), np.ones((3, 3, 2)), [1, 1]), r"positions have shape \(2,\)"),
    ],
)
def test_what_is_bad_is_refused_in_one_line(call, says):
    with pytest.raises(ValueError, match=says) as error:
        call()
    assert "\n" not in str(error.value)
