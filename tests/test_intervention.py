"""Maps before and after a part is taken away, against hand-made cases and SciPy."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from lookinside.errors import LookInsideError
from lookinside.explain import map_follows_score

RNG = np.random.default_rng(0)
COUNT = 40
REGIONS = np.zeros((COUNT, 6, 8), bool)
REGIONS[:, 2:4, 1:4] = True  # 6 of 48 pixels
LOST = RNG.uniform(0.1, 2, COUNT)


def maps(lost, inside=1.0):
    """Maps of noise, and the same with `lost` less heat: a share of it inside of the region, the rest outside."""
    before = RNG.uniform(1, 2, REGIONS.shape) + 3
    after = before - lost[:, None, None] * np.where(REGIONS, inside / 6, (1 - inside) / 42)
    return before, after


def test_a_map_that_loses_what_the_score_loses_follows_it():
    found = map_follows_score(*maps(LOST), np.full(COUNT, 5.0), 5 - LOST, REGIONS)
    np.testing.assert_allclose(found.heat_lost, LOST)
    np.testing.assert_allclose(found.score_lost, LOST)
    assert found.correlation.estimate == pytest.approx(1) and found.correlation.low > 0.99
    assert found.change_inside.estimate == pytest.approx(1) and found.area.estimate == pytest.approx(6 / 48)


def test_a_map_that_changes_elsewhere_or_the_other_way_does_not():
    other = RNG.permutation(LOST)
    found = map_follows_score(*maps(other, inside=0.25), LOST, np.zeros(COUNT), REGIONS)
    assert found.correlation.estimate == pytest.approx(spearmanr(0.25 * other, LOST).statistic)
    assert found.correlation.low < 0 < found.correlation.high  # it does not know
    assert found.change_inside.estimate == pytest.approx(0.25)
    assert map_follows_score(*maps(LOST), -LOST, np.zeros(COUNT), REGIONS).correlation.estimate == pytest.approx(-1)


def test_the_interval_holds_the_correlation_of_other_images():
    """Of a correlation of about 0.6: 95 % intervals of new draws of images hold it in about 95 of 100 cases."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(60):
        score = rng.normal(size=COUNT)
        lost = 0.75 * score + rng.normal(size=COUNT)
        region = np.ones((COUNT, 1, 1), bool)
        found = map_follows_score(
            10 + lost[:, None, None], np.full((COUNT, 1, 1), 10.0), score, 0 * score, region, resamples=200
        )
        held += found.correlation.low <= 0.582 <= found.correlation.high  # 6 / pi arcsin(0.6 / 2)
    assert 50 <= held <= 60


def test_negative_heat_counts_as_none_and_images_without_the_part_are_left_out():
    before, after = np.ones((3, 2, 2)), np.full((3, 2, 2), -4.0)
    regions = np.zeros((3, 2, 2), bool)
    regions[:2, 0, 0] = True
    found = map_follows_score(before, after, np.zeros(3), np.zeros(3), regions)
    assert found.heat_lost.tolist() == [1, 1] and len(found.score_lost) == 2
    assert np.isnan(found.correlation.estimate)  # of two images
    still = map_follows_score(before, before, np.arange(3.0), np.zeros(3), np.ones((3, 2, 2), bool))
    assert np.isnan(still.correlation.estimate) and np.isnan(still.change_inside.estimate)


def test_what_does_not_agree_is_refused():
    good, score, regions = np.ones((3, 2, 2)), np.ones(3), np.ones((3, 2, 2), bool)
    for arguments, said in (
        ((good, good[:2], score, score, regions), "The maps are"),
        ((good, good, score, score, regions.astype(float)), "regions as bool"),
        ((good, good, score, score[:2], regions), r"scores are \(3,\) and \(2,\)"),
        ((good, good * np.nan, score, score, regions), "nan or infinite"),
        ((good, good, score, score, ~regions), "All regions are empty: .* that still have the part"),
    ):
        with pytest.raises(LookInsideError, match=said):
            map_follows_score(*arguments)
    for options in ({"resamples": 0}, {"resamples": "all"}, {"seed": -1}, {"seed": 0.5}):
        with pytest.raises(LookInsideError, match="give whole numbers from 1 and 0"):
            map_follows_score(good, good, score, score, regions, **options)
