"""Evaluation of a classifier, on a set small enough to count by hand."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.explain import bootstrap_interval
from lookinside.training import (
    accuracy_on,
    accuracy_without,
    class_margins,
    class_probabilities,
    floor_of,
    images_to_record,
    lost_by_class,
    lost_by_tag,
    mistakes,
    recall_by_class,
    roc_curves,
    scores_to_record,
    training_to_record,
    uses_of_parts,
)
from lookinside.training.evaluation.evaluate import evaluate_classifier
from lookinside.training.evaluation.share_intervals import balanced_accuracy_interval, proportion_interval
from lookinside.training.history import History

LEVELS = [10, 20, 100, 200, 210, 220]  # grey levels; the classifier below says "bright" from 128 up
LABELS = [0, 0, 1, 1, 1, 1]


def a_set():
    images = np.stack([np.full((4, 4, 1), level, np.uint8) for level in LEVELS])
    return LabelledImages(images, np.array(LABELS, np.int64), ("dark", "bright"), tuple("abcdef"))


def classifier(outputs=2):
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(outputs)]
    )
    kernel, bias = np.zeros((1, outputs), np.float32), np.zeros(outputs, np.float32)
    kernel[0, 1], bias[1] = 10.0, -10 * 128 / 255
    model.layers[-1].set_weights([kernel, bias])
    return model


def test_by_hand():
    result = evaluate_classifier(classifier(), a_set(), batch_size=4)
    assert result.predictions.tolist() == [0, 0, 0, 1, 1, 1]
    assert result.confusion.tolist() == [[2, 0], [1, 3]]
    assert result.accuracy[0] == pytest.approx(5 / 6)
    assert result.balanced_accuracy[0] == pytest.approx((1 + 3 / 4) / 2)
    assert result.right.tolist() == [1, 1, 0, 1, 1, 1]
    assert result.majority == pytest.approx(4 / 6)
    assert result.confidence[5] == pytest.approx(1 / (1 + np.exp(-10 * (220 - 128) / 255)), rel=1e-4)


def test_probabilities_are_those_of_the_evaluation_for_bytes_and_for_floats():
    images, expected = a_set(), evaluate_classifier(classifier(), a_set()).probabilities
    np.testing.assert_allclose(class_probabilities(classifier(), images.images, batch_size=4), expected, atol=1e-6)
    np.testing.assert_allclose(class_probabilities(classifier(), images.pixels), expected, atol=1e-6)
    for wrong in (images.images[:0], images.images[..., 0]):
        with pytest.raises(LookInsideError, match=r"takes \(None, 4, 4, 1\)|give float \(N, H, W, C\)"):
            class_probabilities(classifier(), wrong)


def test_recall_of_each_class():
    result = evaluate_classifier(classifier(), a_set())
    recall = recall_by_class(result, ("dark", "bright"))
    assert recall == {"dark": proportion_interval(2, 2), "bright": proportion_interval(3, 4)}
    dark = a_set().subset([0, 1])
    assert set(recall_by_class(evaluate_classifier(classifier(), dark), ("dark", "bright"))) == {"dark"}
    with pytest.raises(LookInsideError, match="1 names for 2 classes"):
        recall_by_class(result, ("dark",))


def test_the_balanced_interval_is_that_of_a_mean_over_classes():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], (300, 60))
    predictions = np.where(random.random(360) < np.where(labels, 0.5, 0.9), labels, 1 - labels)
    shares = [np.mean(predictions[labels == k] == k) for k in (0, 1)]
    deviation = np.sqrt(sum(p * (1 - p) / n for p, n in zip(shares, (300, 60), strict=True))) / 2
    estimate, low, high = balanced_accuracy_interval(labels, predictions)
    assert estimate == pytest.approx(np.mean(shares))
    assert (high - low) / 2 == pytest.approx(1.96 * deviation, rel=0.12)


def test_wilson_against_its_formula():
    successes, trials, z = 9, 10, 1.959964
    share = successes / trials
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    assert proportion_interval(successes, trials) == pytest.approx((share, middle - half, middle + half), abs=1e-5)


def test_a_model_for_other_classes_is_refused():
    with pytest.raises(LookInsideError, match="3 classes"):
        evaluate_classifier(classifier(3), a_set())


def test_what_is_lost_without_a_part_is_a_paired_difference():
    """A network that reads one pixel: class 1 where it is bright. Without it, all are class 0."""
    pixels = np.zeros((6, 1, 1, 1), np.uint8)
    pixels[2:] = 255
    labels = np.array([0, 0, 1, 1, 1, 0])
    tags = {"modality": ("mri", "ct", "ct", "ct", "mri", "mri")}
    whole = LabelledImages(pixels, labels, ("a", "b"), tuple("abcdef"), tags=tags)
    dark = replace(whole, images=np.zeros_like(pixels))
    model = keras.Sequential([keras.Input((1, 1, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.layers[-1].set_weights([np.array([[0.0, 2.0]]), np.array([1.0, 0.0])])
    score = evaluate_classifier(model, whole)
    found = accuracy_without(model, score, {"light": dark, "nothing": whole})
    assert found["light"].accuracy[0] == 0.5 and found["light"].changed == 4
    assert found["light"].lost.estimate == pytest.approx(5 / 6 - 3 / 6)
    assert found["nothing"].lost == (0, 0, 0) and found["nothing"].changed == 0
    each = lost_by_class(score, found["light"], whole)
    assert each["a"].estimate == pytest.approx(-1 / 3) and each["b"].estimate == 1
    of_each = lost_by_tag(score, found["light"], whole, "modality")
    assert list(of_each) == ["ct", "mri"]
    assert of_each["ct"].estimate == pytest.approx(2 / 3) and of_each["mri"].estimate == pytest.approx(0)
    with pytest.raises(LookInsideError, match="view"):
        lost_by_tag(score, found["light"], whole, "view")
    with pytest.raises(LookInsideError, match="'light' has 2 images, the whole set 6"):
        accuracy_without(model, score, {"light": dark.subset([0, 1])})

    uses = uses_of_parts(
        model, whole, {"light": dark, "nothing": whole}, together={("light", "nothing"): dark}, anew={"light": whole}
    )
    assert uses["without"]["light"] == found["light"].accuracy and uses["lost"]["light"] == found["light"].lost
    assert uses["without_exposed_anew"]["light"] == score.accuracy
    assert uses["lost_by_class"]["light"]["a"].estimate == 0  # exposed anew, it is the whole image
    # Shown are four bright images: three of class b, whose lead of 1 becomes -1, and one of class a, the other way.
    assert uses["importance"]["light"].estimate == pytest.approx((3 * 2 - 2) / 4)
    assert uses["importance"]["light + nothing"] == uses["importance"]["light"]
    assert uses["beyond_the_sum"]["light + nothing"] == (0, 0, 0)
    # Of two classes the other one's logit: 2 is lost where b is the other class, nothing where a is.
    assert uses["importance_for_another_class"]["light"].estimate == pytest.approx(2 / 4)
    with pytest.raises(LookInsideError, match="'shade', which redrawn lacks"):
        uses_of_parts(model, whole, {"light": dark}, together={("light", "shade"): dark})
    accuracy, lost = accuracy_on(model, {"dark": dark, "light": whole})
    assert accuracy == {"dark": found["light"].accuracy, "light": score.accuracy}
    assert lost["dark"][0] == 0 and lost["light"][0] == -found["light"].lost[0]
    with pytest.raises(LookInsideError, match="at least one form"):
        accuracy_on(model, {})


def test_parts_that_stand_in_for_one_another_cost_more_together_than_alone():
    """A network that reads the brighter of two pixels: alone neither is missed. A third pixel is read by itself."""
    pixels = np.array([[255, 255, 51], [255, 255, 0], [255, 0, 51], [0, 0, 51]], np.uint8)[:, None, :, None]
    whole = LabelledImages(pixels, np.ones(4, np.int64), ("a", "b"), tuple("abcd"))
    inputs = keras.Input((1, 3, 1))
    pair = keras.layers.GlobalMaxPooling2D()(inputs[:, :, :2])
    third = keras.layers.Flatten()(inputs[:, :, 2:])
    dense = keras.layers.Dense(2)
    model = keras.Model(inputs, dense(keras.layers.Concatenate()([pair, third])))
    dense.set_weights([np.array([[0.0, 2.0], [0.0, 5.0]]), np.zeros(2)])

    def without(*places):
        left = pixels.copy()
        left[:, :, places] = 0
        return replace(whole, images=left)

    redrawn = {"first": without(0), "second": without(1), "third": without(2)}
    pairs = {("first", "second"): without(0, 1), ("first", "third"): without(0, 2)}
    beyond = uses_of_parts(model, whole, redrawn, together=pairs)["beyond_the_sum"]
    # Of the three images with a bright pixel, two lose 2 only when both go; the third loses it with the first alone.
    assert beyond["first + second"].estimate == pytest.approx(2 * 2 / 3)
    assert beyond["first + third"].estimate == pytest.approx(0, abs=1e-5)


# Images of two classes ------------------------------------------------------------------------------------------


def shared_set():
    """Four slices; the third belongs to two classes and stands there twice."""
    return LabelledImages(
        images=np.zeros((5, 4, 4, 1), np.uint8),
        labels=np.array([0, 1, 1, 2, 2]),
        class_names=("legs", "liver", "lungs"),
        names=("a", "b", "c", "c", "d"),
        tags={"regions": ["legs", "liver", "liver+lungs", "liver+lungs", ""]},
    )


def answered(images, answers):
    """The evaluation of a classifier that gives these answers."""
    table = tf.one_hot(answers, 3).numpy()
    numbered = np.arange(5, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 4, 4, 1), np.uint8)
    inputs = keras.Input((4, 4, 1))
    number = keras.layers.Flatten()(inputs)[:, :1] * 255
    places = keras.ops.cast(keras.ops.round(number[:, 0]), "int32")
    logits = keras.ops.take(keras.ops.convert_to_tensor(table), places, axis=0)
    return evaluate_classifier(keras.Model(inputs, logits), replace(images, images=numbered))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [([0, 1, 1, 1, 2], [0, 0, 0, 0]), ([0, 1, 2, 2, 2], [0, 0, 0, 0]), ([1, 2, 0, 0, 1], [1, 1, 1, 1])],
)
def test_either_answer_is_right_and_copies_count_once(answers, expected):
    images = shared_set()
    found = answered(images, answers)
    assert mistakes(found, images).tolist() == expected
    if not any(expected):  # nobody is below the floor
        assert 1 - found.accuracy[0] == pytest.approx(floor_of(images)) == pytest.approx(0.2)


def test_without_the_tag_the_label_counts():
    images = replace(shared_set(), tags={})
    assert mistakes(answered(images, [0, 1, 1, 2, 0]), images).tolist() == [0, 0, 0, 1]
    with pytest.raises(LookInsideError, match="of 5 images, the set has 2"):
        mistakes(answered(images, [0, 1, 1, 2, 0]), images.subset([0, 1]))


def test_the_record_holds_errors_mistakes_areas_and_recall():
    images = shared_set()
    found = answered(images, [0, 1, 1, 1, 1])
    found = replace(found, probabilities=np.random.default_rng(0).dirichlet(np.ones(3), 5))
    values = scores_to_record(found, images)
    assert values["error"] == proportion_interval(2, 5)  # one copy of "c", and "d"
    assert values["mistakes"][0] == 1 / 4  # "d" alone
    assert values["confusion"].tolist() == [[1, 0, 0], [0, 2, 0], [0, 2, 0]]
    assert values["recall"]["liver"] == proportion_interval(2, 2) and values["recall"]["lungs"][0] == 0
    groups = ["p", "p", "q", "q", "r"]  # whole patients are drawn anew
    areas = roc_curves(found.probabilities, images.labels, images.class_names, groups)
    recorded = scores_to_record(found, replace(images, groups=groups))["auc"]
    assert recorded == {name: curve.auc for name, curve in areas.items()} and "mean" in recorded
    assert recorded["lungs"] != values["auc"]["lungs"]


def test_the_record_of_a_training_is_its_best_epoch_and_its_last_loss():
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(3, 3, activation="relu", name="conv")])
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(2))
    kernel, _ = model.get_layer("conv").get_weights()
    model.get_layer("conv").set_weights([np.abs(kernel), np.array([0.0, -1000.0, -0.5])])
    images = np.zeros((6, 4, 4, 1), np.uint8)
    images[0] = 255
    data = LabelledImages(images, np.array([0, 1, 0, 1, 0, 1]), ("a", "b"), tuple("abcdef"))
    curves = {"loss": [3.0, 1.0, 2.0], "val_loss": [5.0, 4.0, 6.0], "val_accuracy": [0.1, 0.7, 0.3]}
    history = History(curves, [1.5, 1.0, 2.0], best_epoch=2, steps=[2, 4, 6])
    found = training_to_record(model, history, data, every=5)
    assert found["accuracy"] == evaluate_classifier(model, data).accuracy
    assert (found["validation_accuracy"], found["validation_loss"], found["last_loss"]) == (0.7, 4.0, 2.0)
    assert (found["runtime"], found["steps"], found["curve"]) == (4.5, [2, 4, 6], [0.1, 0.7, 0.3])
    # Images 0 and 5 are looked at: on 5 all maps are zero, on 0 the second one alone.
    assert found["dead"] == pytest.approx(1 / 3) and found["zero"] == pytest.approx(4 / 6)


def test_a_class_leads_by_its_logit_over_the_best_of_the_others():
    images = a_set()
    logits = np.asarray(classifier(3)(images.pixels))
    for index, others in ((0, [1, 2]), (1, [0, 2]), (2, [0, 1])):
        found = class_margins(classifier(3), images.images, index, batch_size=4)
        np.testing.assert_allclose(found, logits[:, index] - logits[:, others].max(axis=1), atol=1e-6)
    two = class_margins(classifier(), images.pixels)
    probability = class_probabilities(classifier(), images.images)[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-two)), probability, atol=1e-6)
    for index in (2, -1, True):
        with pytest.raises(LookInsideError, match=r"class_index is .* has 2 logits"):
            class_margins(classifier(), images.images, index)


def test_what_would_be_a_wrong_margin_is_refused():
    images, model = a_set(), classifier(3)
    squashed = keras.Model(model.inputs[0], keras.layers.Softmax()(model.outputs[0]))
    pixelwise = keras.Sequential([keras.Input(images.shape), keras.layers.Conv2D(2, 1)])
    for call, said in (
        (lambda: class_margins(squashed, images.images), "answers with probabilities"),
        (lambda: class_margins(model, images.images.astype(np.float32)), "run from 0 to 255|bring them to 0 to 1"),
        (lambda: class_margins(pixelwise, images.images), r"give one with logits \(N, K\)"),
        (lambda: class_margins(model, images.images, batch_size=0), "batch_size is 0"),
        (lambda: class_margins(model, images), r"\.pixels"),
        (lambda: class_margins(model, None), "images is object"),
        (lambda: class_probabilities(squashed, images.images), "answers with probabilities"),
    ):
        with pytest.raises(LookInsideError, match=said):
            call()


def test_scores_of_images_are_recorded_each_and_on_the_mean():
    scores = {"SSIM": np.array([0.123456, 0.5, 0.7]), "wedge": np.array([np.nan, 1, 3])}
    found = images_to_record(scores)
    assert found["each"]["SSIM"].tolist() == [0.1235, 0.5, 0.7] and np.isnan(found["each"]["wedge"][0])
    assert found["mean"] == {name: bootstrap_interval(one) for name, one in scores.items()}
