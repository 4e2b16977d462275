"""Models of several inputs: an encoder that two images share, against one unrolled into two; what counts their maps."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from small_nets import CLASSES, EXPLAINERS, IMAGES, SHAPE, assert_same, filled

from lookinside.errors import BlankMapWarning, LookInsideError
from lookinside.explain import (
    CAM,
    Deconvnet,
    GradCAM,
    PathologyAware,
    Saliency,
    compare,
    compare_parts,
    dead_maps,
    feature_maps,
    heat_by_part,
    map_correlation,
    part_importance,
    part_rank_correlation,
    randomization_check,
    randomize_weights,
)

RNG = np.random.default_rng(2)
SIDES = ("left", "right")
LEFT, RIGHT = IMAGES, RNG.normal(0.4, 1, IMAGES.shape).astype("float32")
GIVEN = [LEFT, RIGHT]
MAY_BE_BLANK = pytest.mark.filterwarnings(f"ignore::{BlankMapWarning.__module__}.{BlankMapWarning.__name__}")


def refused(says):
    """A LookInsideError of one line that says something."""
    return pytest.raises(LookInsideError, match=rf"\A(?=.*{says})[^\n]{{15,300}}\Z")


def encoder():
    view = keras.Input(SHAPE)
    x = kl.Conv2D(5, 3, padding="same", activation="relu", name="conv1")(view)
    x = kl.ReLU(name="relu2")(kl.BatchNormalization(name="bn2")(kl.Conv2D(6, 3, strides=2, name="conv2")(x)))
    return filled(keras.Model(view, kl.Conv2D(4, 2, activation="relu", name="conv3")(x), name="encoder"))


def head(fusion):
    """The maps of two images -> three logits."""
    maps = [keras.Input(encoder().output.shape[1:]) for _ in SIDES]
    pool = kl.GlobalAveragePooling2D()
    if fusion == "pooled":
        x = kl.Concatenate()(list(map(pool, maps)))
    elif fusion == "subtracted":
        x = pool(keras.ops.abs(maps[0] - 0.5 * maps[1]))
    else:
        x = pool(kl.Conv2D(5, 2, activation="relu", name="conv4")(kl.Concatenate()(maps)))
    return filled(keras.Model(maps, kl.Dense(3, name="fc")(x), name="head"))


def pair(fusion="pooled", names=SIDES):
    """One encoder of two images, which sees the right one first."""
    shared, views = encoder(), [keras.Input(SHAPE, name=name) for name in names]
    right = shared(views[1])
    return keras.Model(views, kl.Softmax()(head(fusion)([shared(views[0]), right])))


def unrolled(fusion, layer):
    """The maps of both images and the score's gradients by them, from an eager tape: two encoders of equal weights."""
    both = [encoder(), encoder()]
    fronts = [keras.Model(one.input, one.get_layer(layer).output) for one in both]
    last = layer == "conv3"
    backs = [(lambda x: x) if last else keras.Model(one.get_layer(layer).output, one.output) for one in both]
    maps = [front(tf.constant(images)) for front, images in zip(fronts, GIVEN, strict=True)]
    with tf.GradientTape() as tape:
        tape.watch(maps)
        logits = head(fusion)([back(one) for back, one in zip(backs, maps, strict=True)])
        score = tf.gather(logits, CLASSES, axis=1, batch_dims=1)
    return list(zip(*([one.numpy() for one in both] for both in (maps, tape.gradient(score, maps))), strict=True))


LAYERS = {"conv1": "conv1", "conv2": "relu2", "conv3": "conv3"}  # a convolution, and behind which layer its maps stand


