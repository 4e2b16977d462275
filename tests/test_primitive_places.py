"""Where primitives lie: receptive fields by probing, places on masks by hand, the examples of each primitive."""

import keras
import numpy as np
import pytest
from test_detectors import LOCALIZER, SHAPE, SIZES, images

from lookinside import figures
from lookinside.data import BoxedImages
from lookinside.errors import LookInsideError
from lookinside.explain import paired_difference, primitive_examples
from lookinside.figures.style import smallest_text
from lookinside.models import FasterRCNN, StructureLocalizer, receptive_field, resnet18_stages
from lookinside.models.detection import Evidence, Localization
from lookinside.training import context_places, evidence_deletion, evidence_places, recovered


@pytest.fixture(scope="module")
def local():
    keras.utils.set_random_seed(0)
    return StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER)


# Receptive fields -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("output", "row"), [("conv3_x", 16), ("conv4_x", 8)])
def test_a_cell_reads_the_rows_that_reach_it_and_no_others(output, row):
    """One bright row at a time, through a network that only adds: the rows that change the cell are those it reads."""
    height = 272
    model = resnet18_stages((height, 16, 1), width=1 / 64)
    for variable in model.trainable_variables:
        variable.assign(0 * variable + (0.1 if "kernel" in variable.path or "gamma" in variable.path else 0.0))
    probes = np.eye(height, dtype=np.float32)[:, :, None, None] * np.ones((1, 1, 16, 1), np.float32)
    read = np.flatnonzero(np.array(model.predict(probes, batch_size=34, verbose=0)[output])[:, row].max(axis=(1, 2)))
    field = receptive_field(model, output)
    assert read.tolist() == list(range(row * field.stride + field.low, row * field.stride + field.high + 1))
    assert field.size == len(read) and field.middle == 0.5  # around the pixel (s * i, s * j)


def test_what_matters_of_a_field_is_what_evenly_weighing_kernels_make_of_it():
    """One row of kernels after the other, each even: its variance is that of the paths to the middle cell."""
    inputs = keras.Input((64, 64, 1))
    first = keras.layers.Conv2D(1, 5, padding="same")(inputs)
    last = keras.layers.MaxPooling2D(3, 2)(keras.layers.ZeroPadding2D(1)(first))
    last = keras.layers.Conv2D(1, 3, padding="same")(last)
    field = receptive_field(keras.Model(inputs, {"out": last}), "out")
    paths = np.convolve(np.convolve(np.ones(5), np.ones(3)), [1, 0, 1, 0, 1])  # the last one in steps of two pixels
    places = np.arange(len(paths)) - len(paths) // 2
    assert field.size == len(paths) and field.stride == 2
    assert field.spread == pytest.approx(np.sqrt((paths * places**2).sum() / paths.sum()))
    assert field.effective < field.size
    with pytest.raises(LookInsideError, match="no output 'in': choose from out"):
        receptive_field(keras.Model(inputs, {"out": last}), "in")
    flat = keras.layers.Dense(3, name="fc")(keras.layers.Flatten(name="flat")(last))
    with pytest.raises(LookInsideError, match="flat, a Flatten"):
        receptive_field(keras.Model(inputs, {"out": flat}), "out")


# Places on masks --------------------------------------------------------------------------------------------------

CELLS = np.array([[[2, 3], [2, 3], [14, 14], [0, 0], [7, 1]], [[0, 4], [1, 4], [2, 4], [3, 4], [4, 4]]])  # row, column


def by_hand(pixels):
    """Cells of 2 x 2 pixels from (8, 8) on; primitive k of image i is found in CELLS[i, k], the first votes most."""
    responses = np.zeros((2, 15, 15, 5), np.float32)
    for i, k in np.ndindex(2, 5):
        responses[i, *CELLS[i, k], k] = 0.5
    windows = np.array([[8, 8, 38, 38]] * 2, np.float32)
    votes, alpha = np.array([[5, 4, 3, 2, 1]] * 2), np.array([[0.1, 0.2, 0.3, 0.4, 0.5]] * 2)
    told = Evidence(None, windows, responses, None, None, None, alpha, votes, None)
    return Localization({"coarse": told}, None, 1.0, None, None)


