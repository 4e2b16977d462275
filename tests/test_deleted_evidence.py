"""Places that a detector is said to go by are blurred: a detector whose answer is known by hand, and the library's."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.ndimage import gaussian_filter
from test_detectors import LOCALIZER, OPTIONS, SHAPE, SIZES, images

from lookinside.data import BoxedImages
from lookinside.errors import BlankMapWarning, LookInsideError
from lookinside.explain import paired_difference
from lookinside.explain.detection.read_places import cell_centres
from lookinside.layers import RoIAlign
from lookinside.models.detection import FPN, Detector, FasterRCNN, StructureLocalizer
from lookinside.models.detection.anchored import anchored_proposals
from lookinside.models.detection.detector import BestProposals
from lookinside.models.detection.stages import Stage
from lookinside.training import evidence_deletion
from lookinside.training.evaluation.detection import deleted_evidence
from lookinside.training.evaluation.detection.deleted_evidence import _cells
from lookinside.training.evaluation.detection.window_cells import highest_cells

REGION, CORNER = np.array([18, 18, 38, 38], np.float32), np.array([8, 8, 16, 16], np.float32)  # its window is 8 to 48


class OneCorner(Detector):
    """It reads 8 x 8 pixels in the upper left corner of one window, and moves to the right by how bright they are."""

    def make_parts(self):
        self.corner = RoIAlign(1, sampling=1, scale=1 / 8, dtype="float32")
        return anchored_proposals(self, [8], [self.anchor_sizes])

    def maps(self, images, training=None):
        return {"coarse": (pooled := ops.average_pool(images, 8)), "proposals": [pooled]}

    def stages(self, maps, regions, training=None):
        bright = self.corner([maps["coarse"], ops.zeros_like(regions) + CORNER])[:, :, 0, 0]
        return [Stage("head", regions, ops.concatenate([bright, 0 * bright, 0 * bright, 0 * bright], 2), 5 * bright)]

    def best_proposals(self, images):
        return BestProposals(np.tile(REGION, (len(images), 1)), None, None)


def bright_corner(count):
    pixels = np.zeros((count, *SHAPE), np.uint8)
    pixels[:, 8:16, 8:16] = 255
    return BoxedImages(pixels, [REGION[None]] * count, [[0]] * count, ("a",), tuple(map(str, range(count))))


def test_a_detector_that_reads_one_corner_moves_when_that_is_blurred_and_by_so_much():
    """The hottest cell's centre is (12, 12), 16 pixels around it are 4 to 20, 8 to 20 of them in the window."""
    data, model = bright_corner(30), OneCorner(SHAPE, ["a"], SIZES)  # two parts
    found = evidence_deletion(model, data, 1, side=16)
    assert list(found.moved) == ["by Grad-CAM", "random places"] and list(found.over_random) == ["by Grad-CAM"]
    left = gaussian_filter(data.pixels[0, ..., 0], 8, mode="nearest")[8:16, 8:16].mean()
    np.testing.assert_allclose(found.moved["by Grad-CAM"], (1 - left) * 20, rtol=1e-4)
    assert found.blurred["by Grad-CAM"] == pytest.approx(12**2 / 40**2)
    assert np.mean(found.moved["random places"] == 0) > 0.5  # most squares do not touch the corner
    assert 12**2 / 40**2 <= found.blurred["random places"] <= 16**2 / 40**2
    assert found.over_random["by Grad-CAM"].low > 0
    assert found.difference("random places", "by Grad-CAM").high < 0
    assert found.over_random["by Grad-CAM"] == paired_difference(*found.moved.values())
    with pytest.raises(LookInsideError, match="no way 'by vote' here: choose from by Grad-CAM, random places"):
        found.difference("by vote", "random places")


def test_black_boxes_are_asked_by_their_head():
    keras.utils.set_random_seed(0)
    data = images(3)
    for kind in (FasterRCNN, FPN):
        model = kind(SHAPE, ["a"], SIZES, **OPTIONS)
        found = evidence_deletion(model, data, 3, side=8)
        assert found.moved["random places"].shape == (3,) and found.moved["by Grad-CAM"].max() > 0
        with pytest.raises(LookInsideError, match="detector has no step 'coarse': choose from head"):
            evidence_deletion(model, data, step="coarse")


@pytest.fixture(scope="module")
def local():
    keras.utils.set_random_seed(0)
    return StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER)


def test_evidence_that_is_blurred_moves_the_box(local):
    data = images(4)
    found = evidence_deletion(local, data, 2, step="fine", side=8, seed=1)
    assert list(found.moved) == ["by vote", "by alpha", "random", "by Grad-CAM", "random places"]
    assert found.moved["by vote"].max() > 0 and set(found.over_random) == {"by vote", "by alpha", "by Grad-CAM"}
    other = evidence_deletion(local, data, 2, step="fine", side=8, seed=2)
    for way in found.moved:  # the random ones alone follow from the seed
        assert np.array_equal(other.moved[way], found.moved[way]) == way.startswith("by ")
    gap = found.moved["by vote"].mean() - found.moved["random"].mean()
    assert found.over_random["by vote"].estimate == pytest.approx(gap)
    assert found.difference("by vote", "by Grad-CAM").estimate == pytest.approx(
        found.moved["by vote"].mean() - found.moved["by Grad-CAM"].mean()
    )
    assert all(0 < share <= 1 for share in found.blurred.values())


