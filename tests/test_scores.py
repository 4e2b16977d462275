"""Scores of heat maps, each with an example worked by hand."""

import random

import keras
import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.explain.heatmap import heat_map
from lookinside.explain.truth.insertion_deletion import insertion
from lookinside.explain.truth.intervals import bootstrap_interval
from lookinside.explain.truth.randomization import randomize_weights
from lookinside.explain.truth.scores import landmark_share, map_correlation, mass_in_region, pointing_game, region_share

# Two images of 2 x 4 pixels. In the first the region holds 2 of 8 pixels and 3 + 1 of the heat's 8.
HEAT = np.array([[[3, 1, 2, 0], [0, 2, 0, 0]], [[1, 1, 1, 1], [1, 1, 1, 1]]], dtype=float)
REGIONS = np.zeros((2, 2, 4), bool)
REGIONS[:, 0, :2] = True


def test_mass_share_and_ratio_by_hand():
    assert mass_in_region(HEAT, REGIONS).tolist() == [0.5, 0.25]
    assert region_share(REGIONS).tolist() == [0.25, 0.25]
    assert landmark_share(HEAT, REGIONS).tolist() == [2.0, 1.0]


def test_negative_heat_counts_as_zero():
    heat = HEAT.copy()
    heat[0, 1, 0] = -100
    assert mass_in_region(heat, REGIONS).tolist() == [0.5, 0.25]


def test_no_heat_and_no_region_are_nan_not_a_number():
    assert np.isnan(mass_in_region(np.zeros((1, 2, 2)), np.ones((1, 2, 2), bool)))[0]
    assert np.isnan(landmark_share(np.ones((1, 2, 2)), np.zeros((1, 2, 2), bool)))[0]


@pytest.mark.parametrize(
    ("heat", "regions"),
    [
        (HEAT, REGIONS[:1]),
        (HEAT, REGIONS.astype(int)),
        (np.full_like(HEAT, np.nan), REGIONS),
        (HEAT[0], REGIONS[0]),
    ],
)
def test_what_does_not_fit_is_refused(heat, regions):
    with pytest.raises(LookInsideError):
        landmark_share(heat, regions)


def test_correlation_against_numpy():
    rng = np.random.default_rng(0)
    first, second = rng.random((3, 5, 7)), rng.random((3, 5, 7))
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True)]
    assert np.allclose(map_correlation(first, second), expected)
    assert map_correlation(first, 3 - 2 * first) == pytest.approx(-1)
    assert np.isnan(map_correlation(first, np.ones_like(first))).all()


def test_the_bootstrap_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        interval = bootstrap_interval(rng.normal(2.0, 1.0, 40), resamples=400, seed=trial)
        covered += interval.low <= 2.0 <= interval.high
    assert 0.88 <= covered / 200 <= 0.99  # 95 % nominal; the percentile bootstrap is a little narrow at n = 40


def test_the_bootstrap_leaves_nan_out_and_repeats():
    values = np.array([1.0, np.nan, 3.0])
    assert bootstrap_interval(values).estimate == 2.0
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert np.isnan(bootstrap_interval([np.nan]).estimate)


def test_randomized_weights_are_new_repeatable_and_leave_the_model_alone():
    inner = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="c")], name="inner")
    model = keras.Sequential([keras.Input((8, 8, 1)), inner, keras.layers.BatchNormalization(), keras.layers.Flatten()])
    model.layers[1].moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    before = [w.copy() for w in model.get_weights()]
    state = random.getstate()
    one, same, other = (randomize_weights(model, seed) for seed in (1, 1, 2))
    assert random.getstate() == state
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), same.get_weights(), strict=True))
    kernels = [m.layers[0].get_layer("c").get_weights()[0] for m in (model, one, other)]
    assert not np.allclose(kernels[0], kernels[1]) and not np.allclose(kernels[1], kernels[2])
    assert np.array_equal(one.layers[1].moving_mean, np.zeros(4))


