"""Volumes, per-pixel classifiers, several inputs, subclassed models: against captum, an eager tape, and the traps."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from small_nets import CLASSES, EXPLAINERS, IMAGES, SHAPE, assert_same, body, filled, net, policy

from lookinside.errors import BlankMapWarning, LookInsideError
from lookinside.explain import (
    CAM,
    ActivationMaximization,
    ClassDeconvnet,
    Deconvnet,
    GradCAM,
    GuidedBackprop,
    LayerCAM,
    Occlusion,
    PathologyAware,
    Saliency,
    ScoreCAM,
    SmoothGrad,
    compare,
    deletion,
    feature_maps,
    heat_by_part,
    heat_map,
    insertion,
    landmark_share,
    map_correlation,
    map_follows_score,
    mass_in_region,
    part_importance,
    pointing_game,
    randomization_check,
)
from lookinside.models import unet

GOLDEN = np.load(Path(__file__).parent / "oracles" / "kinds_golden.npz")
RNG = np.random.default_rng(8)


def refused(says):
    """A LookInsideError of one line that says something."""
    return pytest.raises(LookInsideError, match=rf"\A(?=.*{says})[^\n]{{15,300}}\Z")


def volume():
    inputs = keras.Input((6, 8, 10, 1))
    x = kl.BatchNormalization(name="bn1")(kl.Conv3D(5, 3, padding="same", activation="relu", name="conv1")(inputs))
    x = kl.Conv3D(6, (2, 3, 2), activation="relu", name="conv2")(kl.MaxPooling3D(2)(x))
    return keras.Model(inputs, kl.Dense(4, activation="softmax", name="fc")(kl.GlobalAveragePooling3D()(x)))


def pixels(ending=None):
    inputs = keras.Input((12, 8, 2))
    skip = kl.Conv2D(4, 3, padding="same", activation="relu", name="conv1")(inputs)
    x = kl.Conv2D(6, 3, padding="same", name="conv2")(kl.MaxPooling2D(2)(skip))
    x = kl.Conv2DTranspose(4, 2, 2, name="up")(kl.ReLU()(x))
    x = kl.Conv2D(5, 3, padding="same", activation="relu", name="conv3")(kl.Concatenate()([skip, x]))
    return keras.Model(inputs, kl.Conv2D(3, 1, activation=ending, name="logits")(x))


def beside():
    image, numbers = keras.Input((9, 12, 1), name="image"), keras.Input((3,), name="numbers")
    x = kl.Conv2D(5, 3, activation="relu", name="conv1")(image)
    x = kl.GlobalAveragePooling2D()(kl.Conv2D(6, 3, activation="relu", name="conv2")(x))
    x = kl.Dense(7, activation="relu", name="fc1")(kl.Concatenate()([x, numbers]))
    return keras.Model([numbers, image], kl.Dense(3, activation="softmax", name="fc2")(x))


def residual():
    inputs = keras.Input((15, 12, 2))
    x = kl.Conv2D(5, 3, padding="same", activation="relu", name="conv1")(inputs)
    x = first = kl.MaxPooling2D(3, 2)(x)
    x = kl.ReLU()(kl.BatchNormalization(name="bn2")(kl.Conv2D(5, 3, padding="same", name="conv2")(x)))
    x = kl.BatchNormalization(name="bn3")(kl.Conv2D(5, 3, padding="same", name="conv3")(x))
    x = kl.ReLU()(kl.Add()([x, first]))
    x = kl.Conv2D(5, 1, activation="relu", name="conv4")(x) + x + first
    x = kl.Concatenate()([kl.Conv2D(3, 3, padding="same", activation="relu", name="conv5")(x), x])
    return keras.Model(inputs, kl.Conv2D(6, 3, activation="relu", name="conv6")(x))


def golden(name, build):
    """A network of the golden file with its weights, and its arrays."""
    model, own = build(), {key.split("/", 1)[1]: GOLDEN[key] for key in GOLDEN if key.startswith(f"{name}/")}
    for layer in model.layers:
        for weight in layer.weights:
            weight.assign(own.pop(f"{layer.name}/{weight.name}"))
    assert not [key for key in own if key.endswith(("kernel", "gamma"))]  # all were used
    return model, own


@pytest.mark.parametrize(("name", "build"), [("volume", volume), ("pixels", pixels), ("beside", beside)])
def test_they_agree_with_captum(name, build):
    model, own = golden(name, build)
    images = [own["numbers"], own["images"]] if name == "beside" else own["images"]
    rest = (own["classes"], own.get("regions"))
    for key, kind in {"gradient": Saliency, "guided": GuidedBackprop, "deconvnet": ClassDeconvnet}.items():
        explain = kind(model)
        assert_same(explain.gradients(images, *rest), own[key], 1e-5)
        assert_same(explain(images, *rest), np.abs(own[key]).max(axis=-1), 1e-5)
    explain = GradCAM(model)
    assert explain.layer == "conv2" if name != "pixels" else explain.layer.startswith("re_lu")
    assert_same(explain.maps(images, *rest), own["gradcam"], 1e-5)
    window = {"volume": (3, 4, 4), "pixels": (4, 4), "beside": (3, 4)}[name]
    for copies in (5, 64):
        assert_same(Occlusion(model, window, copies=copies)(images, *rest), own["occlusion"], 1e-5)
    if name == "beside":
        assert_same(Saliency(model, input="numbers").gradients(images, *rest), own["gradient of numbers"], 1e-5)
        assert_same(Saliency(model, input=0)(images, *rest), np.abs(own["gradient of numbers"]), 1e-5)


@pytest.mark.parametrize("chunk", [None, 3])
def test_the_deconvnet_goes_back_through_sums_and_concatenations(chunk):
    model, own = golden("sum", residual)
    explain = Deconvnet(model, top_n=4, chunk=chunk)
    found = explain.maps(own["images"])
    np.testing.assert_array_equal(found.indices, own["indices"])
    assert_same(found.maps, np.abs(own["maps"]).sum(axis=-1), 1e-5)
    assert_same(explain(own["images"]), np.abs(own["maps"]).sum(axis=(1, -1)), 1e-5)


def test_a_sum_of_other_sizes_is_refused_by_the_deconvnet():
    inputs = keras.Input(SHAPE)
    x = kl.Conv2D(4, 3, padding="same")(inputs)
    wide = kl.Add(name="plus")([x, kl.Conv2D(4, SHAPE[:2])(inputs)])  # one pixel is added to all
    with refused(r"plus \(Add\) joins several paths"):
        Deconvnet(keras.Model(inputs, kl.Conv2D(3, 1, name="last")(wide)), "last")


# Volumes


VOLUMES = RNG.normal(0.3, 1, (3, 6, 8, 10, 1)).astype("float32")


def test_the_maps_of_a_volume_are_those_of_its_slices_where_nothing_joins_them():
    """Kernels one slice deep: a volume's Grad-CAM is the image's, slice by slice, but for the common weights."""
    flat, deep = keras.Input((8, 10, 1)), keras.Input((6, 8, 10, 1))
    image = filled(keras.Model(flat, kl.Conv2D(5, 3, activation="relu", name="conv")(flat)))
    solid = keras.Model(deep, kl.Conv3D(5, (1, 3, 3), activation="relu", name="conv")(deep))
    kernel, bias = image.get_layer("conv").get_weights()
    solid.get_layer("conv").set_weights([kernel[None], bias])
    head = kl.Dense(2, name="fc")
    solid = keras.Model(deep, head(kl.GlobalAveragePooling3D()(solid.output)))
    image = keras.Model(flat, head(kl.GlobalAveragePooling2D()(image.output)))
    filled(image)
    maps = CAM(solid)(VOLUMES, 1)
    assert maps.shape == (3, 6, 8, 10)
    for depth in range(6):
        assert_same(maps[:, depth], CAM(image)(VOLUMES[:, depth], 1), 1e-5)
    assert_same(SmoothGrad(solid, noise=0, samples=2)(VOLUMES, 1), Saliency(solid)(VOLUMES, 1), 1e-5)


def test_maps_of_volumes_are_enlarged_along_each_axis():
    inputs = keras.Input((6, 8, 10, 1))
    x = kl.Conv3D(2, 2, strides=2, name="conv")(inputs)  # (3, 4, 5)
    model = filled(keras.Model(inputs, kl.Dense(2, name="fc")(kl.Flatten()(x))))
    explain = LayerCAM(model)
    low, large = explain.maps(VOLUMES, 0), explain(VOLUMES, 0)
    assert low.shape == (3, 3, 4, 5)
    middle = np.stack([np.array(tf.image.resize(low[:, d, ..., None], (8, 10)))[..., 0] for d in range(3)], axis=1)
    turned = middle.transpose(0, 2, 3, 1).reshape(-1, 3, 1, 1)
    expected = np.array(tf.image.resize(turned, (6, 1))).reshape(3, 8, 10, 6).transpose(0, 3, 1, 2)
    assert_same(large, expected, 1e-5)


def test_pixels_of_a_volume_come_and_go():
    model, _ = golden("volume", volume)
    heat = RNG.random(VOLUMES.shape[:-1])
    curves = deletion(model, VOLUMES, heat, 1, steps=4)
    probabilities = np.array(model(VOLUMES))[:, 1]
    np.testing.assert_allclose(curves.probabilities[:, 0], probabilities, rtol=1e-5)
    np.testing.assert_allclose(curves.probabilities[:, -1], np.array(model(0 * VOLUMES))[:, 1], rtol=1e-5)
    half = np.where(heat[..., None] > np.median(heat, axis=(1, 2, 3))[:, None, None, None, None], 0, VOLUMES)
    np.testing.assert_allclose(curves.probabilities[:, 2], np.array(model(half))[:, 1], rtol=1e-5)
    with refused("for images"):
        insertion(model, VOLUMES, heat, fill="imputed")


def test_maps_of_volumes_are_scored_as_one_map_each():
    """As one long image: a volume's slices side by side have the same scores."""
    heat, regions = RNG.normal(0, 1, (3, 6, 8, 10)), RNG.random((3, 6, 8, 10)) > 0.6
    flat, flat_regions = heat.reshape(3, 48, 10), regions.reshape(3, 48, 10)
    for score in (mass_in_region, landmark_share, pointing_game):
        np.testing.assert_allclose(score(heat, regions), score(flat, flat_regions))
    np.testing.assert_allclose(map_correlation(heat, heat**3), map_correlation(flat, flat**3))
    whole = heat_map(heat, blur_sigma=0, volumes=True)
    np.testing.assert_allclose(whole.reshape(3, 48, 10), heat_map(flat, blur_sigma=0))
    assert not np.allclose(whole, heat_map(heat, blur_sigma=0))
    point = np.zeros((1, 7, 7, 7))
    point[0, 3, 3, 3] = 1
    blurred = heat_map(point, volumes=True)[0]
    assert blurred[2, 3, 3] == pytest.approx(blurred[3, 3, 2]) and blurred[2, 3, 3] > 0
    shares = heat_by_part(heat, {"part": regions})
    np.testing.assert_allclose(shares, heat_by_part(flat, {"part": flat_regions}))
    followed = map_follows_score(heat, heat / 2, [3, 2, 1], [1, 1, 1], regions)
    np.testing.assert_allclose(followed.heat_lost, (np.maximum(heat, 0) * regions).sum(axis=(1, 2, 3)) / 2)