@pytest.mark.filterwarnings("ignore::lookinside.errors.BlankMapWarning")
def test_primitives_that_are_found_at_one_place_blur_it_once(local):
    """Five equal primitives: however many of them are chosen, they blur one square."""
    told = local.modules["coarse"].detect
    before = np.array(told.templates)
    told.start_from(np.repeat(before[:1], 5, axis=0))
    one, five = (evidence_deletion(local, images(3), count, side=4) for count in (1, 5))
    told.start_from(before)
    assert five.blurred["by vote"] == pytest.approx(one.blurred["by vote"])
    assert five.blurred["random places"] > 3 * one.blurred["random places"]


@pytest.mark.parametrize(("step", "away"), [("coarse", 7.5), ("fine", 3.5)])
def test_what_is_blurred_is_what_a_cell_reads(local, monkeypatch, step, away):
    """Cell 0 of the map of stride 16 reads around pixel 0, not around the middle of pixels 0 to 15."""
    seen, squares = [], deleted_evidence._squares
    monkeypatch.setattr(
        deleted_evidence, "_squares", lambda middles, *rest: seen.append(middles) or squares(middles, *rest)
    )
    data = images(2)
    evidence_deletion(local, data, 1, step=step, side=4)
    nominal = cell_centres(local.evidence(data.pixels).steps[step].windows)
    np.testing.assert_allclose(nominal - seen[0], away, atol=1e-3)


def test_what_is_even_cannot_be_blurred(local):
    """So each step begins again from what it had looked at: the fine one from the coarse one's answer."""
    data = images(4)
    even = BoxedImages(np.full_like(data.images, 90), data.boxes, data.labels, data.class_names, data.names)
    for step in ("coarse", "fine"):
        still = evidence_deletion(local, even, 2, step=step, side=8)
        assert len(still.moved) == 5 and all(not moved.any() for moved in still.moved.values())


def test_only_the_step_itself_is_asked(local):
    """With all of the window blurred: what the fine step makes of the same region on the blurred image."""
    data = images(3)
    found = evidence_deletion(local, data, 1, step="fine", side=400)
    told = local.evidence(data.pixels).steps["fine"]
    blurred = gaussian_filter(data.pixels, (0, 200, 200, 0), mode="nearest")
    after = local.modules["fine"].evidence(local.maps(blurred, training=False)["fine"], told.regions).boxes
    gap = (after[:, :2] + after[:, 2:] - told.boxes[:, :2] - told.boxes[:, 2:]) / 2
    np.testing.assert_allclose(found.moved["by alpha"], np.hypot(*gap.T), atol=1e-3)
    assert found.moved["by alpha"].min() > 0.01 and found.blurred["by vote"] == 1


def test_an_empty_map_says_so_and_its_places_are_random(local):
    data, score = images(4), local.modules["coarse"].head.score
    before = score.kernel.numpy()
    score.kernel.assign(0 * before)
    with pytest.warns(BlankMapWarning) as caught:
        first, second = (evidence_deletion(local, data, 1, side=8, seed=seed) for seed in (0, 1))
    score.kernel.assign(before)
    assert caught[0].filename == __file__
    assert np.any(first.moved["by Grad-CAM"] != second.moved["by Grad-CAM"])


def test_what_cannot_be_deleted_is_refused(local):
    for options, said in (
        ({"step": "finest"}, "localizer has no step 'finest': choose from coarse, fine"),
        ({"count": 6}, "has 5 primitives"),
        ({"side": 0}, "side is 0"),
    ):
        with pytest.raises(LookInsideError, match=said):
            evidence_deletion(local, images(2), **{"count": 2} | options)


def test_cells_of_a_window_by_hand():
    centres = cell_centres(np.array([[0, 0, 30, 15], [-15, 15, 0, 30]]))
    np.testing.assert_allclose(centres[0, [0, 1, 14, 15, 224]], [[1, 0.5], [3, 0.5], [29, 0.5], [1, 1.5], [29, 14.5]])
    np.testing.assert_allclose(centres[1, 16], [-13.5, 16.5])
    values, chance = np.array([[5.0, 7, 0, 0, 9]]), np.array([[0, 0, 0.9, 0.1, 0]])
    possible = np.array([[True, True, True, True, False]])
    assert highest_cells(values, possible, 3, chance).tolist() == [[1, 0, 3]]
    assert highest_cells(values, possible, 5, chance).tolist() == [[1, 0, 3, 2, -1]]


def test_the_hottest_cells_are_those_whose_middles_lie_on_the_hottest_pixels():
    """Cells of one pixel, from (10, 10) on: the pixel in row 12, column 13 is cell (2, 3)."""
    heat = np.zeros((1, 48, 64), np.float32)
    heat[0, 12, 13], heat[0, 20, 11], heat[0, 40, 50] = 1.0, 0.5, 9.0  # the last one is not in the window
    centres = cell_centres(np.array([[10, 10, 25, 25]]))
    chosen = _cells(heat, centres, centres, 2, seed=0)
    assert chosen["by Grad-CAM"].tolist() == [[2 * 15 + 3, 10 * 15 + 1]]
    rim = cell_centres(np.array([[57, 41, 72, 56]]))
    over = _cells(heat, rim, rim, 60, seed=0)["random places"][0]
    assert set(over[over >= 0] % 15) == set(over[over >= 0] // 15) == set(range(7))  # 7 x 7 cells lie on the image
    assert (over == -1).sum() == 60 - 49
