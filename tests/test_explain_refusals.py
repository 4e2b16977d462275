"""What an explainer refuses: one line for each, that names what is wrong and the mend."""

import re
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from keras import layers as kl
from small_nets import CLASSES, EXPLAINERS, IMAGES, SHAPE, body, filled, net, top

from lookinside.errors import LookInsideError
from lookinside.explain import CAM, ClassDeconvnet, GradCAM, GuidedBackprop, Occlusion, Saliency, SmoothGrad

every = pytest.mark.parametrize("kind", EXPLAINERS)


def refused(says):
    """A LookInsideError of one line that says something."""
    return pytest.raises(LookInsideError, match=rf"\A(?=.*{says})[^\n]{{15,300}}\Z")


def with_value(value):
    images = IMAGES.copy()
    images[1, 3, 4] = value
    return images


BAD_IMAGES = {
    "nan": (with_value(np.nan), "Image 1 holds nan"),
    "infinite": (with_value(-np.inf), "Image 1 holds nan or infinite"),
    "empty batch": (IMAGES[:0], "holds no image"),
    "no batch axis": (IMAGES[0], r"image\[None\]"),
    "channels": (np.repeat(IMAGES, 3, axis=-1), r"\(3, 12, 10, 3\).*\(N, 12, 10, 1\)"),
    "no channel axis": (IMAGES[..., 0], r"\(3, 12, 10\).*\(N, 12, 10, 1\): the channel axis.*images\[\.\.\., None\]"),
    "one grey image": (IMAGES[0, ..., 0], r"batch and channel axes .*image\[None, \.\.\., None\]"),
    "one image in colour": (np.repeat(IMAGES[0], 3, axis=-1), "one image of 3 channels, convert it"),
    "size": (IMAGES[:, :11], r"\(3, 11, 10, 1\)"),
    "turned": (IMAGES.transpose(0, 2, 1, 3), r"\(3, 10, 12, 1\)"),
    "text": (IMAGES.astype(str), "give numbers"),
    "objects": (IMAGES.astype(object), "give numbers"),
    "a path": (Path("hand.png"), r"a path, 'hand.png': read the file, np.asarray.*\[None, \.\.\., None\]"),
    "a path in text": ("hand.png", "a path, 'hand.png'"),
    "paths": ([Path("hand.png"), Path("foot.png")], "paths or text, 'hand.png' first"),
    "a PIL image": (PIL.Image.new("RGB", (10, 12)), r'PIL image.*image.convert\("L"\)\)\[None, \.\.\., None\]'),
    "a data set": (tf.data.Dataset.from_tensor_slices(IMAGES).batch(2), "BatchDataset: give an array .*one batch"),
    "a generator": ((image for image in IMAGES), "type generator: give an array"),
    "a container": (SimpleNamespace(images=IMAGES), r"type SimpleNamespace: give the array in its \.images"),
    "a set": (SimpleNamespace(images=IMAGES, pixels=IMAGES), r"give the array in its \.pixels \(0 to 1\)"),
    "nothing": (None, "of type NoneType"),
    "symbols": (keras.Input(SHAPE), "KerasTensor, which is no array yet"),
    "of several sizes": ([IMAGES[0], IMAGES[0, 1:]], "differ in size"),
}
BAD_CLASSES = {
    "too high": (3, "Class 3 is outside .* 0 to 2"),
    "negative": (-1, "Class -1 is outside"),
    "one of them": (np.array([0, 7, 1]), "Class 7 is outside"),
    "floats": (np.array([0.0, 1.0, 2.0]), "whole number"),
    "a float": (1.0, "whole number"),
    "a truth": (True, "whole number"),
    "a name": ("hand", "whole number"),
    "too few": (np.array([0, 1]), "one whole number, or one for each"),
    "one hot": (np.eye(3, dtype=int), "one whole number, or one for each"),
    "a column": (np.array([[0], [1], [2]]), "one whole number, or one for each"),
}


@pytest.fixture(scope="module")
def explainers():
    """One of each, never traced: nothing bad may come that far."""
    model = net()
    return {kind: build(model) for kind, build in EXPLAINERS.items()}


def uses(explain, *names):
    """The call, and the methods that an explainer has of these."""
    return [explain, *(getattr(explain, name) for name in names if hasattr(explain, name))]


@pytest.mark.parametrize("bad", BAD_IMAGES)
@every
def test_bad_images(explainers, kind, bad):
    images, says = BAD_IMAGES[bad]
    for use in uses(explainers[kind], "gradients", "maps", "predict"):
        with refused(says):
            use(images)


