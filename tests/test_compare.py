"""The table of explanations: its scores are those of the single functions, and chance is where it should be."""

import json
from functools import partial

import numpy as np
import pytest
from small_nets import IMAGES, net

from lookinside.errors import LookInsideError
from lookinside.explain import (
    Comparison,
    Deconvnet,
    GradCAM,
    Interval,
    Saliency,
    SmoothGrad,
    bootstrap_interval,
    compare,
    deletion,
    insertion,
    landmark_share,
    map_correlation,
    paired_difference,
    paired_difference_over_seeds,
    pointing_game,
    randomization_check,
    randomize_weights,
)
from lookinside.explain.calls import bars

REGIONS = np.zeros((3, 12, 10), bool)
REGIONS[:, 3:8, 2:6] = True


@pytest.fixture(scope="module")
def model():
    return net(head="softmax argument")


@pytest.fixture(scope="module")
def table(model):
    return compare({"gradient": Saliency, "deconvnet": Deconvnet}, model, IMAGES, regions=REGIONS, seed=3)


def test_every_score_is_that_of_its_function(model, table):
    classes = Saliency(model).predict(IMAGES)
    heat = Saliency(model)(IMAGES)
    fresh = Saliency(randomize_weights(model, 3))(IMAGES, classes)
    by_hand = {
        "landmark_share": landmark_share(heat, REGIONS),
        "pointing_game": pointing_game(heat, REGIONS),
        "insertion": insertion(model, IMAGES, heat, classes).areas,
        "deletion": deletion(model, IMAGES, heat, classes).areas,
        "untrained": map_correlation(heat, fresh),
        "next_image": map_correlation(heat, np.roll(heat, 1, axis=0)),
    }
    assert table["gradient"].keys() == by_hand.keys()
    for name, values in by_hand.items():
        np.testing.assert_allclose(table["gradient"][name], bootstrap_interval(values), rtol=1e-5)


def test_the_rows_are_the_explainers_the_image_and_chance(table):
    assert list(table) == ["gradient", "deconvnet", "the image itself", "random heat"]
    assert "untrained" not in table["the image itself"]
    share = bootstrap_interval(landmark_share(IMAGES[..., 0], REGIONS))
    np.testing.assert_allclose(table["the image itself"]["landmark_share"], share, rtol=1e-5)
    assert abs(table["random heat"]["landmark_share"][0] - 1) < 0.2
    assert abs(table["random heat"]["next_image"][0]) < 0.3


def test_the_class_explained_is_the_trained_networks(model):
    """An untrained network names other classes; its map must be of the same one."""
    given = compare({"cam": GradCAM}, model, IMAGES, classes=2)["cam"]["untrained"]
    maps = [GradCAM(one)(IMAGES, 2) for one in (model, randomize_weights(model, 0))]
    np.testing.assert_allclose(given, bootstrap_interval(map_correlation(*maps)), rtol=1e-5)


def test_without_a_truth_its_scores_are_left_out(model):
    table = compare({"gradient": Saliency}, model, IMAGES)
    assert not {"landmark_share", "pointing_game"} & table["gradient"].keys()


@pytest.mark.parametrize(
    ("makers", "regions", "says"), [({}, None, "nothing to compare"), ({"g": Saliency}, REGIONS[:2], "regions are")]
)
def test_what_cannot_be_compared_is_refused(model, makers, regions, says):
    with pytest.raises(LookInsideError, match=says):
        compare(makers, model, IMAGES, regions=regions)


def test_the_scores_of_single_images_are_kept(model, table):
    heat = Saliency(model)(IMAGES)
    np.testing.assert_allclose(table.per_image["gradient"]["pointing_game"], pointing_game(heat, REGIONS))
    for row, scores in table.items():
        for name, interval in scores.items():
            assert interval == bootstrap_interval(table.per_image[row][name])
    assert json.loads(json.dumps(table))["gradient"]["insertion"] == list(table["gradient"]["insertion"])


def test_rows_are_compared_image_by_image(table):
    found = table.against("random heat", level=0.9, seed=4)
    assert list(found) == ["gradient", "deconvnet", "the image itself"]
    assert "untrained" not in found["gradient"]  # random heat has none
    for row, scores in found.items():
        for name, interval in scores.items():
            one, other = table.per_image[row][name], table.per_image["random heat"][name]
            assert interval == paired_difference(one, other, level=0.9, seed=4)
    assert "untrained" in table.against("gradient")["deconvnet"]
    with pytest.raises(LookInsideError, match="no row 'chance': the rows are gradient, deconvnet, the image itself"):
        table.against("chance")


def test_paired_differences_by_hand():
    """Images differ by far more than the two explainers do: beside one another their intervals hide it."""
    ease = np.random.default_rng(0).normal(0, 10, 60)
    first, second = ease + 1 + np.random.default_rng(1).normal(0, 0.1, 60), ease
    found = paired_difference(first, second)
    assert isinstance(found, Interval)
    assert found.estimate == pytest.approx((first - second).mean())
    assert 0.9 < found.low < found.estimate < found.high < 1.1
    assert bootstrap_interval(first).low < bootstrap_interval(second).high
    assert paired_difference(second, first, seed=3) == bootstrap_interval(second - first, seed=3)
    assert paired_difference([1, 2, np.nan, 5], [0, np.nan, 7, 4]) == (1, 1, 1)
    assert np.isnan(paired_difference([np.nan, 1], [1, np.nan])).all()
    narrow = paired_difference(first, second, level=0.5, resamples=500)
    assert found.low < narrow.low < narrow.high < found.high