def test_what_is_only_for_images_says_so():
    model = golden("volume", volume)[0]
    for kind in (PathologyAware, ScoreCAM, ActivationMaximization):
        with refused(r"explains images \(N, H, W, C\)"):
            kind(model)
    with refused("conv1 .*cannot be gone back through"):
        Deconvnet(model)
    with refused("patch is"):
        Occlusion(model, (3, 3))
    assert set(feature_maps(model, VOLUMES)) == {"conv1", "conv2"}


# Per-pixel classifiers


PIXELS = RNG.normal(0.3, 1, (3, 12, 8, 2)).astype("float32")
REGIONS = RNG.random((3, 12, 8)) > 0.7


def test_without_regions_the_score_is_taken_where_the_class_is_predicted():
    model = filled(pixels())
    predicted = Saliency(model).predict(PIXELS)
    np.testing.assert_array_equal(predicted, np.array(model(PIXELS)).argmax(axis=-1))
    common = np.bincount(predicted.ravel()).argmax()
    where = predicted == common
    assert where.any(axis=(1, 2)).all() and not where.all(axis=(1, 2)).any()
    for kind in ("Saliency", "SmoothGrad", "GradCAM", "Occlusion", "PathologyAware"):
        np.testing.assert_array_equal(
            EXPLAINERS[kind](model)(PIXELS, common), EXPLAINERS[kind](model)(PIXELS, common, where)
        )