@MAY_BE_BLANK
@pytest.mark.parametrize(
    ("fusion", "layer"), [("pooled", "conv2"), ("subtracted", "conv1"), ("subtracted", "conv3"), ("joined", "conv2")]
)
def test_a_shared_encoder_is_its_call_on_the_explained_image(fusion, layer):
    expected = unrolled(fusion, LAYERS[layer])
    sums = [np.einsum("nhwk,nk->nhw", maps, slopes.mean((1, 2))) for maps, slopes in expected]
    weighted = [(np.maximum(slopes, 0) * maps).sum(-1) for maps, slopes in expected]
    model = pair(fusion)
    for place, side in enumerate(SIDES):
        explain = GradCAM(model, f"encoder/{layer}", input=side)
        assert explain.layer == f"encoder/{LAYERS[layer]}"
        found, signed = explain.maps(GIVEN, CLASSES), sums[place]
        peaks = np.abs(signed).max(axis=(1, 2), keepdims=True)
        assert (np.abs(found - np.maximum(signed, 0)) <= 1e-5 * peaks).all()
        np.testing.assert_array_equal(found, GradCAM(model, layer, input=place).maps(GIVEN, CLASSES))
        assert_same(EXPLAINERS["LayerCAM"](model, layer=layer, input=side).maps(GIVEN, CLASSES), weighted[place], 1e-5)
        for wrong in (sums[1 - place], sum(sums)):  # the other image's map, or one of both, would be noticed
            assert (np.abs(found - np.maximum(wrong, 0)) > 0.03 * peaks).any(axis=(1, 2)).sum() >= 2


@MAY_BE_BLANK
@pytest.mark.parametrize("side", SIDES)
def test_by_default_the_maps_of_the_explained_image_are_taken(side):
    for fusion in ("pooled", "subtracted"):
        explain, model = GradCAM(pair(fusion), input=side), pair(fusion)
        assert explain.layer == "encoder/conv3"
        named = GradCAM(model, explain.layer, input=side)
        np.testing.assert_array_equal(explain(GIVEN, CLASSES), named(GIVEN, CLASSES))
    assert GradCAM(pair("joined"), input=side).layer == "head/conv4"  # where the images have met


def test_other_explainers_take_that_call_too():
    model, alone = pair(), encoder()
    names = ("pre", "post")  # Keras sorts the names of a dict
    by_name = pair(names=names)
    by_name = keras.Model(dict(zip(names, by_name.inputs, strict=True)), by_name.output)
    for side, name, images in zip(SIDES, names, GIVEN, strict=True):
        for layer in ("encoder/conv2", None):
            found = Deconvnet(model, layer, input=side)(GIVEN)
            np.testing.assert_allclose(found, Deconvnet(alone, layer and "conv2")(images), rtol=1e-5, atol=1e-6)
        explain = PathologyAware(model, input=side)
        named = PathologyAware(model, explain.layers, input=side)
        assert explain.layers == ("encoder/conv1", "encoder/conv2", "encoder/conv3")
        np.testing.assert_array_equal(explain(GIVEN).low, named(GIVEN).low)
        found = GradCAM(by_name, "conv1", input=name)(dict(zip(names, GIVEN, strict=True)), CLASSES)
        assert_same(found, GradCAM(model, "conv1", input=side)(GIVEN, CLASSES), 1e-5)


def two_scores():
    """An encoder on the left image, and on the sum of both; a score of each."""
    shared, views = encoder(), [keras.Input(SHAPE, name=name) for name in SIDES]
    pooled = [kl.GlobalAveragePooling2D()(shared(x)) for x in (views[0], views[0] + views[1])]
    return filled(keras.Model(views, [kl.Dense(3, name=name)(x) for name, x in zip("ab", pooled, strict=True)]))


def test_only_calls_that_lead_to_the_score_count():
    model = two_scores()
    view = keras.Input(SHAPE)
    pooled = kl.GlobalAveragePooling2D()(encoder()(view))
    for output, images in (("a", LEFT), ("b", LEFT + RIGHT)):
        alone = filled(keras.Model(view, kl.Dense(3, name=output)(pooled)))
        expected = GradCAM(alone, "conv2")(images, CLASSES)
        assert_same(GradCAM(model, "conv2", input="left", output=output)(GIVEN, CLASSES), expected, 1e-5)
    for kind in (CAM, *EXPLAINERS.values()):  # CAM would draw the other image
        with refused("scores of model .* do not depend on input right"):
            kind(model, input="right", output="a")


