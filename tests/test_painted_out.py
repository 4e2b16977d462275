"""Painting out what is small inside of boxes, and the same elsewhere."""

import numpy as np
import pytest

from lookinside.data import BoxedImages, boxes_elsewhere, phantom_fetuses, smoothed_inside
from lookinside.errors import LookInsideError


def scans(boxes, side=(20, 30)):
    pixels = np.full((len(boxes), *side, 1), 40, np.uint8)
    return BoxedImages(pixels, boxes, [[0] * len(own) for own in boxes], ("NT",), [f"n{i}" for i in range(len(boxes))])


def test_a_cross_inside_a_box_is_painted_out_and_one_outside_stays():
    data = scans([[[5, 5, 15, 12]], []])
    data.images[:, 8, 6:9], data.images[:, 7:10, 7] = 200, 200  # a cross inside, on both images
    data.images[:, 16, 20:23], data.images[:, 15:18, 21] = 200, 200  # and one outside
    before = data.images.copy()
    found = smoothed_inside(data, data.boxes)
    assert (found.images[0, 5:12, 5:15] == 40).all()
    np.testing.assert_array_equal(found.images[0, 13:], before[0, 13:])
    np.testing.assert_array_equal(found.images[1], before[1])  # it has no box
    np.testing.assert_array_equal(data.images, before)  # the given set stays
    assert found.boxes[0].tolist() == [[5, 5, 15, 12]] and found.names == data.names


def test_each_pixel_inside_is_the_median_of_those_around_it_and_no_other_changes():
    rng = np.random.default_rng(0)
    data = scans([[[4.6, 3, 11.5, 9]]])
    data.images[:] = rng.integers(0, 256, data.images.shape)
    found = smoothed_inside(data, [[[4.6, 3, 11.5, 9], [0, 18, 2, 20]]], 3).images[0, ..., 0]
    padded = np.pad(data.images[0, ..., 0], 1, mode="edge")
    for row, column in np.ndindex(20, 30):
        inside = (3 <= row < 9 and 5 <= column < 11) or (row >= 18 and column < 2)  # 4.5 and 11.5 are not inside
        wanted = np.median(padded[row : row + 3, column : column + 3]) if inside else data.images[0, row, column, 0]
        assert found[row, column] == wanted


def test_calipers_of_a_phantom_are_painted_out():
    drawn = phantom_fetuses("test", 4, size=(144, 192), calipers=1.0)
    marks = drawn.masks["calipers"]
    clean = phantom_fetuses("test", 4, size=(144, 192))
    grown = [np.clip(box + np.array([-4, -4, 4, 4]), 0, [192, 144, 192, 144]) for box in drawn.boxes]
    found = smoothed_inside(drawn, grown, 7)
    gap = lambda one: np.abs(one.images[..., 0][marks].astype(float) - clean.images[..., 0][marks]).mean()  # noqa: E731
    assert marks.any() and gap(found) < 0.5 * gap(drawn)


def test_the_control_has_the_same_sizes_inside_the_image_and_touches_no_box():
    data = scans([[[5, 5.5, 15, 12]], [[0, 0, 6, 6], [20, 10, 30, 20]], []])
    seen = set()
    for seed in range(40):
        found = boxes_elsewhere(data, seed)
        assert [one.shape for one in found] == [(1, 4), (2, 4), (0, 4)]
        for own, others in zip(data.boxes, found, strict=True):
            np.testing.assert_allclose(others[:, 2:] - others[:, :2], own[:, 2:] - own[:, :2], atol=1e-4)
            assert not len(others) or (others.min() >= 0 and (others[:, 2:] <= [30, 20]).all())
            for left, top, right, bottom in others:
                for box in own:
                    assert right <= box[0] or left >= box[2] or bottom <= box[1] or top >= box[3]
        seen.add(tuple(found[0][0]))
    assert len(seen) > 10
    np.testing.assert_array_equal(boxes_elsewhere(data, 3)[1], boxes_elsewhere(data, 3)[1])
    only = scans([[[0, 0, 30, 10]]])  # one place is left: below
    assert {tuple(boxes_elsewhere(only, seed)[0][0]) for seed in range(5)} == {(0, 10, 30, 20)}
    with pytest.raises(LookInsideError, match="n0: its boxes leave no room for one of 30 x 11 px"):
        boxes_elsewhere(scans([[[0, 0, 30, 11]]]))


def test_the_control_keeps_away_from_where_a_scan_is_black():
    data = scans([[[5, 5, 15, 12]]])
    data.images[0, :, 18:] = 0
    data.images[0, 5, 5:15] = 0  # a seventh of the box: up to 24 % of a place may be black
    places = {tuple(boxes_elsewhere(data, seed)[0][0]) for seed in range(60)}
    dark = [
        (data.images[0, int(top) : int(bottom), int(left) : int(right)] < 8).mean()
        for left, top, right, bottom in places
    ]
    assert len(places) > 5 and 0.1 < max(dark) <= 1 / 7 + 0.1
    data.images[0, :, :5], data.images[0, :4], data.images[0, 13:], data.images[0, :, 16:] = 0, 0, 0, 0
    # Nearly black places are left: row 12, just below the box, is the longest line that is not.
    least = {tuple(boxes_elsewhere(data, seed)[0][0].tolist()) for seed in range(20)}
    assert least == {(5, 12, 15, 19), (6, 12, 16, 19)}


def test_what_is_no_box_is_refused():
    data = scans([[[5, 5, 15, 12]], []])
    for boxes, said in (
        ([[[5, 5, 15, 12]]], "boxes for 1 images, and 2 images"),
        ([[[5, 5, 35, 12]], []], "n0: the box .* lies outside"),
        ([[[15, 5, 5, 12]], []], "n0: the box .* ends before it begins"),
        ([[5, 5, 15, 12], []], r"n0: its boxes are \(4,\)"),
    ):
        with pytest.raises(LookInsideError, match=said):
            smoothed_inside(data, boxes)
    for size in (4, 1, 5.0, "5"):
        with pytest.raises(LookInsideError, match="size is"):
            smoothed_inside(data, data.boxes, size)