def test_a_grey_image_for_a_model_in_colour_is_repeated_and_any_size_is_no_reason_to_guess():
    with refused(r"np\.repeat\(images\[\.\.\., None\], 3, axis=-1\)"):
        Saliency(net(shape=(12, 10, 3)))(IMAGES[..., 0])
    with refused(r"they are grey, give np\.repeat\(images, 3, axis=-1\)"):
        Saliency(net(shape=(12, 10, 3)))(IMAGES)
    with refused(r"the channel axis is missing"):
        Saliency(net(shape=(None, None, 1)))(IMAGES[..., 0])
    with refused("one image of 3 channels"):
        Saliency(net(shape=(None, None, 1)))(np.zeros((30, 20, 3)))


@pytest.mark.parametrize("bad", BAD_CLASSES)
@every
def test_bad_classes(explainers, kind, bad):
    classes, says = BAD_CLASSES[bad]
    for use in uses(explainers[kind], "gradients", "maps"):
        with refused(says):
            use(IMAGES, classes)


def test_complex_pixels_and_ragged_classes(explainers):
    with refused("give"):
        explainers["Saliency"](IMAGES.astype(complex))
    with refused("whole number"):
        explainers["Saliency"](IMAGES, [[0], [1, 2], [0]])


@every
def test_a_bad_image_in_a_late_chunk_is_refused_before_the_work(kind):
    def bar(*_, **__):
        raise AssertionError("the work has begun")

    explain = EXPLAINERS[kind](net(), chunk=1, progress=bar)
    with refused("Image 1 holds nan"):
        explain(with_value(np.nan))


@every
def test_one_score_has_the_classes_0_and_1(kind):
    with refused("Class 2 is outside the range.* 0 to 1"):
        EXPLAINERS[kind](net(head="sigmoid argument", columns=1))(IMAGES, 2)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="mine")
        self.convolution, self.dense = kl.Conv2D(2, 3), kl.Dense(3)

    def call(self, x):
        return self.dense(keras.ops.mean(self.convolution(x), axis=(1, 2)))


def model_of(build, shape=SHAPE):
    inputs = keras.Input(shape)
    return keras.Model(inputs, build(inputs), name="mine")


def two_inputs():
    inputs = [keras.Input(SHAPE), keras.Input(SHAPE)]
    return keras.Model(inputs, top(kl.Conv2D(2, 3)(kl.Add()(inputs))), name="mine")


BAD_MODELS = {
    "a file": (lambda: "mine.keras", "mine.keras.*load_model"),
    "subclassed": (Subclassed, "mine .*is not built"),
    "not built": (lambda: keras.Sequential([kl.Conv2D(2, 3), kl.Flatten()], name="mine"), "mine is not built"),
    "two inputs": (two_inputs, "mine has 2 inputs of images: say input= one of"),
    "two outputs": (lambda: model_of(lambda x: [top(x, name="left"), top(x, name="right")]), "output= .*left, right"),
    "no classes axis": (lambda: model_of(lambda x: kl.Flatten()(x)[:, 0]), r"mine .*\(N, classes\)"),
    "a softmax over the batch": (lambda: model_of(lambda x: keras.ops.softmax(top(x), axis=0)), "axis 0"),
    "a row of scores for each row": (lambda: model_of(lambda x: kl.Dense(3)(x[:, :, 0])), r"mine .*\(N, classes\)"),
    "vectors": (lambda: model_of(lambda x: kl.Dense(3)(x), (8,)), r"images \(N, H, W, C\)"),
    "channels first": (
        lambda: model_of(lambda x: kl.Dense(3)(kl.GlobalAveragePooling2D(data_format="channels_first", name="gap")(x))),
        "gap .*channels",
    ),
}


@pytest.mark.parametrize("bad", BAD_MODELS)
@pytest.mark.parametrize("kind", ["Saliency", "GuidedBackprop", "GradCAM", "Occlusion", "PathologyAware"])
def test_bad_models(kind, bad):
    build, says = BAD_MODELS[bad]
    with refused(says):
        EXPLAINERS[kind](build())


@pytest.mark.parametrize("output", ["nix", 2, -1, True, 0.0])
def test_an_output_that_does_not_exist(output):
    model = model_of(lambda x: [top(x, name="left"), top(x, name="right")])
    with refused("no output .*left, right"):
        Saliency(model, output=output)


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("conv3", "No layer 'conv3'.*did you mean conv[12] or conv[12]"),
        ("Conv1", "did you mean conv1"),
        ("zzzz", "its layers are .*conv1.*conv2"),
        ("fc", "fc has no maps"),
        ("", "No layer"),
    ],
)
def test_a_layer_that_does_not_exist_or_has_no_maps(layer, says):
    with refused(says):
        GradCAM(net(), layer)


