"""The detectors: what learns what, the second stages, the evidence, saving, and one step of training."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from lookinside.data import BoxedImages
from lookinside.errors import LookInsideError
from lookinside.layers.deformable_roi_pooling import context_boxes
from lookinside.models.detection import FPN, CentreHeatMap, Detector, FasterRCNN, StructureLocalizer
from lookinside.models.detection.losses import box_loss, score_loss
from lookinside.models.detection.primitive_module import windows
from lookinside.models.detection.stages import Stage
from lookinside.models.detection.targets import PADDING, draw, match
from lookinside.training import RatedAdam, fit_detector, recovered

SHAPE, SIZES = (48, 64, 1), [(24, 8), (30, 10)]
OPTIONS = {"width": 0.125, "train_regions": 8, "test_regions": 6, "detections": 4, "units": 16}
LOCALIZER = OPTIONS | {"primitives": 5}


def images(count=6, kinds=1, seed=0):
    """Noise with a dark flat rectangle; the box of the last one only fills up."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(90, 160, (count, *SHAPE)).astype(np.uint8)
    boxes = []
    for i in range(count):
        x, y = rng.integers(2, 36), rng.integers(2, 38)
        pixels[i, y : y + 8, x : x + 24] = 20
        boxes.append(np.array([[x, y, x + 24, y + 8]], np.float32))
    boxes[-1] = boxes[-1][:0]
    labels = [np.full(len(own), i % kinds) for i, own in enumerate(boxes)]
    return BoxedImages(pixels, boxes, labels, tuple("abc"[:kinds]), tuple(f"{i}" for i in range(count)))


def batch(data):
    return next(iter(data.to_tf(len(data))))


@pytest.fixture(scope="module")
def localizers():
    """LCF, and the whole with its local branch, both with random weights."""
    keras.utils.set_random_seed(0)
    local = StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER)
    whole = StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER, context=4)
    whole.take_local_branch(local)
    return local, whole


# Which region learns what -----------------------------------------------------------------------------------------


def test_regions_are_matched_with_the_box_that_they_overlap_most():
    regions = np.array([[[0, 0, 10, 10], [0, 0, 10, 5], [20, 20, 30, 30], [40, 40, 50, 50]]], np.float32)
    boxes = np.array([[[0, 0, 10, 6], [22, 20, 32, 30], [40, 40, 50, 50]]], np.float32)
    labels = np.array([[2, 0, PADDING]])
    found = match(regions, boxes, labels)
    np.testing.assert_allclose(found.iou[0], [60 / 100, 50 / 60, 80 / 120, 0], atol=1e-6)
    assert np.array_equal(found.labels[0], [2, 2, 0, PADDING])
    assert np.array_equal(found.best[0], [False, True, True, False])
    np.testing.assert_array_equal(found.boxes[0, :3], boxes[0, [0, 0, 1]])
    np.testing.assert_array_equal(found.boxes[0, 3], regions[0, 3])  # there is none: itself, so that its code is 0


def test_an_image_without_a_box_matches_nothing():
    found = match(np.ones((1, 3, 4), np.float32), np.zeros((1, 1, 4), np.float32), np.array([[PADDING]]))
    assert not np.any(found.iou) and not np.any(found.best) and np.all(np.equal(found.labels, PADDING))


@pytest.mark.parametrize("seed", [None, 3])
def test_at_most_a_share_of_the_drawn_is_positive_and_what_is_neither_never_counts(seed):
    positive = np.zeros((2, 20), bool)
    positive[0, :10] = True
    positive[1, 3] = True
    negative = np.zeros((2, 20), bool)
    negative[:, 12:18] = True
    places, counts = draw(positive, negative, 8, 0.25, None if seed is None else keras.random.SeedGenerator(seed))
    places, counts = np.asarray(places), np.asarray(counts)
    for i, wanted in enumerate((2, 1)):
        assert len(set(places[i])) == 8
        assert positive[i, places[i][counts[i]]].sum() == wanted
        assert negative[i, places[i][counts[i]]].sum() == 6
        assert not counts[i][~(positive | negative)[i, places[i]]].any()