def test_with_regions_alone_the_class_of_the_highest_mean_is_explained():
    model = filled(pixels())
    means = [np.array(model(PIXELS))[n][REGIONS[n]].mean(axis=0) for n in range(3)]
    best = np.argmax(means, axis=1)
    np.testing.assert_array_equal(Saliency(model).predict(PIXELS, REGIONS), best)
    np.testing.assert_array_equal(Saliency(model)(PIXELS, regions=REGIONS), Saliency(model)(PIXELS, best, REGIONS))


@pytest.mark.parametrize("ending", ["softmax", "sigmoid"])
def test_the_softmax_of_each_pixel_is_looked_behind(ending):
    plain, squashed = filled(pixels()), filled(pixels(ending))
    for kind in ("Saliency", "GradCAM", "Occlusion"):
        assert_same(
            EXPLAINERS[kind](squashed)(PIXELS, CLASSES, REGIONS), EXPLAINERS[kind](plain)(PIXELS, CLASSES, REGIONS)
        )


def test_one_mask_has_the_classes_0_and_1():
    model = filled(unet((16, 8, 2), base=3, depth=2))
    images = RNG.normal(0, 1, (2, 16, 8, 2)).astype("float32")
    regions = RNG.random((2, 16, 8)) > 0.5
    explain = Saliency(model)
    np.testing.assert_array_equal(explain.predict(images), np.array(model(images))[..., 0] > 0)
    np.testing.assert_allclose(explain.gradients(images, 0, regions), -explain.gradients(images, 1, regions), atol=1e-7)
    assert GradCAM(model).layer.startswith("relu3_2")  # the bottom of the U
    assert "logits" not in PathologyAware(model).layers


