"""Options, maps and models that cannot be used: one line each, from every function that takes them."""

import keras
import numpy as np
import pytest
from keras import layers as kl
from small_nets import CLASSES, IMAGES, SHAPE, body, filled, net, top

from lookinside.errors import LookInsideError
from lookinside.explain import (
    CAM,
    ActivationMaximization,
    Deconvnet,
    GradCAM,
    Occlusion,
    Saliency,
    ScoreCAM,
    SmoothGrad,
    bootstrap_interval,
    compare,
    deletion,
    heat_map,
    insertion,
    landmark_share,
    linear_imputation,
    map_correlation,
    randomization_check,
    randomize_weights,
)

HEAT = np.ones((3, 12, 10))


def refused(says):
    return pytest.raises(LookInsideError, match=rf"\A(?=.*{says})[^\n]{{15,300}}\Z")


def with_lambda():
    inputs = keras.Input(SHAPE)
    return filled(keras.Model(inputs, top(kl.Lambda(lambda x: x * 2, name="twice")(body(inputs)))))


def averaging_the_image():
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, kl.Dense(3)(kl.GlobalAveragePooling2D()(inputs)))


CALLS = {
    "fill is text": (lambda: Occlusion(net(), 4, fill="a"), "fill holds no numbers"),
    "noise is text": (lambda: SmoothGrad(net(), noise="a"), "noise a"),
    "half a seed": (lambda: SmoothGrad(net(), seed=1.5), "seed 1.5"),
    "negative seed": (lambda: insertion(net(), IMAGES, HEAT, seed=-1), "seed -1"),
    "fill of two channels": (lambda: deletion(net(), IMAGES, HEAT, fill=(1, 2)), "fill is .* 1 channel"),
    "fill of nan": (lambda: deletion(net(), IMAGES, HEAT, fill=np.nan), "fill is nan"),
    "fill of a word": (
        lambda: deletion(net(), IMAGES, HEAT, fill="black"),
        "'black': give a number.*'imputed'",
    ),
    "fill of a word, inserted": (lambda: insertion(net(), IMAGES, HEAT, fill="black"), "fill is 'black'"),
    "no fill": (lambda: deletion(net(), IMAGES, HEAT, fill=None), "fill"),
    "noise below zero": (lambda: deletion(net(), IMAGES, HEAT, fill="imputed", noise=-1), "noise is -1"),
    "removed by numbers": (lambda: linear_imputation(IMAGES, HEAT), "removed is float64 .*give bool"),
    "no resamples": (lambda: bootstrap_interval(np.ones(3), resamples=0), "resamples"),
    "heat of text": (lambda: insertion(net(), IMAGES, [*HEAT.astype(str).tolist(), "x"]), "heat holds no numbers"),
    "ragged heat": (lambda: landmark_share([[1], [1, 2]], HEAT > 0), "heat holds no numbers"),
    "a map of text": (lambda: map_correlation("a", HEAT), "map holds no numbers"),
    "maps of text": (lambda: heat_map("a"), "maps holds no numbers"),
    "images of text": (lambda: compare({"s": Saliency}, net(), IMAGES.astype(str)), "give numbers"),
    "a list of makers": (lambda: compare([Saliency], net(), IMAGES), "give a dict"),
    "an explainer for a maker": (lambda: compare({"s": Saliency(net())}, net(), IMAGES), "rather than GradCAM.model."),
    "nothing for a maker": (lambda: compare({"s": None}, net(), IMAGES), "None makes no explainer"),
    "an explainer to check": (lambda: randomization_check(Saliency(net()), net(), IMAGES), "rather than GradCAM.model"),
    "feature visualisation": (
        lambda: compare({"s": ActivationMaximization}, net(), IMAGES),
        "makes no map of an image",
    ),
    "regions of numbers": (lambda: compare({"s": Saliency}, net(), IMAGES, regions=HEAT), "regions are float64"),
    "a name of the table's own": (
        lambda: compare({"random heat": Saliency}, net(), IMAGES),
        "rows of the table already",
    ),
    "a maker of nothing": (lambda: compare({"s": lambda _: None}, net(), IMAGES), "no map of an image"),
    "ragged regions": (lambda: landmark_share(HEAT, [[[1], [1, 2]]]), "rows of different lengths"),
    "ragged classes": (lambda: ActivationMaximization(net())([[1], [1, 2]]), "rows of different lengths"),
    "values of infinity": (lambda: bootstrap_interval([1, np.inf]), "hold infinity"),
    "complex values": (lambda: bootstrap_interval([1, 2j]), "holds no numbers"),
    "progress is text": (lambda: Saliency(net(), progress="yes")(IMAGES), "progress is 'yes'"),
    "progress is nothing": (lambda: compare({"s": Saliency}, net(), IMAGES, progress=None), "progress is None"),
    "pixels beyond float32": (lambda: Saliency(net())(IMAGES.astype(float) * 1e300), "infinite pixels"),
    "an image that is averaged": (lambda: CAM(averaging_the_image()), "averages the image"),
    "no model to check": (lambda: randomization_check(GradCAM, None, IMAGES), "Keras model is needed"),
    "no model to draw anew": (lambda: randomize_weights("mine.keras"), "Keras model is needed"),
    "a lambda to be copied": (lambda: ScoreCAM(with_lambda(), "conv2"), "twice .*cannot be copied"),
    "a lambda to be drawn anew": (lambda: randomize_weights(with_lambda()), "twice .*cannot be copied"),
}


