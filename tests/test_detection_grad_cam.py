"""Grad-CAM of a detector: by central differences, row by row, and what is refused."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import map_coordinates
from test_detectors import LOCALIZER, OPTIONS, SHAPE, SIZES, images

from lookinside.errors import BlankMapWarning, LookInsideError
from lookinside.explain import detection_grad_cam
from lookinside.models.detection import FPN, FasterRCNN, StructureLocalizer

REGIONS = np.array([[10, 10, 34, 18], [20, 24, 50, 36], [2, 30, 26, 38]], np.float32)


@pytest.fixture(scope="module")
def pixels():
    return images(3).pixels


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(4)
    found = {
        "FasterRCNN": FasterRCNN(SHAPE, ["a", "b"], SIZES, **OPTIONS),
        "FPN": FPN(SHAPE, ["a"], [(12, 6), (28, 14)], **OPTIONS),
        "whole": StructureLocalizer(SHAPE, ["a"], SIZES, **LOCALIZER, context=2),
    }
    for model in found.values():  # an untrained score is nearly the same everywhere
        for variable in model.trainable_variables:
            if variable.path.endswith("score/kernel"):
                variable.assign(variable * 100)
    return found


def by_differences(model, image, region, step, layer, by=0.001):
    """The heat of one image: each weight from what a channel as a whole, a little more and a little less, does."""
    maps = dict(model.maps(tf.constant(image[None]), training=False))
    one = np.array(maps[layer])
    maps = {name: tf.repeat(own, 2 * one.shape[3], axis=0) for name, own in maps.items() if name != "proposals"}
    cells, channels = one.shape[1] * one.shape[2], one.shape[3]
    more = by * np.concatenate([np.eye(channels), -np.eye(channels)]).astype(np.float32)  # a channel up, then down
    regions = tf.constant(np.tile(region, (2 * channels, 1, 1)))
    stages = model.stages(maps | {layer: tf.constant(one + more[:, None, None])}, regions, training=False)
    logits = next(stage.logits for stage in stages if stage.name == step).numpy().max(axis=(1, 2)).astype(np.float64)
    weights = (logits[:channels] - logits[channels:]) / (2 * by) / cells
    low = np.maximum((one[0] * weights).sum(axis=-1), 0)
    # Half pixel centres: the middle of a cell in cells, read between the centres of the cells around it.
    rows, columns = ((np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(SHAPE[:2], low.shape, strict=True))
    return map_coordinates(low, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest")


@pytest.mark.parametrize(
    ("name", "step", "layer"),
    [
        ("FasterRCNN", "head", "coarse"),
        ("FPN", "head", "fine"),
        ("whole", "coarse", "coarse"),
        ("whole", "fine", "fine"),
    ],
)
def test_the_weights_are_what_a_channel_as_a_whole_does_to_the_score(models, pixels, name, step, layer):
    model = models[name]
    regions = REGIONS if name != "FPN" else np.array([[4, 4, 12, 8]] * 3, np.float32)  # small: the fine map
    with warnings.catch_warnings(record=True):  # a heat may well be empty
        warnings.simplefilter("always")
        heat = detection_grad_cam(model, pixels, regions, step=step)
    assert heat.dtype == np.float32 and heat.shape == (3, *SHAPE[:2])
    wanted = np.stack([by_differences(model, *one, step, layer) for one in zip(pixels, regions, strict=True)])
    assert wanted.max() > 0
    np.testing.assert_allclose(heat, wanted, atol=0.01 * wanted.max())


@pytest.mark.filterwarnings("ignore::lookinside.errors.BlankMapWarning")
def test_each_image_is_explained_for_itself(models):
    many = images(18, seed=5).pixels  # more than are worked off at once: a graph, beside single ones without
    regions = np.tile(REGIONS, (6, 1))
    heat = detection_grad_cam(models["FasterRCNN"], many, regions)
    for i in (0, 17):
        alone = detection_grad_cam(models["FasterRCNN"], many[i : i + 1], regions[i : i + 1])[0]
        assert alone.any()
        np.testing.assert_allclose(heat[i], alone, atol=1e-4 * alone.max())
    moved = detection_grad_cam(models["FasterRCNN"], many[:3], REGIONS[::-1])
    assert np.any(moved[[0, 2]] != heat[[0, 2]])  # it is this region's score


@pytest.mark.filterwarnings("ignore::lookinside.errors.BlankMapWarning")
def test_the_map_is_the_one_that_the_score_depends_on(models, pixels):
    """Small regions of a pyramid read the fine map, large ones the coarse one."""
    small, large = np.array([[4, 4, 12, 8]] * 3, np.float32), np.array([[4, 4, 54, 34]] * 3, np.float32)
    mixed = np.stack([small[0], large[0], small[0]])
    fine, coarse = (detection_grad_cam(models["FPN"], pixels, mixed, layer=layer) for layer in ("fine", "coarse"))
    found = detection_grad_cam(models["FPN"], pixels, mixed)
    assert not fine[1].any() and not coarse[[0, 2]].any()
    np.testing.assert_allclose(found, fine + coarse, atol=1e-6)
    whole = models["whole"]
    local, context = (detection_grad_cam(whole, pixels, REGIONS, layer=layer) for layer in ("fine", "context"))
    np.testing.assert_array_equal(detection_grad_cam(whole, pixels, REGIONS), local)
    assert np.any(local != context)


def test_empty_maps_are_said_to_be(models, pixels):
    model = models["FasterRCNN"]
    kernel = model.head.score.kernel.numpy()
    model.head.score.kernel.assign(0 * kernel)
    with pytest.warns(BlankMapWarning, match="detection_grad_cam: 3 of 3 maps are empty") as caught:
        detection_grad_cam(model, pixels, REGIONS)
    assert caught[0].filename == __file__
    model.head.score.kernel.assign(kernel)


def test_what_cannot_be_explained_is_refused(models, pixels):
    model = models["whole"]
    for options, said in (
        ({"step": "last"}, "no step 'last': choose from coarse, fine, context, mixture"),
        ({"layer": "conv5_x"}, "no map 'conv5_x': choose from coarse, fine, context"),
        ({"step": "fine", "layer": "coarse"}, "'fine' does not depend on the map coarse: choose layer= from fine"),
    ):
        with pytest.raises(LookInsideError, match=said):
            detection_grad_cam(model, pixels, REGIONS, **options)
    for regions in (REGIONS[:2], REGIONS[:, None], REGIONS[0], None):
        with pytest.raises(LookInsideError, match="one region for each of the 3 images"):
            detection_grad_cam(model, pixels, regions)
    with pytest.raises(LookInsideError, match="is none on 64 x 48 pixels"):
        detection_grad_cam(model, pixels, REGIONS + 900)
    with pytest.raises(LookInsideError, match="images are uint8"):
        detection_grad_cam(model, images(3).images, REGIONS)
    with pytest.raises(LookInsideError, match="is a Sequential: give a detector"):
        detection_grad_cam(keras.Sequential(), pixels, REGIONS)
