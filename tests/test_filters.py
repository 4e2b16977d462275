"""Spatial frequency of filters: what is known by hand."""

import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.explain import spatial_frequency

Y, X = np.mgrid[:64, :64]


def test_waves_have_their_frequency():
    waves = [np.cos(2 * np.pi * 0.25 * X), np.cos(2 * np.pi * (0.1875 * X + 0.25 * Y)), (-1.0) ** (X + Y), 1.0 + 0 * X]
    found = spatial_frequency(np.stack(waves, -1)[:, :, None])

    np.testing.assert_allclose(found, [0.25, 0.3125, 0.5**0.5, 0.0], atol=1e-9)


def test_white_noise_has_the_mean_of_all_frequencies():
    noise = np.random.default_rng(0).normal(size=(11, 11, 1, 500))
    fine = np.linspace(-0.5, 0.5, 400)
    assert spatial_frequency(noise).mean() == pytest.approx(np.hypot(fine[:, None], fine).mean(), abs=0.003)


def test_strength_does_not_count_and_channels_are_added():
    kernel = np.random.default_rng(1).normal(size=(5, 5, 2, 3))
    np.testing.assert_allclose(spatial_frequency(7 * kernel), spatial_frequency(kernel))
    alone = [spatial_frequency(kernel[:, :, [c]]) for c in range(2)]
    power = [(kernel[:, :, c] ** 2).sum(axis=(0, 1)) for c in range(2)]  # Parseval
    expected = (alone[0] * power[0] + alone[1] * power[1]) / (power[0] + power[1])
    np.testing.assert_allclose(spatial_frequency(kernel), expected)


def test_a_filter_of_zeros_and_a_wrong_shape():
    assert np.isnan(spatial_frequency(np.zeros((3, 3, 1, 2)))).all()
    with pytest.raises(LookInsideError, match="a Conv2D's kernel"):
        spatial_frequency(np.zeros((3, 3)))
