"""The table of explanations: its scores are those of the single functions, and chance is where it should be."""

import numpy as np
import pytest
from small_nets import IMAGES, net

from lookinside.errors import LookInsideError
from lookinside.explain import (
    Deconvnet,
    GradCAM,
    Saliency,
    bootstrap_interval,
    compare,
    deletion,
    insertion,
    landmark_share,
    map_correlation,
    pointing_game,
    randomize_weights,
)

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
