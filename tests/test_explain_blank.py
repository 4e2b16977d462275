"""Maps that show nothing are said to: once a call, with their number, whoever made them."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers as kl
from small_nets import CLASSES, EXPLAINERS, IMAGES, SHAPE, net

from lookinside.explain import (
    BlankMapWarning,
    Deconvnet,
    GradCAM,
    Occlusion,
    Saliency,
    ScoreCAM,
    SmoothGrad,
    compare,
    compare_parts,
    randomization_check,
)


def said(work, *arguments):
    """What is said of blank maps in a call, and its result."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = work(*arguments)
    return [one for one in caught if issubclass(one.category, BlankMapWarning)], result


def deaf(which=(0, 1, 2)):
    """A model whose score of some classes depends on nothing, and is pulled down by everything for none."""
    model = net()
    kernel, bias = model.get_layer("fc").get_weights()
    kernel[:, list(which)] = 0
    model.get_layer("fc").set_weights([kernel, bias])
    return model


@pytest.mark.parametrize("kind", EXPLAINERS)
def test_every_explainer_counts_its_blank_maps(kind):
    explain = EXPLAINERS[kind](deaf(which=[1]))
    found, maps = said(explain, IMAGES, CLASSES)
    assert [np.ptp(one) == 0 for one in maps] == [False, False, True]
    assert [str(one.message) for one in found] == [
        f"{kind}: 1 of 3 maps are empty or the same everywhere: they show nothing."
    ]
    assert found[0].filename == __file__  # it points at the caller's line
    found, _ = said(explain, IMAGES[:2], CLASSES[:2])
    assert not found


@pytest.mark.filterwarnings("ignore:The structure of `inputs`")
def test_low_maps_gradients_and_projections_count_too():
    model = deaf()
    for use in (GradCAM(model).maps, Saliency(model).gradients, SmoothGrad(model, samples=2).gradients):
        (one,), _ = said(use, IMAGES, CLASSES)
        assert "3 of 3" in str(one.message) and one.filename == __file__
    (one,), _ = said(ScoreCAM(silent(), "conv2", maps_used=2).maps, IMAGES[:1])
    assert "ScoreCAM: 1 of 1" in str(one.message)
    for use in (Deconvnet(silent(), top_n=2), Deconvnet(silent(), top_n=2).maps):
        (one,), _ = said(use, IMAGES)
        assert "Deconvnet: 3 of 3" in str(one.message) and one.filename == __file__
    assert not said(Saliency(model).predict, IMAGES)[0]  # no map


def silent():
    """A model whose last ReLU lets nothing through."""
    model = net()
    kernel, bias = model.get_layer("conv2").get_weights()
    model.get_layer("conv2").set_weights([kernel, bias - 1000])
    return model


def test_a_map_that_differs_by_rounding_only_is_the_same_everywhere():
    """Every patch takes away as much; so many of them are averaged that their means differ in the last digit."""
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, kl.Dense(2, kernel_initializer="ones")(kl.Flatten()(inputs)))
    (one,), maps = said(Occlusion(model, (5, 3), 1), np.full((1, *SHAPE), 0.1), 0)
    assert 0 < np.ptp(maps) <= 1e-6 * np.abs(maps).max()
    assert "Occlusion: 1 of 1" in str(one.message)


def test_engineers_can_filter_it():
    explain = GradCAM(deaf())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", BlankMapWarning)
        explain(IMAGES)
        warnings.simplefilter("error", BlankMapWarning)
        with pytest.raises(BlankMapWarning):
            explain(IMAGES)


def test_compare_says_it_once_for_all_rows():
    makers = {"cam": GradCAM, "own": lambda model: lambda images: np.ones(images.shape[:3]), "saliency": Saliency}
    images = np.concatenate([IMAGES, np.zeros((1, *SHAPE), "float32")])
    found, _ = said(lambda: compare(makers, deaf([1]), images, np.array([2, 0, 1, 1])))
    assert len(found) == 1 and found[0].filename == __file__
    text = str(found[0].message)
    assert text.startswith("compare: ") and "own 4, own, untrained 4" in text and "the image itself 1" in text
    assert "cam 2" in text and "saliency 2" in text and "random" not in text


def test_the_check_says_once_how_many_correlations_are_nan():
    found, values = said(lambda: randomization_check(GradCAM, deaf([1]), IMAGES, 1))
    assert len(found) == 1 and found[0].filename == __file__
    nan = sum(np.isnan(one).sum() for one in values.values())
    assert f"randomization_check: {nan} of 12 correlations are nan" in str(found[0].message)
    assert nan == 12


def test_compare_parts_says_it_once_for_all_rows():
    parts = {name: np.zeros((3, *SHAPE[:2]), bool) for name in "abc"}
    for place, mask in enumerate(parts.values()):
        mask[:, place] = True
    importance = np.tile([3.0, 1.0, 2.0], (3, 1))
    makers = {"cam": GradCAM, "own": lambda model: lambda images: np.ones(images.shape[:3])}
    found, rows = said(lambda: compare_parts(makers, deaf(), IMAGES, importance, parts, 1))
    assert len(found) == 1 and found[0].filename == __file__
    text = str(found[0].message)
    assert text.startswith("compare_parts: ") and "own 3, own, untrained 3" in text and "cam 3" in text
    assert np.isnan(rows["own"]).all()
