"""Heat maps: what is drawn is absolute, blurred lightly, and at most 1."""

import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.explain.heatmap import heat_map


def test_signs_go_and_the_percentile_is_one():
    maps = np.arange(-50, 50, dtype=np.float32).reshape(1, 10, 10)
    heat = heat_map(maps, blur_sigma=0)
    assert heat.dtype == np.float32 and heat.min() == 0 and heat.max() == 1
    top = np.percentile(np.abs(maps), 99)
    assert heat[0, 0, 9] == pytest.approx(41 / top)


def test_an_outlier_does_not_darken_the_rest():
    maps = np.ones((1, 20, 20), np.float32)
    maps[0, 3, 3] = 1000
    assert np.allclose(heat_map(maps, blur_sigma=0), 1)


def test_the_blur_keeps_the_sum_away_from_the_border():
    maps = np.zeros((1, 31, 31), np.float32)
    maps[0, 15, 15] = 1
    heat = heat_map(maps, blur_sigma=1.5, percentile=100)
    assert heat[0, 15, 15] == 1
    # A Gaussian one standard deviation away from its top: exp(-1/2), here at 1.5 pixels, between two pixels.
    assert heat[0, 15, 16] == pytest.approx(np.exp(-((1 / 1.5) ** 2) / 2), rel=1e-3)
    assert heat[0, 15, 14] == pytest.approx(heat[0, 16, 15])


def test_maps_are_treated_one_by_one_and_zeros_stay():
    maps = np.zeros((2, 3, 8, 8), np.float32)
    maps[0, 0, 2, 2], maps[1, 1, 4, 4] = 5, -0.1
    heat = heat_map(maps, blur_sigma=0)
    assert heat.shape == maps.shape
    assert heat[0, 0, 2, 2] == 1 and heat[1, 1, 4, 4] == 1 and heat.sum() == 2


@pytest.mark.parametrize(
    ("maps", "options"),
    [
        (np.zeros(4), {}),
        (np.full((1, 4, 4), np.nan), {}),
        (np.ones((1, 4, 4)), {"blur_sigma": -1}),
        (np.ones((1, 4, 4)), {"percentile": 0}),
    ],
)
def test_nonsense_is_refused(maps, options):
    with pytest.raises(LookInsideError):
        heat_map(maps, **options)