def test_losses_are_keras_own_on_what_counts():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(2, 5, 3)).astype("float32"), rng.integers(0, 2, (2, 5, 3)).astype("float32")
    counts = np.array([[1, 1, 0, 0, 1], [0, 0, 0, 1, 0]], bool)
    for i in range(2):
        kept = counts[i]
        wanted = keras.losses.BinaryCrossentropy(from_logits=True)(targets[i, kept], logits[i, kept]) * 3
        assert float(score_loss(logits, targets, counts)[i]) == pytest.approx(float(wanted), abs=1e-5)
    gap = rng.normal(scale=2, size=(2, 5, 4)).astype("float32")
    gap[1, 0] = np.nan  # does not count
    on_box = counts & np.array([[1, 0, 0, 0, 1], [0] * 5], bool)
    huber = keras.losses.Huber(reduction="sum")(np.zeros((2, 4)), gap[0, [0, 4]]) * 4
    found = np.asarray(box_loss(gap, on_box, counts))
    assert found[0] == pytest.approx(float(huber) / 3, rel=1e-5) and found[1] == 0


def test_a_step_loses_nothing_by_the_right_answer_and_what_it_is_off_by_else():
    """A region a quarter of its width to the left of its box; codes count ten times, and squared below 1."""
    region, box = np.array([[[0, 0, 20, 10], [40, 20, 60, 30]]], np.float32), np.array([[[5, 0, 25, 10]]], np.float32)
    counts, logits = np.ones((1, 2), bool), tf.constant([[[9.0], [-9.0]]])
    for code, wanted in ((0.25, 0.0), (0.2, 0.5 * 0.5**2 / 2), (0.0, (2.5 - 0.5) / 2)):
        stage = Stage("one", tf.constant(region), tf.constant([[[code, 0, 0, 0], [7, 7, 7, 7]]], tf.float32), logits)
        score, loss = stage.losses_of(box, np.array([[0]]), counts)
        assert float(loss[0]) == pytest.approx(wanted, abs=1e-4)  # the second region shows no box
        assert float(score[0]) == pytest.approx(np.log1p(np.exp(-9.0)), rel=1e-2)
    np.testing.assert_allclose(stage.boxes()[0, 0], region[0, 0])


# The detectors ----------------------------------------------------------------------------------------------------


def test_faster_rcnn_learns_what_it_has_seen_and_comes_back_from_a_file(tmp_path):
    keras.utils.set_random_seed(0)
    data = images(8, kinds=2)
    model = FasterRCNN(SHAPE, ["a", "b"], SIZES, **OPTIONS)
    history = fit_detector(model, data, data, steps=60, batch_size=8, progress=False)
    assert {"rpn_score", "rpn_box", "head_score", "head_box", "val_iou"} <= set(history.curves)
    assert "iou" not in history.curves and "val_head_box" in history.curves
    assert history.curves["val_iou"][history.best_epoch - 1] > 0.5 > history.curves["val_iou"][0]
    found = model.predict(data.pixels, verbose=0)
    assert found["boxes"].shape == (8, 4, 4) and found["scores"].shape == (8, 4)
    assert np.all(np.diff(found["scores"], axis=1) <= 0)
    empty = found["labels"] == PADDING
    assert not found["scores"][empty].any() and set(found["labels"][~empty]) <= {0, 1}
    assert found["boxes"].min() >= 0 and found["boxes"][..., [0, 2]].max() <= 64 and found["boxes"][..., 1].max() <= 48
    model.save(tmp_path / "detector.keras")
    again = keras.models.load_model(tmp_path / "detector.keras")(tf.constant(data.pixels))
    np.testing.assert_allclose(again["boxes"], found["boxes"], atol=1e-3)


