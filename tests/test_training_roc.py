"""ROC curves: areas as scikit-learn's, by hand, bands over patients."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lookinside.errors import LookInsideError
from lookinside.training import roc_curves

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 3, 120)
SCORES = RANDOM.random((120, 3)) + 0.5 * np.eye(3)[LABELS]
NAMES = ("a", "b", "c")


def test_areas_are_scikit_learns():
    found = roc_curves(SCORES, LABELS, NAMES)
    areas = [roc_auc_score(k == LABELS, SCORES[:, k]) for k in range(3)]
    np.testing.assert_allclose([found[name].auc[0] for name in NAMES], areas, atol=1e-12)
    assert found["mean"].auc[0] == pytest.approx(np.mean(areas))
    for one in found.values():
        assert one.auc[1] < one.auc[0] < one.auc[2]
        assert (one.low <= one.high).all() and (np.diff(one.sensitivity) >= 0).all()
        # The area under the line on the grid is the area, up to the grid.
        assert np.trapezoid(one.sensitivity, one.false_positive_rate) == pytest.approx(one.auc[0], abs=0.01)


def test_by_hand():
    """Two of class 0 at .9 and .4, two others at .6 and .1: three of four pairs are in order."""
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.1, 0.9]])
    found = roc_curves(scores, np.array([0, 0, 1, 1]), ("a", "b"))["a"]
    assert found.auc[0] == 0.75
    at = {0.0: 0.5, 0.25: 0.5, 0.5: 1.0, 1.0: 1.0}
    assert {x: found.sensitivity[round(100 * x)] for x in at} == at


def test_a_band_over_patients_is_wider_than_over_their_images():
    """Each image four times: as images there seem to be four times as many."""
    scores, labels = np.repeat(SCORES, 4, axis=0), np.repeat(LABELS, 4)
    groups = np.repeat(np.arange(120), 4)
    width = {}
    for name, given in (("images", None), ("patients", groups)):
        _, low, high = roc_curves(scores, labels, NAMES, given)["mean"].auc
        width[name] = high - low
    assert 1.6 < width["patients"] / width["images"] < 2.5  # twice, by the square root of four


def test_a_class_without_an_image_is_left_out():
    found = roc_curves(np.c_[SCORES, np.zeros(120)], LABELS, (*NAMES, "d"))
    assert set(found) == {*NAMES, "mean"}


@pytest.mark.parametrize(
    ("scores", "labels", "said"),
    [
        (SCORES[:5], LABELS, r"give \(120, 3\)"),
        (np.where(SCORES > 1.4, np.nan, SCORES), LABELS, "not numbers"),
        (SCORES, np.zeros(120, int), "two classes"),
    ],
)
def test_refusals(scores, labels, said):
    with pytest.raises(LookInsideError, match=said):
        roc_curves(scores, labels, NAMES)