def test_a_regions_map_does_not_depend_on_the_chunk_nor_on_its_neighbours():
    model = filled(pixels())
    for kind in ("SmoothGrad", "Occlusion", "GradCAM"):
        together = EXPLAINERS[kind](model)(PIXELS, CLASSES, REGIONS)
        alone = EXPLAINERS[kind](model, chunk=1)(PIXELS[2:], CLASSES[2:], REGIONS[2:])
        assert_same(together[2:], alone, 1e-5)


@pytest.mark.parametrize("name", ["pooled beside", "weighed channels", "resized scores", "normalised scores"])
def test_the_bottom_is_no_map_of_one_pixel_and_no_map_of_scores(name):
    inputs = keras.Input((12, 8, 2))
    x = kl.Conv2D(4, 3, padding="same", activation="relu", name="conv1")(inputs)
    low = kl.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="bottom")(x)
    pooled = kl.Conv2D(5, 1, activation="sigmoid", name="pooled")(kl.GlobalAveragePooling2D(keepdims=True)(low))
    scores = kl.Conv2D(3, 1, name="scores")
    ends = {
        "pooled beside": lambda: scores(
            kl.Concatenate()([x, kl.UpSampling2D((12, 8))(pooled), kl.UpSampling2D()(low)])
        ),
        "weighed channels": lambda: scores(kl.UpSampling2D()(kl.Multiply()([low, pooled]))),
        "resized scores": lambda: kl.Softmax()(kl.UpSampling2D(interpolation="bilinear")(scores(low))),
        "normalised scores": lambda: kl.UpSampling2D()(kl.BatchNormalization()(scores(low))),
    }
    model = filled(keras.Model(inputs, ends[name]()))
    assert GradCAM(model).layer == "bottom"
    assert PathologyAware(model).layers == ("conv1", "bottom")


def test_a_size_that_the_model_does_not_take_is_said():
    inputs = keras.Input((None, None, 2))
    up = kl.UpSampling2D()(kl.Conv2D(3, 3, strides=2, padding="same")(inputs))
    model = keras.Model(inputs, kl.Conv2D(2, 1)(kl.Concatenate(name="skip")([up, inputs])))
    with refused("skip fails on these inputs: .* 8 and 7.*give images of a size"):
        Saliency(model)(PIXELS[:, :, :7], 1)


def test_randomisation_keeps_the_region_of_the_trained_network():
    model = filled(pixels())
    predicted = np.array(model(PIXELS)).argmax(axis=-1)
    common = np.bincount(predicted.ravel()).argmax()
    found = randomization_check(Saliency, model, PIXELS, common)
    given = randomization_check(Saliency, model, PIXELS, common, predicted == common)
    best = randomization_check(Saliency, model, PIXELS, regions=REGIONS)
    assert list(found) == ["logits", "conv3", "up", "conv2", "conv1"]
    for layer in found:
        np.testing.assert_array_equal(found[layer], given[layer])
        assert not np.array_equal(found[layer], best[layer])
    with refused("say classes=, regions="):
        randomization_check(Saliency, model, PIXELS)


BAD_REGIONS = {
    "neither": ({}, "say classes=, regions=, or both"),
    "empty": ({"classes": 1, "regions": REGIONS & (np.arange(3) != 1)[:, None, None]}, "Region 1 is empty"),
    "numbers": ({"classes": 1, "regions": REGIONS.astype(float)}, r"give bool \(3, h, w\).*masks > 0 say"),
    "too few": ({"classes": 1, "regions": REGIONS[:2]}, r"give bool \(3, h, w\)"),
    "too small": ({"classes": 1, "regions": REGIONS[:, ::2]}, r"\(N, 6, 8\), the model answers in \(N, 12, 8\)"),
    "of nothing": ({"classes": 0}, "Class 0 is predicted nowhere on image 0"),
}