def test_a_nested_layers_path_is_offered():
    backbone = model_of(body)
    model = model_of(lambda x: top(backbone(x)))
    with refused("mine/conv2"):
        GradCAM(model, "mine/conv22")


def test_a_model_without_convolution():
    model = model_of(lambda x: kl.Dense(3, name="fc")(kl.Flatten()(x)))
    with refused("no convolution"):
        GradCAM(model)
    assert Saliency(filled(model))(IMAGES).shape == (3, 12, 10)


def test_a_score_that_does_not_depend_on_the_layer():
    def build(x):
        return [
            top(kl.Conv2D(2, 3, name="conv_left")(x), name="left"),
            top(kl.Conv2D(2, 3, name="conv_right")(x), name="right"),
        ]

    with refused("score does not depend on layer conv_right"):
        GradCAM(model_of(build), "conv_right", output="left")
    assert GradCAM(model_of(build), "conv_left", output="left").layer == "conv_left"


@pytest.mark.parametrize("kind", ["Saliency", "SmoothGrad", "GuidedBackprop", "GradCAM", "PathologyAware"])
def test_a_score_without_a_gradient(kind):
    """Refused, or a map of zeros: nothing else is true."""
    model = model_of(lambda x: top(keras.ops.stop_gradient(kl.Conv2D(2, 3, name="conv")(x))))
    try:
        found = EXPLAINERS[kind](model)(IMAGES, CLASSES)
    except LookInsideError as error:
        assert "\n" not in str(error)
    else:
        assert np.abs(found).max() == 0


@pytest.mark.parametrize(
    "build",
    [
        lambda x: kl.Dense(3)(kl.Flatten()(body(x))),
        lambda x: kl.Dense(3)(kl.GlobalMaxPooling2D()(body(x))),
        lambda x: kl.Dense(3)(kl.Dense(4, activation="relu")(kl.GlobalAveragePooling2D()(body(x)))),
        lambda x: kl.Dense(3)(kl.BatchNormalization()(kl.GlobalAveragePooling2D()(body(x)))),
        lambda x: kl.GlobalAveragePooling2D()(body(x)),
        lambda x: kl.Softmax()(kl.GlobalAveragePooling2D()(body(x))),
        lambda x: kl.Dense(3, activation="tanh")(kl.GlobalAveragePooling2D()(body(x))),
        lambda x: kl.Dense(3, activation="relu")(kl.GlobalAveragePooling2D()(body(x))),
    ],
    ids=["flatten", "global maximum", "two dense layers", "normalised", "no dense", "softmax of maps", "tanh", "relu"],
)
def test_cam_without_global_average_pooling_and_one_dense_layer(build):
    """With a tanh behind the dense layer the map's mean is not the score any more."""
    with refused("mine .*GradCAM|mine .*global average pooling"):
        CAM(model_of(build))


class Mine(kl.Layer):
    def call(self, x):
        return keras.ops.relu(x)


RECTIFIERS = {
    "leaky layer": (lambda x: kl.LeakyReLU(name="leak")(x), "leak .*LeakyReLU"),
    "leaky argument": (lambda x: kl.Conv2D(2, 3, activation="leaky_relu", name="leak")(x), "leak .*leaky_relu"),
    "leaky activation": (lambda x: kl.Activation("leaky_relu", name="leak")(x), "leak .*leaky_relu"),
    "leaky operation": (keras.ops.leaky_relu, "leaky_relu"),
    "sloped": (lambda x: kl.ReLU(negative_slope=0.1, name="leak")(x), "leak .*ReLU"),
    "relu6 layer": (lambda x: kl.ReLU(6.0, name="six")(x), "six .*ReLU"),
    "relu6 argument": (lambda x: kl.Conv2D(2, 3, activation="relu6", name="six")(x), "six .*relu6"),
    "relu6 operation": (keras.ops.relu6, "relu6"),
    "threshold": (lambda x: kl.ReLU(threshold=0.5, name="late")(x), "late .*ReLU"),
    "parametric": (lambda x: kl.PReLU(name="learned")(x), "learned .*PReLU"),
    "elu": (lambda x: kl.ELU(name="soft")(x), "soft .*ELU"),
    "silu": (lambda x: kl.Activation("swish", name="soft")(x), "soft .*silu"),
    "gelu operation": (keras.ops.gelu, "gelu"),
    "softplus": (lambda x: kl.Dense(4, activation="softplus", name="soft")(x), "soft .*softplus"),
    "custom layer": (lambda x: Mine(name="own")(x), "own .*Mine.*Saliency"),
    "lambda": (lambda x: kl.Lambda(keras.ops.relu, name="own")(x), "own .*Lambda.*Saliency"),
    "wrapped custom layer": (lambda x: kl.Pipeline([Mine()], name="own")(x), "own"),
}


