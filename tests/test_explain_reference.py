"""The explainers against references that are not ours: captum, pytorch-grad-cam, tf-keras-vis, loops, differences."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl
from small_nets import CLASSES, GRADIENTS, IMAGES, SHAPE, assert_same, filled, gradient, net, policy, top

from lookinside.explain import (
    CAM,
    ClassDeconvnet,
    GradCAM,
    GradCAMPlusPlus,
    GuidedBackprop,
    LayerCAM,
    Occlusion,
    Saliency,
    SmoothGrad,
)

GOLDEN = np.load(Path(__file__).parent / "oracles" / "explainers_golden.npz")


def overlapping():
    """The golden file's first network; its ReLUs are spelled in four ways."""
    inputs = keras.Input((21, 17, 1))
    x = kl.Conv2D(6, 3, padding="same", activation="relu", name="conv1")(inputs)
    x = kl.MaxPooling2D(3, 2, padding="same")(x)
    x = kl.Conv2D(8, 3, padding="same", name="conv2")(x)
    x = keras.ops.relu(kl.BatchNormalization(name="bn2")(x))
    x = kl.MaxPooling2D(3, 2)(x)
    x = kl.ReLU(name="relu3")(kl.Conv2D(7, (2, 3), name="conv3")(x))
    return keras.Model(inputs, kl.Dense(4, activation="softmax", name="fc")(kl.GlobalAveragePooling2D()(x)))


def colours():
    """The second: three channels, the convolutions in a nested model, rectified dense layers."""
    backbone = keras.Sequential(
        [
            keras.Input((26, 19, 3)),
            kl.BatchNormalization(name="bn0"),
            kl.Conv2D(8, 5, strides=2, name="conv1"),
            kl.BatchNormalization(name="bn1"),
            kl.ReLU(name="relu1"),
            kl.MaxPooling2D((3, 2), 1),
            kl.Conv2D(6, 3, dilation_rate=2, groups=2, activation="relu", name="conv2"),
        ],
        name="backbone",
    )
    dense = [kl.Dense(9, name="fc1"), kl.BatchNormalization(name="bn3"), kl.Activation("relu"), kl.Dropout(0.5)]
    layers = [kl.MaxPooling2D(2), kl.Flatten(), *dense, kl.Dense(5, name="fc2")]
    return keras.Sequential([keras.Input((26, 19, 3)), backbone, *layers])


def joined():
    """The third: a sum, a concatenation, an average pool, a global maximum."""
    inputs = keras.Input((15, 14, 1))
    first = kl.Conv2D(5, 3, padding="same", activation="relu", name="conv1")(inputs)
    x = kl.BatchNormalization(name="bn2")(kl.Conv2D(5, 3, padding="same", name="conv2")(first))
    x = kl.Conv2D(5, 3, padding="same", name="conv3")(keras.ops.relu(x))
    x = kl.AveragePooling2D(2)(kl.Activation("relu", name="relu3")(kl.Add()([x, first])))
    x = kl.Concatenate()([kl.Conv2D(4, 1, activation="relu", name="conv4")(x), x])
    x = kl.GlobalMaxPooling2D()(kl.ReLU()(kl.Conv2D(6, 3, name="conv5")(x)))
    return keras.Model(inputs, kl.Softmax()(kl.Dense(3, name="fc")(x)))


NETS = {"overlapping": overlapping, "colours": colours, "joined": joined}
KEYS = {"gradient": Saliency, "guided": GuidedBackprop, "deconvnet": ClassDeconvnet}
MAPS = {"gradcam": GradCAM, "gradcam++": GradCAMPlusPlus, "layercam": LayerCAM}
# Where our name of a rectified map is not that of the golden file: a convolution stands for what follows it.
CAMS = {"overlapping/relu2": "conv2", "joined/relu1": "conv1", "joined/relu4": "conv4", "colours/relu2": "conv2"}


@pytest.fixture(scope="module", params=NETS)
def golden(request):
    """A network of the golden file with its weights, and its arrays."""
    name = request.param
    model = NETS[name]()
    own = {key.removeprefix(f"{name}/"): GOLDEN[key] for key in GOLDEN if key.startswith(f"{name}/")}
    for layer in model._flatten_layers():
        for weight in [] if isinstance(layer, keras.Model) else layer.weights:
            weight.assign(own.pop(f"{layer.name}/{weight.name}"))
    assert not [key for key in own if key.endswith(("kernel", "gamma"))]  # all were used
    return model, own, name