@pytest.mark.parametrize("bad", BAD_REGIONS)
def test_bad_regions(bad):
    given, says = BAD_REGIONS[bad]
    model = filled(pixels())
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel, bias - np.array([100, 0, 0])])
    with refused(says):
        Saliency(model)(PIXELS, **given)


def test_what_needs_a_score_an_image_says_so():
    with refused("regions are for per-pixel"):
        Saliency(net())(IMAGES, CLASSES, np.ones((3, 12, 10), bool))
    model = filled(pixels())
    for use in (ScoreCAM, ActivationMaximization, lambda m: deletion(m, PIXELS, REGIONS.astype(float))):
        with refused("gives each pixel a score"):
            use(model)
    with refused("gives each pixel a score"):
        part_importance(model, PIXELS, {"all": 0 * PIXELS})
    inputs = keras.Input((None, None, 1))
    x = kl.Conv2D(2, 1, name="logits")(kl.Conv2D(3, 3, padding="same", name="conv")(inputs))
    with refused("sizes of this model's maps are open: say layer= one of conv"):
        GradCAM(keras.Model(inputs, x))
    assert GradCAM(keras.Model(inputs, x), "conv").layer == "conv"


# Several inputs


def test_what_goes_beside_the_image_is_held_still():
    """The map of each image is that of a model of images alone, with what its numbers add as a bias."""
    model, own = golden("beside", beside)
    numbers, images, classes = own["numbers"], own["images"], own["classes"]
    kernel, bias = model.get_layer("fc1").get_weights()
    for kind in ("Saliency", "GuidedBackprop", "SmoothGrad", "GradCAM", "LayerCAM", "Occlusion", "PathologyAware"):
        together = EXPLAINERS[kind](model)({"image": images, "numbers": numbers}, classes)
        for n in (0, 2):
            image = keras.Input((9, 12, 1))
            x = kl.Conv2D(6, 3, activation="relu")(kl.Conv2D(5, 3, activation="relu")(image))
            x = kl.Dense(3)(kl.Dense(7, activation="relu")(kl.GlobalAveragePooling2D()(x)))
            alone = keras.Model(image, x)
            weights = [*model.get_weights()[:4], kernel[:6], bias + numbers[n] @ kernel[6:], *model.get_weights()[-2:]]
            alone.set_weights(weights)
            expected = EXPLAINERS[kind](alone)(images[n : n + 1], classes[n])
            assert_same(together[n : n + 1], expected, 1e-5)


def test_maps_of_several_inputs_are_judged():
    model, own = golden("beside", beside)
    numbers, images = own["numbers"], own["images"]
    given = [numbers, images]
    heat = GradCAM(model)(given)
    wanted = np.array(model(given)).argmax(axis=1)
    np.testing.assert_array_equal(Saliency(model).predict(given), wanted)
    curves = insertion(model, given, heat, steps=3)
    np.testing.assert_allclose(curves.probabilities[:, -1], np.array(model(given)).max(axis=1), rtol=1e-5)
    lost = part_importance(model, given, {"all": 0 * images})
    logits = [np.log(np.array(model(one)))[np.arange(3), wanted] for one in (given, [numbers, 0 * images])]
    assert lost.changed.shape == (3, 1)
    best = np.array(model([numbers, 0 * images])).argmax(axis=1)
    np.testing.assert_array_equal(lost.changed[:, 0], best != wanted)
    assert np.isfinite(logits).all()
    table = compare({"Grad-CAM": GradCAM, "Deconvnet": Deconvnet}, model, given)
    np.testing.assert_allclose(table.per_image["Grad-CAM"]["deletion"], deletion(model, given, heat).areas, rtol=1e-5)


def two_views():
    views = [keras.Input(SHAPE, name=name) for name in ("left", "right")]
    both = [kl.GlobalAveragePooling2D()(kl.Conv2D(3, 3, activation="relu", name=f"conv_{v.name}")(v)) for v in views]
    return filled(keras.Model(views, kl.Dense(3, name="fc")(kl.Concatenate()(both))))


