"""A whole CT slice by slice: what the network is shown, smoothing along the body, one line for what does not fit."""

import itertools

import keras
import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.phantoms import whole_volume
from lookinside.training import BodyProfile, classify_volume, slices_named
from lookinside.training.evaluation.share_intervals import proportion_interval
from lookinside.training.evaluation.whole_volumes import best_course

NAMES = ("legs", "liver", "neck")


class Block:
    """A volume of constant slices but for one bright pixel."""

    def __init__(self, hu, spacing=(2.0, 2.0, 5.0)):
        self.hu, self.spacing = np.asarray(hu, np.int16), spacing

    def level(self, z):
        return 100.0 + 5.0 * z


def reader(size=8):
    """A network whose logits are 10 times the mean, the brightest pixel and minus the mean of what it is shown."""
    image = keras.Input((size, size, 1))
    mean, top = keras.layers.GlobalAveragePooling2D()(image), keras.layers.GlobalMaxPooling2D()(image)
    out = keras.layers.Concatenate()([mean, top, -mean])
    return keras.Model(image, out * 10)


def shown(profile):
    """(mean, brightest) of what the network was shown, from the logits' differences."""
    log = np.log(profile.probabilities)
    mean = (log[:, 0] - log[:, 2]) / 20
    return mean, (log[:, 1] - log[:, 2]) / 10 - mean


def test_slices_are_averaged_in_hu_then_windowed():
    hu = np.full((5, 16, 16), -100, np.int16)
    hu[1] = 200
    hu[2, :, ::2] = 200  # half at one end of the window, half at the other
    hu[3, 4:6, 6:8] = 200  # one pixel of the 8 x 8
    hu[4, :, ::2] = 2000  # beyond the window: averaged before it is cut
    mean, top = shown(classify_volume(reader(), Block(hu), NAMES))
    np.testing.assert_allclose(mean, [0, 1, 0.5, 1 / 64, 1], atol=3e-3)
    np.testing.assert_allclose(top, [0, 1, 0.5, 1, 1], atol=3e-3)


def test_a_field_that_is_not_square_is_widened_with_air():
    mean, top = shown(classify_volume(reader(), Block(np.full((2, 8, 16), 200)), NAMES))
    np.testing.assert_allclose((mean, top), ([0.5, 0.5], [1, 1]), atol=3e-3)
    # Pixels of 4 x 2 mm: 8 x 16 of them are a square.
    mean, _ = shown(classify_volume(reader(), Block(np.full((2, 8, 16), 200), (2.0, 4.0, 5.0)), NAMES))
    np.testing.assert_allclose(mean, 1, atol=3e-3)


def test_batches_do_not_matter_and_the_volume_is_left_alone():
    volume = whole_volume(2, (8, 8, 40), shape=(20, 60, 64), bottom=-250)
    before = volume.hu.copy()
    one, many = (classify_volume(reader(32), volume, NAMES, batch_size=n) for n in (1, 7))
    np.testing.assert_allclose(one.probabilities, many.probabilities, atol=1e-5)
    np.testing.assert_array_equal(volume.hu, before)
    np.testing.assert_allclose(one.heights, -250 + 40 * np.arange(20))
    assert one.coronal.shape == (20, 64) and one.coronal.max() == 255  # the spine is in it
    assert one.pixel == (8.0, 40.0)


def test_finer_than_the_volume():
    hu = np.zeros((1, 4, 4), np.int16)
    hu[0, 1:3, 1:3] = 200
    profile = classify_volume(reader(16), Block(hu), NAMES)
    mean, top = shown(profile)
    assert top[0] == pytest.approx(1, abs=0.02) and 0.3 < mean[0] < 0.7


@pytest.mark.parametrize("seed", range(5))
def test_the_best_course_is_the_best_of_all(seed):
    scores = np.random.default_rng(seed).normal(size=(6, 3))
    courses = [c for c in itertools.product(range(3), repeat=6) if list(c) == sorted(c)]
    best = max(courses, key=lambda c: sum(scores[z, k] for z, k in enumerate(c)))
    assert best_course(scores).tolist() == list(best)


def profile(rows, names=NAMES):
    rows = np.array(rows, np.float32)
    return BodyProfile(5.0 * np.arange(len(rows)), rows, names, np.zeros((len(rows), 4), np.uint8), (2.0, 5.0))


def test_smoothing_takes_one_wrong_slice_away():
    sure, wrong = [0.9, 0.05, 0.05], [0.1, 0.1, 0.8]
    rough = profile([sure, sure, wrong, sure, [0.1, 0.8, 0.1], [0.1, 0.8, 0.1], wrong])
    assert [names[1:] for names in rough.boundaries()][:2] == [("legs", "neck"), ("neck", "legs")]
    assert rough.boundaries()[0][0] == 7.5
    for smooth in (rough.smoothed("median", mm=15), rough.smoothed("order")):
        assert smooth.boundaries()[0] == (17.5, "legs", "liver")
        np.testing.assert_allclose(smooth.probabilities.sum(axis=1), 1, atol=1e-6)
    assert rough.smoothed("order", order=NAMES).regions.tolist() == [0, 0, 0, 0, 1, 1, 2]
    turned = profile(rough.probabilities[::-1]).smoothed("order", order=NAMES[::-1])
    assert turned.regions.tolist() == [2, 1, 1, 0, 0, 0, 0]


def test_slices_are_compared_with_their_regions_and_one_region_is_left_apart():
    """By hand: three of four are right, a slice of two regions by either name; three are of the belly alone."""
    first, second = profile(np.eye(3)[[0, 1, 2, 1]]), profile(np.eye(3)[[2, 1, 0, 1]])
    truth = [[("legs",), ("liver", "neck"), ("legs",), ("belly",)], [("belly",), ("belly",), (), ("belly", "liver")]]
    found = slices_named([first, second], truth, apart="belly")
    assert found.right == proportion_interval(3, 4)
    assert found.called == {"liver": 2 / 3, "neck": 1 / 3} and list(found.called) == ["liver", "neck"]
    all_count = slices_named([first, second], truth)
    assert all_count.right == proportion_interval(3, 7) and all_count.called == {}
    # No class of the model stands for the belly, so its slices would all be wrong; a sixth class gets them right.
    six = profile(np.eye(4)[[3, 3]], (*NAMES, "belly"))
    assert slices_named([six], [[("belly",), ("legs",)]], apart="belly") == (proportion_interval(0, 1), {"belly": 1.0})


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: slices_named([profile([[1, 0, 0]])], [[("legs",), ("legs",)]]), "profiles and regions differ"),
        (lambda: slices_named([profile([[1, 0, 0]])], [[()]]), "No slice belongs"),
        (lambda: classify_volume(reader(), Block(np.zeros((2, 8, 8))), NAMES[:2]), "logits of 2"),
        (lambda: classify_volume(reader(), Block(np.zeros((0, 8, 8))), NAMES), "give CT numbers"),
        (lambda: classify_volume(reader(), Block(np.zeros((8, 8))), NAMES), "give CT numbers"),
        (lambda: profile([[1, 0, 0]]).smoothed("mean"), "'median' or 'order'"),
        (lambda: profile([[1, 0, 0]]).smoothed(mm=0), "mm is 0"),
        (lambda: profile([[1, 0, 0]]).smoothed("order", order=("legs",)), "feet first"),
    ],
)
def test_refusals(call, said):
    with pytest.raises(LookInsideError, match=said) as error:
        call()
    assert "\n" not in str(error.value)
