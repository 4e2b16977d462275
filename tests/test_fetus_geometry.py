"""Scans of a fetus against the real set's measures: sizes, places, grey values, what one fixed box gets."""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from lookinside.phantoms import STRUCTURES, fetus_set

# Shares of the image's width and height: 5th, 50th and 95th percentiles of width, height and y of the middle of the
# boxes, 980 first-trimester images of the Fetus Framework set (Cui & Dong 2022, doi 10.17632/n2rbrb9t4f.1).
REAL = {
    "thalami": ((0.103, 0.133, 0.166), (0.109, 0.147, 0.187), (0.388, 0.455, 0.547)),
    "midbrain": ((0.071, 0.099, 0.129), (0.130, 0.180, 0.218), (0.549, 0.626, 0.695)),
    "palate": ((0.114, 0.147, 0.182), (0.100, 0.133, 0.165), (0.313, 0.391, 0.480)),
    "IT": ((0.065, 0.091, 0.123), (0.039, 0.061, 0.087), (0.600, 0.681, 0.747)),
    "CM": ((0.084, 0.139, 0.209), (0.032, 0.053, 0.083), (0.662, 0.747, 0.812)),
    "NT": ((0.192, 0.394, 0.654), (0.041, 0.070, 0.134), (0.730, 0.823, 0.893)),
    "nasal_tip": ((0.028, 0.042, 0.061), (0.011, 0.018, 0.025), (0.148, 0.231, 0.358)),
    "nasal_skin": ((0.027, 0.039, 0.055), (0.012, 0.018, 0.027), (0.156, 0.241, 0.368)),
    "nasal_bone": ((0.038, 0.055, 0.081), (0.017, 0.025, 0.035), (0.187, 0.264, 0.382)),
}
# Where the NT lies with the face turned to the right: percentiles of its left and right ends, 639 images.
REAL_START, REAL_END = (0.275, 0.385, 0.566), (0.583, 0.821, 0.998)
# Median grey values inside the boxes' inner quarter of 100 images at 192 x 256, 10th and 90th percentile.
REAL_GREY = {
    "thalami": (3, 30),
    "midbrain": (5, 36),
    "IT": (3, 48),
    "CM": (10, 73),
    "NT": (23, 80),
    "palate": (92, 153),
    "nasal_tip": (88, 190),
    "nasal_skin": (82, 187),
    "nasal_bone": (142, 224),
}
H, W = 192, 256


@pytest.fixture(scope="module")
def scans():
    return fetus_set(200, size=(H, W), seed=11, masks=())


def boxes_of(scans, name):
    """Boxes as shares of width and height: (M, 4)."""
    return np.array([boxes[name] for boxes in scans.boxes if name in boxes]) / [W, H, W, H]


def test_every_structure_is_seen_in_nearly_every_scan(scans):
    for name in STRUCTURES:
        assert len(boxes_of(scans, name)) >= 0.94 * len(scans), name
    assert len(boxes_of(scans, "NT")) == len(scans)


@pytest.mark.parametrize("name", STRUCTURES)
def test_sizes_and_places_are_those_of_real_boxes(scans, name):
    boxes = boxes_of(scans, name)
    wide, high, low = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1], 0.5 * (boxes[:, 1] + boxes[:, 3])
    for what, ours, real, pixel in zip(("width", "height", "y"), (wide, high, low), REAL[name], (W, H, H), strict=True):
        spread = real[2] - real[0]
        found = np.percentile(ours, (5, 50, 95))
        slack = np.array((0.25, 0.15, 0.25)) * spread + 0.7 / pixel
        assert (np.abs(found - real) < slack).all(), (what, found, real)


def test_the_nape_lies_where_it_does_in_real_images(scans):
    boxes = boxes_of(scans, "NT")
    left = np.array([facing == "left" for facing in scans.facing])
    assert 0.35 < left.mean() < 0.65
    start, end = np.where(left, 1 - boxes[:, 2], boxes[:, 0]), np.where(left, 1 - boxes[:, 0], boxes[:, 2])
    np.testing.assert_allclose(np.percentile(start, (5, 50, 95)), REAL_START, atol=0.05)
    np.testing.assert_allclose(np.percentile(end, (5, 50, 95)), REAL_END, atol=0.05)
    brow = boxes_of(scans, "palate")[:, 0] > boxes_of(scans, "thalami")[:, 0]
    np.testing.assert_array_equal(brow, ~left)


def test_one_fixed_box_gets_as_little_as_on_real_images(scans):
    """The median box of 980 real images has a mean IoU of 0.22 with them, and more than 0.5 in 8 %."""
    boxes = boxes_of(scans, "NT")
    fixed = np.median(boxes, axis=0)
    both = np.clip(np.minimum(boxes[:, 2:], fixed[2:]) - np.maximum(boxes[:, :2], fixed[:2]), 0, None).prod(axis=1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (fixed[2:] - fixed[:2]).prod()
    overlap = both / (area - both)
    assert 0.17 < overlap.mean() < 0.27 and 0.03 < (overlap > 0.5).mean() < 0.14


def test_grey_values_are_about_those_of_real_boxes(scans):
    for name, (low, high) in REAL_GREY.items():
        found = []
        for image, boxes in zip(scans.images, scans.boxes, strict=True):
            if name in boxes:
                left, top, right, bottom = boxes[name]
                aside, down = (right - left) // 4, (bottom - top) // 4
                inner = image[top + down : bottom - down, left + aside : right - aside]
                found.append(np.median(inner))
        assert low - 4 <= np.median(found) <= high, (name, np.median(found))


def dark_bands(image):
    """How much darker each pixel is than the brightest ones within 10 pixels above and below: (H, W)."""
    smooth = uniform_filter1d(image.astype(float), 31, axis=1)
    most = maximum_filter1d(smooth, 10, axis=0)
    depth = np.minimum(np.roll(most, 6, axis=0), np.roll(most, -6, axis=0)) - smooth
    depth[:32], depth[-8:] = 0, 0
    return depth


def test_the_nuchal_translucency_is_a_dark_band_and_not_the_only_one(scans):
    """In 150 real images it is 132 grey levels deep (median); another band is deeper in 20 %, half as deep in 91 %."""
    own, others = [], []
    for image, boxes in zip(scans.images, scans.boxes, strict=True):
        left, top, right, bottom = boxes["NT"]
        depth = dark_bands(image)
        own.append(depth[top:bottom, left:right].max())
        depth[max(top - 6, 0) : bottom + 6, max(left - 10, 0) : right + 10] = 0
        others.append(depth.max())
    own, others = np.array(own), np.array(others)
    assert 75 < np.median(own) < 150 and (own > 35).mean() > 0.95
    assert 0.15 < (others > own).mean() < 0.6 and (others > 0.5 * own).mean() > 0.8
