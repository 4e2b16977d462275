"""The Frechet distance: closed forms, a matrix root of SciPy's, and the bias of few images."""

import numpy as np
import pytest
from scipy import linalg

from lookinside.errors import LookInsideError
from lookinside.training import frechet_by_count, frechet_distance

RANDOM = np.random.default_rng(0)
WIDE = RANDOM.normal(size=(60, 5)) @ RANDOM.normal(size=(5, 5)) + 1
OTHER = RANDOM.normal(size=(45, 5)) @ RANDOM.normal(size=(5, 5))


def with_moments(mean, covariance, count=40):
    """Points that have this mean and covariance exactly."""
    points = np.random.default_rng(count).normal(size=(count, len(mean)))
    points -= points.mean(axis=0)
    whitened = points @ np.linalg.inv(np.linalg.cholesky(np.cov(points, rowvar=False))).T
    return np.asarray(mean) + whitened @ np.linalg.cholesky(covariance).T


def by_root(first, second):
    """The formula as it is printed, with a root of the product of covariances."""
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = linalg.sqrtm(one @ other).real
    return ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum() + np.trace(one + other - 2 * root)


def test_closed_form_of_axes():
    """(3 - 1)^2 + (5 - 2)^2 for standard deviations along the axes, and 1 + 16 for the means."""
    first, second = with_moments([0, 0], np.diag([9.0, 4.0])), with_moments([1, 4], np.diag([1.0, 25.0]), 70)
    assert frechet_distance(first, second) == pytest.approx(4 + 9 + 17)


def test_it_is_the_printed_formula():
    assert frechet_distance(WIDE, OTHER) == pytest.approx(by_root(WIDE, OTHER), rel=1e-9)


def test_identity_symmetry_translation_and_turns():
    assert frechet_distance(WIDE, WIDE[::-1]) == pytest.approx(0, abs=1e-9)
    distance = frechet_distance(WIDE, OTHER)
    assert frechet_distance(OTHER, WIDE) == pytest.approx(distance)
    assert frechet_distance(WIDE, WIDE + np.array([3, 0, 4, 0, 0])) == pytest.approx(25)
    turn = linalg.qr(RANDOM.normal(size=(5, 5)))[0]
    assert frechet_distance(WIDE @ turn, OTHER @ turn) == pytest.approx(distance)
    assert frechet_distance(3 * WIDE, 3 * OTHER) == pytest.approx(9 * distance)


def test_fewer_images_than_features():
    """Covariances of rank 3 in 8 dimensions, exactly: three numbers turned into eight keep their distance."""
    turn = linalg.qr(RANDOM.normal(size=(8, 8)))[0][:3]
    few, fewer = RANDOM.normal(size=(7, 3)), RANDOM.normal(size=(5, 3)) * [1, 4, 0.1]
    assert frechet_distance(few @ turn, fewer @ turn) == pytest.approx(by_root(few, fewer), rel=1e-9)
    # Two images each, along axes that have nothing in common: nothing is shared.
    assert frechet_distance([[0, 1], [0, -1]], [[1, 0], [-1, 0]]) == pytest.approx(2 + 2)


def test_few_images_look_further_apart_and_the_line_leads_back():
    first, second = RANDOM.normal(size=(2, 1500, 6))
    second = second * 1.5 + np.eye(6)[0]
    truth = 1 + 6 * 0.5**2
    found = frechet_by_count(first, second, (50, 100, 200, 400), repeats=20, seed=1)
    means = found.distances.mean(axis=1)
    assert found.distances.shape == (4, 20) and (np.diff(means) < 0).all()
    assert means[0] > truth + 0.5
    assert abs(found.limit - truth) < 0.25 < means[0] - truth
    # One distribution: all that is seen is bias.
    same = frechet_by_count(first, RANDOM.normal(size=(1500, 6)), (50, 100, 200, 400), repeats=20)
    assert same.distances.mean(axis=1)[0] > 0.3 and abs(same.limit) < 0.05
    again = frechet_by_count(first, second, (50, 100, 200, 400), repeats=20, seed=1)
    np.testing.assert_array_equal(found.distances, again.distances)


def test_all_images_drawn_are_the_distance_itself():
    found = frechet_by_count(WIDE[:45], OTHER, (20, 45), repeats=2)
    np.testing.assert_allclose(found.distances[1], frechet_distance(WIDE[:45], OTHER))


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (WIDE[:1], OTHER, "first is"),
        (WIDE, OTHER[0], "second is"),
        (WIDE, OTHER[:, :3], "5 features, second 3"),
        (WIDE, np.where(OTHER > 1, np.nan, OTHER), "second holds nan"),
        (WIDE * 1e200, OTHER, r"first holds numbers of more than 1e\+140"),
        ("text", OTHER, "first holds no numbers"),
    ],
)
def test_refusals(first, second, said):
    with pytest.raises(LookInsideError, match=said):
        frechet_distance(first, second)
    with pytest.raises(LookInsideError, match=said):
        frechet_by_count(first, second, (10, 20))


@pytest.mark.parametrize(
    "counts", [(10,), (10, 10), (1, 10), (10, 46), (10, 20.5), 20, "20", np.arange(2, 60), [[10], [20, 30]]]
)
def test_counts_that_do_not_fit(counts):
    with pytest.raises(LookInsideError, match=r"\Acounts (is|has rows of different lengths)[^\n]{,150}\Z"):
        frechet_by_count(WIDE, OTHER, counts)
    with pytest.raises(LookInsideError, match="repeats is 0"):
        frechet_by_count(WIDE, OTHER, (10, 20), repeats=0)