def test_a_saved_detector_keeps_its_precision(tmp_path):
    pixels = images(2).pixels
    sizes = (20, 8)
    for make in (
        lambda: StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER, context=2, dtype="mixed_float16"),
        lambda: CentreHeatMap(SHAPE, ["a"], sizes, width=0.125, dtype="mixed_float16"),
    ):
        model = make()
        assert keras.config.dtype_policy().name == "float32" and model.trunk.compute_dtype == "float16"
        model.save(tmp_path / "half.keras")
        again = keras.models.load_model(tmp_path / "half.keras")
        assert again.dtype_policy.name == "mixed_float16"
        assert {layer.dtype_policy.name for layer in again.trunk.layers} == {"mixed_float16"}
        np.testing.assert_array_equal(
            again.predict(pixels, verbose=0)["boxes"], model.predict(pixels, verbose=0)["boxes"]
        )
    FasterRCNN(SHAPE, ["a"], SIZES, **OPTIONS).save(tmp_path / "single.keras")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert keras.models.load_model(tmp_path / "single.keras").trunk.compute_dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")


def test_boxes_of_two_classes_do_not_suppress_each_other():
    model = FasterRCNN(SHAPE, ["a", "b"], SIZES, **OPTIONS)
    boxes = np.tile(np.array([[[5, 5, 30, 15], [6, 5, 31, 15]]], np.float32), (1, 1, 1))
    scores = np.array([[[0.9, 0.2], [0.8, 0.7]]], np.float32)
    best = model._best(tf.constant(boxes), tf.constant(scores), tf.constant([[True, True]]))
    assert np.allclose(best["scores"][0], [0.9, 0.7, 0, 0])
    assert np.array_equal(best["labels"][0], [0, 1, PADDING, PADDING])
    np.testing.assert_array_equal(best["boxes"][0, :2], boxes[0])


def test_large_regions_of_a_pyramid_read_the_coarse_map_and_small_ones_the_fine_one():
    model = FPN(SHAPE, ["a"], [(8, 4), (40, 20)], **OPTIONS)
    maps = model.maps(tf.constant(images(1).pixels), training=False)
    regions = tf.constant([[[4, 4, 12, 8], [4, 4, 44, 24]]], tf.float32)
    whole = model.stages(maps, regions)[0].logits.numpy()[0, :, 0]
    lacking = {
        name: model.stages(maps | {name: 0 * maps[name]}, regions)[0].logits.numpy()[0, :, 0]
        for name in ("fine", "coarse")
    }
    assert lacking["fine"][0] != whole[0] and lacking["fine"][1] == whole[1]
    assert lacking["coarse"][0] == whole[0] and lacking["coarse"][1] != whole[1]


# The structure localizer ------------------------------------------------------------------------------------------


def test_with_the_local_branch_alone_the_whole_model_is_lcf(localizers):
    """mu = 1: Eq. 1 leaves the local branch."""
    local, whole = localizers
    data = images(3)
    whole.mixture.logit.assign(50.0)
    alone, both = local.predict(data.pixels, verbose=0), whole.predict(data.pixels, verbose=0)
    np.testing.assert_allclose(both["boxes"], alone["boxes"], atol=1e-3)
    np.testing.assert_allclose(both["scores"], alone["scores"], atol=1e-4)
    whole.mixture.logit.assign(0.0)
    other = whole.predict(data.pixels, verbose=0)
    assert np.abs(other["boxes"] - alone["boxes"]).max() > 0.01


def test_the_evidence_leads_to_the_answer(localizers):
    _, whole = localizers
    data = images(3)
    found, told = whole.predict(data.pixels, verbose=0), whole.evidence(data.pixels)
    np.testing.assert_allclose(told.boxes.clip(0, [64, 48, 64, 48]), found["boxes"][:, 0], atol=1e-3)
    np.testing.assert_allclose(told.scores, found["scores"][:, 0], atol=1e-5)
    assert told.mixture == pytest.approx(0.5) and told.context.shape == (3, 4, 4)
    coarse, fine = told.steps["coarse"], told.steps["fine"]
    np.testing.assert_allclose(fine.regions, coarse.boxes, atol=1e-4)  # fine begins where coarse has ended
    np.testing.assert_allclose(coarse.windows, windows(tf.constant(coarse.regions)), atol=1e-4)
    assert coarse.responses.shape == (3, 15, 15, 5) and 0 <= coarse.responses.min() <= coarse.responses.max() <= 1.001
    cells = np.rint(coarse.position).astype(int)
    at_cells = coarse.vote[np.arange(3), cells[:, 1], cells[:, 0]]
    np.testing.assert_allclose(coarse.votes.mean(axis=1), at_cells, rtol=1e-4)
    assert coarse.alpha.min() >= 0 and coarse.alpha.max() <= 1
    # The voted cell is the new centre: position in the window, in pixels of the image.
    left, top, right, bottom = coarse.windows.T
    x = left + (coarse.position[:, 0] + 0.5) / 15 * (right - left)
    y = top + (coarse.position[:, 1] + 0.5) / 15 * (bottom - top)
    np.testing.assert_allclose(coarse.boxes[:, [0, 2]].mean(axis=1), x, atol=0.01)
    np.testing.assert_allclose(coarse.boxes[:, [1, 3]].mean(axis=1), y, atol=0.01)


