"""RoIAlign against loops over samples, onnxruntime and ONNX's own examples; gradients by central differences."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_checks import check_layer, finite_differences, gradient_of
from oracles import roi_align_numpy

from lookinside.layers import RoIAlign
from lookinside.layers.region_sampling import REGIONS_AT_ONCE

BOTH = pytest.mark.parametrize("implementation", ["crop", "matmul"])
STRIDE = 16
# Of images of 330 x 205 pixels, which maps of 21 x 13 do not divide: (x_min, y_min, x_max, y_max).
REGIONS = {
    "inside": (40.3, 51.7, 161.2, 130.9),
    "the whole image": (0, 0, 330, 205),
    "over the left border": (-70.5, 33.1, 55.2, 98.4),
    "over the lower right corner": (250.7, 150.3, 371.1, 260.6),
    "larger than the image": (-100.2, -90.1, 450.3, 300.7),
    "outside, less than a pixel of the maps": (331.1, 206.2, 340.4, 212.3),
    "wholly outside": (-400.0, 20.0, -100.0, 90.0),
    "tiny": (100.11, 60.21, 100.43, 60.52),
    "without area": (77.7, 66.6, 77.7, 66.6),
    "long and flat": (5.5, 101.2, 321.4, 107.9),
}


def maps_and_boxes(kind="float32"):
    """Three images' maps, and each image's own boxes: the regions, moved a little."""
    rng = np.random.default_rng(0)
    maps, moves = rng.normal(size=(3, 13, 21, 4)), rng.uniform(-1, 1, (3, len(REGIONS), 1))
    moves[:, list(REGIONS).index("the whole image")] = 0
    return maps.astype(kind), (np.array(list(REGIONS.values())) + moves).astype(kind)


@BOTH
@pytest.mark.parametrize(("size", "sampling"), [((7, 7), 2), ((3, 5), 2), ((4, 2), 1), ((1, 1), 1), ((2, 3), 3)])
def test_it_is_the_mean_of_the_samples(implementation, size, sampling):
    maps, boxes = maps_and_boxes()
    expected = roi_align_numpy.roi_align(maps, boxes, size, sampling, 1 / STRIDE)
    empty = np.all(expected == 0, axis=(0, 2, 3, 4))
    assert [name for name, nothing in zip(REGIONS, empty, strict=True) if nothing] == ["wholly outside"]
    found = RoIAlign(size, sampling, 1 / STRIDE, implementation)([maps, boxes])
    np.testing.assert_allclose(found, expected, atol=2e-5)
    if implementation == "matmul":
        found = RoIAlign(size, sampling, 1 / STRIDE, dtype="float64")([*maps_and_boxes("float64")])
        expected = roi_align_numpy.roi_align(*maps_and_boxes("float64"), size, sampling, 1 / STRIDE)
        np.testing.assert_allclose(found, expected, atol=1e-12)


@BOTH
@pytest.mark.parametrize(("size", "sampling"), [((7, 7), 2), ((3, 5), 3), ((1, 1), 1)])
def test_it_is_that_of_onnxruntime(implementation, size, sampling):
    pytest.importorskip("onnx", reason="onnx is not installed: RoIAlign is not compared with onnxruntime's")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: RoIAlign is not compared with its own")
    from oracles import roi_align_onnx

    maps, boxes = maps_and_boxes()
    expected = roi_align_onnx.roi_align(maps, boxes, size, sampling, 1 / STRIDE)
    np.testing.assert_allclose(RoIAlign(size, sampling, 1 / STRIDE, implementation)([maps, boxes]), expected, atol=3e-5)


def test_more_regions_than_are_cropped_at_once():
    """Crops come in portions, which end anywhere: within an image, and with fewer regions in the last."""
    maps, _ = maps_and_boxes()
    rng = np.random.default_rng(1)
    boxes = rng.uniform(0, 160, (3, REGIONS_AT_ONCE + 13, 4)).astype("float32")
    boxes[..., 2:] += boxes[..., :2]
    expected = roi_align_numpy.roi_align(maps, boxes, (3, 2), 2, 1 / STRIDE)
    layer = RoIAlign((3, 2), scale=1 / STRIDE, implementation="crop")
    np.testing.assert_allclose(layer([maps, boxes]), expected, atol=2e-5)
    np.testing.assert_allclose(tf.function(lambda *inputs: layer(list(inputs)))(maps, boxes), expected, atol=2e-5)


@BOTH
def test_it_gives_what_onnx_says(implementation, monkeypatch):
    """ONNX's example of the aligned convention, which has four decimals."""
    example = pytest.importorskip(
        "onnx.backend.test.case.node.roialign", reason="onnx is not installed: its example of RoiAlign is not read"
    )
    told = []
    monkeypatch.setattr(example, "expect", lambda node, inputs, outputs, name: told.append((node, inputs, outputs)))
    example.RoiAlign.export_roialign_aligned_true()
    ((node, (maps, boxes, images), (expected,)),) = told
    options = {one.name: one.s or one.f or one.i for one in node.attribute}
    assert options["coordinate_transformation_mode"] == b"half_pixel" and not images.any() and len(boxes) == 3
    size = options["output_height"], options["output_width"]
    layer = RoIAlign(size, options["sampling_ratio"], options["spatial_scale"], implementation)
    found = layer([np.moveaxis(maps, 1, -1), boxes[None]])
    np.testing.assert_allclose(np.moveaxis(found[0], -1, 1), expected, atol=1e-4)


