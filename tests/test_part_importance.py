"""Part importance: exact where it can be worked out by hand, on top where a plate is read, and its rank correlation."""

import keras
import numpy as np
import pytest
from scipy.stats import spearmanr

from lookinside.errors import LookInsideError
from lookinside.explain import (
    Saliency,
    compare_parts,
    heat_by_part,
    mean_importance,
    part_importance,
    part_rank_correlation,
    summarize_parts,
)
from lookinside.phantoms import radiograph_set

SIDE = 4
# Three classes, a linear network: the logit of a class is the sum of its weights where the image is bright.
WEIGHTS = np.random.default_rng(0).normal(size=(SIDE * SIDE, 3)).astype(np.float32)
BIAS = np.array([0.5, -1.0, 0.25], np.float32)


def linear(weights=WEIGHTS, bias=BIAS, activation=None):
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(weights.shape[1], activation=activation),
        ]
    )
    model.layers[-1].set_weights([weights, bias])
    return model


@pytest.fixture
def scene():
    """Five images of two parts (rows 0 and 1; rows 2 and 3, missing in the last image) on a background."""
    images = np.random.default_rng(1).random((5, SIDE, SIDE, 1)).astype(np.float32)
    upper, lower = images.copy(), images.copy()
    upper[:, :2] = 0.25
    lower[:, 2:] = 0.5
    lower[-1] = images[-1]
    return images, {"upper": upper, "lower": lower}


def by_hand(images):
    return images.reshape(len(images), -1).astype(np.float64) @ WEIGHTS.astype(np.float64) + BIAS


def test_a_linear_network_is_worked_out_by_hand(scene):
    images, redrawn = scene
    classes = np.array([0, 1, 2, 0, 1])
    found = part_importance(linear(activation="softmax"), images, redrawn, classes, progress=False)
    assert found.parts == ("upper", "lower")
    whole, each = by_hand(images), np.arange(5)
    for place, part in enumerate(found.parts):
        left = by_hand(redrawn[part])
        shown = slice(None) if part == "upper" else slice(4)
        np.testing.assert_allclose(found.logit[shown, place], (whole - left)[each, classes][shown], atol=1e-5)
        over = [np.delete(one, c).max() for one, c in zip(whole, classes, strict=True)]
        over_left = [np.delete(one, c).max() for one, c in zip(left, classes, strict=True)]
        margin = (whole[each, classes] - over) - (left[each, classes] - over_left)
        np.testing.assert_allclose(found.margin[shown, place], margin[shown], atol=1e-5)
        np.testing.assert_array_equal(found.changed[:, place], whole.argmax(1) != left.argmax(1))
    assert np.isnan(found.logit[4, 1]) and np.isnan(found.margin[4, 1]), "the last image does not show the lower part"
    assert mean_importance(found, "logit")["lower"].estimate == pytest.approx(np.nanmean(found.logit[:, 1]))
    with pytest.raises(LookInsideError, match="value is 'score': give 'margin' or 'logit'"):
        mean_importance(found, "score")


def test_the_predicted_class_is_asked_about_unless_told(scene):
    images, redrawn = scene
    found = part_importance(linear(), images, redrawn, progress=False)
    named = part_importance(linear(), images, redrawn, by_hand(images).argmax(1), progress=False)
    np.testing.assert_array_equal(found.logit, named.logit)


def test_one_logit_speaks_for_two_classes(scene):
    images, redrawn = scene
    model = linear(WEIGHTS[:, :1], BIAS[:1], "sigmoid")
    first, second = (part_importance(model, images, redrawn, c, progress=False) for c in (0, 1))
    drop = (images - redrawn["upper"]).reshape(5, -1) @ WEIGHTS[:, 0]
    np.testing.assert_allclose(second.logit[:, 0], drop, atol=1e-5)
    np.testing.assert_allclose(second.margin[:, 0], drop, atol=1e-5)
    np.testing.assert_allclose(first.logit, -second.logit, atol=1e-6)


