"""Random crops and rotations for training, the middle for tests (Wang et al. 2019, section 3)."""

import dataclasses

import keras
import numpy as np
import pytest

from lookinside.data import LabelledImages, centre_crop, crop_around, phantom_fetuses
from lookinside.errors import LookInsideError
from lookinside.models import wang_convnet
from lookinside.training import crop_and_rotate, fit_classifier
from lookinside.training.stream import training_batches

RNG = np.random.default_rng(0)


def eyes(count=8, height=40, width=40) -> LabelledImages:
    images = RNG.integers(0, 255, (count, height, width, 3), dtype=np.uint8)
    names = tuple(map(str, range(count)))
    return LabelledImages(
        images, np.arange(count) % 2, ("healthy", "glaucoma"), names, masks={"disc": images[..., 0] > 200}
    )


def test_without_a_rotation_it_is_a_place_of_the_image_and_the_places_differ():
    images = RNG.random((3, 30, 26, 3)).astype("float32")
    augment, places = crop_and_rotate((30, 26, 3), 20, rotation=0), set()
    for _ in range(40):
        crop = np.array(augment(images, training=True))
        found = [(y, x) for y in range(11) for x in range(7) if np.array_equal(crop, images[:, y : y + 20, x : x + 20])]
        assert len(found) == 1
        places.add(found[0])
    assert len(places) > 15 and {0, 10} <= {y for y, _ in places} and {0, 6} <= {x for _, x in places}


def test_every_image_is_turned_by_an_angle_of_its_own_and_all_angles_come():
    """A bright spot to the right of the middle: after the turn its direction is the angle."""
    y, x = np.mgrid[:65, :65] - 32.0
    spot = np.exp(-((x - 20) ** 2 + y**2) / 18)[None, ..., None].astype("float32")
    turned = np.array(crop_and_rotate((65, 65, 1), 65)(np.repeat(spot, 400, axis=0), training=True))[..., 0]
    total = turned.sum(axis=(1, 2))
    across, down = ((turned * axis).sum(axis=(1, 2)) / total for axis in (x, y))
    np.testing.assert_allclose(np.hypot(across, down), 20, atol=0.3)
    angles = np.sort(np.arctan2(down, across))
    assert len(np.unique(angles.round(3))) > 380
    # Uniform: the largest gap of the distribution to a straight line (Kolmogorov and Smirnov), 1 % point for 400.
    assert np.abs((angles + np.pi) / (2 * np.pi) - (np.arange(400) + 0.5) / 400).max() < 1.63 / 20


@pytest.mark.parametrize("fill", [0.0, 0.25])
def test_little_is_filled_because_the_image_turns_before_it_is_cropped(fill):
    white = np.ones((24, 70, 70, 1), "float32")
    crops = np.array(crop_and_rotate((70, 70, 1), 57, fill=fill)(white, training=True))
    outside = np.mean(crops < 0.5 + fill / 2)
    assert 0.005 < outside < 0.06 and crops.min() == pytest.approx(fill, abs=1e-6)
    crops = np.array(crop_and_rotate((57, 57, 1), 57, fill=fill)(white[:, :57, :57], training=True))
    assert np.mean(crops < 0.5 + fill / 2) > 0.09  # as if the crop were turned


def test_a_resumed_run_sees_the_same_crops():
    data = eyes()

    def images(first):
        stream = training_batches(
            data, 4, seed=3, first_epoch=first, epochs=3, augment=crop_and_rotate(data.shape, 32, seed=1)
        )
        return [np.array(batch[0]) for batch in stream]

    whole, rest = images(0), images(2)
    np.testing.assert_array_equal(whole[4:], rest)
    assert not np.array_equal(whole[0], whole[1])


def test_the_middle_is_that_of_keras_and_masks_go_along():
    for height, width, side in ((40, 40, 33), (40, 37, 20), (28, 28, 28)):
        data = eyes(3, height, width)
        middle = centre_crop(data, side)
        np.testing.assert_array_equal(middle.images, keras.layers.CenterCrop(side, side)(data.images.astype("float32")))
        np.testing.assert_array_equal(middle.masks["disc"], middle.images[..., 0] > 200)
        assert middle.names == data.names and len(data.images[0]) == height
    for side in (0, 41, 20.0, True):
        with pytest.raises(LookInsideError, match="give a whole number from 1 to 40"):
            centre_crop(eyes(2), side)
    for images in (eyes(2).images, phantom_fetuses("test", 2, (96, 128))):  # boxes would stay where they are
        with pytest.raises(LookInsideError, match="give LabelledImages, as load_images"):
            centre_crop(images, 20)