def test_of_two_images_one_is_named():
    model = two_views()
    with refused("has 2 inputs of images: say input= one of left, right"):
        Saliency(model)
    for bad in ("middle", 2, True, -1):
        with refused("no input .*left, right"):
            Saliency(model, input=bad)
    given = [IMAGES, IMAGES[::-1]]
    tensors = [tf.constant(one) for one in given]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        score = tf.gather(model(tensors), CLASSES, axis=1, batch_dims=1)
    for place, (name, slope) in enumerate(zip(("left", "right"), tape.gradient(score, tensors), strict=True)):
        assert_same(Saliency(model, input=name).gradients(given, CLASSES), slope.numpy())
        assert GradCAM(model, input=place).layer == f"conv_{name}"
        assert Deconvnet(model, f"conv_{name}", input=name)(given).shape == (3, 12, 10)
    for kind in (Deconvnet, GradCAM):
        with refused("conv_right does not depend on the input"):
            kind(model, "conv_right", input="left")
    both = kl.Add()([model.get_layer(f"conv_{name}").output for name in ("left", "right")])
    with refused("conv_right reads another input"):
        Deconvnet(keras.Model(model.inputs, kl.Conv2D(2, 3, name="both")(both)), input="left")


def test_of_two_images_one_is_judged():
    model = two_views()
    given = [IMAGES, IMAGES[::-1]]
    right = lambda model: GradCAM(model, input="right")  # noqa: E731
    areas = deletion(model, given, right(model)(given), input="right").areas
    table = compare({"right": right}, model, given, input="right")
    np.testing.assert_allclose(table.per_image["right"]["deletion"], areas, rtol=1e-5)
    lost = part_importance(model, given, {"all": 0 * IMAGES}, 1, input="right")
    logits = [np.array(model(one))[:, 1] for one in (given, [IMAGES, 0 * IMAGES])]
    np.testing.assert_allclose(lost.logit[:, 0], logits[0] - logits[1], rtol=1e-4, atol=1e-6)


def test_a_nested_model_may_be_called_by_the_names_of_its_inputs():
    views = [keras.Input(SHAPE, name=name) for name in ("right", "left")]
    maps = [kl.Conv2D(3, 3, activation="relu", name=f"conv_{view.name}")(view) for view in views]
    inner = keras.Model(views, kl.Subtract()(maps))  # not in the order of the alphabet
    outer = [keras.Input(SHAPE, name=name) for name in ("one", "two")]
    x = kl.GlobalAveragePooling2D()(inner({"left": outer[0], "right": outer[1]}))
    model = filled(keras.Model(outer, kl.Dense(3, name="fc")(x)))
    tensors = [tf.constant(IMAGES), tf.constant(IMAGES[::-1])]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        score = tf.gather(model(tensors), CLASSES, axis=1, batch_dims=1)
    for name, slope in zip(("one", "two"), tape.gradient(score, tensors), strict=True):
        assert_same(Saliency(model, input=name).gradients(tensors, CLASSES), slope.numpy())


def test_a_list_for_a_dict_is_refused_where_its_order_can_be_mistaken():
    """Keras sorts the names: a list in the order in which they were written would be swapped."""
    views = two_views()
    model = keras.Model(dict(zip(("pre", "post"), views.inputs, strict=True)), views.output)
    with refused("give a dict of post, pre"):
        Saliency(model, input="pre")([IMAGES, IMAGES[::-1]])
    both = {"post": IMAGES[::-1], "pre": IMAGES}
    assert_same(
        Saliency(model, input="pre")(both, 1), Saliency(views, input="left")([both["pre"], both["post"]], 1), 1e-6
    )
    alone = keras.Model({"image": views.inputs[0]}, kl.GlobalAveragePooling2D()(views.inputs[0]))
    assert Saliency(alone).predict({"image": IMAGES}).shape == (3,)


def test_inputs_in_a_dict_of_lists_have_their_own_names():
    views = two_views()
    model = keras.Model({"views": views.inputs}, views.output)
    with refused("say input= one of left, right"):
        Saliency(model)
    assert_same(Saliency(model, input="left")([IMAGES, IMAGES], 1), Saliency(views, input="left")([IMAGES, IMAGES], 1))


def test_bytes_beside_the_image_are_cast_as_the_model_does():
    image, age = keras.Input(SHAPE, name="image"), keras.Input((1,), name="age")
    x = kl.GlobalAveragePooling2D()(body(image)) * (kl.Multiply()([age, age]) / 1000)  # 60 * 60 overflows in 8 bits
    model = filled(keras.Model([image, age], kl.Dense(3, name="fc")(x)))
    ages = np.array([[60], [70], [80]])
    assert_same(
        Saliency(model)([IMAGES, ages.astype("uint8")], CLASSES), Saliency(model)([IMAGES, ages * 1.0], CLASSES), 1e-6
    )


