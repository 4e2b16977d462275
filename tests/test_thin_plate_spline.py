"""Thin-plate splines against SciPy: the field, what is read between pixels, and where points go."""

import inspect
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_checks import check_layer, finite_differences, gradient_of
from scipy import ndimage
from scipy.interpolate import RBFInterpolator

from lookinside.layers import ThinPlateSpline

SCIPY_MODES = {"constant": "grid-constant", "nearest": "nearest", "reflect": "reflect", "wrap": "grid-wrap"}
STILL = {"translation": 0, "rotation": 0, "displacement": 0}


def built(size, *args, **kwargs):
    layer = ThinPlateSpline(*args, **kwargs)
    layer.build((None, *size, 1))
    return layer


def pixels(size):
    """(H, W, 2), each pixel's row and column."""
    return np.moveaxis(np.indices(size), 0, -1).astype(float)


def bends(layer, count, largest, seed=0):
    return np.random.default_rng(seed).uniform(-largest, largest, (count, *layer.control_points.shape))


def scipy_field(layer, size, displacements, spacing=(1, 1)):
    """The same splines, each solved and read by SciPy."""
    places = (pixels(size) * spacing).reshape(-1, 2)
    rbf = {"kernel": "thin_plate_spline", "degree": 1, "smoothing": layer.stiffness}
    fields = [RBFInterpolator(layer.control_points * spacing, one, **rbf)(places) for one in displacements]
    return np.reshape(fields, (len(displacements), *size, 2))


@pytest.mark.parametrize(
    ("size", "grid", "options"),
    [
        ((47, 80), (5, 5), {}),
        ((61, 33), (3, 4), {"stiffness": 40.0}),
        ((20, 31), (2, 2), {"stiffness": 0}),
        ((40, 52), (4, 6), {"stiffness": 40.0, "spacing": (0.7, 2.5)}),
    ],
)
def test_the_field_is_that_of_scipy(size, grid, options):
    layer = built(size, grid, dtype="float64", **options)
    displacements = bends(layer, 3, 9.0)
    expected = scipy_field(layer, size, displacements, options.get("spacing", (1, 1)))
    assert np.abs(expected).max() > 5
    np.testing.assert_allclose(layer.field(displacements), expected, atol=1e-9)
    np.testing.assert_allclose(built(size, grid, **options).field(displacements), expected, atol=1e-4)


def test_without_stiffness_every_control_point_is_met_and_the_corners_are_among_them():
    layer = built((41, 65), (3, 5), stiffness=0)
    assert layer.control_points[[0, 4, 7, 14]].tolist() == [[0, 0], [0, 64], [20, 32], [40, 64]]
    displacements = bends(layer, 2, 5.0)
    rows, columns = layer.control_points.astype(int).T
    np.testing.assert_allclose(np.array(layer.field(displacements))[:, rows, columns], displacements, atol=1e-4)


@pytest.mark.parametrize("fill_mode", SCIPY_MODES)
@pytest.mark.parametrize(("interpolation", "order"), [("bilinear", 1), ("nearest", 0)])
def test_pixels_are_read_as_scipy_reads_them(fill_mode, interpolation, order):
    size = (30, 43)
    layer = built(
        size, (3, 3), dtype="float64", interpolation=interpolation, fill_mode=fill_mode, fill_value=0.7, stiffness=0
    )
    images = np.random.default_rng(1).normal(size=(3, *size, 2))
    displacements = bends(layer, 3, 4.0)
    displacements[0] += (-75.3, 130.2)  # more than a whole image outside, on both axes
    places = pixels(size) + scipy_field(layer, size, displacements)
    expected = np.empty_like(images)
    for image, channel in np.ndindex(3, 2):
        expected[image, ..., channel] = ndimage.map_coordinates(
            images[image, ..., channel],
            np.moveaxis(places[image], -1, 0),
            order=order,
            mode=SCIPY_MODES[fill_mode],
            cval=0.7,
        )
    assert (np.abs(expected - 0.7) < 1e-12).any() == (fill_mode == "constant")
    np.testing.assert_allclose(layer.deform(images, displacements), expected, atol=1e-9)


@pytest.mark.parametrize("fill_mode", SCIPY_MODES)
def test_no_displacement_gives_the_image_itself(fill_mode):
    images = np.random.default_rng(2).normal(0, 1000, (2, 19, 28, 3)).astype("float32")
    layer = ThinPlateSpline(**STILL, fill_mode=fill_mode)
    np.testing.assert_array_equal(layer(images, training=True), images)
    hardly = np.full((2, 25, 2), -1e-7)  # so little below 0 that folded back it is the side itself
    np.testing.assert_allclose(layer.deform(images, hardly), images, atol=1e-2)