@pytest.mark.parametrize("name", CALLS)
def test_it_is_refused_in_one_line(name):
    call, says = CALLS[name]
    with refused(says):
        call()


@pytest.mark.parametrize("kind", [Saliency, GradCAM, CAM])
def test_weights_of_nan_are_said(kind):
    model = net()
    model.get_layer("conv2").bias.assign(np.full(6, np.nan))
    with refused("conv2 holds weights that are nan"):
        kind(model)


def test_weights_that_become_nan_later_are_said():
    model = net()
    explain = CAM(model)
    model.get_layer("fc").kernel.assign(np.full((6, 3), np.nan))
    with refused("maps hold nan"):
        explain(IMAGES, CLASSES)


class Bar:
    """Counts, and notes that it was closed."""

    made = None

    def __init__(self, steps, description, unit):
        Bar.made, self.steps, self.done, self.closed, self.unit = self, steps, 0, False, unit

    def update(self, steps):
        self.done += steps

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("work", "steps"),
    [
        (lambda: insertion(net(), IMAGES, HEAT, 0, progress=Bar), 3),
        (lambda: deletion(net(), IMAGES, HEAT, 0, progress=Bar), 3),
        (lambda: Deconvnet(net(), progress=Bar)(IMAGES), 3),
        (lambda: Deconvnet(net(), top_n=2, chunk=2, progress=Bar).maps(IMAGES), 3),
        (lambda: randomization_check(GradCAM, net(), IMAGES, 0, progress=Bar), 4),
    ],
    ids=["insertion", "deletion", "Deconvnet", "Deconvnet, one by one", "randomization_check"],
)
def test_long_work_has_a_bar_that_counts_every_step(work, steps):
    Bar.made = None
    work()
    assert (Bar.made.steps, Bar.made.done, Bar.made.closed) == (steps, steps, True)


def test_a_fill_may_have_a_value_for_each_channel():
    model = net(shape=(12, 10, 3))
    images = np.repeat(IMAGES, 3, axis=-1)
    grey = deletion(model, images, HEAT, 0, fill=0.5)
    assert np.array_equal(deletion(model, images, HEAT, 0, fill=(0.5, 0.5, 0.5)).areas, grey.areas)
    assert not np.array_equal(deletion(model, images, HEAT, 0, fill=(0.5, 0.5, 0.9)).areas, grey.areas)


def test_of_two_outputs_one_is_compared():
    inputs = keras.Input(SHAPE)
    x = body(inputs)
    two = filled(keras.Model(inputs, [top(x), top(x, "sigmoid argument", 4, "findings")]))
    alone = filled(keras.Model(inputs, two.outputs[0]))
    found = compare({"s": lambda model: Saliency(model, output="fc")}, two, IMAGES, output="fc")
    expected = compare({"s": Saliency}, alone, IMAGES)
    np.testing.assert_allclose(found["s"]["insertion"], expected["s"]["insertion"], rtol=1e-5)


def test_the_deconvnet_goes_through_random_layers():
    inputs = keras.Input(SHAPE)
    plain = filled(keras.Model(inputs, top(body(inputs))))
    turned = filled(keras.Model(inputs, top(body(kl.RandomRotation(0.2)(kl.RandomFlip()(inputs))))))
    np.testing.assert_array_equal(Deconvnet(turned)(IMAGES), Deconvnet(plain)(IMAGES))
