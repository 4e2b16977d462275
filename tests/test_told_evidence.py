"""Evidence that is asked for once, primitives beside each other, and boxes on images without a part."""

import keras
import numpy as np
import pytest
from test_detectors import LOCALIZER, OPTIONS, SHAPE, SIZES, images

from lookinside.data import BoxedImages
from lookinside.errors import LookInsideError
from lookinside.explain import paired_difference, primitive_examples
from lookinside.models.detection import FasterRCNN, StructureLocalizer
from lookinside.training import (
    box_importance,
    evidence_deletion,
    evidence_places,
    primitives_alike,
    proportion_interval,
)

pytestmark = pytest.mark.filterwarnings("ignore::lookinside.errors.BlankMapWarning")


@pytest.fixture(scope="module")
def local():
    keras.utils.set_random_seed(0)
    return StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER)


@pytest.fixture(scope="module")
def scans():
    data = images(4)
    masks = {"left": np.broadcast_to(np.arange(SHAPE[1]) < 30, (4, *SHAPE[:2])).copy()}
    return BoxedImages(data.images, data.boxes, data.labels, data.class_names, data.names, masks)


CALLS = {
    "examples": lambda model, data, **given: primitive_examples(model, data.pixels, "fine", [0, 3], **given),
    "places": lambda model, data, **given: evidence_places(model, data, 2, **given).shares,
    "deletion": lambda model, data, **given: evidence_deletion(model, data, 2, step="fine", side=8, **given).moved,
    "alike": lambda model, data, **given: primitives_alike(model, data.pixels, **given),
}


@pytest.mark.parametrize("call", CALLS)
def test_evidence_that_is_handed_on_is_taken_and_gives_the_same(local, scans, call, monkeypatch):
    own = CALLS[call](local, scans)
    told = local.evidence(scans.pixels)
    monkeypatch.setattr(local, "evidence", None)  # nobody asks again
    again = CALLS[call](local, scans, evidence=told)
    for one, two in zip(keras.tree.flatten(own), keras.tree.flatten(again), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("call", CALLS)
def test_evidence_of_other_images_is_refused(local, scans, call):
    told = local.evidence(scans.pixels[:3])
    with pytest.raises(LookInsideError, match="there are 4 images and the steps coarse, fine"):
        CALLS[call](local, scans, evidence=told)
    with pytest.raises(LookInsideError, match=r"evidence is a Evidence: give what model\.evidence"):
        CALLS[call](local, scans, evidence=told.steps["coarse"])


def test_a_black_box_takes_no_evidence(local, scans):
    model = FasterRCNN(SHAPE, ["a"], SIZES, **OPTIONS)
    with pytest.raises(LookInsideError, match="FasterRCNN, which has no primitives: give no evidence"):
        evidence_deletion(model, scans, 2, evidence=local.evidence(scans.pixels))
    with pytest.raises(LookInsideError, match="FasterRCNN with no two primitives"):
        primitives_alike(model, scans.pixels)


def test_alike_primitives_by_hand(local, scans):
    """Three templates on axes, a twin of the first, and one at 45 degrees: each one's nearest is known."""
    detect = local.modules["coarse"].detect
    before = np.array(detect.templates)
    axes = np.eye(before.shape[1])
    own = np.stack([axes[0], axes[1], axes[2], axes[0], (axes[1] + axes[2]) / np.sqrt(2)])
    detect.start_from(own.astype(np.float32))
    told = local.evidence(scans.pixels)
    found = primitives_alike(local, scans.pixels, evidence=told)
    detect.start_from(before)
    assert list(found) == ["coarse", "fine"]
    assert found["coarse"]["nearest cosine"] == pytest.approx((1 + 1 + 3 * np.sqrt(0.5)) / 5, abs=1e-6)
    assert found["coarse"]["twins"] == pytest.approx(2 / 5)
    pairs = []  # two loops instead of matrices
    for maps in told.steps["coarse"].traced:
        pairs += [np.corrcoef(maps[..., a].ravel(), maps[..., b].ravel())[0, 1] for a in range(5) for b in range(a)]
    assert found["coarse"]["Rc"] == pytest.approx(np.nanmean(pairs), abs=1e-6)


class Spots:
    """A detector that puts a box of 10 x 10 pixels on the brightest pixel, and is as sure as that is bright."""

    image_shape = SHAPE

    def predict(self, images, **options):
        flat = images[..., 0].reshape(len(images), -1)
        rows, columns = np.unravel_index(flat.argmax(axis=1), SHAPE[:2])
        boxes = np.stack([columns - 5, rows - 5, columns + 5, rows + 5], axis=1)[:, None]
        scores = flat.max(axis=1)[:, None]
        labels = np.where(scores > 0, 0, -1)  # where nothing is bright it finds nothing
        return {"boxes": boxes.astype(np.float32), "scores": scores, "labels": labels}


def test_the_best_box_without_a_part_by_hand():
    whole = np.zeros((4, *SHAPE), np.float32)
    whole[:, 20, 20], whole[:2, 22, 22], whole[2:, 40, 50] = 0.9, 0.5, 0.4
    without = {"bright": whole.copy(), "all": np.zeros_like(whole), "dim": whole.copy()}
    without["bright"][:, 20, 20] = 0
    without["dim"][:2, 22, 22] = without["dim"][2:, 40, 50] = 0
    found = box_importance(Spots(), whole, without)
    assert found.score == pytest.approx(0.9)
    # Two of four go to a place two pixels away: 64 of 136 pixels are shared, which is another place.
    assert found.stays["bright"] == proportion_interval(0, 4)
    assert found.falls["bright"] == pytest.approx(paired_difference(np.full(4, 0.9), np.array([0.5, 0.5, 0.4, 0.4])))
    assert found.stays["dim"] == proportion_interval(4, 4) and found.falls["dim"].estimate == 0
    assert found.stays["all"][0] == 0 and found.falls["all"].estimate == pytest.approx(0.9)  # no box at all
    near = whole.copy()
    near[:, 20, 20], near[:, 20, 21] = 0, 0.9  # one pixel: 90 of 110 are shared
    assert box_importance(Spots(), whole, {"near": near}).stays["near"][0] == 1
    assert found.rows()["dim"] == {"score falls": found.falls["dim"], "box stays": found.stays["dim"]}


def test_parts_that_do_not_fit_are_refused():
    whole = np.zeros((4, *SHAPE), np.float32)
    with pytest.raises(LookInsideError, match="'NT' has 3 images, the whole set 4"):
        box_importance(Spots(), whole, {"NT": whole[:3]})
    with pytest.raises(LookInsideError, match="The model is a Sequential: give a detector"):
        box_importance(keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()]), whole, {"NT": whole})
    with pytest.raises(LookInsideError, match="no part to take away"):
        box_importance(Spots(), whole, {})