def test_the_best_proposal_is_the_one_that_the_answer_came_from():
    keras.utils.set_random_seed(1)
    data = images(20, seed=3)  # more than are worked off at once
    for model in (
        FasterRCNN(SHAPE, ["a", "b"], SIZES, **OPTIONS),
        StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER),
    ):
        best, found = model.best_proposals(data.pixels), model.predict(data.pixels, verbose=0)
        assert best.regions.shape == best.boxes.shape == (20, 4) and best.scores.shape == (20,)
        np.testing.assert_allclose(best.boxes.clip(0, [64, 48, 64, 48]), found["boxes"][:, 0], atol=1e-3)
        np.testing.assert_allclose(best.scores, found["scores"][:, 0], atol=1e-5)
        again = list(model.refine(data.pixels, best.regions[:, None]).values())[-1]
        np.testing.assert_allclose(again[:, 0], best.boxes, atol=1e-3)
    told = model.evidence(data.pixels)
    np.testing.assert_allclose(told.steps["coarse"].regions, best.regions, atol=1e-4)
    alone = model.evidence(data.pixels[17:18])
    np.testing.assert_allclose(told.steps["fine"].alpha[17:18], alone.steps["fine"].alpha, atol=1e-4)


def test_a_copy_holds_the_context_boxes_where_they_were_put(localizers):
    local, whole = localizers
    data, offsets = images(3), whole.around.offsets
    offsets.kernel.assign(np.random.default_rng(0).normal(0, 0.5, offsets.kernel.shape))
    before, told = whole.get_weights(), whole.evidence(data.pixels)
    fixed = whole.with_fixed_context()
    found = fixed.evidence(data.pixels)
    put = np.array(context_boxes(tf.constant(found.steps["coarse"].regions), 4))
    np.testing.assert_allclose(found.context, put, atol=1e-3)
    assert np.abs(told.context - put).max() > 1
    same, moving = (one.refine(data.pixels, put[:, :1]) for one in (fixed, whole))
    np.testing.assert_allclose(same["fine"], moving["fine"], atol=1e-3)  # the local branch is what it was
    assert np.abs(same["context"] - moving["context"]).max() > 1e-3
    assert all(np.array_equal(*both) for both in zip(before, whole.get_weights(), strict=True))
    np.testing.assert_allclose(whole.evidence(data.pixels).context, told.context)
    offsets.kernel.assign(0 * offsets.kernel)
    with pytest.raises(LookInsideError, match="no context branch"):
        local.with_fixed_context()


def test_refining_twice_is_refining_what_came_out_once(localizers):
    local, _ = localizers
    data = images(3)
    boxes = np.array([[[10, 10, 34, 18]]] * 3, np.float32)
    once = local.refine(data.pixels, boxes)
    assert list(once) == ["coarse", "fine"]
    again = local.refine(data.pixels, boxes, times=2, step="coarse")
    np.testing.assert_allclose(again["coarse"], local.refine(data.pixels, once["coarse"])["coarse"], atol=1e-3)
    with pytest.raises(LookInsideError, match="no step 'last'"):
        local.refine(data.pixels, boxes, step="last")
    twice = local.refine(data.pixels, boxes, times=2)
    np.testing.assert_allclose(twice["fine"], local.refine(data.pixels, once["fine"])["fine"], atol=1e-3)