def test_several_calls_on_the_way_are_refused():
    shared, views = encoder(), [keras.Input(SHAPE, name=name) for name in SIDES]
    pooled = [kl.GlobalAveragePooling2D()(shared(x)) for x in (views[0], -1.0 * views[0], views[1])]
    model = keras.Model(views, kl.Dense(3, name="fc")(kl.Concatenate()(pooled)))
    for kind in (GradCAM, Deconvnet):
        with refused("'encoder/conv3' is used 2 times on the way from the input: name one used once"):
            kind(model, "encoder/conv3", input="left")
        assert kind(model, "encoder/conv3", input="right").layer == "encoder/conv3"
    assert dead_maps(model, GIVEN, input="left").layers[-1] == "encoder/conv3 (call 2)"


# What judges such maps


def test_a_shared_layer_is_drawn_anew_once_and_after_what_is_above_it():
    shared, views = encoder(), [keras.Input(SHAPE, name=name) for name in SIDES]
    own = kl.ReLU()(kl.Conv2D(4, 2, name="own")(shared(views[0])))  # above the left call, computed before the right one
    pooled = [kl.GlobalAveragePooling2D()(x) for x in (own, shared(views[1]))]
    model = filled(keras.Model(views, kl.Dense(3, name="fc")(kl.Concatenate()(pooled))))
    left = lambda model: GradCAM(model, "conv1", input="left")  # noqa: E731
    found = randomization_check(left, model, GIVEN, CLASSES, seed=3, progress=False)
    trained, fresh = left(model)(GIVEN, CLASSES), randomize_weights(model, 3)
    order = ["fc", "own", "encoder/conv3", "encoder/bn2", "encoder/conv2", "encoder/conv1"]
    assert list(found) == order
    for name in order:
        inside = [one.get_layer("encoder") if "/" in name else one for one in (fresh, model)]
        layers = [one.get_layer(name.split("/")[-1]) for one in inside]
        layers[1].set_weights(layers[0].get_weights())
        np.testing.assert_allclose(found[name], map_correlation(trained, left(model)(GIVEN, CLASSES)), rtol=1e-4)


@MAY_BE_BLANK
def test_heat_on_parts_of_one_of_two_images():
    model = pair()
    masks = {str(part): RNG.random(RIGHT.shape[:3]) > 0.5 for part in range(4)}
    without = {part: np.where(mask[..., None], 0, RIGHT) for part, mask in masks.items()}
    missed = part_importance(model, GIVEN, without, input="right").margin
    right = lambda model: GradCAM(model, input="right")  # noqa: E731
    found = compare_parts({"right": right}, model, GIVEN, missed, masks, input="right", progress=False)
    for row, heat in {"right": right(model)(GIVEN), "the image itself": RIGHT[..., 0]}.items():
        np.testing.assert_allclose(found[row], part_rank_correlation(heat_by_part(heat, masks), missed))
    with refused("say input= one of left, right"):
        compare_parts({"right": right}, model, GIVEN, missed, masks)


def test_numbers_have_no_map_to_judge():
    age, word, image = keras.Input((4,), name="age"), keras.Input((2,), name="word"), keras.Input(SHAPE, name="image")
    x = kl.Concatenate()([kl.Flatten()(image), age, kl.Flatten()(kl.Embedding(5, 3)(word))])
    model = filled(keras.Model([age, word, image], kl.Dense(3, name="fc")(x)))
    given = [RNG.normal(0, 1, (3, 4)), np.array([[0, 1], [2, 3], [4, 0]]), IMAGES]
    by = {name: lambda model, name=name: Saliency(model, input=name) for name in ("age", "word")}
    assert by["age"](model)(given).shape == (3, 4)
    with refused("to the numbers: .*an embedding say: explain another input"):
        by["word"](model)(given)
    with refused("randomization_check compares maps: explain an input of images"):
        randomization_check(by["age"], model, given, progress=False)
    with refused("explains images .*or volumes"):
        compare({"Saliency": by["age"]}, model, given, input="age", progress=False)


