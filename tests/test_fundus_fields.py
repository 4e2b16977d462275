"""The field of view of fundus photographs, against the fields that were drawn."""

from dataclasses import replace

import numpy as np
import pytest

from lookinside.data import field_of_view, phantom_eyes
from lookinside.errors import LookInsideError


@pytest.mark.parametrize("size", [96, 160])
def test_it_is_the_field_that_was_drawn(size):
    eyes = phantom_eyes("test", 12, size, seed=3)
    found, drawn = field_of_view(eyes), eyes.masks["field"]
    overlap = (found & drawn).sum(axis=(1, 2)) / (found | drawn).sum(axis=(1, 2))
    assert overlap.min() > 0.97
    assert (found & eyes.masks["vessels"]).sum() > 0.999 * eyes.masks["vessels"].sum()


def test_holes_belong_to_it_and_letters_in_the_corner_do_not():
    pixels = np.zeros((2, 40, 52, 3), np.uint8)
    rows, columns = np.indices((40, 52))
    field = np.hypot(rows - 20, columns - 25) < 18
    pixels[0, field] = (90, 40, 5)
    pixels[1, field] = (5, 5, 200)
    pixels[:, 18:22, 20:30] = 0  # a dark vessel
    pixels[:, 2:4, 2:6] = 255
    eyes = replace(phantom_eyes("test", 2, 96), images=pixels, masks={})
    np.testing.assert_array_equal(field_of_view(eyes), [field, field])
    assert not (field_of_view(eyes, 100)[0] & field).any()  # all that is left is the letter
    grey = replace(eyes, images=pixels.max(axis=-1, keepdims=True))
    np.testing.assert_array_equal(field_of_view(grey), [field, field])
    assert field_of_view(eyes.subset([])).shape == (0, 40, 52)


def test_what_has_no_field_is_refused_in_one_line():
    eyes = phantom_eyes("test", 2, 96)
    dark = replace(eyes, images=eyes.images // 50)
    wrong = ((dark, 15, "healthy.* is nowhere above 15: give a lower"), (eyes.images, 15, "type ndarray"))
    for images, threshold, says in (*wrong, (eyes, 255, "threshold is 255"), (eyes, "15", "threshold is '15'")):
        with pytest.raises(LookInsideError, match=says) as error:
            field_of_view(images, threshold)
        assert "\n" not in str(error.value)