def test_primitives_start_from_what_the_network_sees(localizers):
    local, _ = localizers
    data = images(6)
    local.start_primitives(data.pixels[:5], np.concatenate(data.boxes[:5]))
    for module in local.modules.values():
        lengths = np.linalg.norm(module.detect.templates, axis=1)
        np.testing.assert_allclose(lengths, 1, atol=1e-5)
    seen = local.evidence(data.pixels).steps["coarse"].responses
    assert seen.max(axis=(0, 1, 2)).min() > 0.5  # each primitive is found somewhere


def test_gradients_reach_both_branches_and_all_that_votes():
    keras.utils.set_random_seed(2)
    model = StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER, context=2)
    given = batch(images(4))
    with tf.GradientTape() as tape:
        loss = sum(tf.reduce_mean(one) for one in model(given, training=True).values())
    found = tape.gradient(loss, model.trainable_weights)
    gradients = {v.path: one for v, one in zip(model.trainable_variables, found, strict=True)}
    silent = [path for path, gradient in gradients.items() if gradient is None or not np.any(gradient)]
    # The offsets begin with zeros, so what stands before them learns from the second step on.
    assert not [path for path in silent if "deformable" not in path], silent


# Judging ----------------------------------------------------------------------------------------------------------


class Halfway:
    """A head that brings back half of what is missing, and a second step that shifts everything by a pixel."""

    def __init__(self, true):
        self.true, self.seen = true, 0

    def refine(self, pixels, regions, step=None):
        true = self.true[self.seen : self.seen + len(regions), None]
        self.seen = (self.seen + len(regions)) % len(self.true)
        return {"half": (regions + true) / 2, "aside": (regions + true) / 2 + np.float32([1, 0, 1, 0])}


def test_a_head_is_asked_from_shifted_boxes_and_again_from_its_own_answer():
    data = images(6)
    found = recovered(Halfway(np.concatenate(data.boxes)), data, (8, 0))
    assert list(found) == ["shifted", "half, 1", "aside, 1", "half, 2", "aside, 2"]
    iou = lambda off: (24 - off) / (24 + off)  # noqa: E731  of boxes 24 wide, shifted along
    np.testing.assert_allclose(found["shifted"], [iou(8)] * 5)  # the sixth image has no box
    np.testing.assert_allclose(found["half, 1"], [iou(4)] * 5)
    np.testing.assert_allclose(found["aside, 1"], [(iou(5) + iou(3)) / 2] * 5)
    np.testing.assert_allclose(found["half, 2"], [(iou(2.5) + iou(1.5)) / 2] * 5)
    again = recovered(Halfway(np.concatenate(data.boxes)), data, (8, 0), step="half")
    np.testing.assert_allclose(again["half, 2"], [iou(2)] * 5)
    with pytest.raises(LookInsideError, match="No image"):
        recovered(Halfway(None), data.subset([5]), (8, 0))
    with pytest.raises(LookInsideError, match="shift is"):
        recovered(Halfway(None), data, (8,))


def test_proposals_alone_come_best_first(localizers):
    local, _ = localizers
    alone = local.proposed(images(3).pixels)
    assert alone["boxes"].shape == (3, 4, 4) and np.all(np.diff(alone["scores"], axis=1) <= 0)
    assert set(alone["labels"].ravel()) <= {0, PADDING}


# Training ---------------------------------------------------------------------------------------------------------


def test_some_variables_learn_faster():
    slow, fast = keras.Variable([1.0], name="rest"), keras.Variable([1.0], name="log_temperature")
    optimizer = RatedAdam(0.01, faster={"log_temperature": 20.0})
    optimizer.apply_gradients([(tf.constant([3.0]), slow), (tf.constant([3.0]), fast)])
    assert 1 - slow.numpy()[0] == pytest.approx(0.01, rel=1e-3) and 1 - fast.numpy()[0] == pytest.approx(0.2, rel=1e-3)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.faster == {"log_temperature": 20.0}