def test_pointing_game_by_hand():
    heat = np.zeros((3, 3, 4))
    heat[0, 0, 0] = heat[1, 2, 3] = 1  # a hit, a miss; the third map is even
    regions = np.zeros((3, 3, 4), bool)
    regions[:, 0, :3] = True
    assert pointing_game(heat, regions).tolist() == [1, 0, 0.25]
    assert pointing_game(heat, regions, tolerance=2.3).tolist() == [1, 1, 1]  # (2, 3) lies sqrt(5) from (0, 2)
    assert np.isnan(pointing_game(heat[:1], np.zeros((1, 3, 4), bool))).all()
    with pytest.raises(LookInsideError, match="tolerance is -1"):
        pointing_game(heat, regions, tolerance=-1)


def test_even_heat_scores_the_regions_share_with_its_margin():
    regions = np.zeros((1, 9, 9), bool)
    regions[0, 4, 4] = True
    assert region_share(regions).tolist() == [1 / 81]
    assert region_share(regions, tolerance=1).tolist() == [5 / 81]
    assert pointing_game(np.ones((1, 9, 9)), regions, tolerance=1) == region_share(regions, tolerance=1)
    with pytest.raises(LookInsideError, match="tolerance is -1"):
        region_share(regions, tolerance=-1)


@pytest.mark.parametrize("wrong", ["a", "2", None, np.nan, -1, [1, 2], True])
def test_an_argument_that_is_no_number_is_named(wrong):
    heat = np.random.default_rng(0).random((1, 9, 9))
    with pytest.raises(LookInsideError, match="tolerance is"):
        pointing_game(heat, heat > 0.5, tolerance=wrong)
    with pytest.raises(LookInsideError, match="level is"):
        bootstrap_interval(heat[0, 0], level=wrong)
    with pytest.raises(LookInsideError, match="seed "):
        bootstrap_interval(heat[0, 0], seed=wrong)
    with pytest.raises(LookInsideError, match="blur_sigma="):
        heat_map(heat, blur_sigma=wrong)
    model = keras.Sequential([keras.Input((9, 9, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(LookInsideError, match="blur is"):
        insertion(model, heat[..., None], heat, blur=wrong)
    with pytest.raises(LookInsideError, match="seed is"):
        randomize_weights(model, wrong)


def test_the_interval_is_the_middle_of_the_means():
    """Of fifty zeros and fifty ones the mean is binomial: normal, near enough, with a deviation of 0.05."""
    values = np.repeat([0.0, 1.0], 50)
    for level, reach in ((0.95, 1.96), (0.5, 0.674)):
        mean, low, high = bootstrap_interval(values, level=level, resamples=20_000)
        assert mean == 0.5
        assert low == pytest.approx(0.5 - reach * 0.05, abs=0.0101)
        assert high == pytest.approx(0.5 + reach * 0.05, abs=0.0101)


def test_how_many_draws_are_held_at_once_changes_nothing(monkeypatch):
    values = np.random.default_rng(0).random(37)
    whole = bootstrap_interval(values)
    monkeypatch.setattr("lookinside.explain.truth.intervals.DRAWS_AT_ONCE", 100)
    assert bootstrap_interval(values) == whole


def test_a_map_that_is_the_same_everywhere_correlates_with_nothing():
    constant, varied = np.full((1, 7, 9), 0.3), np.random.default_rng(0).random((1, 7, 9))
    assert np.isnan(map_correlation(constant, np.full((1, 7, 9), 0.9))).all()
    assert np.isnan(map_correlation(varied, constant)).all()
    with pytest.raises(LookInsideError, match="nan or infinite"):
        map_correlation(varied, np.full((1, 7, 9), np.nan))


def test_tiny_and_huge_maps_correlate_as_others():
    ramp = np.arange(63.0).reshape(1, 7, 9)
    for scale in (1e-200, 1e-90, 1, 1e150, 1e300):
        assert map_correlation(scale * ramp, ramp) == pytest.approx(1)
        assert map_correlation(scale * ramp, ramp) <= 1