def test_places_on_masks_by_hand(local, monkeypatch):
    """The coarse map reads 7.5 pixels up and left of a cell's middle: cell (2, 3) the pixel in row 5, column 7."""
    monkeypatch.setattr(local, "evidence", by_hand)
    masks = {name: np.zeros((2, *SHAPE[:2]), bool) for name in ("dot", "top", "nothing", "second")}
    masks["dot"][0, 5, 7] = masks["dot"][1, 40, 60] = True
    masks["top"][:, :4] = True
    masks["second"][1, 1:6, 9] = True
    data = images(3).subset([0, 1])
    data = BoxedImages(data.images, data.boxes, data.labels, data.class_names, data.names, masks)
    found = evidence_places(local, data, 2, seed=3)
    np.testing.assert_allclose(found.shares["by vote"]["dot"], [1, 0])  # two primitives in the same cell
    np.testing.assert_allclose(found.shares["by alpha"]["dot"], [0, 0])  # (7, 1) and (0, 0); nothing near
    np.testing.assert_allclose(found.shares["by alpha"]["top"], [0.5, 0])
    np.testing.assert_allclose(found.shares["by vote"]["top"], [0, 1])  # rows 0 and 1 read the pixel rows 1 and 3
    np.testing.assert_allclose(found.shares["by vote"]["second"], [np.nan, 1])
    assert np.isnan(found.shares["random"]["nothing"]).all() and np.isnan(found.mean["by vote"]["nothing"].estimate)
    assert found.area["dot"].estimate == pytest.approx((1 / 225 + 0) / 2)
    assert found.area["top"].estimate == pytest.approx(2 * 15 / 225)  # rows 0 and 1 of the cells
    assert found.area["second"].estimate == pytest.approx(3 / 225)  # column 4 reads column 9; rows 1, 3 and 5
    assert found.mean["by vote"]["dot"].estimate == 0.5
    assert found.over_area["by vote"]["top"] == paired_difference(np.array([0, 1]), np.full(2, 30 / 225))


def test_places_of_a_real_localizer_and_what_is_refused(local):
    data = images(3)
    everywhere = BoxedImages(
        data.images, data.boxes, data.labels, data.class_names, data.names, {"all": np.ones((3, *SHAPE[:2]), bool)}
    )
    for step in ("coarse", "fine"):
        found = evidence_places(local, everywhere, 3, step=step)
        for own in found.shares.values():
            assert own["all"].min() >= 0 and own["all"].max() <= 1
        assert 0 < found.area["all"].estimate <= 1
    with pytest.raises(LookInsideError, match="no masks"):
        evidence_places(local, data, 3)
    with pytest.raises(LookInsideError, match="no step 'last'"):
        evidence_places(local, everywhere, 3, step="last")
    with pytest.raises(LookInsideError, match="has 5 primitives"):
        evidence_places(local, everywhere)
    with pytest.raises(LookInsideError, match="FasterRCNN, which has no primitives"):
        evidence_places(FasterRCNN(SHAPE, ["a"], SIZES, width=0.125, units=8), everywhere)


# Context boxes ----------------------------------------------------------------------------------------------------


def test_what_context_boxes_cover_by_hand(monkeypatch):
    model = StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER, context=2)
    regions = np.array([[20, 10, 30, 14], [20, 10, 30, 14]], np.float32)  # left: 5 to 25, 8 to 16; right: 25 to 45

    def told(pixels):
        step = Evidence(regions, None, None, None, None, None, None, None, None)
        moved = np.array([[[5, 8, 25, 16], [25, 8, 45, 16]], [[0, 0, 64, 24], [-90, 0, -80, 24]]], np.float32)
        return Localization({"coarse": step}, moved, 0.5, None, None)

    monkeypatch.setattr(model, "evidence", told)
    masks = {name: np.zeros((2, *SHAPE[:2]), bool) for name in ("left", "below", "nothing")}
    masks["left"][:, 8:12, 3:7] = True  # half of it lies left of x = 5
    masks["below"][1, 15:17, 30] = True  # one of two pixels lies below y = 16
    data = images(2)
    data = BoxedImages(data.images, data.boxes, data.labels, data.class_names, data.names, masks)
    found = context_places(model, data)
    assert found.area["put"].tolist() == pytest.approx([40 * 8 / (48 * 64)] * 2)
    assert found.area["moved"].tolist() == pytest.approx([40 * 8 / (48 * 64), 0.5])
    assert found.covered["put"]["left"].tolist() == [0.5, 0.5] and found.covered["moved"]["left"].tolist() == [0.5, 1]
    np.testing.assert_allclose(found.covered["put"]["below"], [np.nan, 0.5])
    assert np.isnan(found.mean("moved", "nothing").estimate)
    np.testing.assert_allclose(found.moved_by, [[0, 0], [17, np.hypot(120, 0)]])
    assert found.gain["left"] == paired_difference(np.array([0.5, 1]), np.array([0.5, 0.5]))
    assert found.area_gain.estimate == pytest.approx((0.5 - 40 * 8 / (48 * 64)) / 2)