def test_a_network_that_reads_the_plate_misses_the_plate_most():
    pair, size = ("hand", "wrist"), 32
    train = radiograph_set(pair, 40, size=size, seed=0, shortcut="hand")
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((size, size, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(_pixels(train), train.labels, epochs=40, batch_size=20, verbose=0)
    groups = ("plate", "phalanges", "metacarpals", "carpals", "forearm_bones", "letter")
    draw = {"classes": ("hand",), "per_class": 20, "size": size, "seed": 1, "shortcut": "hand"}
    redrawn = {name: _pixels(radiograph_set(without=name, **draw)) for name in groups}
    found = mean_importance(part_importance(model, _pixels(radiograph_set(**draw)), redrawn, 0, progress=False))
    assert max(found, key=lambda part: found[part].estimate) == "plate"
    assert found["plate"].low > 2 * max(found[part].high for part in groups[1:])


def _pixels(images):
    return images.images[..., None].astype(np.float32) / 255


def test_heat_by_part_is_each_parts_share():
    maps = np.zeros((3, 2, 4))
    maps[0] = [[1, 2, 3, 4], [0, -5, 0, 0]]
    maps[1] = 1
    left, right = np.zeros((3, 2, 4), bool), np.zeros((3, 2, 4), bool)
    left[:, :, :2], right[0, :, 1:] = True, True
    found = heat_by_part(maps, {"left": left, "right": right})
    np.testing.assert_allclose(found, [[0.3, 0.9], [0.5, np.nan], [np.nan, np.nan]])


def test_rank_correlation_is_scipys_and_leaves_out_what_is_not_there():
    random = np.random.default_rng(3)
    heat, importance = random.integers(0, 5, (6, 8)).astype(float), random.normal(size=(6, 8))
    heat[0, 2] = importance[1, 3] = np.nan
    heat[2, :2], heat[2, 2:] = (1, 2), np.nan  # two parts have an order, but no rank correlation worth the name
    heat[3] = 1.0
    found = part_rank_correlation(heat, importance)
    for number in (0, 1, 4, 5):
        both = np.isfinite(heat[number]) & np.isfinite(importance[number])
        assert found[number] == pytest.approx(spearmanr(heat[number][both], importance[number][both]).statistic)
    assert np.isnan(found[2]) and np.isnan(found[3])


def test_compare_parts_finds_the_explanation_that_is_right():
    """A linear network's gradient times its image, cut to one part, is that part's importance against black."""
    images = np.random.default_rng(5).random((12, SIDE, SIDE, 1)).astype(np.float32)
    weights = np.abs(WEIGHTS) * np.linspace(0.1, 3, SIDE * SIDE)[:, None].astype(np.float32)
    model = linear(weights, np.zeros(3, np.float32))
    masks = {f"row {r}": np.zeros((12, SIDE, SIDE), bool) for r in range(SIDE)}
    redrawn = {}
    for row, name in enumerate(masks):
        masks[name][:, row] = True
        redrawn[name] = np.where(masks[name][..., None], 0, images)
    classes = np.arange(12) % 3
    importance = part_importance(model, images, redrawn, classes, progress=False).logit
    times_image = lambda network: _TimesImage(network, classes)  # noqa: E731
    found = compare_parts({"gradient x image": times_image}, model, images, importance, masks, classes, progress=False)
    np.testing.assert_allclose(found["gradient x image"], 1.0)
    assert abs(np.nanmean(found["random heat"])) < 0.5
    assert np.isnan(found["the part's area"]).all(), "rows of one size have no order"
    assert {"gradient x image, untrained", "the image itself"} <= set(found)


class _TimesImage:
    def __init__(self, model, classes):
        self.saliency, self.classes = Saliency(model), classes

    def __call__(self, images):
        return self.saliency(images, self.classes) * images[..., 0]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda m, x: part_importance(m, x, {}), "no part to take away"),
        (lambda m, x: part_importance(m, x, {"a": x[:2]}), "'a' is drawn as"),
        (lambda m, x: part_importance(m, x, {"a": x[:, :2]}), "shape"),
        (lambda m, x: part_importance(m, x, {"a": x}, 7), "outside the range"),
        (lambda m, x: heat_by_part(x[..., 0], {"a": x[..., 0]}), "The mask of 'a'"),
        (lambda m, x: heat_by_part(x[:, 0, :, 0], {"a": x > 0}), "The maps have shape"),
        (lambda m, x: part_rank_correlation(x[..., 0, 0], x[..., :2, 0, 0]), "give twice"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call, says, scene):
    with pytest.raises(LookInsideError, match=says) as caught:
        call(linear(), scene[0])
    assert "\n" not in str(caught.value)


def test_a_summary_joins_sets_and_pairs_each_row_with_the_area():
    hands = {"Saliency": np.array([0.5, 0.7]), "the part's area": np.array([0.4, 0.4])}
    feet = {"Saliency": np.array([0.6]), "the part's area": np.array([0.1])}
    table = summarize_parts(hands, feet)
    assert list(table) == ["Saliency", "the part's area"]
    assert table["Saliency"]["rank"].estimate == pytest.approx(0.6)
    assert table["Saliency"]["over area"].estimate == pytest.approx(0.3)
    assert table["the part's area"]["rank"].estimate == pytest.approx(0.3)
    assert table["the part's area"]["over area"] is None
    with pytest.raises(LookInsideError, match="the same rows"):
        summarize_parts(hands, {"the part's area": feet["the part's area"]})
