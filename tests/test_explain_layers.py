"""Where class maps are taken by default, and scores that hide probabilities."""

import keras
import numpy as np
import pytest
from keras import layers as kl
from small_nets import CLASSES, IMAGES, SHAPE, assert_same, body, filled, net, top

from lookinside.errors import CourseError
from lookinside.explain import CAM, GradCAM, LayerCAM, Saliency


def model_of(build, shape=SHAPE):
    inputs = keras.Input(shape)
    return filled(keras.Model(inputs, build(inputs)))


def test_a_convolution_that_stands_for_a_dense_layer_is_no_map():
    """MobileNet ends in a 1x1 convolution behind its pooling."""

    def build(x):
        x = kl.GlobalAveragePooling2D(keepdims=True)(body(x))
        return kl.Reshape((3,))(kl.Conv2D(3, 1, name="scores")(x))

    model = model_of(build)
    assert GradCAM(model).layer == "conv2"
    assert np.ptp(GradCAM(model)(IMAGES, CLASSES), axis=(1, 2)).min() > 0
    with pytest.raises(CourseError, match="scores has maps of one pixel"):
        GradCAM(model, "scores")


def test_a_residual_block_stands_for_its_sum():
    def build(x):
        x = kl.Conv2D(4, 3, padding="same", name="stem")(x)
        y = kl.BatchNormalization(name="norm")(kl.Conv2D(4, 3, padding="same", name="branch")(x))
        return top(kl.ReLU(name="end")(kl.Add(name="sum")([x, y])))

    assert GradCAM(model_of(build)).layer == "end"
    assert GradCAM(model_of(build), "branch").layer == "norm"  # asked for, it is the branch alone
    cam, grad_cam = (kind(model_of(build)).maps(IMAGES, CLASSES) for kind in (CAM, GradCAM))
    assert grad_cam.max() > 0
    np.testing.assert_allclose(grad_cam, np.maximum(cam, 0) / (12 * 10), atol=1e-6)


def test_the_default_layer_lies_on_the_outputs_own_way():
    inputs = keras.Input(SHAPE)
    late = top(kl.Conv2D(3, 1, name="late")(body(inputs)), "softmax argument", 4, "findings")
    model = filled(keras.Model(inputs, [net()(inputs), late]))
    assert_same(GradCAM(model, output=0).maps(IMAGES, CLASSES), GradCAM(net()).maps(IMAGES, CLASSES))
    assert GradCAM(model, output="findings").layer == "late"


PROBABILITIES = {
    "two softmaxes": lambda x: kl.Average()([top(x, "softmax argument"), top(x, "softmax layer", name="b")]),
    "two softmaxes, by operators": lambda x: (top(x, "softmax argument") + top(x, "softmax operation", name="b")) / 2,
    "sigmoids in a row": lambda x: kl.Concatenate()([top(x, "sigmoid argument", 1, name) for name in "abc"]),
    "a softmax at each pixel": lambda x: kl.GlobalAveragePooling2D()(kl.Conv2D(3, 1, activation="softmax")(x)),
    "one softmax": lambda x: top(x, "softmax argument", 1),
}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_scores_that_mix_probabilities_are_refused(name):
    with pytest.raises(CourseError, match=r"mix the probabilities|softmax of one score"):
        Saliency(model_of(lambda x: PROBABILITIES[name](body(x))))


def test_sums_of_logits_are_not():
    model = model_of(lambda x: kl.Average()([top(body(x)), top(kl.Conv2D(2, 3, name="other")(x), name="b")]))
    assert Saliency(model)(IMAGES, CLASSES).max() > 0


def adapted():
    layer = kl.Normalization(name="scale")
    model = model_of(lambda x: top(kl.Conv2D(6, 3, activation="relu", name="last")(layer(x)), "softmax argument"))
    layer.adapt(IMAGES * 50 + 100)
    return model, layer


def test_an_adapted_normalisation_is_copied_as_it_is():
    model, layer = adapted()
    images = IMAGES * 50 + 100
    plain = filled(keras.Model(model.layers[1].output, model.output))
    expected = LayerCAM(plain).maps(np.array(layer(images)), CLASSES)
    assert_same(LayerCAM(model).maps(images, CLASSES), expected, 1e-5)


@pytest.mark.parametrize("layer", [3, None.__class__, ["conv2"]])
def test_a_layer_is_given_by_its_name(layer):
    with pytest.raises(CourseError, match="give its name"):
        GradCAM(net(), layer)