def of_words():
    """Whole numbers beside the image, which an embedding looks up."""
    image, word = keras.Input(SHAPE, name="image"), keras.Input((2,), dtype="int32", name="word")
    x = kl.Concatenate()([kl.GlobalAveragePooling2D()(body(image)), kl.Flatten()(kl.Embedding(5, 3)(word))])
    return filled(keras.Model({"image": image, "word": word}, kl.Dense(3, name="fc")(x)))


def test_whole_numbers_beside_the_image_stay_whole():
    model = of_words()
    words = np.array([[0, 4], [1, 1], [2, 3]])
    given = {"word": words, "image": IMAGES}
    x = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = tf.gather(model({"image": x, "word": tf.constant(words)}), CLASSES, axis=1, batch_dims=1)
    assert_same(Saliency(model).gradients(given, CLASSES), tape.gradient(score, x).numpy())
    assert Occlusion(model, 4)(given).shape == (3, 12, 10)


BAD_INPUTS = {
    "the image alone": (lambda n, i: i, "give a list of numbers, image, or a dict"),
    "a name that is missing": (lambda n, i: {"image": i}, "takes numbers, image: 'numbers' is missing"),
    "a name that is mistyped": (lambda n, i: {"image": i, "numbres": n}, "there is no 'numbres'; 'numbers' is missing"),
    "other lengths": (lambda n, i: [n[:2], i], r"Input numbers is \(2, 3\): give \(N, 3\) for 3 images"),
    "too few numbers": (lambda n, i: [n[:, :2], i], r"Input numbers is \(3, 2\)"),
    "nan": (lambda n, i: [n * [[1], [np.nan], [1]], i], "Input numbers holds nan or infinite values for image 1"),
    "text": (lambda n, i: [n.astype(str), i], "Input numbers is of type"),
    "turned": (lambda n, i: [i, n], "The images have shape"),
}


@pytest.mark.parametrize("bad", BAD_INPUTS)
def test_bad_inputs(bad):
    change, says = BAD_INPUTS[bad]
    model, own = golden("beside", beside)
    with refused(says):
        Saliency(model)(change(own["numbers"], own["images"]))


def test_numbers_are_explained_by_the_gradient_alone():
    model = golden("beside", beside)[0]
    for kind in (SmoothGrad, GradCAM, Occlusion):
        with refused(r"explains images \(N, H, W, C\) or volumes"):
            kind(model, input="numbers")


# Subclassed models


class Mine(keras.Model):
    """The small classifier behind a call of its own."""

    def __init__(self, end=None, factor=1.0, shape=SHAPE):
        super().__init__(name="mine")
        self.inner, self.end, self.factor = net(shape=shape), end, factor

    def call(self, images, training=False):
        logits = self.factor * self.inner(images, training=training)
        return self.end(logits) if self.end else logits


def built(model, given=IMAGES):
    model(given)
    return model


@pytest.mark.parametrize("kind", ["Saliency", "SmoothGrad", "Occlusion"])
def test_a_subclassed_model_is_explained_where_no_layers_are_needed(kind):
    expected = EXPLAINERS[kind](net())(IMAGES, CLASSES)
    model = built(Mine())
    assert_same(EXPLAINERS[kind](model)(IMAGES, CLASSES), expected)
    assert not model.losses
    with policy("mixed_float16"):
        half = built(Mine())
    assert_same(EXPLAINERS[kind](half)(IMAGES, CLASSES), expected)


def test_its_weights_are_read_at_each_call_and_it_takes_other_sizes():
    model = built(Mine())
    explain = Saliency(model)
    before = explain(IMAGES, 1)
    model.inner.get_layer("fc").kernel.assign(2 * model.inner.get_layer("fc").kernel)
    assert_same(explain(IMAGES, 1), 2 * before)
    model = built(Mine(shape=(None, None, 1)))
    assert Saliency(model)(np.concatenate([IMAGES, IMAGES], axis=1), 1).shape == (3, 24, 10)


def test_a_functional_model_with_a_call_of_its_own():
    class Doubled(keras.Model):
        def call(self, images, training=False):
            return 2 * super().call(images, training=training)

    plain = net(shape=(None, None, 1))
    model = Doubled(plain.input, plain.output)
    assert_same(Saliency(model)(IMAGES, CLASSES), 2 * Saliency(plain)(IMAGES, CLASSES))
    with refused("a call of its own"):
        GradCAM(model)


@pytest.mark.parametrize("end", [keras.ops.softmax, keras.ops.sigmoid, keras.ops.log_softmax])
def test_hidden_probabilities_are_refused(end):
    with refused("answers with probabilities: let its call end in logits"):
        Saliency(built(Mine(end)))