def weighted_sum(layer, maps, boxes):
    weights = np.random.default_rng(5).normal(size=layer.compute_output_shape([maps.shape, boxes.shape]))
    return keras.ops.sum(layer([maps, boxes]) * weights.astype(layer.compute_dtype))


SMALL = np.array(
    [
        [[2.3, 3.1, 17.2, 12.7], [-9.1, -7.3, 6.4, 33.2], [18.3, 14.1, 40.7, 23.9]],
        [[11.2, 5.3, 11.9, 6.3], [-4.1, 15.3, 2.2, 25.4], [-90.3, -80.2, -50.1, -60.4]],
    ]
)


def test_its_gradients_to_maps_and_boxes_are_those_of_central_differences():
    layer = RoIAlign((2, 3), 2, 1 / 4, dtype="float64")
    maps = np.random.default_rng(1).normal(size=(2, 6, 8, 2))
    to_maps = tf.function(lambda x: weighted_sum(layer, x, SMALL))
    np.testing.assert_allclose(gradient_of(to_maps, maps), finite_differences(to_maps, maps), rtol=1e-6, atol=1e-8)
    to_boxes = tf.function(lambda x: weighted_sum(layer, maps, x))
    expected = finite_differences(to_boxes, SMALL, 1e-6)
    assert (np.abs(expected).max(-1) > 0.01).tolist() == [[True, True, True], [True, True, False]]
    np.testing.assert_allclose(gradient_of(to_boxes, SMALL), expected, rtol=1e-5, atol=1e-8)


def test_samples_right_on_pixels_have_the_mean_slope_of_both_sides():
    """A region that begins on whole pixels would not move otherwise: all its samples stand on kinks."""
    layer = RoIAlign(2, 1, 1.0, dtype="float64")
    maps = np.random.default_rng(2).normal(size=(1, 4, 5, 1))
    boxes = np.array([[[1.0, 1, 3, 3], [0, 0, 4, 2], [3, 2, 5, 4], [0, 0, 2, 4]]])
    function = lambda x: weighted_sum(layer, maps, x)  # noqa: E731
    expected = finite_differences(function, boxes, 1e-4)
    assert np.abs(expected).min() > 1e-3
    np.testing.assert_allclose(gradient_of(function, boxes), expected, rtol=1e-6)