@pytest.mark.parametrize("key", KEYS)
def test_gradients_agree_with_captum(golden, key):
    model, own, _ = golden
    explain = KEYS[key](model)
    assert_same(explain.gradients(own["images"], own["classes"]), own[key], 1e-5)
    assert_same(explain(own["images"], own["classes"]), np.abs(own[key]).max(axis=-1), 1e-5)


@pytest.mark.parametrize("key", MAPS)
def test_class_activation_maps_agree_with_captum_and_pytorch_grad_cam(golden, key):
    model, own, name = golden
    compared = [one.removeprefix(f"{key}/") for one in own if one.startswith(f"{key}/")]
    assert len(compared) >= 2
    for layer in compared:
        explain = MAPS[key](model, CAMS.get(f"{name}/{layer}", layer))
        assert_same(explain.maps(own["images"], own["classes"]), own[f"{key}/{layer}"], 1e-5)
    default = {"overlapping": "relu3", "colours": "relu2"}.get(name)
    if default:  # the last convolution, with the activation behind it
        assert_same(MAPS[key](model).maps(own["images"], own["classes"]), own[f"{key}/{default}"], 1e-5)


def test_the_predicted_class_is_that_of_captums_logits(golden):
    model, own, _ = golden
    np.testing.assert_array_equal(Saliency(model).predict(own["images"]), own["logits"].argmax(axis=1))


def tf_keras_vis_net(channels):
    """What it handles: functional, logits, each layer a layer."""
    inputs = keras.Input((14, 11, channels))
    x = kl.BatchNormalization(name="bn1")(kl.Conv2D(5, 3, name="conv1")(inputs))
    x = kl.MaxPooling2D(2)(kl.ReLU()(x))
    x = kl.Conv2D(6, 3, padding="same", activation="relu", name="conv2")(x)
    return filled(keras.Model(inputs, kl.Dense(3, name="fc")(kl.Flatten()(x))))


@pytest.mark.filterwarnings("ignore:The structure of `inputs`")  # tf-keras-vis hands its model a list
@pytest.mark.parametrize("channels", [1, 3])
def test_saliency_and_grad_cam_agree_with_tf_keras_vis(channels):
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.saliency import Saliency as Theirs
    from tf_keras_vis.utils.scores import CategoricalScore

    model = tf_keras_vis_net(channels)
    images = np.random.default_rng(6).normal(0.2, 1, (3, 14, 11, channels)).astype("float32")
    classes = [0, 1, 1]  # with these no map is empty
    score = CategoricalScore(classes)
    theirs = Theirs(model, clone=False)
    signed = theirs(score, images, normalize_map=False, keepdims=True, gradient_modifier=None)
    assert_same(Saliency(model).gradients(images, classes), signed)
    assert_same(Saliency(model)(images, classes), theirs(score, images, normalize_map=False))
    raw = {"expand_cam": False, "normalize_cam": False, "seek_penultimate_conv_layer": False}
    maps = Gradcam(model, clone=False)(score, images, penultimate_layer="conv2", **raw)
    assert_same(GradCAM(model, "conv2").maps(images, classes), np.array(maps))


def occluded(model, images, classes, patch, stride, fill):
    """Occlusion by loops: one patch and one image after the other, in float64 but for the model."""
    _, height, width, _ = images.shape
    tops = sorted({*range(0, height - patch[0] + 1, stride[0]), height - patch[0]})
    lefts = sorted({*range(0, width - patch[1] + 1, stride[1]), width - patch[1]})
    windows = [(slice(y, y + patch[0]), slice(x, x + patch[1])) for y in tops for x in lefts]
    found = []
    for image, wanted in zip(images, classes, strict=True):
        hidden = np.repeat(image[None], len(windows) + 1, axis=0)
        for place, window in enumerate(windows):
            hidden[place][window] = fill
        *scores, clean = np.array(model(hidden), np.float64)[:, wanted]
        total, covered = np.zeros((height, width)), np.zeros((height, width))
        for window, score in zip(windows, scores, strict=True):
            total[window] += clean - score
            covered[window] += 1
        assert covered.min() > 0
        found.append(total / covered)
    return np.stack(found)


