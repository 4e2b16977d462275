"""Images without shading, without detail, and in another size."""

import numpy as np
import pytest

from lookinside.data import LabelledImages, magnified, phantom_fetuses, without_detail, without_shading
from lookinside.errors import LookInsideError


def a_set(images, **more):
    images = np.asarray(images, np.uint8)[..., None]
    names = tuple(f"n{i}" for i in range(len(images)))
    return LabelledImages(images, np.zeros(len(images), int), ("one",), names, **more)


def test_shading_and_detail_are_the_two_halves_of_an_image():
    images = a_set(np.random.default_rng(0).integers(60, 120, (3, 20, 30)))
    fine, coarse = without_shading(images, 3.0), without_detail(images, 3.0)
    together = fine.images.astype(int) - 128 + coarse.images
    assert np.abs(together - images.images).max() <= 1  # each half is rounded
    assert np.abs(coarse.images.astype(int) - images.images).max() > 10


def test_a_ramp_is_shading_and_an_edge_is_not():
    ramp = np.broadcast_to(np.arange(0, 200, 4), (50, 50))
    edge = np.where(np.arange(50) < 25, 40, 80) * np.ones((50, 1))
    flat, kept = without_shading(a_set([ramp, edge]), 2.0).images[:, 10:-10, 10:-10, 0].astype(int)
    assert np.abs(flat - 128).max() <= 1
    assert kept.max() - kept.min() >= 30  # a Gaussian step: half of 40 on either side of the edge, a little less


def test_a_gain_makes_what_is_left_stronger():
    images = a_set(np.random.default_rng(0).integers(100, 120, (2, 20, 30)))
    plain, strong = (without_shading(images, 3.0, gain).images.astype(int) - 128 for gain in (1, 4))
    assert np.abs(strong - 4 * plain).max() <= 2 and np.abs(strong).max() > 20  # both are rounded


def test_an_image_twice_as_large_shows_its_middle_and_its_masks_follow():
    image = np.zeros((1, 21, 33))
    image[0, 8:13, 13:20] = 200
    mask = image > 0
    larger = magnified(a_set(image, masks={"part": mask}), 2.0)
    expected = np.zeros((21, 33), bool)
    expected[6:15, 10:23] = True  # rows 8..12 about row 10 become 6..14, columns 13..19 about 16 become 10..22
    assert np.array_equal(larger.images[0, ..., 0] >= 199, expected)
    assert (larger.masks["part"][0] & expected).sum() >= 0.95 * expected.sum()
    assert abs(int(larger.masks["part"].sum()) - 4 * mask.sum()) < 30


def test_a_smaller_image_has_a_black_border_and_no_change_is_none():
    images = a_set(np.full((1, 20, 20), 90))
    smaller = magnified(images, 0.5).images[0, ..., 0]
    assert smaller[0].max() == 0 and smaller[10, 10] == 90
    assert np.array_equal(magnified(images, 1).images, images.images)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda i: without_shading(i, 0), "sigma"),
        (lambda i: without_shading(i, 2, 0), "gain"),
        (lambda i: magnified(i, -1), "factor"),
        (lambda i: magnified(i, "2"), "factor is '2'"),
        (lambda i: without_shading(i.images, 2), "give LabelledImages"),
        (lambda i: magnified(phantom_fetuses("test", 1, (96, 128)), 2), "give LabelledImages"),  # boxes would not move
    ],
)
def test_what_makes_no_sense_is_refused(change, said):
    with pytest.raises(LookInsideError, match=said):
        change(a_set(np.zeros((1, 5, 5))))