def test_the_gradients_of_crops_are_those_of_the_products():
    maps, boxes = maps_and_boxes()
    exact, fast = RoIAlign(5, scale=1 / STRIDE, dtype="float64"), RoIAlign(5, scale=1 / STRIDE, implementation="crop")
    for found, expected in (
        [gradient_of(lambda x, layer=layer: weighted_sum(layer, x, boxes), maps) for layer in (fast, exact)],
        [gradient_of(lambda x, layer=layer: weighted_sum(layer, maps, x), boxes) for layer in (fast, exact)],
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


TWENTY_GRADIENTS = """
import json, sys
import numpy as np, tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(2)
from lookinside.layers import RoIAlign
rng = np.random.default_rng(0)
maps = tf.constant(rng.normal(size=(2, 12, 17, 32)), tf.float32)
boxes = tf.constant(rng.uniform((0, 0, 8, 6), (8, 6, 17, 12), (2, 60, 4)), tf.float32)
def gradients(layer):
    with tf.GradientTape() as tape:
        tape.watch((maps, boxes))
        value = tf.reduce_sum(layer([maps, boxes]) ** 2)
    return [one.numpy().tobytes() for one in tape.gradient(value, (maps, boxes))]
kinds = {}
for implementation in ("crop", "matmul"):
    layer = RoIAlign(7, implementation=implementation)
    kinds[implementation] = len({tuple(gradients(layer)) for _ in range(20)})
print(json.dumps(kinds))
"""


def test_twenty_gradients_on_two_threads_are_one():
    """Those of TensorFlow's crop_and_resize are not."""
    run = subprocess.run([sys.executable, "-c", TWENTY_GRADIENTS], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == {"crop": 1, "matmul": 1}


@BOTH
def test_it_is_plain_keras(implementation, tmp_path):
    maps, boxes = maps_and_boxes()
    check_layer(
        lambda **kwargs: RoIAlign((3, 4), 2, 1 / STRIDE, implementation, **kwargs),
        [maps, boxes],
        path=tmp_path,
        compiles=implementation == "matmul",
    )


@BOTH
def test_no_region_at_all(implementation):
    maps, boxes = maps_and_boxes()
    layer = RoIAlign(3, scale=1 / STRIDE, implementation=implementation)
    assert layer([maps, boxes[:, :0]]).shape == (3, 0, 3, 3, 4)
    gradient = gradient_of(lambda x: keras.ops.sum(layer([x, boxes[:, :0]])), maps)
    assert gradient.shape == maps.shape and not gradient.any()
    inputs = keras.Input((None, None, 4)), keras.Input((None, 4))
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, None, 3, 3, 4)
    for count in (0, 2):
        assert model.predict([maps, boxes[:, :count]], verbose=0).shape == (3, count, 3, 3, 4)


def test_on_a_gpu_it_takes_the_form_that_xla_compiles(monkeypatch):
    """Keras turns XLA on where there is a GPU and every layer supports it."""
    assert not RoIAlign(3).supports_jit and not RoIAlign(3, implementation="crop").supports_jit
    assert RoIAlign(3, implementation="matmul").supports_jit and RoIAlign(3, dtype="float64").supports_jit
    devices = [*tf.config.list_physical_devices(), tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: devices)
    assert RoIAlign(3).supports_jit and not RoIAlign(3, implementation="crop").supports_jit
    maps, boxes = maps_and_boxes()
    for implementation, compiled in (("auto", True), ("crop", False)):
        inputs = keras.Input(maps.shape[1:]), keras.Input(boxes.shape[1:])
        cells = RoIAlign(3, scale=1 / STRIDE, implementation=implementation)(inputs)
        model = keras.Model(inputs, keras.layers.Dense(1)(cells))
        model.compile("sgd", "mse")
        assert model.jit_compile is compiled
        loss = model.fit([maps, boxes], np.zeros((*boxes.shape[:2], 3, 3, 1)), batch_size=3, verbose=0)
        assert np.isfinite(loss.history["loss"][0])


def test_boxes_stay_exact_in_half_precision():
    maps, boxes = maps_and_boxes()
    far = boxes + 4096  # whole 4 pixels in float16
    layer = RoIAlign(3, scale=1 / STRIDE, dtype="mixed_float16")
    inputs = keras.Input((None, None, 4)), keras.Input((None, 4))
    model = keras.Model(inputs, layer(inputs))
    wide = np.pad(maps, ((0, 0), (256, 0), (256, 0), (0, 0)))
    np.testing.assert_allclose(model([wide, far]), roi_align_numpy.roi_align(wide, far, (3, 3), 2, 1 / 16), atol=2e-3)
    with pytest.raises(ValueError, match="too coarse for pixels: give them in float32"):
        layer([maps, boxes.astype("float16")])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"size": 0}, r"size is 0: give a whole number, 1 or more, or a pair \(rows, columns\)"),
        ({"size": (7, 7, 7)}, r"size is \(7, 7, 7\)"),
        ({"size": 7.0}, "size is 7.0"),
        ({"sampling": 0}, "sampling is 0: give a whole number, 1 or more"),
        ({"scale": 0}, "scale is 0: give the pixels of the maps for one pixel of the image"),
        ({"scale": -1}, "scale is -1: give a finite number, 0 or more"),
        ({"implementation": "gather"}, "implementation is 'gather': give one of auto, crop, matmul"),
        ({"implementation": "crop", "dtype": "float64"}, 'implementation is "crop", which is float32'),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, says):
    with pytest.raises(ValueError, match=says) as error:
        RoIAlign(**{"size": 7, **arguments})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ([(2, 8, 9, 3)], "give a list of maps"),
        ([(2, 8, 9, 3), (2, 5, 4), (2, 5, 4)], "give a list of maps"),
        ([(8, 9, 3), (5, 4)], "give a list of maps"),
        ([(2, 5, 4), (2, 8, 9, 3)], "give a list of maps"),
        ([(2, 8, 9, 3), (2, 5, 5)], r"boxes \(N, R, 4\)"),
        ([(2, 8, 9, 3), (3, 5, 4)], "maps of 2 images and boxes of 3: give boxes for each image"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(shapes, says):
    with pytest.raises(ValueError, match=says):
        RoIAlign(7)([np.zeros(shape, "float32") for shape in shapes])
    with pytest.raises(ValueError, match=says):
        RoIAlign(7)([keras.KerasTensor(shape) for shape in shapes])
