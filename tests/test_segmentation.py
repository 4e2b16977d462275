"""Masks that were found: measures against scikit-learn, intervals over patients, thresholds, and refusals."""

import dataclasses

import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score, roc_auc_score

from lookinside.data import LabelledImages, phantom_eyes
from lookinside.errors import LookInsideError
from lookinside.explain import bootstrap_interval, paired_difference
from lookinside.models import unet
from lookinside.training import (
    best_threshold,
    darker_than_surroundings,
    evaluate_masks,
    mask_difference,
    mask_probabilities,
    vessel_masks,
)

RNG = np.random.default_rng(0)
SHAPE = (7, 14, 18)
TRUTH = RNG.random(SHAPE) < 0.2
FIELD = RNG.random(SHAPE) < 0.8
ANSWERS = np.clip(0.3 * TRUTH + RNG.normal(0.4, 0.2, SHAPE) + 0.01 * np.arange(7)[:, None, None], 0, 1)


def test_measures_are_those_of_scikit_learn_inside_the_field():
    found = evaluate_masks(ANSWERS, TRUTH, FIELD, threshold=0.6)
    for i in range(len(TRUTH)):
        answer, truth = ANSWERS[i][FIELD[i]], TRUTH[i][FIELD[i]]
        expected = {
            "dice": f1_score(truth, answer > 0.6),
            "sensitivity": recall_score(truth, answer > 0.6),
            "specificity": recall_score(truth, answer > 0.6, pos_label=False),
            "auc": roc_auc_score(truth, answer),
        }
        assert {name: values[i] for name, values in found.each.items()} == pytest.approx(expected, abs=1e-12)
    for name, values in found.each.items():
        assert getattr(found, name).estimate == pytest.approx(values.mean())
    whole = evaluate_masks(ANSWERS, TRUTH, threshold=0.6)
    spoilt = np.where(FIELD, ANSWERS, 1 - TRUTH)  # wrong wherever it does not count
    assert evaluate_masks(spoilt, TRUTH, FIELD, threshold=0.6).dice == found.dice != whole.dice


def test_an_observer_has_no_curve_and_the_truth_itself_is_perfect():
    observer = TRUTH ^ (RNG.random(SHAPE) < 0.05)
    found = evaluate_masks(observer, TRUTH, FIELD)
    assert np.isnan(found.auc).all() and np.isnan(found.each["auc"]).all()
    assert 0.5 < found.dice.low < found.dice.estimate < found.dice.high < 1
    perfect = evaluate_masks(TRUTH.astype(float), TRUTH, FIELD)
    assert [getattr(perfect, name) for name in perfect.each] == [(1, 1, 1)] * 4


def test_what_is_not_defined_on_an_image_is_left_out_of_the_mean():
    truth = TRUTH.copy()
    truth[0] = False
    found = evaluate_masks(ANSWERS, truth, FIELD)
    assert np.isnan(found.each["sensitivity"][0]) and np.isnan(found.each["auc"][0]) and found.each["dice"][0] == 0
    assert found.sensitivity.estimate == pytest.approx(found.each["sensitivity"][1:].mean())
    nothing = f1_score(truth[0].ravel(), truth[0].ravel(), zero_division=1)  # nothing there, nothing found
    assert evaluate_masks(np.zeros(SHAPE), truth).each["dice"][0] == nothing == 1


def test_whole_patients_are_drawn_anew():
    """Two photographs of an eye that are the same one say no more than one of them."""
    once = evaluate_masks(ANSWERS, TRUTH, FIELD)
    twice = [np.repeat(one, 2, axis=0) for one in (ANSWERS, TRUTH, FIELD)]
    patients = [f"p{i:02d}" for i in np.repeat(np.arange(7), 2)]
    assert evaluate_masks(*twice, patients).dice == pytest.approx(once.dice)
    alone = evaluate_masks(*twice).dice
    assert alone.high - alone.low < 0.85 * (once.dice.high - once.dice.low)
    # Without groups: as wide as the bootstrap over images of the rest of the library, up to its own draws.
    np.testing.assert_allclose(once.dice, bootstrap_interval(once.each["dice"], resamples=5000), atol=0.004)


def test_the_difference_is_paired():
    first, second = evaluate_masks(ANSWERS, TRUTH), evaluate_masks(np.clip(ANSWERS - 0.02, 0, 1), TRUTH)
    found = mask_difference(first, second)
    expected = paired_difference(first.each["dice"], second.each["dice"], resamples=5000)
    np.testing.assert_allclose(found, expected, atol=0.003)
    assert found.high - found.low < 0.5 * (first.dice.high - first.dice.low)
    assert mask_difference(first, first, "auc") == (0, 0, 0)
    for other, measure, says in (
        (ANSWERS, "dice", "second is of type ndarray: give what evaluate_masks returns"),
        (first, "iou", "no measure 'iou': choose from dice"),
        (evaluate_masks(ANSWERS[:6], TRUTH[:6]), "dice", "different images or draws"),
        (evaluate_masks(ANSWERS, TRUTH, resamples=5), "dice", "different images or draws"),
        (evaluate_masks(TRUTH, TRUTH), "auc", "auc is nan on some images"),
    ):
        with pytest.raises(LookInsideError, match=says):
            mask_difference(first, other, measure)


