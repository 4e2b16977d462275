"""The floor of detectors: a heat map of the centre, by hand, trained, saved, and refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lookinside.data import BoxedImages
from lookinside.errors import LookInsideError
from lookinside.models import CentreHeatMap
from lookinside.training import Detections, evaluate_detections, fit_detector

SHAPE, SIZE = (44, 64, 1), (24, 8)  # a side that 8 does not divide


def blobs(count, seed=0, negative=False):
    """A bright flat blob on noise, its box around it."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (count, *SHAPE)).astype(np.uint8)
    boxes = []
    for i in range(count):
        x, y = rng.integers(0, 40), rng.integers(0, 36)
        pixels[i, y : y + 8, x : x + 24] = 220
        boxes.append(np.array([[x, y, x + 24, y + 8]], np.float32))
    if negative:
        boxes[0] = boxes[0][:0]
    return BoxedImages(pixels, boxes, [[0] * len(own) for own in boxes], ("a",), tuple(map(str, range(count))))


@pytest.fixture(scope="module")
def model():
    return CentreHeatMap(SHAPE, ["a"], SIZE, width=0.125)


def test_the_box_stands_at_the_mean_place_of_the_cells_around_the_highest(model):
    """Of 6 x 8 cells, (column 3, row 2) has 0.6, its right neighbour 0.2, a far one 0.2."""
    shares = np.full((1, 6, 8), 1e-9, np.float32)
    shares[0, 2, 3], shares[0, 2, 4], shares[0, 5, 0] = 0.6, 0.2, 0.2
    found = model._found(tf.constant(np.log(shares.reshape(1, -1))))
    x, y = 8 * (3.5 * 0.75 + 4.5 * 0.25), 8 * 2.5
    np.testing.assert_allclose(found["boxes"], [[[x - 12, y - 4, x + 12, y + 4]]], atol=1e-3)
    assert float(found["scores"][0, 0]) == pytest.approx(0.8, abs=1e-5) and found["labels"].numpy().tolist() == [[0]]


def test_the_loss_is_the_cross_entropy_to_a_gaussian_around_each_true_centre(model):
    data = blobs(3, negative=True)
    given = {"images": data.pixels, "boxes": data.padded(2)[0], "labels": data.padded(2)[1]}
    given["boxes"][2, 1], given["labels"][2, 1] = [30, 30, 54, 38], 0  # a second structure on the third image
    shares = np.exp(np.array(model.shares(given["images"]))).reshape(3, 6, 8)
    np.testing.assert_allclose(shares.sum(axis=(1, 2)), 1, rtol=1e-5)
    wanted = [0.0]
    for boxes in (given["boxes"][1, :1], given["boxes"][2]):
        rows, columns = np.mgrid[:6, :8] + 0.5
        gaussians = [
            np.exp(-((columns - (b[0] + b[2]) / 16) ** 2 + (rows - (b[1] + b[3]) / 16) ** 2) / 2) for b in boxes
        ]
        target = np.mean([one / one.sum() for one in gaussians], axis=0)
        wanted.append(-(target * np.log(shares[len(wanted)])).sum())
    np.testing.assert_allclose(model(given)["heat"], wanted, rtol=1e-4)


def test_it_learns_where_a_bright_blob_is_goes_on_after_a_stop_and_comes_back_from_a_file(tmp_path):
    keras.utils.set_random_seed(0)
    train, test = blobs(48), blobs(16, seed=1)
    model = CentreHeatMap(train.shape, train.class_names, SIZE, width=0.125)
    options = {"batch_size": 16, "learning_rate": 0.01, "run_folder": tmp_path, "progress": False}
    history = fit_detector(model, train, test, steps=60, **options)
    assert {"heat", "val_heat", "val_iou"} <= set(history.curves) and "iou" not in history.curves
    said = model.predict(test.pixels, verbose=0)
    found = evaluate_detections(Detections.from_padded(**said), test)
    assert found.centre_error.estimate < 4 and found.mean_iou.estimate > 0.5
    keras.utils.set_random_seed(1)
    other = CentreHeatMap(train.shape, train.class_names, SIZE, width=0.125)
    again = fit_detector(other, train, test, steps=60, **options)  # the run has ended: nothing is trained
    assert again.resumed_after == len(history.curves["heat"])
    np.testing.assert_allclose(other.predict(test.to_tf(16), verbose=0)["boxes"], said["boxes"], atol=1e-3)
    model.save(tmp_path / "floor.keras")
    loaded = keras.models.load_model(tmp_path / "floor.keras")
    np.testing.assert_allclose(loaded(tf.constant(test.pixels))["boxes"], said["boxes"], atol=1e-3)


def test_what_does_not_fit_is_refused(model):
    for size in ((24,), (24, 0), 24, None, (24, np.nan)):
        with pytest.raises(LookInsideError, match="box_size is"):
            CentreHeatMap(SHAPE, ["a"], size)
    with pytest.raises(LookInsideError, match="finds one structure, class_names has 2"):
        CentreHeatMap(SHAPE, ["a", "b"], SIZE)
    with pytest.raises(LookInsideError, match="image_shape is"):
        CentreHeatMap((48, 64), ["a"], SIZE)
    with pytest.raises(LookInsideError, match="images are uint8"):
        model.predict(blobs(2).images)
    with pytest.raises(LookInsideError, match="the detector takes"):
        model.predict(blobs(2).pixels[:, :40])
    other = BoxedImages(blobs(2).images, blobs(2).boxes, blobs(2).labels, ("b",), ("0", "1"))
    with pytest.raises(LookInsideError, match="train has the classes b"):
        fit_detector(model, other, other, steps=1)