def test_context_boxes_of_a_real_localizer_start_where_they_are_put(local):
    model = StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER, context=4)
    found = context_places(model, images(3))
    np.testing.assert_allclose(found.moved, found.put, atol=1e-3)  # the offsets are 0 before any training
    assert found.put.shape == (3, 4, 4) and found.gain == {} and found.area_gain.estimate == pytest.approx(0, abs=1e-3)
    for other in (local, FasterRCNN(SHAPE, ["a"], SIZES, width=0.125, units=8)):
        with pytest.raises(LookInsideError, match="no context boxes"):
            context_places(other, images(3))
    for judge in (
        lambda given: context_places(model, given),
        lambda given: evidence_places(local, given, 3),
        lambda given: evidence_deletion(local, given, 3),
        lambda given: recovered(local, given, (8, 0)),
    ):
        with pytest.raises(LookInsideError, match="images is a ndarray: give BoxedImages"):
            judge(images(3).pixels)


# Examples of primitives -------------------------------------------------------------------------------------------


def test_the_examples_are_where_a_primitive_answers_most(local):
    pixels = images(6).pixels
    found = primitive_examples(local, pixels, "fine", [3, 1], count=2)
    told, field = local.evidence(pixels).steps["fine"], receptive_field(local.trunk, "conv3_x")
    assert found.primitives.tolist() == [3, 1] and found.images.shape == (2, 2) and found.field == field
    for p, number in enumerate((3, 1)):
        best = []
        for i in range(6):  # one place an image: a cell that reads around a pixel of the image
            left, top, right, bottom = told.windows[i].astype(float)
            for row, column in np.ndindex(15, 15):
                x = left + (column + 0.5) / 15 * (right - left) - 3.5
                y = top + (row + 0.5) / 15 * (bottom - top) - 3.5
                if 0 <= x < 64 and 0 <= y < 48:
                    best.append((float(told.responses[i, row, column, number]), i, x, y))
        each = [max(one for one in best if one[1] == i) for i in range(6)]
        first, second = sorted(each, reverse=True)[:2]
        np.testing.assert_allclose(found.responses[p], [first[0], second[0]], rtol=1e-6)
        for e, (_, i, x, y) in enumerate((first, second)):
            assert found.images[p, e] == i
            np.testing.assert_allclose(found.centres[p, e], [x, y], atol=1e-4)
            half = 2 * field.spread
            wanted = np.clip([x - half, y - half, x + half, y + half], 0, [64, 48, 64, 48])
            np.testing.assert_allclose(found.patches[p, e], wanted, atol=1e-4)
    np.testing.assert_array_equal(found.templates, np.array(local.modules["fine"].cast_votes.templates)[..., [3, 1]])
    assert primitive_examples(local, pixels).primitives.tolist() == [0, 1, 2, 3, 4]
    for options, said in (
        ({"step": "last"}, "no step 'last'"),
        ({"primitives": [5]}, "from 0 to 4"),
        ({"primitives": [0.5]}, "from 0 to 4"),
        ({"primitives": []}, "from 0 to 4"),
        ({"count": 7}, "there are 6 images"),
    ):
        with pytest.raises(LookInsideError, match=said):
            primitive_examples(local, pixels, **options)


def test_a_figure_shows_each_primitive_s_patch_above_its_template(local):
    data = images(6)
    found = primitive_examples(local, data.pixels, count=2)
    figure = figures.primitive_panels(data.images, found, note="a note")
    figure.canvas.draw()
    panels = np.array(figure.axes).reshape(3, 5)
    for column in range(5):
        for row in range(2):
            shown = panels[row, column].images[0].get_array()
            np.testing.assert_array_equal(shown, data.images[found.images[column, row], ..., 0])
            frame = panels[row, column].patches[0]
            left, top, right, bottom = found.patches[column, row]
            np.testing.assert_allclose(frame.get_bbox().bounds, [left - 0.5, top - 0.5, right - left, bottom - top])
            assert frame.get_edgecolor()[:2] > (0.9, 0.8) and frame.get_edgecolor()[2] < 0.4  # yellow
        np.testing.assert_array_equal(panels[2, column].images[0].get_array(), found.templates[..., column])
        assert panels[0, column].get_title() == f"k = {column}"
    assert figure.get_figwidth() <= 11.5 and figure.get_figheight() <= 5.6 and smallest_text(figure) >= 14
    with pytest.raises(LookInsideError, match="not on 2"):
        figures.primitive_panels(data.images[:2], found)