@pytest.mark.parametrize(
    ("options", "patch", "stride", "fill"),
    [
        ({"patch": 4, "stride": 3}, (4, 4), (3, 3), 0.0),  # 12 and 10 - 4 = 8 and 6: does not divide, divides
        ({"patch": (5, 3), "stride": (2, 3), "fill": 0.7}, (5, 3), (2, 3), 0.7),
        ({"patch": (3, 5), "stride": 3, "fill": (0.1, -0.4, 2.0)}, (3, 5), (3, 3), (0.1, -0.4, 2.0)),
        ({"patch": 5}, (5, 5), (2, 2), 0.0),  # half the patch
        ({"patch": (12, 10), "stride": 1}, (12, 10), (1, 1), 0.0),  # the whole image
        ({"patch": 1}, (1, 1), (1, 1), 0.0),
    ],
)
@pytest.mark.parametrize("copies", [64, 7])
def test_occlusion_agrees_with_a_loop(options, patch, stride, fill, copies):
    model = net(shape=(12, 10, 3))
    images = np.random.default_rng(2).normal(0.2, 1, (3, 12, 10, 3)).astype("float32")
    found = Occlusion(model, copies=copies, **options)(images, CLASSES)
    assert_same(found, occluded(model, images, CLASSES, patch, stride, fill), 1e-5)


@pytest.mark.parametrize("copies", [1, 3, 100])
def test_smooth_grad_agrees_with_a_loop_of_gradients(copies):
    model = net(shape=(12, 10, 3))
    rng = np.random.default_rng(3)
    images = rng.normal(0, 1, (3, 12, 10, 3)).astype("float32") * np.array([1, 5, 0.2], "float32").reshape(-1, 1, 1, 1)
    draws = rng.normal(0, 1, (7, 12, 10, 3)).astype("float32")
    spread = images.max(axis=(1, 2, 3), keepdims=True) - images.min(axis=(1, 2, 3), keepdims=True)
    expected = np.mean([gradient(model, images + 0.2 * spread * draw, CLASSES) for draw in draws], axis=0)
    explain = SmoothGrad(model, noise=0.2, draws=draws, copies=copies)
    assert_same(explain.gradients(images, CLASSES), expected, 2e-6)
    assert_same(explain(images, CLASSES), np.abs(expected).max(axis=-1), 2e-6)


def squares(shape=(9, 8, 1)):
    """Score 0 is half the sum of squares: its gradient is the image itself, so that noise can be read off."""
    inputs = keras.Input(shape)
    x = kl.Dense(2, use_bias=False, name="fc")(kl.Flatten()(kl.Multiply()([inputs, inputs])))
    model = keras.Model(inputs, x)
    model.get_layer("fc").set_weights([np.stack([np.full(np.prod(shape), 0.5), np.zeros(np.prod(shape))], axis=1)])
    return model