def test_the_best_threshold_is_the_one_that_trying_all_finds():
    found = best_threshold(ANSWERS, TRUTH, FIELD, candidates=21)
    tried = np.quantile(ANSWERS[FIELD], np.linspace(0, 1, 21))
    dices = [evaluate_masks(ANSWERS, TRUTH, FIELD, threshold=one, resamples=1).dice.estimate for one in tried]
    assert found == tried[np.argmax(dices)] and 0.4 < found < 0.8
    with pytest.raises(LookInsideError, match="answers are bool, and a yes or no has no threshold"):
        best_threshold(TRUTH, TRUTH)
    assert best_threshold(ANSWERS, TRUTH, candidates=21) != found  # what lies outside of the field would count


def test_probabilities_and_masks_of_a_network():
    eyes = phantom_eyes("test", 3, 96)
    keras.utils.set_random_seed(0)
    model = unet((96, 96, 3), base=2, depth=1)
    found = mask_probabilities(model, eyes, batch_size=2)
    logits = model(eyes.images.astype("float32") / 255)
    np.testing.assert_allclose(found, keras.ops.sigmoid(logits)[..., 0], atol=1e-6)
    cut = float(np.quantile(found, 0.7))
    segmented = vessel_masks(model, eyes, threshold=cut)
    np.testing.assert_array_equal(segmented.masks["segmented"], found > cut)
    assert set(segmented.masks) == {*eyes.masks, "segmented"} and "segmented" not in eyes.masks
    assert isinstance(segmented, LabelledImages) and segmented.images is eyes.images
    small = dataclasses.replace(eyes, images=eyes.images[:, :64], masks={})
    two = unet((96, 96, 3), base=2, depth=1, outputs=2)
    for network, images, options, says in (
        (model, small, {}, r"images are \(3, 64, 96, 3\): model unet takes \(None, 96, 96, 3\)"),
        (model, eyes.subset([]), {}, "one at least"),
        (model, eyes.images, {}, "type ndarray"),
        (two, eyes, {}, r"answers with \(None, 96, 96, 2\)"),
        (model, eyes, {"threshold": 50}, "threshold is 50: give a probability"),
        (model, eyes, {"batch_size": 2.5}, "batch_size is 2.5: give a whole number"),
        (model, eyes, {"batch_size": "8"}, "batch_size is '8'"),
    ):
        with pytest.raises(LookInsideError, match=says):
            vessel_masks(network, images, **options)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"answers": ANSWERS[:5]}, r"answers are \(5, 14, 18\), truth \(7, 14, 18\)"),
        ({"answers": ANSWERS.astype(int)}, "not numbers"),
        ({"answers": np.full(SHAPE, np.nan)}, "not numbers"),
        ({"truth": TRUTH * 255}, r"truth is int64 \(7, 14, 18\).*bool"),
        ({"truth": np.zeros(SHAPE, bool)}, "empty inside the field on every image"),
        ({"field": FIELD & (np.arange(7) != 2)[:, None, None]}, "field of image 2 is empty"),
        ({"groups": ["a"] * 6}, "groups are 6, images 7"),
        ({"groups": 5}, "groups is 5: give one text for each image, or None"),
        ({"groups": "abcdefg"}, "groups is 'abcdefg'"),
        ({"groups": [["a"]] * 7}, r"groups is \[\['a'\]"),
        ({"groups": [["a"], ["b", "c"]]}, "groups has rows of different lengths"),
        ({"groups": ["a"] * 6 + [None]}, "group of some images is None"),
        ({"threshold": "0.5"}, "threshold is '0.5'"),
        ({"resamples": 0}, "resamples 0"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(change, says):
    with pytest.raises(LookInsideError, match=says) as error:
        evaluate_masks(**{"answers": ANSWERS, "truth": TRUTH, "field": FIELD, **change})
    assert "\n" not in str(error.value)


def test_the_rival_without_a_network_finds_what_is_darker_than_its_surroundings():
    train, unseen = (phantom_eyes(part, 6, 96, seed=4, progress=False) for part in ("train", "test"))
    found = darker_than_surroundings(train, unseen)
    own = evaluate_masks(found, unseen.masks["vessels"], unseen.masks["field"]).dice[0]
    anywhere = evaluate_masks(np.roll(found, 17, axis=1), unseen.masks["vessels"], unseen.masks["field"]).dice[0]
    assert found.dtype == bool and own > 0.45 > 2 * anywhere
    # The cut comes from the photographs with the mask alone.
    other = darker_than_surroundings(train, dataclasses.replace(unseen, masks={}))
    np.testing.assert_array_equal(found, other)
    brighter = dataclasses.replace(unseen, images=np.minimum(unseen.images + 40, 255).astype(np.uint8))
    assert (darker_than_surroundings(train, brighter) == found).mean() > 0.9  # shading and light do not matter
    grey = dataclasses.replace(train, images=train.images[..., :1])
    for first, second in ((grey, grey), (train, phantom_eyes("test", 2, 112, seed=4, progress=False))):
        with pytest.raises(LookInsideError, match="give both in colour, in one size"):
            darker_than_surroundings(first, second)