def test_the_localizer_names_the_variables_that_learn_faster(localizers):
    from lookinside.training.detectors import FASTER

    paths = [variable.path for variable in localizers[1].trainable_variables]
    counts = {end: sum(path.endswith(end) for path in paths) for end in FASTER}
    assert counts == {"before_softplus": 2, "log_temperature": 2, "mixture/logit": 1}


def test_what_does_not_fit_is_refused():
    model, data = FasterRCNN(SHAPE, ["a"], SIZES, **OPTIONS), images()
    with pytest.raises(LookInsideError, match="train has the classes a, b, the detector a"):
        fit_detector(model, images(kinds=2), data, steps=1)
    with pytest.raises(LookInsideError, match="No image of validation has a box"):
        fit_detector(model, data, data.subset([5]), steps=1)
    with pytest.raises(LookInsideError, match="validation has no image"):
        fit_detector(model, data, data.subset([]), steps=1)
    with pytest.raises(TypeError, match="abstract"):
        Detector(SHAPE, ["a"], SIZES)
    with pytest.raises(LookInsideError, match="image_shape is"):
        FasterRCNN((48, 64), ["a"], SIZES)
    with pytest.raises(LookInsideError, match="class_names is 'a'"):
        FasterRCNN(SHAPE, "a", SIZES)
    with pytest.raises(LookInsideError, match="anchor_sizes"):
        FasterRCNN(SHAPE, ["a"], [])
    with pytest.raises(LookInsideError, match="comes twice"):
        FasterRCNN(SHAPE, ["a", "a"], SIZES)
    with pytest.raises(LookInsideError, match="detections is 0"):
        FasterRCNN(SHAPE, ["a"], SIZES, detections=0)
    with pytest.raises(LookInsideError, match="threshold is 2"):
        FasterRCNN(SHAPE, ["a"], SIZES, threshold=2)
    for threshold in ("x", None):
        with pytest.raises(LookInsideError, match="give an intersection over union"):
            FasterRCNN(SHAPE, ["a"], SIZES, threshold=threshold)
    for seed in ("x", -1, 1.5):
        with pytest.raises(LookInsideError, match="seed is"):
            FasterRCNN(SHAPE, ["a"], SIZES, seed=seed)
    for shape in (None, 48):
        with pytest.raises(LookInsideError, match="image_shape is"):
            FasterRCNN(shape, ["a"], SIZES)
    for sizes in ("abc", [(1, 2), (3,)], None):
        with pytest.raises(LookInsideError, match="anchor_sizes are pairs"):
            FasterRCNN(SHAPE, ["a"], sizes)
    with pytest.raises(LookInsideError, match="units is '8'"):
        FPN(SHAPE, ["a"], SIZES, units="8")
    with pytest.raises(LookInsideError, match="primitives is 0"):
        StructureLocalizer(SHAPE, ["a"], SIZES, primitives=0)
    for context in (3, 4.0):
        with pytest.raises(LookInsideError, match="context is"):
            StructureLocalizer(SHAPE, ["a"], SIZES, context=context)
    with pytest.raises(LookInsideError, match="RandomTranslation, which does not move boxes"):
        fit_detector(model, data, data, steps=1, augment=keras.layers.RandomTranslation(0.2, 0.2))
    with pytest.raises(LookInsideError, match="batch_size is 0"):
        fit_detector(model, data, data, steps=1, batch_size=0)
    with pytest.raises(LookInsideError, match="validation is a NoneType"):
        fit_detector(model, data, None, steps=1)
    with pytest.raises(LookInsideError, match="model is a Sequential"):
        fit_detector(keras.Sequential(), data, data, steps=1)
    with pytest.raises(LookInsideError, match="class_names is 'a'"):
        BoxedImages(data.images, data.boxes, data.labels, "a", data.names)
    with pytest.raises(LookInsideError, match="steps is 3"):
        StructureLocalizer(SHAPE, ["a"], SIZES, steps=3)
    for stretch, context in ((3, 4), ((2, 2, 2), 0), ((2, 0), 2)):
        with pytest.raises(LookInsideError, match=r"context_stretch is .*: give two numbers above 0"):
            StructureLocalizer(SHAPE, ["a"], SIZES, context=context, context_stretch=stretch)
    with pytest.raises(LookInsideError, match=r"FasterRCNN got .* 'unit': .* it takes units"):
        FasterRCNN(SHAPE, ["a"], SIZES, unit=3)
    with pytest.raises(LookInsideError, match="it takes primitives, steps, context, units, context_stretch"):
        StructureLocalizer(SHAPE, ["a"], SIZES, contexts=2)