def test_the_noise_is_gaussian_and_relative_to_each_images_range():
    images = np.random.default_rng(4).random((2, 64, 48, 1)).astype("float32") * 0.5
    images[1] = 10 * images[0] - 3
    options = {"samples": 1, "noise": 0.15}
    spread = (images.max(axis=(1, 2, 3)) - images.min(axis=(1, 2, 3))).reshape(2, 1, 1, 1)
    noise = (SmoothGrad(squares((64, 48, 1)), **options).gradients(images, 0) - images) / spread
    np.testing.assert_allclose(noise[0], noise[1], atol=1e-5)  # the same draws
    assert noise.std() == pytest.approx(0.15, rel=0.05)
    assert abs(noise.mean()) < 0.01
    assert np.mean(np.abs(noise) < 0.15) == pytest.approx(0.683, abs=0.03)
    other = SmoothGrad(squares((64, 48, 1)), seed=1, **options).gradients(images, 0)
    assert abs(np.corrcoef(((other - images) / spread)[0].ravel(), noise[0].ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("copies", [1, 4, 100])
def test_each_sample_has_its_own_noise(copies):
    """Were a draw used twice, or one too many counted, the mean's spread would not be that of 50."""
    images = np.random.default_rng(5).random((1, 64, 48, 1)).astype("float32")
    explain = SmoothGrad(squares((64, 48, 1)), samples=50, noise=0.3, copies=copies)
    noise = (explain.gradients(images, 0) - images) / (images.max() - images.min())
    assert noise.std() == pytest.approx(0.3 / np.sqrt(50), rel=0.05)


def test_without_noise_it_is_the_gradient():
    model = net()
    assert_same(SmoothGrad(model, noise=0, samples=3)(IMAGES, CLASSES), Saliency(model)(IMAGES, CLASSES))


def bilinear(maps, size):
    """Half pixel centres, edges repeated; (h, w) -> size in float64."""
    for axis, (old, new) in enumerate(zip(maps.shape, size, strict=True)):
        places = (np.arange(new) + 0.5) * old / new - 0.5
        maps = np.apply_along_axis(lambda line, p=places: np.interp(p, np.arange(len(line)), line), axis, maps)
    return maps


def test_cam_by_hand():
    model = net(head="softmax argument")
    activations = np.array(keras.Model(model.input, model.get_layer("conv2").output)(IMAGES), np.float64)
    kernel, bias = model.get_layer("fc").get_weights()
    expected = np.stack([maps @ kernel[:, wanted] for maps, wanted in zip(activations, CLASSES, strict=True)])
    explain = CAM(model)
    found = explain.maps(IMAGES, CLASSES)
    assert explain.layer == "conv2"
    assert found.min() < 0 < found.max()
    assert_same(found, expected)
    assert_same(explain(IMAGES, CLASSES), np.stack([bilinear(one, SHAPE[:2]) for one in expected]))
    scores = np.log(np.array(model(IMAGES)))[np.arange(3), CLASSES] - np.log(np.array(model(IMAGES)))[np.arange(3), 0]
    sums = found.mean(axis=(1, 2)) + bias[CLASSES] - explain.maps(IMAGES, 0).mean(axis=(1, 2)) - bias[0]
    np.testing.assert_allclose(sums, scores, atol=1e-5)


def test_grad_cam_is_cam_without_its_negative_parts_where_both_apply():
    model = net()
    cam, grad_cam = CAM(model), GradCAM(model)
    area = np.float32(np.prod(cam.maps(IMAGES).shape[1:]))
    assert_same(grad_cam.maps(IMAGES, CLASSES) * area, np.maximum(cam.maps(IMAGES, CLASSES), 0), 2e-6)
    assert_same(grad_cam(IMAGES, CLASSES), np.stack([bilinear(m, SHAPE[:2]) for m in grad_cam.maps(IMAGES, CLASSES)]))


def smooth_and_kinked(dtype):
    """Many kinds of layers, softmax at the end."""
    with policy(dtype):
        inputs = keras.Input((9, 8, 2), dtype=dtype)
        x = kl.Conv2D(5, 3, strides=2, padding="same", activation="gelu", name="conv1")(inputs)
        x = kl.LayerNormalization(name="norm")(x)
        x = kl.MaxPooling2D(2, 1)(kl.LeakyReLU()(kl.DepthwiseConv2D(2, padding="same", name="deep")(x)))
        x = kl.Multiply()([x, kl.Activation("sigmoid")(kl.Conv2D(5, 1, name="gate")(x))])
        return filled(keras.Model(inputs, top(kl.ELU()(x), "softmax argument")))


def test_the_gradient_agrees_with_finite_differences():
    """In a copy of the model in float64, pixel by pixel; softmax is undone by the logarithm, up to a constant."""
    model, exact = smooth_and_kinked("float32"), smooth_and_kinked("float64")
    exact.set_weights(model.get_weights())
    image = np.random.default_rng(6).normal(0, 1, (1, 9, 8, 2)).astype("float32")
    steps = 1e-5 * np.eye(144).reshape(144, 9, 8, 2)
    scores = [np.log(np.array(exact(image.astype("float64") + sign * steps))) for sign in (1, -1)]
    by_class = (scores[0] - scores[1]) / 2e-5
    assert by_class.dtype == np.float64
    explain = Saliency(model)
    found = [explain.gradients(image, number) for number in range(3)]
    for number in (0, 1):  # differences between classes: there the constant falls out
        expected = (by_class[:, number] - by_class[:, 2]).reshape(1, 9, 8, 2)
        assert_same(found[number] - found[2], expected, 1e-5)


@pytest.mark.parametrize("kind", GRADIENTS)
def test_a_map_is_the_largest_absolute_gradient_over_channels(kind):
    model = net(shape=(12, 10, 3))
    images = np.repeat(IMAGES, 3, axis=-1) * np.array([1, -2, 0.5], "float32")
    explain = GRADIENTS[kind](model)
    signed = explain.gradients(images, CLASSES)
    assert signed.min() < 0
    assert_same(explain(images, CLASSES), np.abs(signed).max(axis=-1))