@pytest.mark.parametrize("bad", RECTIFIERS)
@pytest.mark.parametrize("kind", [GuidedBackprop, ClassDeconvnet])
def test_rectifiers_without_a_rule_and_what_cannot_be_seen(kind, bad):
    build, says = RECTIFIERS[bad]
    backbone = keras.Sequential([keras.Input(SHAPE), kl.Conv2D(2, 3)], name="backbone")
    inner = keras.Input((10, 8, 2))
    second = keras.Model(inner, build(inner), name="second")
    for model in (model_of(lambda x: top(build(backbone(x)))), model_of(lambda x: top(second(backbone(x))))):
        with refused(says):
            kind(model)


@pytest.mark.parametrize("bad", ["leaky operation", "custom layer", "lambda"])
def test_the_advice_to_use_saliency_holds(bad):
    model = filled(model_of(lambda x: top(RECTIFIERS[bad][0](kl.Conv2D(4, 3, name="conv1")(x)))))
    assert Saliency(model)(IMAGES).min(axis=(1, 2)).max() >= 0 < Saliency(model)(IMAGES).max()


PATCHES = {
    "patch higher than the image": ({"patch": (13, 2)}, "patch .*13.*larger than the image"),
    "patch wider than the image": ({"patch": (2, 11)}, "patch .*11.*larger than the image"),
    "stride larger than the patch": ({"patch": 4, "stride": 5}, "stride .*larger than the patch"),
    "stride wider than the patch": ({"patch": (4, 3), "stride": (3, 4)}, "stride .*larger than the patch"),
    "no patch": ({"patch": 0}, "patch is 0"),
    "negative patch": ({"patch": (4, -1)}, "patch is"),
    "no stride": ({"patch": 4, "stride": 0}, "stride 0"),
    "no copies": ({"patch": 4, "copies": 0}, "copies 0"),
    "fill of too many channels": ({"patch": 4, "fill": (0.1, 0.2, 0.3)}, "fill .*1 channel"),
    "fill of nan": ({"patch": 4, "fill": np.nan}, "fill is nan"),
    "half a patch": ({"patch": 2.5}, "patch is 2.5"),
    "half a stride": ({"patch": 4, "stride": 1.5}, "stride 1.5"),
    "three sides": ({"patch": (4, 4, 4)}, "patch is"),
    "text": ({"patch": "4"}, "patch is"),
}


@pytest.mark.parametrize("bad", PATCHES)
def test_occlusions_patches(bad):
    options, says = PATCHES[bad]
    with refused(says):
        Occlusion(net(), **options)(IMAGES)
    inputs = keras.Input((None, None, 1))
    if "image" in bad:  # where the model takes any size, the image's decides
        with refused(says):
            Occlusion(filled(keras.Model(inputs, top(body(inputs)))), **options)(IMAGES)


DRAWS = np.zeros((2, *SHAPE), "float32")
NOISES = {
    "no samples": ({"samples": 0}, "samples 0"),
    "half a sample": ({"samples": 2.5}, "samples 2.5"),
    "no copies": ({"copies": 0}, "copies 0"),
    "negative noise": ({"noise": -0.1}, "noise -0.1"),
    "noise of nan": ({"noise": np.nan}, "noise nan"),
    "draws of another size": ({"draws": DRAWS[:, 1:]}, r"\(2, 11, 10, 1\)"),
    "draws without number": ({"draws": DRAWS[0]}, r"\(12, 10, 1\)"),
    "no draws": ({"draws": DRAWS[:0]}, ""),
    "draws of nan": ({"draws": DRAWS * np.nan}, "nan"),
}


@pytest.mark.parametrize("bad", NOISES)
def test_smooth_grads_noise(bad):
    options, says = NOISES[bad]
    with refused(says):
        SmoothGrad(net(), **options)


@pytest.mark.parametrize("size", [(8, 8), (1, 1), (12, 1)])
def test_draws_of_another_size_where_the_model_takes_any(size):
    inputs = keras.Input((None, None, 1))
    model = filled(keras.Model(inputs, top(body(inputs))))
    with refused(re.escape(str(size[0]))):
        SmoothGrad(model, draws=np.ones((4, *size, 1)))(IMAGES)


@pytest.mark.parametrize("chunk", [0, -1, 2.5])
def test_a_chunk_that_is_none(chunk):
    for build in (Saliency, CAM, Occlusion):
        with refused(f"chunk is {chunk}"):
            build(net(), chunk=chunk)
