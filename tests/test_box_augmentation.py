"""Boxes move with what is in them: bright rectangles are found again where their boxes say."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from lookinside.layers import BoxAugmentation

HEIGHT, WIDTH = 60, 91  # not square, one of them odd


def scene(count=24, seed=0):
    """Dark images with one bright rectangle each, at least 8 px wide, and the box of it in the second of three rows."""
    rng = np.random.default_rng(seed)
    images = np.full((count, HEIGHT, WIDTH, 1), 0.1, np.float32)
    boxes, labels = np.zeros((count, 3, 4), np.float32), np.full((count, 3), -1, np.int64)
    for i in range(count):
        x, y = rng.integers(20, WIDTH - 45), rng.integers(15, HEIGHT - 30)
        w, h = rng.integers(8, 20, 2)
        images[i, y : y + h, x : x + w] = 0.6
        boxes[i, 1], labels[i, 1] = (x, y, x + w, y + h), 2
    return {"images": images, "boxes": boxes, "labels": labels}


def extent(image):
    """x_min, y_min, x_max, y_max of the bright part: where the level crosses the middle, to a fraction of a pixel."""
    bright = ndimage.zoom(image[..., 0], 8, order=1, grid_mode=True, mode="nearest") > image.max() * 0.58
    y, x = np.nonzero(bright)
    return np.array([x.min(), y.min(), x.max() + 1, y.max() + 1]) / 8


@pytest.mark.parametrize(
    "options",
    [
        {"flip": "horizontal", "shift": 0, "scale": 0},
        {"flip": "vertical", "shift": 0, "scale": 0},
        {"flip": "both", "shift": 0, "scale": 0},
        {"flip": "none", "shift": 0.15, "scale": 0},
        {"flip": "none", "shift": 0, "scale": 0.3},
        {"flip": "both", "shift": 0.1, "scale": 0.2},
    ],
)
def test_boxes_stay_on_what_they_were_drawn_around(options):
    before = scene()
    after = BoxAugmentation(**options, brightness=0, seed=1)(before)
    images, boxes, labels = (np.array(after[name]) for name in ("images", "boxes", "labels"))
    inside = labels[:, 1] == 2
    assert inside.sum() > 18 and (labels[:, [0, 2]] == -1).all() and (boxes[:, [0, 2]] == 0).all()
    for image, box in zip(images[inside], boxes[inside, 1], strict=True):
        if box.min() > 1 and box[2] < WIDTH - 1 and box[3] < HEIGHT - 1:
            np.testing.assert_allclose(extent(image), box, atol=0.4)
    moved = np.abs(boxes[inside, 1] - before["boxes"][inside, 1]).max(axis=1) > 0.5
    assert moved.mean() > 0.25
    if options["flip"] != "none" and not options["shift"]:
        assert 0.2 < moved.mean() < 0.95  # some are mirrored, some are not


def test_a_mirrored_image_is_the_image_mirrored():
    before = scene(40)
    layer = BoxAugmentation("both", 0, 0, 0, seed=0)
    after = np.array(layer(before)["images"])
    seen = set()
    for old, new in zip(before["images"], after, strict=True):
        ways = {(): old, ("x",): old[:, ::-1], ("y",): old[::-1], ("x", "y"): old[::-1, ::-1]}
        seen |= {way for way, image in ways.items() if np.allclose(image, new, atol=1e-4)}
    assert len(seen) == 4


def test_without_changes_nothing_changes():
    before = scene()
    for after in (BoxAugmentation("none", 0, 0, 0)(before), BoxAugmentation()(before, training=False)):
        for name, values in before.items():
            np.testing.assert_allclose(after[name], values, atol=1e-6)


def test_brightness_is_a_gain_that_leaves_black_black():
    before = scene()
    before["images"][:, :5] = 0
    before["images"][:, 5:10] = 0.9
    after = np.array(BoxAugmentation("none", 0, 0, 0.3, seed=0)(before)["images"])
    gain = after[:, 20, 5, 0] / 0.1
    assert 0.7 < gain.min() < 0.85 and 1.15 < gain.max() < 1.3
    assert (after[:, :5] == 0).all() and after.max() == 1
    np.testing.assert_allclose(after[:, 7, 3, 0], np.minimum(0.9 * gain, 1), rtol=1e-4)


def test_a_box_that_is_mostly_cut_away_becomes_a_filling_row():
    """By hand: 10 px wide and 4 px inside are 40 % of it."""
    boxes = np.array([[[-6, 0, 4, 10], [-5, 0, 5, 10], [95, 3, 105, 9], [20, 20, 30, 30]]], np.float32)
    labels = np.array([[0, 1, 2, -1]])
    kept, marks = BoxAugmentation(least_visible=0.5)._kept(boxes, labels, 60, 100)
    assert np.array(marks).tolist() == [[-1, 1, 2, -1]]
    assert np.array(kept).tolist() == [[[0] * 4, [0, 0, 5, 10], [95, 3, 100, 9], [0] * 4]]
    assert np.array(BoxAugmentation(least_visible=0.4)._kept(boxes, labels, 60, 100)[1]).tolist() == [[0, 1, 2, -1]]


def test_it_is_plain_keras():
    layer = BoxAugmentation("both", 0.2, 0.3, 0.1, least_visible=0.3, fill_value=0.5, seed=7)
    again = BoxAugmentation.from_config(layer.get_config())
    one, same = layer(scene()), again(scene())
    for name, values in one.items():
        np.testing.assert_array_equal(same[name], values)
    spec = layer({name: keras.KerasTensor((None, *one.shape[1:]), one.dtype.name) for name, one in scene().items()})
    assert spec["boxes"].shape == (None, 3, 4) and spec["labels"].dtype == "int64"
    half = BoxAugmentation(dtype="mixed_float16")(scene())
    assert keras.backend.standardize_dtype(half["boxes"].dtype) == "float32"
    extra = layer({**scene(), "name": np.arange(24)})
    assert np.array(extra["name"]).tolist() == list(range(24))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: BoxAugmentation(flip=True), "flip is True: give one of none, horizontal"),
        (lambda: BoxAugmentation(shift=2), "give numbers up to 1"),
        (lambda: BoxAugmentation(scale=-0.1), "scale is -0.1: give a finite number, 0 or more"),
        (lambda: BoxAugmentation(least_visible=0), "least_visible above 0"),
        (lambda: BoxAugmentation()(np.zeros((1, 8, 8, 1))), "a dictionary of images, boxes, labels is needed"),
        (lambda: BoxAugmentation()({"images": np.zeros((1, 8, 8, 1))}), "are a dictionary of images: a dict"),
        (lambda: BoxAugmentation()({**scene(), "labels": np.zeros((24, 2))}), r"labels \(24, 2\): \(B, H, W, C\)"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