def test_a_local_branch_is_taken_whole_or_not_at_all(localizers):
    local, whole = localizers
    before = whole.get_weights()
    for other, said in (
        (FasterRCNN(SHAPE, ["a"], SIZES, **OPTIONS), "a FasterRCNN: give a trained StructureLocalizer"),
        (StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER, steps=1), "has steps=1, this one 2"),
        (StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER | {"primitives": 6}), "coarse has other shapes"),
    ):
        with pytest.raises(LookInsideError, match=said):
            whole.take_local_branch(other)
        assert all(np.array_equal(*both) for both in zip(before, whole.get_weights(), strict=True))


def test_what_would_be_a_silent_wrong_answer_is_refused(localizers):
    local, _ = localizers
    pixels, box = images(2).pixels, np.array([[[10, 10, 34, 18]]] * 2, np.float32)
    local.predict(pixels, batch_size=1, verbose=0)
    uses = (local.predict, local.evidence, local.best_proposals, local.proposed, lambda given: local.refine(given, box))
    for given, said in (
        ((pixels * 255).astype(np.uint8), "images are uint8"),
        (pixels * 255, "give floats from 0 to 1"),
        (np.where(pixels > 0.5, np.nan, pixels), "give floats from 0 to 1"),
        (pixels[:, :40], r"are \(2, 40, 64, 1\), the detector takes \(N, 48, 64, 1\)"),
        (pixels[..., 0], "no channel axis"),
        (pixels[0], "one image"),
        (pixels[:0], "no image"),
    ):
        for use in uses:
            with pytest.raises(LookInsideError, match=said):
                use(given)
    for boxes, said in (
        (box[:, 0], "give .N, R, 4."),
        (box + 1000, "is none on 64 x 48 pixels"),
        (box[..., [2, 1, 0, 3]], "is none on"),
        (box * np.nan, "is none on"),
    ):
        with pytest.raises(LookInsideError, match=said):
            local.refine(pixels, boxes)
    for times in (0, 1.5, "2"):
        with pytest.raises(LookInsideError, match=r"times is .*: give a whole number"):
            local.refine(pixels, box, times=times)
        with pytest.raises(LookInsideError, match="times is"):
            recovered(local, images(2), (8, 0), times=times)
    for boxes, said in (
        (box[:1, 0], "for 2 images"),
        ([box[0], box[0, :0]], "differ in number"),
        (box[0], "for 2 images"),
    ):
        with pytest.raises(LookInsideError, match=said):
            local.start_primitives(pixels, boxes)
    found = local.predict(images(2).to_tf(2), verbose=0)  # of batches with boxes only the images are looked at
    np.testing.assert_allclose(found["boxes"], local.predict(pixels, verbose=0)["boxes"], atol=1e-4)


ELSEWHERE = """
import keras, numpy as np, tensorflow as tf
from test_detectors import *
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
keras.config.set_dtype_policy("mixed_float16")
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = FasterRCNN(SHAPE, ["a"], SIZES, **OPTIONS)
    assert model.trunk.compute_dtype == "float16"
    model.compile(keras.optimizers.Adam(0.001))
history = model.fit(images(4).to_tf(4), verbose=0)
assert np.isfinite(history.history["loss"]).all(), history.history
print("trained")
"""


def test_it_trains_on_two_devices_in_half_precision(request):
    """In a process of its own: devices and precision are set once."""
    done = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, cwd=request.path.parent)
    assert done.returncode == 0 and "trained" in done.stdout, done.stderr[-2000:]
