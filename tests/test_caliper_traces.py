"""Calipers found, painted out, and the same done beside them."""

import numpy as np
import pytest

from lookinside.data import BoxedImages, bridged, caliper_strips, phantom_fetuses, strips_elsewhere
from lookinside.errors import LookInsideError

BOX = [10, 20, 70, 32]


def scans(boxes, side=(48, 80)):
    pixels = np.full((len(boxes), *side, 1), 40, np.uint8)
    return BoxedImages(pixels, boxes, [[0] * len(own) for own in boxes], ("NT",), [f"n{i}" for i in range(len(boxes))])


def test_the_strip_lies_on_the_cross_and_painting_it_out_brings_the_scan_back():
    data = scans([[BOX], []])
    data.images[:] = (np.arange(48)[:, None, None] * 3).astype(np.uint8)  # lines from side to side
    clean = data.images.copy()
    data.images[0, 22, 50:53] = data.images[0, 20:27, 51] = 255
    data.images[0, 5, 30] = 255  # a bright pixel that is in no box
    strips = caliper_strips(data)
    assert len(strips[1]) == 0 and strips[0].tolist() == [[47, 16, 56, 36]]  # column 51 in the middle of 9, 4 rows more
    before = data.images.copy()
    found = bridged(data, strips)
    np.testing.assert_array_equal(found.images[0, 16:36], clean[0, 16:36])
    np.testing.assert_array_equal(found.images[0, :16], before[0, :16])
    np.testing.assert_array_equal(found.images[1], before[1])
    np.testing.assert_array_equal(data.images, before)  # the given set stays
    assert found.boxes[0].tolist() == [BOX] and found.names == data.names


def test_a_strip_is_filled_from_its_left_to_its_right_pixel():
    data = scans([[BOX]])
    data.images[0, :, :30], data.images[0, :, 33:] = 100, 200
    row = bridged(data, [[[30, 20, 33, 21]]]).images[0, 20, 28:35, 0]
    assert row.tolist() == [100, 100, 125, 150, 175, 200, 200]


def test_calipers_of_phantoms_are_found_and_painted_out():
    drawn, clean = (phantom_fetuses("test", 12, size=(192, 256), calipers=share) for share in (1.0, 0.0))
    strips, hit = caliper_strips(drawn), []
    for own, marks in zip(strips, drawn.masks["calipers"], strict=True):
        if len(own) and marks.any():
            hit.append(own[0, 0] <= np.median(np.nonzero(marks)[1]) <= own[0, 2])
    assert len(hit) >= 10 and np.mean(hit) >= 0.8
    gap = lambda one: np.abs(one.images.astype(float) - clean.images)[drawn.masks["calipers"]].mean()  # noqa: E731
    assert gap(bridged(drawn, strips)) < 0.3 * gap(drawn)


def test_the_control_is_as_large_in_the_same_box_and_apart_from_the_strip():
    data = scans([[BOX], [[5, 5, 19, 12], [30, 30, 75, 40]], []])
    strips = caliper_strips(data)
    assert [len(one) for one in strips] == [1, 2, 0]
    seen = set()
    for seed in range(30):
        found = strips_elsewhere(data, strips, seed)
        assert [len(one) for one in found] == [1, 1, 0]  # the box of 14 pixels leaves no room beside its strip
        for own, other, box in ((strips[0][0], found[0][0], BOX), (strips[1][1], found[1][0], [30, 30, 75, 40])):
            assert (other[2:] - other[:2]).tolist() == (own[2:] - own[:2]).tolist() and other[1] == own[1]
            assert other[0] >= box[0] and other[2] <= box[2] and (other[2] <= own[0] or other[0] >= own[2])
        seen.add(found[0][0, 0])
    assert len(seen) > 10
    np.testing.assert_array_equal(strips_elsewhere(data, strips, 3)[0], strips_elsewhere(data, strips, 3)[0])


def test_the_control_of_boxes_that_overlap_stays_in_the_box_of_its_strip():
    data = scans([[[5, 10, 60, 30], [20, 20, 79, 40]]])
    data.images[0, 22:40, 40] = 255
    strips = caliper_strips(data)
    for seed in range(20):
        for own, box in zip(strips_elsewhere(data, strips, seed)[0], data.boxes[0], strict=True):
            assert box[0] <= own[0] and own[2] <= box[2]


def test_a_box_that_is_too_narrow_has_no_strip():
    assert [len(one) for one in caliper_strips(scans([[[5, 5, 14, 12]]]))] == [0]


def test_what_is_no_strip_is_refused():
    data = scans([[BOX], []])
    for strips, said in (
        ([[BOX]], "strips for 1 images, and 2 images"),
        ([[[5, 5, 99, 12]], []], "n0: the strip .* lies outside"),
        ([[[15, 5, 5, 12]], []], "n0: the strip .* ends before it begins"),
        ([BOX, []], r"n0: its strips are \(4,\)"),
        ([[[0, 5, 9, 12]], []], "n0: the strip from x = 0 to 9 has no pixel on both"),
        ([[[5, 5.5, 9, 12]], []], r"n0: the strip \[5.0, 5.5, 9.0, 12.0\] is not in whole pixels"),
    ):
        with pytest.raises(LookInsideError, match=said):
            bridged(data, strips)
    for use in (
        caliper_strips,
        lambda given: bridged(given, [[], []]),
        lambda given: strips_elsewhere(given, [[], []]),
    ):
        with pytest.raises(LookInsideError, match="images is a ndarray: give BoxedImages"):
            use(data.images)
    for width in (4, 0, 9.0):
        with pytest.raises(LookInsideError, match="width is"):
            caliper_strips(data, width)
    with pytest.raises(LookInsideError, match="grow is"):
        caliper_strips(data, grow=-1)