def test_differences_over_seeds_by_a_loop():
    """Trainings and images drawn by index, one draw after the other."""
    rng = np.random.default_rng(0)
    first = 1 + rng.normal(size=(3, 1)) + rng.normal(size=(1, 25)) + rng.normal(size=(3, 25))
    second = rng.normal(size=(3, 25))
    first[1, 4] = second[:, 7] = np.nan
    means = []
    for _ in range(4000):
        rows, columns = rng.integers(0, 3, 3), rng.integers(0, 25, 25)
        means.append(np.nanmean((first - second)[np.ix_(rows, columns)]))
    found = paired_difference_over_seeds(first, second, level=0.8, resamples=4000)
    assert found.estimate == pytest.approx(np.nanmean(first - second))
    np.testing.assert_allclose(found[1:], np.quantile(means, (0.1, 0.9)), atol=0.06)


def test_three_trainings_on_the_same_images_do_not_make_three_times_as_many():
    first, second = np.random.default_rng(0).normal(size=(2, 40))
    one, three = paired_difference(first, second), paired_difference_over_seeds([first] * 3, [second] * 3)
    assert three.estimate == pytest.approx(one.estimate)
    assert three.high - three.low == pytest.approx(one.high - one.low, rel=0.1)
    # Trainings that differ on even images: all that is uncertain is which were made.
    apart = paired_difference_over_seeds([[0.0] * 9, [1.0] * 9], np.zeros((2, 9)))
    assert apart == (0.5, 0, 1)
    assert np.isnan(paired_difference_over_seeds([[np.nan]], [[1]])).all()
    assert paired_difference_over_seeds([first], [second], seed=1) == paired_difference_over_seeds(
        [first], [second], seed=1
    )


@pytest.mark.parametrize(("seeds_differ", "least", "most"), [(0, 0.93, 1), (0.3, 0.83, 0.95), (1, 0.65, 0.84)])
def test_how_often_three_seeds_hold_the_mean_is_as_the_docstring_says(seeds_differ, least, most):
    held = 0
    for trial in range(200):
        rng = np.random.default_rng(trial)
        scores = rng.normal(0, seeds_differ, (3, 1)) + rng.normal(size=(1, 60)) + rng.normal(size=(3, 60))
        found = paired_difference_over_seeds(scores, np.zeros((3, 60)), resamples=300)
        held += found.low <= 0 <= found.high
    assert least <= held / 200 <= most


@pytest.mark.parametrize(
    ("first", "second", "options", "says"),
    [
        ([1, 2], [1, 2], {}, r"give twice \(S, N\)"),
        ([[1, 2]], [[1, 2], [3, 4]], {}, "give twice"),
        ([[1, 2], [3]], [[1, 2], [3, 4]], {}, "first holds no numbers"),
        ([[1, np.inf]], [[1, 2]], {}, "first holds infinity"),
        ([[1, 2]], [[1, 2]], {"level": 1}, "level is 1"),
        ([[1, 2]], [[1, 2]], {"resamples": 0}, "resamples 0"),
        (np.zeros((0, 3)), np.zeros((0, 3)), {"seed": -1}, "seed -1"),
    ],
)
def test_scores_over_seeds_that_do_not_fit(first, second, options, says):
    with pytest.raises(LookInsideError, match=says):
        paired_difference_over_seeds(first, second, **options)


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ([1, 2], [1, 2, 3], "give twice"),
        ([[1, 2]], [[1, 2]], "give twice"),
        (1, 2, "give twice"),
        (["a"], [1], "first holds no numbers"),
        ([1, np.inf], [1, np.inf], "first holds infinity"),
        ([1.0], [-np.inf], "second holds infinity"),
    ],
)
def test_what_cannot_be_paired_is_refused(first, second, says):
    with pytest.raises(LookInsideError, match=says):
        paired_difference(first, second)


class Bar:
    made = ()

    def __init__(self, steps, description, unit):
        Bar.made = (*Bar.made, description)

    def update(self, steps):
        pass

    def close(self):
        pass


MAKERS = {
    "a class": Saliency,
    "a partial": partial(SmoothGrad, samples=2, progress=True),
    "its own": lambda model: Saliency(model, progress=Bar),
    "no explainer": lambda model: lambda images: Deconvnet(model, top_n=1)(images),
}


@pytest.fixture
def at_once(monkeypatch):
    """Bars are shown from the first moment on."""
    monkeypatch.delenv("COURSE_QUIET", raising=False)
    monkeypatch.setattr(bars, "DELAY", 0.0)
    monkeypatch.setattr(bars, "TICK", 0.01)
    monkeypatch.setattr(Bar, "made", ())


def test_no_progress_is_silence_all_the_way_down(model, at_once, capfd):
    compare(MAKERS, model, IMAGES[:1], progress=False)
    randomization_check(Saliency, model, IMAGES[:1], progress=False)
    assert "".join(capfd.readouterr()) == "" and Bar.made == ()


def test_ones_own_bar_stands_for_all_and_others_are_seen(model, at_once, capfd):
    one, other = ({name: MAKERS[name]} for name in ("its own", "a partial"))
    compare(one, model, IMAGES[:1], progress=Bar)
    assert "".join(capfd.readouterr()) == "" and set(Bar.made) == {"explanations", "Saliency"}
    compare(other, model, IMAGES[:1], progress=True)
    shown = capfd.readouterr().err
    assert "explanations" in shown and "SmoothGrad" in shown
    SmoothGrad(model, samples=2)(IMAGES[:1])  # and what was silenced is so no more
    assert "SmoothGrad" in capfd.readouterr().err


def test_it_is_a_dict_of_dicts(table):
    assert isinstance(table, Comparison) and isinstance(table, dict)