def test_a_classifier_of_the_crops_size_is_trained_on_larger_images():
    keras.utils.set_random_seed(0)
    data = eyes()
    augment = crop_and_rotate(data.shape, 32)
    model = wang_convnet((32, 32, 3), 2, head="pooling", padding="same", width=0.05)
    history = fit_classifier(
        model, data, centre_crop(data, 32), epochs=1, batch_size=4, augment=augment, progress=False
    )
    assert np.isfinite(history.curves["loss"]).all()
    for train, validation, says in (
        (data, data, r"the validation set has \(40, 40, 3\): .*centre_crop\(validation, side\)"),
        (dataclasses.replace(centre_crop(data, 36)), centre_crop(data, 32), None),
    ):
        if says:
            with pytest.raises(LookInsideError, match=says):
                fit_classifier(model, train, validation, epochs=1, augment=augment, progress=False)
    larger = wang_convnet((40, 40, 3), 2, padding="same", width=0.05)
    with pytest.raises(
        LookInsideError, match=r"the augmented train set has \(32, 32, 3\): build the model for the aug"
    ):
        fit_classifier(larger, data, data, epochs=1, augment=augment, progress=False)


def test_sizes_out_of_range_are_refused():
    for change, says in (
        ({"side": 41}, "side is 41: give a whole number from 1 to 40"),
        ({"side": 32.0}, "side is 32.0"),
        ({"rotation": 200}, "rotation is 200"),
        ({"fill": 2}, "fill 2"),
        ({"fill": None}, "fill None"),
        ({"image_shape": 40}, "height, width, channels.*got 40"),
    ):
        with pytest.raises(LookInsideError, match=says):
            crop_and_rotate(**{"image_shape": (40, 48, 3), "side": 32, **change})
    assert all(type(layer).__module__.startswith("keras.") for layer in crop_and_rotate((40, 48, 3), 32).layers)


def test_squares_around_a_region_take_their_masks_along_and_stay_inside():
    images = RNG.integers(0, 255, (4, 30, 26, 3), dtype=np.uint8)
    discs = np.zeros((4, 30, 26), bool)
    for number, (row, column) in enumerate(((15, 12), (1, 1), (28, 24), (10, 20))):  # 15, 12: middle of 3 x 3 pixels
        discs[number, row - 1 : row + 2, column - 1 : column + 2] = True
    data = LabelledImages(images, np.zeros(4, np.int64), ("eye",), tuple("abcd"), masks={"disc": discs})
    around = crop_around(data, data.masks["disc"], 9)
    for number, (top, left) in enumerate(((11, 8), (0, 0), (21, 17), (6, 16))):
        np.testing.assert_array_equal(around.images[number], images[number, top : top + 9, left : left + 9])
        np.testing.assert_array_equal(around.masks["disc"][number], discs[number, top : top + 9, left : left + 9])
    assert around.masks["disc"][0, 4, 4] and around.names == data.names
    np.testing.assert_array_equal(crop_around(data, discs, 26).images[0], images[0, 2:28])
    assert crop_around(data.subset([]), discs[:0], 9).images.shape == (0, 9, 9, 3)


def test_squares_around_nothing_are_refused():
    data = eyes(2)
    empty = data.masks["disc"].copy()
    empty[1] = False
    for regions, side, said in (
        (empty, 20, "The region of 1 is empty"),
        (empty[:1], 20, r"regions are bool \(1, 40, 40\): give bool \(2, 40, 40\)"),
        (empty.astype("float32"), 20, "regions are float32"),
        ([[True], [True, False]], 20, "regions has rows of different lengths: give one array"),
        (None, 20, r"regions are object \(\)"),
        (data.masks["disc"], 41, "side is 41: give a whole number from 1 to 40"),
        (data.masks["disc"], True, "side is True"),
    ):
        with pytest.raises(LookInsideError, match=said):
            crop_around(data, regions, side)
    with pytest.raises(LookInsideError, match="type ndarray"):
        crop_around(data.images, data.masks["disc"], 20)