def test_it_is_plain_keras(tmp_path):
    images = np.random.default_rng(3).random((3, 24, 37, 2))
    check_layer(lambda **kwargs: Bent((4, 3), **kwargs), images, path=tmp_path)


@keras.saving.register_keras_serializable("tests")
class Bent(ThinPlateSpline):
    """The same three displacements at each call, so that two calls can be compared."""

    def call(self, inputs, training=True):
        return self.deform(inputs, bends(self, 3, 4.0))


def test_its_gradients_are_those_of_finite_differences():
    layer = built((5, 6), (2, 2), dtype="float64", fill_mode="reflect")
    image, weights = np.random.default_rng(4).normal(size=(2, 1, 5, 6, 1))
    displacements = bends(layer, 1, 0.8)
    for function, x in (
        (lambda x: keras.ops.sum(layer.deform(x, displacements) * weights), image),
        (lambda x: keras.ops.sum(layer.deform(image, x) * weights), displacements),
    ):
        np.testing.assert_allclose(gradient_of(function, x), finite_differences(function, x), rtol=1e-6, atol=1e-8)


def test_a_quarter_turn_is_counter_clockwise_around_the_centre():
    image = np.random.default_rng(5).random((1, 21, 21, 1))
    layer = built((21, 21), dtype="float64")
    turned = layer.deform(image, layer.rigid([[0, 0]], [90.0]))
    np.testing.assert_allclose(turned[0], np.rot90(image[0]), atol=1e-9)


def test_a_mark_is_turned_first_and_then_shifted_down_and_to_the_right():
    layer = built((40, 61), dtype="float64", spacing=(2.0, 0.5))
    angle, shift = np.deg2rad(35.0), np.array([6.0, -4.0])  # mm
    centre = np.array([39, 60]) / 2
    marks = np.array([[3.0, 50.0], [30.0, 12.0]])
    down, right = ((marks - centre) * (2.0, 0.5)).T
    # Counter-clockwise as it is seen, with rows that grow downwards: what lies on the right goes up.
    turned = np.stack([np.cos(angle) * down - np.sin(angle) * right, np.sin(angle) * down + np.cos(angle) * right], -1)
    expected = (turned + shift) / (2.0, 0.5) + centre
    inputs = {"images": np.zeros((1, 40, 61, 1)), "points": marks[None]}
    moved = layer.deform(inputs, layer.rigid([shift], [35.0]))["points"][0]
    np.testing.assert_allclose(moved, expected, atol=1e-9)


def test_a_whole_shift_moves_the_image_by_whole_pixels():
    image = np.random.default_rng(6).random((1, 12, 17, 1)).astype("float32")
    layer = built((12, 17), fill_value=-1.0)
    moved = np.array(layer.deform(image, layer.rigid([[3, -5]], [0.0])))[0, ..., 0]
    np.testing.assert_allclose(moved[3:, :-5], image[0, :-3, 5:, 0], atol=1e-4)
    assert np.allclose(moved[:3], -1) and np.allclose(moved[:, -5:], -1)


def dots(size, centres, width=1.0):
    """Gaussian spots at (N, 2), an image each: (N, H, W, 1)."""
    squared = ((pixels(size) - centres[:, None, None]) ** 2).sum(-1)
    return np.exp(-squared / (2 * width**2))[..., None].astype("float32")


def test_a_dot_and_its_point_stay_together():
    size, count = (180, 230), 40
    centres = np.random.default_rng(7).uniform((45, 45), (134, 184), (count, 2))
    layer = ThinPlateSpline(rotation=10, seed=1)
    out = layer({"images": dots(size, centres), "points": centres[:, None]}, training=True)
    weights, points = np.array(out["images"], float), np.array(out["points"])[:, 0]
    assert np.linalg.norm(points - centres, axis=1).mean() > 2
    seen = (weights * pixels(size)).sum((1, 2)) / weights.sum((1, 2))
    assert np.abs(points - seen).max() < 0.1