# Feature maps, and those that are dead


def test_feature_maps_of_a_shared_encoder_are_those_of_the_named_image():
    model, alone = pair(), encoder()
    everywhere = feature_maps(model, GIVEN)
    assert set(everywhere) == {f"encoder/{layer}{call}" for layer in LAYERS for call in ("", " (call 2)")}
    for side, images in zip(SIDES, GIVEN, strict=True):
        found = feature_maps(model, GIVEN, ["encoder/conv3", "conv2"], input=side, chunk=2)
        assert list(found) == ["conv2", "encoder/conv3"]
        np.testing.assert_allclose(found["encoder/conv3"], alone(images), rtol=1e-5, atol=1e-6)
        counted = dead_maps(model, GIVEN, input=side, chunk=2, progress=False)
        assert counted.layers == ("encoder/conv1", "encoder/conv2", "encoder/conv3")
        zero = (np.array(alone(images)) == 0).all(axis=(1, 2)).sum(axis=0)
        np.testing.assert_array_equal(counted.zero_images["encoder/conv3"], zero)
        assert any(np.allclose(one, found["encoder/conv3"]) for one in everywhere.values() if one.shape[-1] == 4)
    with refused("'conv3' is used 2 times in this model: name one used once, or say input="):
        feature_maps(model, GIVEN, ["conv3"])


def beside(shape=SHAPE, convolution=kl.Conv2D):
    """A number beside the image, squared as it came, and units that read both."""
    age, image = keras.Input((1,), name="age"), keras.Input(shape, name="image")
    x = convolution(5, 2, activation="relu", name="conv1")(image)
    x = kl.Concatenate()([kl.Flatten()(x), kl.Multiply(name="squared")([age, age])])
    return filled(keras.Model([age, image], kl.Dense(7, activation="relu", name="fc1")(x)))


@pytest.mark.parametrize("shape", [SHAPE, (4, 6, 5, 1)])
def test_what_goes_beside_the_image_reaches_the_maps(shape):
    model = beside(shape, kl.Conv2D if len(shape) == 3 else kl.Conv3D)
    images, ages = RNG.normal(0, 1, (5, *shape)).astype("float32"), np.array([[1], [20], [3], [0], [60]])
    expected = keras.Model(model.inputs, [model.get_layer("conv1").output, model.output])([ages, images])
    for given in ([ages.astype("uint8"), images], {"image": images, "age": ages}):  # 60 * 60 overflows in 8 bits
        found = feature_maps(model, given, ["fc1", "conv1"], chunk=2)
        for name, values in zip(("conv1", "fc1"), expected, strict=True):
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-4)
        counted = dead_maps(model, given, ["fc1"], chunk=2, progress=False)
        np.testing.assert_array_equal(counted.zero_images["fc1"], (np.array(expected[1]) == 0).sum(axis=0))
    assert 0 < counted.share_zero[0] < 1
    assert dead_maps(model, given, progress=False).layers == ("conv1",)


BAD = {
    "the image alone": (IMAGES, {}, "has 2 inputs: give a list of age, image, or a dict"),
    "turned": ([IMAGES, np.ones((3, 1))], {}, "The images have shape"),
    "other lengths": ([np.ones((2, 1)), IMAGES], {}, r"Input age is \(2, 1\): give \(N, 1\) for 3 images"),
    "nan": ([np.full((3, 1), np.nan), IMAGES], {}, "Input age holds nan"),
    "no such input": ([np.ones((3, 1)), IMAGES], {"input": "sex"}, "no input 'sex': its inputs are age, image"),
    "no maps": ([np.ones((3, 1)), IMAGES], {"input": "age"}, "Behind that input there is no ReLU"),
    "another's layer": ([np.ones((3, 1)), IMAGES], {"input": "age", "layers": ["conv1"]}, "conv1 does not depend on"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_inputs_of_maps(bad):
    given, options, says = BAD[bad]
    for use in (dead_maps, feature_maps):
        with refused(says):
            use(beside(), given, **options)