def test_small_logits_are_no_probabilities():
    """A new head's logits may all lie between 0 and 1 for every image at hand."""
    model = built(Mine(factor=1e-3))
    model.inner.get_layer("fc").bias.assign([500, 500, 500])
    assert 0 < np.array(model(IMAGES)).min() < np.array(model(IMAGES)).max() < 1
    assert Saliency(model)(IMAGES).shape == (3, 12, 10)


class Pair(keras.Model):
    """An image and numbers by name, in a call of its own; a score for each pixel beside that of the image."""

    def __init__(self):
        super().__init__(name="pair")
        self.convolution, self.dense = kl.Conv2D(2, 3, padding="same"), kl.Dense(3)

    def call(self, given):
        maps = self.convolution(given["image"])
        pooled = keras.ops.concatenate([keras.ops.mean(maps, axis=(1, 2)), given["numbers"]], axis=-1)
        return {"whole": self.dense(pooled), "pixels": maps}


def test_a_subclassed_model_of_several_inputs_and_outputs():
    numbers = RNG.normal(0, 1, (3, 2)).astype("float32")
    model = built(Pair(), {"image": IMAGES, "numbers": numbers})
    x = tf.constant(IMAGES)
    for output, score in {
        "whole": lambda answer: tf.gather(answer["whole"], CLASSES, axis=1, batch_dims=1),
        "pixels": lambda answer: answer["pixels"][:, 3, 4, 1],
    }.items():
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = score(model({"image": x, "numbers": numbers}))
        regions = np.zeros((3, 12, 10), bool)
        regions[:, 3, 4] = True
        rest = (CLASSES, None) if output == "whole" else (1, regions)
        found = Saliency(model, output=output).gradients([IMAGES, numbers], *rest)
        assert_same(found, tape.gradient(value, x).numpy())
    with refused("has 2 outputs: say output= one of pixels, whole"):
        Saliency(model)


class Words(keras.Model):
    """Whole numbers beside the image, which an embedding looks up."""

    def __init__(self):
        super().__init__(name="words")
        self.dense, self.embedding = kl.Dense(3), kl.Embedding(5, 3)

    def call(self, given):
        word, image = given
        return self.dense(keras.ops.mean(image, axis=(1, 2))) + self.embedding(word)[:, 0]


def test_a_subclassed_model_with_an_embedding():
    model = Words()
    words = np.array([[0], [4], [2]])
    model([tf.constant(words), IMAGES])
    slope = np.abs(model.dense.kernel.numpy()[0, 1]) / 120  # the image's mean is all that it reads of 120 pixels
    with pytest.warns(BlankMapWarning, match="3 of 3 maps are .*the same everywhere"):
        assert_same(Saliency(model)([words, IMAGES], 1), np.full((3, 12, 10), slope))


class Several(keras.Model):
    """A call of two arguments, which Keras notes only one of."""

    def __init__(self):
        super().__init__(name="several")
        self.dense = kl.Dense(2)

    def call(self, image, numbers):
        return self.dense(keras.ops.mean(image, axis=(1, 2)) + numbers)


class Odd(keras.Model):
    """What the call of a subclassed model may do that no graph can."""

    def __init__(self, does):
        super().__init__(name="odd")
        self.does = does

    def call(self, images):
        return self.does(images)


ODD = {
    "numpy": (lambda x: tf.constant(np.array(x).mean((1, 2)) - 9), "cannot be made a graph: .*keras.ops"),
    "fixed batch": (lambda x: tf.reshape(x, (x.shape[0], 120)) - 9, "cannot be made a graph: .*of any length"),
    "nan": (lambda x: np.nan * x[:, 0, :3, 0], "answers noise with nan"),
    "two": (lambda x: [x[:, 0, :3, 0], x[:, 1, :3, 0]], "has 2 outputs: say output= one of 0, 1"),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_calls(odd):
    does, says = ODD[odd]
    with refused(says):
        Saliency(built(Odd(does)))(IMAGES, 1)


def test_subclassed_models_that_cannot_be_called():
    with refused("mine .*is not built: call it on one image"):
        Saliency(Mine())
    model = Several()
    model(IMAGES, np.zeros((3, 1), "float32"))
    with refused("several .*cannot be called on its inputs alone: .*as one list or dict"):
        Saliency(model)


@pytest.mark.parametrize("kind", ["GuidedBackprop", "ClassDeconvnet", "GradCAM", "CAM", "PathologyAware"])
def test_what_needs_layers_still_refuses(kind):
    with refused("mine .*subclassed"):
        EXPLAINERS[kind](built(Mine()))