def test_points_are_exactly_where_the_field_reads_them():
    """x + d(x) = p, with d by SciPy, for strong deformations, in float32, inside and outside of the image."""
    size = (64, 96)
    layer = built(size, translation=20, rotation=180, displacement=5, seed=2)
    displacements = np.array(layer.random_displacements(20), float)
    points = np.random.default_rng(8).uniform((-5, -5), (69, 101), (20, 30, 2))
    points[0, 0] = np.nan
    moved = np.array(layer.deform({"images": np.zeros((20, *size, 1)), "points": points}, displacements)["points"])
    for place, one, target in zip(moved, displacements, points, strict=True):
        spline = RBFInterpolator(layer.control_points, one, kernel="thin_plate_spline", smoothing=layer.stiffness)
        known = ~np.isnan(target[:, 0])
        np.testing.assert_allclose(place[known] + spline(place[known]), target[known], atol=2e-3)
        assert np.isnan(place[~known]).all()


@pytest.mark.parametrize("kind", ["uint8", "bool", "int32", "float32"])
def test_masks_go_with_the_image_and_keep_their_values(kind):
    rng = np.random.default_rng(9)
    masks = rng.integers(0, 2 if kind == "bool" else 7, (4, 33, 25)).astype(kind)
    images = np.stack([masks, masks], -1).astype("float32")
    layer = built((33, 25), translation=4, interpolation="nearest", fill_value=3.0, mask_fill_value=3, seed=0)
    displacements = layer.random_displacements(4)
    out = layer.deform({"images": images, "segmentation_masks": masks, "labels": [1, 2, 3, 4]}, displacements)
    assert out["segmentation_masks"].dtype == kind and out["labels"] == [1, 2, 3, 4]
    expected = np.array(out["images"])[..., 0]
    np.testing.assert_array_equal(out["segmentation_masks"], expected.astype(kind))
    assert (expected != masks).mean() > 0.3
    several = layer.deform({"images": images, "segmentation_masks": images.astype(kind)}, displacements)
    np.testing.assert_array_equal(np.array(several["segmentation_masks"])[..., 1], out["segmentation_masks"])


def deformed(images, seed=0, calls=1, wrap=lambda layer: layer):
    layer = ThinPlateSpline(seed=seed)
    call = wrap(lambda x: layer(x, training=True))
    layer.build(images.shape)
    return [np.array(call(images)) for _ in range(calls)]


@pytest.mark.parametrize("compiled", [None, False, True])
def test_the_same_seed_in_another_batch_size_gives_the_same_deformations(compiled):
    wrap = (lambda call: call) if compiled is None else (lambda call: tf.function(call, jit_compile=compiled))
    images = np.tile(np.random.default_rng(10).random((1, 40, 30, 1)), (9, 1, 1, 1)).astype("float32")
    first, second = deformed(images, calls=2, wrap=wrap)
    for count in (4,) if compiled else (1, 4, 7):
        fewer = deformed(images[:count], calls=2, wrap=wrap)
        np.testing.assert_allclose(fewer[0], first[:count], atol=1e-5)
        np.testing.assert_allclose(fewer[1], second[:count], atol=1e-5)
    others = [*first, *second, deformed(images[:1], seed=1, wrap=wrap)[0][0]]
    for number, one in enumerate(others):  # each image, call and seed has a deformation of its own
        assert all(np.abs(one - other).mean() > 0.05 for other in others[:number])


def test_draws_are_uniform_up_to_the_maxima():
    layer = built((50, 90), (3, 3), 8.0, 0.0, 0.0, spacing=(2.0, 0.5), seed=0)
    shifts = np.array(layer.random_displacements(4000))
    assert np.ptp(shifts, axis=1).max() < 1e-4  # all control points alike
    for axis, largest in ((0, 4.0), (1, 16.0)):
        quarters = np.quantile(shifts[:, 0, axis], [0, 0.25, 0.5, 0.75, 1]) / largest
        np.testing.assert_allclose(quarters, [-1, -0.5, 0, 0.5, 1], atol=0.05)
        assert np.abs(quarters).max() <= 1
    layer = built((50, 90), (3, 3), 0.0, 6.0, 0.0, seed=0)
    middle = np.array(layer.random_displacements(4000))[:, 5]  # right of the centre: -sin of the angle is what it rises
    angles = np.rad2deg(np.arcsin(middle[:, 0] / 44.5))
    np.testing.assert_allclose(np.quantile(angles, [0, 0.25, 0.5, 0.75, 1]), [-6, -3, 0, 3, 6], atol=0.3)
    layer = built((50, 90), (3, 3), 8.0, 6.0, 0.0, seed=0)
    both = np.array(layer.random_displacements(2000))
    columns = [*both.mean(1).T, both[:, 5, 0] - both[:, 3, 0]]  # the shift, and what the angle lifts
    assert np.abs(np.corrcoef(columns) - np.eye(3)).max() < 0.1
    layer = built((50, 90), (3, 3), 0.0, 0.0, 2.5, spacing=0.5, seed=0)
    moves = np.array(layer.random_displacements(2000)).reshape(2000, -1)
    np.testing.assert_allclose(
        np.quantile(moves, [0, 0.25, 0.5, 0.75, 1], axis=0)[:, 0], [-5, -2.5, 0, 2.5, 5], atol=0.4
    )
    assert np.abs(np.corrcoef(moves.T) - np.eye(18)).max() < 0.1  # each of its own


