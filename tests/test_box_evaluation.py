"""What a detector is worth: by hand, and as Keras, pycocotools and scikit-learn have it."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lookinside.data import BoxedImages, LabelledImages
from lookinside.errors import LookInsideError
from lookinside.training import (
    Detections,
    average_precision,
    box_iou,
    centre_distance,
    detection_difference,
    evaluate_detections,
    folds,
    froc,
    median_box,
)

GOLDEN = json.loads((Path(__file__).parent / "oracles/average_precision_golden.json").read_text())
TRUE = [10, 10, 20, 20]


def images(boxes, labels=None, classes=("NT",), side=60, **more) -> BoxedImages:
    labels = [[0] * len(own) for own in boxes] if labels is None else labels
    pixels = np.zeros((len(boxes), side, side, 1), np.uint8)
    return BoxedImages(pixels, boxes, labels, classes, [f"n{i}" for i in range(len(boxes))], **more)


def shifted(right):
    """The true box, shifted: 10 px wide, so 2 px give 8 / 12 and 5 px give 5 / 15."""
    return [10 + right, 10, 20 + right, 20]


def random_boxes(count, seed):
    corners = np.random.default_rng(seed).uniform(0, 40, (count, 2, 2))
    return np.sort(corners, axis=1).reshape(-1, 4).astype(np.float32)


def random_detector(truth: BoxedImages, seed: int, blur: float) -> Detections:
    """Four boxes an image: the true one blurred, and others; higher scores where they fit, and ties."""
    rng = np.random.default_rng(seed)
    boxes, scores = [], []
    for own in truth.boxes:
        middle = own[0] if len(own) else np.array([20, 20, 40, 30])
        found = middle + np.repeat(rng.normal(0, blur, (4, 2)), 2, axis=0).reshape(4, 4)
        fit = box_iou(found, own).max(axis=1, initial=0)
        boxes.append(found)
        scores.append(np.round(fit + rng.normal(0, 0.3, 4), 1))
    return Detections(boxes, scores)


@pytest.fixture(scope="module")
def truth() -> BoxedImages:
    rng = np.random.default_rng(0)
    corners = rng.uniform(5, 25, (80, 2))
    boxes = np.concatenate([corners, corners + rng.uniform([14, 8], [28, 16], (80, 2))], axis=1)
    return images([[] if i % 20 == 0 else [box] for i, box in enumerate(boxes)])


def test_overlap_by_hand():
    second = [shifted(0), shifted(2), shifted(5), shifted(10), [12, 12, 14, 14], [15, 5, 30, 15]]
    expected = [1, 80 / 120, 50 / 150, 0, 4 / 100, 25 / (100 + 150 - 25)]
    np.testing.assert_allclose(box_iou([TRUE], second), [expected], rtol=1e-12)
    assert box_iou([[5, 5, 5, 5]], [[5, 5, 5, 5]]).tolist() == [[0]] and box_iou([], [TRUE]).shape == (0, 1)
    assert centre_distance([TRUE], [[13, 14, 23, 24]]).tolist() == [[5]]


def test_overlap_is_keras():
    first, second = random_boxes(30, 0), random_boxes(40, 1)
    found = keras.utils.bounding_boxes.compute_iou(first, second, bounding_box_format="xyxy")
    np.testing.assert_allclose(box_iou(first, second), np.array(found), atol=1e-5)


@pytest.mark.parametrize("number", range(len(GOLDEN)))
def test_average_precision_is_that_of_pycocotools(number):
    """Several boxes of several classes an image, equal scores and overlaps; numbers by pycocotools 2.0.11."""
    case = GOLDEN[number]
    names = [str(label) for label in range(case["classes"])]
    own = case["images"]
    truth = images([one["true"] for one in own], [one["true_labels"] for one in own], names)
    found = Detections(*([one[key] for one in own] for key in ("found", "scores", "labels")))
    values = average_precision(found, truth, threshold=case["threshold"], most=case["most"])
    expected = [np.nan if value < 0 else value for value in case["expected"]]
    np.testing.assert_allclose([values[name] for name in names], expected, atol=1e-6)
    assert values["mean"] == pytest.approx(np.nanmean(expected))
    if case["most"] == 100 and not np.isnan(expected[0]):
        lone = evaluate_detections(found, truth, names[0], threshold=0.5, resamples=1)
        assert lone.average_precision == pytest.approx(expected[0], abs=1e-6)


def test_average_precision_by_hand():
    """Two structures; right, wrong, right: precision 1 up to recall .5 (51 recalls), then 2 / 3 (50)."""
    truth = images([[TRUE], [TRUE], []])
    found = Detections([[shifted(0)], [shifted(1)], [shifted(0)]], [[0.9], [0.5], [0.7]])
    assert average_precision(found, truth)["NT"] == pytest.approx((51 + 50 * 2 / 3) / 101)
    nothing = Detections([[], [], []], [[], [], []])
    assert average_precision(nothing, truth) == {"NT": 0, "mean": 0}
    assert np.isnan(average_precision(nothing, images([[], [], []]))["mean"])


def three_images():
    """A hit and two misses; a miss above a hit; a hit alone; and a negative with two boxes."""
    truth = images([[TRUE], [TRUE], [TRUE], []])
    found = Detections(
        [
            [shifted(9), shifted(2), shifted(20), shifted(0)],  # the fourth box is not among three
            [shifted(0), shifted(5)],
            [shifted(1)],
            [shifted(0), shifted(5)],
        ],
        [[0.3, 0.9, 0.2, 0.1], [0.4, 0.6], [0.8], [0.7, 0.1]],
    )
    return found, truth


def test_localisation_by_hand():
    found, truth = three_images()
    result = evaluate_detections(found, truth, resamples=50)
    np.testing.assert_allclose(result.iou, [80 / 120, 50 / 150, 90 / 110, np.nan])
    assert result.hits.tolist()[:3] == [1, 0, 1] and np.isnan(result.hits[3])
    np.testing.assert_allclose(result.centre_errors, [2, 5, 1, np.nan])
    assert result.mean_iou.estimate == pytest.approx((2 / 3 + 1 / 3 + 9 / 11) / 3)
    assert result.hit_rate.estimate == result.sensitivity.estimate == pytest.approx(2 / 3)
    assert result.centre_error.estimate == pytest.approx(8 / 3) and result.boxes == 8
    # Hits at .9, .8, .4; misses at .7, .6, .3, .2, .1: of 15 pairs, 5 + 5 + 3 are in order.
    assert result.auc.estimate == pytest.approx(13 / 15)
    # Of the five misses, those at .7 and .6 are the top boxes of their images.
    assert result.specificity.estimate == pytest.approx(3 / 5)


def test_iou_must_be_greater_than_the_threshold_and_for_coco_equal():
    truth, found = images([[[0, 0, 10, 10]]]), Detections([[[0, 0, 10, 5]]], [[1]])
    result = evaluate_detections(found, truth, resamples=1)
    assert result.iou[0] == 0.5 and result.hits[0] == 0 and result.average_precision == 1


def test_nothing_detected_is_no_hit():
    truth = images([[TRUE], [TRUE]])
    result = evaluate_detections(Detections([[], [TRUE]], [[], [1]]), truth, resamples=20)
    assert result.iou.tolist() == [0, 1] and result.hits.tolist() == [0, 1] and result.boxes == 1
    assert np.isnan(result.centre_errors[0]) and result.centre_error.estimate == 0
    assert np.isnan(result.auc.estimate) and np.isnan(result.specificity.estimate)


def test_froc_by_hand():
    """Structures found from .9, .4 and .8 on; false boxes at .7, .6, .3, .2, .1 on four images; .1 is a second hit."""
    curve = froc(*three_images(), rates=(0, 0.25, 0.5, 1))
    assert curve.false_positives.tolist() == [0, 0, 0, 0.25, 0.5, 0.5, 0.75, 1, 1.25]
    np.testing.assert_allclose(curve.sensitivity, np.array([0, 1, 2, 2, 2, 3, 3, 3, 3]) / 3)
    assert curve.at == {0: 2 / 3, 0.25: 2 / 3, 0.5: 1, 1: 1} and curve.mean == pytest.approx(5 / 6)
    with pytest.raises(LookInsideError, match="FROC needs a structure to find"):
        froc(Detections([[]], [[]]), images([[]]))


def test_area_and_its_interval_are_those_of_drawing_images_anew(truth):
    """By scikit-learn on images picked one by one, as many times as the weights say."""
    found = random_detector(truth, 0, 4.0)
    result = evaluate_detections(found, truth, resamples=400, seed=5)
    rng = np.random.default_rng(5)
    weights = rng.multinomial(80, np.full(80, 1 / 80), 400)
    values = {"auc": [], "specificity": [], "mean_iou": []}
    for times in weights[:40]:
        scores, right, top, iou = [], [], [], []
        for i in np.repeat(np.arange(80), times):
            hits = box_iou(found.boxes[i][:3], truth.boxes[i]).max(axis=1, initial=0) > 0.5
            scores, right, top = [*scores, *found.scores[i][:3]], [*right, *hits], [*top, True, False, False]
            iou += [box_iou(found.boxes[i][:1], truth.boxes[i]).max()] if len(truth.boxes[i]) else []
        values["auc"].append(roc_auc_score(right, scores))
        values["specificity"].append(1 - np.mean(np.array(top)[~np.array(right)]))
        values["mean_iou"].append(np.mean(iou))
    for name, expected in values.items():
        np.testing.assert_allclose(result.draws[name][1:41], expected, atol=1e-12)
        measure = getattr(result, name)
        assert measure.low < measure.estimate < measure.high
    low, high = np.quantile(result.draws["auc"][1:], (0.025, 0.975))
    assert (result.auc.low, result.auc.high) == (low, high)


def test_a_paired_difference_is_narrower_than_two_intervals(truth):
    better, worse = (evaluate_detections(random_detector(truth, 1, blur), truth) for blur in (3.0, 4.0))
    for measure in ("mean_iou", "hit_rate", "centre_error", "auc", "specificity", "sensitivity"):
        gap = detection_difference(better, worse, measure)
        one, other = getattr(better, measure), getattr(worse, measure)
        assert gap.estimate == pytest.approx(one.estimate - other.estimate)
        assert gap.high - gap.low < one.high - one.low + other.high - other.low
    gap = detection_difference(better, worse, "mean_iou")
    assert gap.low > 0 and gap.high - gap.low < 0.7 * np.hypot(one.high - one.low, other.high - other.low)
    same = detection_difference(better, better, "auc")
    assert same == (0, 0, 0)
    with pytest.raises(LookInsideError, match="no measure 'ap': choose from mean_iou"):
        detection_difference(better, worse, "ap")
    part = evaluate_detections(random_detector(truth, 1, 3.0).subset(range(40)), truth.subset(range(40)))
    with pytest.raises(LookInsideError, match="different images or draws"):
        detection_difference(better, part, "auc")


def test_whole_patients_are_drawn(truth):
    """Each image four times: as images there seem to be four times as many."""
    four = np.repeat(np.arange(80), 4)
    found, many = random_detector(truth, 0, 4.0).subset(four), truth.subset(four)
    patients = images(many.boxes, groups=[f"p{i}" for i in four])
    for measure in ("mean_iou", "auc", "specificity"):
        narrow, wide = (getattr(evaluate_detections(found, one), measure) for one in (many, patients))
        assert 1.6 < (wide.high - wide.low) / (narrow.high - narrow.low) < 2.5  # twice, by the square root of four


def test_one_of_several_classes():
    truth = images([[TRUE, shifted(20)]], [[1, 0]], ("skull", "NT"))
    found = Detections([[shifted(20), shifted(1)]], [[0.9, 0.8]], [[0, 1]])
    assert evaluate_detections(found, truth, "NT", resamples=1).iou[0] == pytest.approx(9 / 11)
    assert froc(found, truth, "skull").at[0.125] == 1
    with pytest.raises(LookInsideError, match="2 classes: say which with structure=, one of skull, NT"):
        evaluate_detections(found, truth)
    with pytest.raises(LookInsideError, match=r"no class 'CM'.*skull, NT"):
        froc(found, truth, "CM")


def test_classes_are_read_by_name_where_the_detections_have_names():
    """A detector of ("NT", "skull") on a test set of ("skull", "NT"), or of NT alone."""
    truth = images([[TRUE, shifted(20)]], [[1, 0]], ("skull", "NT"))
    boxes, scores, labels = [[shifted(20), TRUE]], [[0.9, 0.8]], [[1, 0]]
    named = Detections(boxes, scores, labels, ("NT", "skull"))
    assert average_precision(named, truth) == {"skull": 1, "NT": 1, "mean": 1}
    assert average_precision(Detections(boxes, scores, labels), truth)["mean"] == 0  # nobody said what they mean
    alone = images([[TRUE]], [[0]], ("NT",))
    for one in (named, named.subset([0]), named.subset([0]).join(named).subset([1])):
        assert evaluate_detections(one, alone, resamples=1).iou[0] == 1
    with pytest.raises(LookInsideError, match="label 1, the set has 1 classes: give class_names="):
        evaluate_detections(Detections(boxes, scores, labels), alone)
    with pytest.raises(LookInsideError, match="no class 'CM': theirs are NT, skull"):
        average_precision(named, images([[TRUE]], [[0]], ("CM",)))
    with pytest.raises(LookInsideError, match="label 1, but there are 1 names"):
        Detections(boxes, scores, labels, ("NT",))
    with pytest.raises(LookInsideError, match="different class names"):
        named.join(Detections(boxes, scores, labels))
    padded = Detections.from_padded(np.array(boxes), scores, labels, class_names=["NT", "skull"])
    assert padded.class_names == ("NT", "skull")


def test_the_median_box_is_a_floor():
    train = images(
        [[[0, 0, 10, 10]], [[2, 1, 13, 12], [40, 40, 50, 50]], [], [[4, 2, 20, 14]]],
        [[0], [0, 1], [], [0]],
        ("NT", "x"),
    )
    box = median_box(train, "NT")
    assert box.dtype == np.float32 and box.tolist() == [2, 1, 13, 12]
    result = evaluate_detections(Detections.everywhere(box, 4), train, "NT", resamples=10)
    assert result.iou[1] == 1 and result.hits[:2].tolist() == [0, 1] and result.auc.estimate == 0.5
    with pytest.raises(LookInsideError, match="has no box"):
        median_box(train.subset([2]))
    with pytest.raises(LookInsideError, match="train is a ndarray: give BoxedImages"):
        median_box(train.images)


def test_each_class_has_a_median_box_of_its_own():
    """The two lines that `median_box` tells of, and the same by label, in a set of another order of classes."""
    far = [40, 40, 50, 52]
    train, test = images([[TRUE, far]], [[0, 1]], ("NT", "skull")), images([[far, TRUE]], [[0, 1]], ("skull", "NT"))
    floor = {c: Detections.everywhere(median_box(train, c), len(test), 0, [c]) for c in test.class_names}
    scores = {c: evaluate_detections(floor[c], test, c, resamples=1) for c in floor}
    assert {c: score.iou.tolist() for c, score in scores.items()} == {"skull": [1], "NT": [1]}
    by_label = Detections.everywhere(median_box(train, "skull"), 2, label=1, class_names=train.class_names)
    assert [own.tolist() for own in by_label.labels] == [[1], [1]] and by_label.class_names == ("NT", "skull")
    assert evaluate_detections(by_label.subset([0]), test, "skull", resamples=1).iou.tolist() == [1]
    for arguments, said in (
        ((TRUE[:3], 1), r"box is \(3,\): give one box"),
        (([TRUE], 1), "give one box"),
        ((TRUE, 1.5), "count is 1.5"),
        ((TRUE, 1, -1), "label is -1"),
        ((TRUE, 1, 1, ["NT"]), "label 1, but there are 1 names"),
    ):
        with pytest.raises(LookInsideError, match=said):
            Detections.everywhere(*arguments)


def test_detections_are_ordered_and_padded_ones_are_read():
    found = Detections.from_padded(
        np.arange(24).reshape(2, 3, 4), [[0.1, 0.9, 0.5], [0.2, 0.3, 0.8]], [[0, 1, 0], [1, -1, -1]]
    )
    assert found.scores[0].tolist() == [0.9, 0.5, 0.1] and found.boxes[0][:, 0].tolist() == [4, 8, 0]
    assert found.labels[0].tolist() == [1, 0, 0] and found.boxes[1].tolist() == [[12, 13, 14, 15]] and len(found) == 2
    assert found.of_class(0).scores[0].tolist() == [0.5, 0.1] and found.subset([1]).scores[0].tolist() == [0.2]


def test_folds_that_are_joined_score_as_one_set():
    """Each scan is tested in one fold; its detections stay with it."""
    truth = images([[TRUE]] * 4)
    whole = Detections([[TRUE], [shifted(2)], [shifted(4)], []], [[0.9], [0.8], [0.7], []], [[0], [0], [0], []])
    halves = [(whole.subset(part), truth.subset(part)) for part in (slice(0, 2), slice(2, 4))]
    (first, one), (second, other) = halves
    joined = evaluate_detections(first.join(second), one.join(other), resamples=10)
    assert joined.mean_iou == evaluate_detections(whole, truth, resamples=10).mean_iou
    assert [len(boxes) for boxes in second.join(first, first).boxes] == [1, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([[TRUE]], [[1], [2]]), "boxes of 1 images, scores of 2"),
        (([[TRUE]], [[1, 2]]), r"image 0: boxes are \(1, 4\), scores \(2,\)"),
        (([[TRUE]], [[np.nan]]), "a score is not a number"),
        (([[[5, 5, 4, 6]]], [[1]]), "a box ends before it begins"),
        (([[TRUE]], [[1]], [[0]], "ab"), "class_names is 'ab': give a list of names"),
        (([[TRUE]], [[1]], [[0]], ["a", "a"]), "a list of names, each once"),
    ],
)
def test_what_is_no_detection_is_refused(arguments, says):
    with pytest.raises(LookInsideError, match=says):
        Detections(*arguments)


def test_numbers_out_of_range_are_refused():
    truth, found = images([[TRUE]]), Detections([[TRUE]], [[1]])
    for options in ({"threshold": 1}, {"boxes_an_image": 0}, {"resamples": 0}):
        with pytest.raises(LookInsideError, match="give a threshold from"):
            evaluate_detections(found, truth, **options)
    for rates in (0.5, (), (1, -1), ("a",), (np.nan,), [[1.0]]):
        with pytest.raises(LookInsideError, match=r"rates is .*: give a list of false boxes an image"):
            froc(found, truth, rates=rates)
    for threshold in (1, -0.1, np.nan):
        with pytest.raises(LookInsideError, match="threshold is"):
            froc(found, truth, threshold=threshold)
    for judge in (froc, evaluate_detections, average_precision):
        with pytest.raises(LookInsideError, match="truth is a ndarray: give BoxedImages"):
            judge(found, truth.images)
    with pytest.raises(LookInsideError, match=r"a dict: give Detections.from_padded"):
        average_precision({"boxes": [], "scores": [], "labels": []}, truth)
    with pytest.raises(LookInsideError, match="of 1 images, the set has 2"):
        evaluate_detections(found, images([[TRUE], [TRUE]]))
    with pytest.raises(LookInsideError, match="nothing to find"):
        evaluate_detections(found, images([[]]))
    with pytest.raises(LookInsideError, match=r"give \(N, M, 4\)"):
        Detections.from_padded(np.zeros((2, 3, 4)), np.zeros((2, 2)))


def test_folds_hold_each_image_once_and_whole_patients():
    rng = np.random.default_rng(0)
    groups = [f"p{i // 3}" for i in range(90)]
    boxes = [[] if i // 3 % 10 == 0 else [TRUE] for i in range(90)]
    labels = [[] if not own else [int(rng.random() < 0.2)] for own in boxes]
    data = images(boxes, labels, ("NT", "rare"), groups=groups)
    divided = list(folds(data, 3, seed=1))
    assert sorted(name for _, test in divided for name in test.names) == sorted(data.names)
    for train, test in divided:
        assert len(train) + len(test) == 90 and 27 <= len(test) <= 33
        assert not set(train.groups) & set(test.groups) and test.negatives.sum() == 3 and test.counts()["rare"] > 1
    again, other = list(folds(data, 3, seed=1)), list(folds(data, 3, seed=2))
    assert [test.names for _, test in again] == [test.names for _, test in divided] != [test.names for _, test in other]


def test_folds_of_labelled_images_and_few_of_a_class():
    labels = np.array([0] * 10 + [1] * 9 + [2], np.int64)
    data = LabelledImages(np.zeros((20, 16, 16, 1), np.uint8), labels, ("a", "b", "c"), [str(i) for i in range(20)])
    tests = [test.counts() for _, test in folds(data, 3)]
    assert all(3 <= counts["a"] <= 4 and counts["b"] == 3 for counts in tests) and sum(c["c"] for c in tests) == 1
    few = data.subset([0, 10, 19])
    assert [len(test) for _, test in folds(few, 3)] == [1, 1, 1]
    for k in (1, 4):
        with pytest.raises(LookInsideError, match=f"k is {k} and there are 3 groups: give 2 or more"):
            folds(few, k)
