"""The rule that finds the optic disc, against the discs that were drawn."""

from dataclasses import replace

import numpy as np
import pytest

from lookinside.data import find_discs, phantom_eyes
from lookinside.errors import LookInsideError


@pytest.mark.parametrize("size", [96, 160])
def test_the_middle_lies_in_the_disc(size):
    eyes = phantom_eyes("test", 40, size, seed=3)
    found = find_discs(eyes, radius=0.02)
    assert found.any(axis=(1, 2)).all()
    inside = (found & eyes.masks["disc"]).sum(axis=(1, 2)) / found.sum(axis=(1, 2))
    assert (inside > 0.5).mean() >= 0.95


def test_the_circle_has_the_radius_asked_for():
    eyes = phantom_eyes("test", 3, 128)
    assert find_discs(eyes, radius=0.1).sum(axis=(1, 2)) == pytest.approx(np.pi * 12.8**2, rel=0.05)


def test_glare_at_the_border_is_no_disc():
    eyes = phantom_eyes("test", 20, 128, seed=1)
    glaring, field = eyes.images.astype(float), eyes.masks["field"]
    rows, columns = np.indices(field.shape[1:])
    light = 160 * np.exp(-(((rows - 64) ** 2 + (columns - 4) ** 2) / (2 * 14**2)))
    glaring = np.clip(glaring + field[..., None] * light[..., None], 0, 255).astype(np.uint8)
    found = find_discs(replace(eyes, images=glaring), radius=0.02)
    assert (found & eyes.masks["disc"]).any(axis=(1, 2)).mean() >= 0.9


def test_a_photograph_that_is_not_square_or_small():
    eyes = phantom_eyes("test", 4, 128)
    known = {"images": np.pad(eyes.images, ((0, 0), (0, 0), (30, 50), (0, 0))), "masks": {}}
    square, wide = find_discs(eyes), find_discs(replace(eyes, **known))
    assert wide.shape == (4, 128, 208) and (wide[:, :, 30:158] == square).all()
    small = find_discs(replace(eyes, images=eyes.images[:, 2::5, 2::5], masks={}))  # 26 px
    assert small.shape == (4, 26, 26) and (small & eyes.masks["disc"][:, 2::5, 2::5]).any(axis=(1, 2)).all()
    assert find_discs(eyes.subset([])).shape == (0, 128, 128)


def test_what_has_no_disc_is_refused_in_one_line():
    eyes = phantom_eyes("test", 2, 96)
    grey = replace(eyes, images=eyes.images[..., :1])
    dark = replace(eyes, images=eyes.images // 20)
    white = replace(eyes, images=np.full_like(eyes.images, 255))
    tiny = replace(eyes, images=eyes.images[:, 40:55, 40:60], masks={})
    wrong = (
        *((grey, 0.1, "channels=3"), (dark, 0.1, "healthy.* is dark all over"), (white, 0.1, "the same all over")),
        *((tiny, 0.1, "20x15 px"), (eyes.images, 0.1, "type ndarray: give LabelledImages"), ("hygd", 0.1, "type str")),
        *((eyes, 0, "radius is 0"), (eyes, "0.1", "radius is '0.1'"), (eyes, np.inf, "radius is inf")),
    )
    for images, radius, says in wrong:
        with pytest.raises(LookInsideError, match=says) as error:
            find_discs(images, radius)
        assert "\n" not in str(error.value)