def test_it_deforms_in_training_only_as_keras_random_layers_do():
    images = np.random.default_rng(11).random((5, 20, 20, 1)).astype("float32")
    for layer in (keras.layers.RandomTranslation(0.3, 0.3), ThinPlateSpline()):
        model = keras.Sequential([keras.Input((20, 20, 1)), layer])
        for found in (layer(images, training=False), model(images, training=False), model.predict(images, verbose=0)):
            np.testing.assert_array_equal(found, images)
        for found in (layer(images), model(images, training=True), layer(images[0])[None]):
            assert np.abs(np.array(found) - images[: len(found)]).mean() > 0.05
    whole = ThinPlateSpline()((images * 255).astype("uint8"), training=False)
    assert whole.dtype == "float32"


def test_it_stands_in_a_pipeline_and_in_a_model_that_xla_compiles():
    images = np.random.default_rng(12).random((10, 28, 20, 1)).astype("float32")
    entries = {"images": images, "segmentation_masks": images[..., 0] > 0.5, "points": np.full((10, 2, 2), 9.0)}
    whole = tf.data.Dataset.from_tensor_slices(entries)
    for stream in (whole.batch(4).map(ThinPlateSpline(seed=1)), whole.map(ThinPlateSpline(seed=1)).batch(4)):
        found = [{name: value.numpy() for name, value in batch.items()} for batch in stream]
        assert [len(batch["images"]) for batch in found] == [4, 4, 2]
        assert found[0]["images"].shape == (4, 28, 20, 1) and found[0]["segmentation_masks"].dtype == bool
        assert not np.array_equal(found[0]["images"], images[:4]) and np.ptp(found[0]["points"][:, 0, 0]) > 1
    eager = ThinPlateSpline(seed=1)({name: value[:4] for name, value in entries.items()})
    traced = next(iter(whole.batch(4).map(ThinPlateSpline(seed=1))))
    for name in entries:
        np.testing.assert_allclose(traced[name], eager[name], atol=1e-5)
    model = keras.Sequential(
        [keras.Input((28, 20, 1)), ThinPlateSpline(), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse", jit_compile=True)
    assert np.isfinite(model.fit(images, np.zeros(10), batch_size=4, verbose=0).history["loss"][0])


def test_all_entries_of_a_symbolic_call_keep_their_types(tmp_path):
    inputs = {
        "images": keras.Input((28, 20, 3), name="images"),
        "segmentation_masks": keras.Input((28, 20), dtype="uint8", name="segmentation_masks"),
        "points": keras.Input((None, 2), name="points"),
        "labels": keras.Input((), dtype="int32", name="labels"),
    }
    outputs = ThinPlateSpline(spacing=1.5, seed=3, dtype="mixed_float16")(inputs)
    types = {"images": "float16", "segmentation_masks": "uint8", "points": "float32", "labels": "int32"}
    assert {name: tensor.dtype for name, tensor in outputs.items()} == types
    assert all(outputs[name].shape == inputs[name].shape for name in inputs)
    model = keras.Model(inputs, outputs)
    batch = {"images": np.ones((2, 28, 20, 3)), "segmentation_masks": np.ones((2, 28, 20), "uint8")}
    batch |= {"points": np.full((2, 4, 2), 9.0, "float32"), "labels": np.arange(2, dtype="int32")}
    found = model(batch, training=True)
    assert {name: keras.backend.standardize_dtype(value.dtype) for name, value in found.items()} == types
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()
    assert np.ptp(loaded(batch, training=True)["points"]) > 1


@pytest.mark.parametrize("half", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_places_pixels_and_points_in_float32(half):
    """Beyond pixel 256 a bfloat16 knows every second pixel only, and a float16 a quarter of one."""
    size = (4, 600)
    ramp = np.broadcast_to(np.arange(600) / 600, (1, *size))[..., None].astype("float32")
    layer = built(size, (2, 3), dtype=half)
    displacements = np.full((1, 6, 2), 0.3)
    points = np.array([[[1.0, 500.6]]])
    out = layer.deform({"images": ramp, "points": points}, displacements)
    assert out["images"].dtype == half.removeprefix("mixed_")
    exact = (np.arange(599) + 0.3) / 600
    found = np.array(keras.ops.cast(out["images"], "float32"))[0, 1, :-1, 0]
    np.testing.assert_allclose(found, exact, rtol=2.0 ** (-11 if half == "mixed_float16" else -8), atol=1e-6)
    np.testing.assert_allclose(out["points"], [[[0.7, 500.3]]], atol=1e-3)
    still = layer({"images": ramp, "points": points.astype("float32")}, training=False)
    np.testing.assert_array_equal(still["points"], points.astype("float32"))


def test_every_argument_comes_back_from_the_configuration():
    arguments = {"grid": (4, 3), "translation": 1.0, "rotation": 2.0, "displacement": 3.0, "spacing": (0.5, 0.7)}
    arguments |= {"stiffness": 4.0, "interpolation": "nearest", "fill_mode": "wrap", "fill_value": 5.0}
    arguments |= {"mask_fill_value": 6, "seed": 7}
    assert arguments.keys() == inspect.signature(ThinPlateSpline.__init__).parameters.keys() - {"self", "kwargs"}
    again = ThinPlateSpline.from_config(json.loads(json.dumps(ThinPlateSpline(**arguments).get_config())))
    assert {name: getattr(again, name) for name in arguments} == arguments


def test_the_defaults_are_the_authors():
    config = ThinPlateSpline().get_config()
    expected = {"grid": (5, 5), "translation": 10.0, "rotation": 2.5, "displacement": 5.0, "stiffness": 1e-6}
    assert {name: config[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"grid": 5}, "grid is 5: give the rows and columns"),
        ({"grid": (5, 1)}, r"grid is \(5, 1\)"),
        ({"grid": (5.0, 5)}, r"grid is \(5\.0, 5\)"),
        ({"translation": -1}, "translation is -1: give a finite number, 0 or more"),
        ({"rotation": "2"}, "rotation is '2'"),
        ({"displacement": np.nan}, "displacement is nan"),
        ({"stiffness": -1e-6}, "stiffness is -1e-06"),
        ({"spacing": 0}, "spacing is 0: give the mm of a pixel, above 0"),
        ({"spacing": (1, 2, 3)}, r"spacing is \(1, 2, 3\)"),
        ({"interpolation": "cubic"}, "interpolation is 'cubic': give one of bilinear, nearest"),
        ({"fill_mode": "mirror"}, "fill_mode is 'mirror': give one of constant, nearest, reflect, wrap"),
        ({"fill_value": np.inf}, "fill_value is inf: give a finite number"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, says):
    with pytest.raises(ValueError, match=says) as error:
        ThinPlateSpline(**arguments)
    assert "\n" not in str(error.value)


IMAGES = np.zeros((2, 8, 9, 1), "float32")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ThinPlateSpline().build((None, None, 8, 1)), "with known H, W and C"),
        (lambda: ThinPlateSpline().build((8, 8)), "with known H, W and C"),
        (lambda: ThinPlateSpline().build((None, 1, 8, 1)), "1 x 8 pixels: 2 x 2 or more"),
        (lambda: ThinPlateSpline()({"image": IMAGES}), '"images" must be among them'),
        (lambda: ThinPlateSpline()({"images": IMAGES, "bounding_boxes": IMAGES}), 'give their corners as "points"'),
        (lambda: ThinPlateSpline()({"images": IMAGES, "points": np.zeros((2, 3))}), r'"points" have shape \(2, 3\)'),
        (lambda: ThinPlateSpline()({"images": IMAGES, "points": np.zeros((3, 1, 2))}), r"\(2, 'P', 2\) is needed"),
        (lambda: ThinPlateSpline()({"images": IMAGES, "segmentation_masks": IMAGES[:, 1:]}), r"shape \(2, 7, 9, 1\)"),
        (lambda: built((8, 9))(IMAGES[:, :, 1:]), "was built for images of 8 x 9 pixels"),
        (lambda: built((8, 9)).deform(IMAGES, np.zeros((3, 25, 2))), "3 rows for images"),
        (lambda: built((8, 9)).deform(IMAGES[0], np.zeros((2, 25, 2))), "2 rows for images"),
        (lambda: built((8, 9)).deform(IMAGES, np.zeros((2, 24, 2))), "for each of 5 x 5 control points"),
        (lambda: ThinPlateSpline(name="spline").field(np.zeros((1, 25, 2))), "spline does not know the images' size"),
        (lambda: ThinPlateSpline(name="spline").deform(IMAGES, np.zeros((1, 25, 2))), "spline does not know"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
