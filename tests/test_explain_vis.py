"""The adapter to tf-keras-vis: right where tf-keras-vis left alone is class-blind, constant, infinite or raising."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lookinside.errors import CourseError
from lookinside.explain import ActivationMaximization, GradCAM, GradCAMPlusPlus, LayerCAM, Saliency, ScoreCAM

pytestmark = pytest.mark.filterwarnings("error:The structure of `inputs`")
ALL = (GradCAMPlusPlus, LayerCAM, ScoreCAM)


def backbone(channels=1):
    return [
        keras.layers.Conv2D(6, 3, padding="same", name="first"),
        keras.layers.ReLU(name="relu"),
        keras.layers.MaxPooling2D(2, name="pool"),
        keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="last"),
    ]


def head(classes, **options):
    return [keras.layers.Flatten(name="flat"), keras.layers.Dense(classes, name="scores", **options)]


def model_of(kind, channels=1):
    """The same network with another way to its end."""
    keras.utils.set_random_seed(1)
    image = keras.Input((16, 12, channels))
    options = {"activation": kind} if kind in ("softmax", "sigmoid") else {}
    layers = [*backbone(), *head(1 if kind == "sigmoid" else 3, **options)]
    if kind == "nested":
        layers = [keras.Sequential([keras.Input((16, 12, channels)), *backbone()], name="inner"), *head(3)]
    if kind == "softmax layer":
        layers.append(keras.layers.Softmax())
    x = image
    for layer in layers:
        x = layer(x)
    return keras.Model(image, x)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((3, 16, 12, 1), "float32")


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("kind", ["softmax", "softmax layer", "nested"])
def test_every_ending_gives_the_maps_of_the_logits(method, kind, images):
    plain, other = model_of("logits"), model_of(kind)
    other.set_weights(plain.get_weights())
    layer = "inner/last" if kind == "nested" else "last"
    expected = method(plain, "last")(images, 1)
    assert expected.shape == (3, 16, 12)
    assert np.abs(method(other, layer)(images, 1) - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("method", ALL)
def test_classes_differ(method, images):
    maps = [method(model_of("softmax layer"))(images, number).ravel() for number in range(3)]
    assert min(one.std() for one in maps) > 0
    assert np.corrcoef(maps)[np.triu_indices(3, 1)].min() < 0.98


@pytest.mark.parametrize("method", ALL)
def test_one_logit_tells_two_classes_apart(method, images):
    explain = method(model_of("sigmoid"))
    no, yes = explain(images, 0), explain(images, 1)
    assert np.isfinite(no).all() and np.isfinite(yes).all()
    assert not np.allclose(no, yes)


def test_large_logits_do_not_overflow(images):
    model = model_of("logits")
    expected = GradCAMPlusPlus(model)(images)
    kernel, bias = model.get_layer("scores").get_weights()
    model.get_layer("scores").set_weights([kernel, bias + 500])  # exp(500) is infinite in float32
    assert expected.max() > 0
    assert np.abs(GradCAMPlusPlus(model)(images) - expected).max() <= 1e-5 * expected.max()


@pytest.mark.parametrize("method", [*ALL, lambda model: ScoreCAM(model, maps_used=2)])
def test_neighbours_do_not_matter(method, images):
    explain = method(model_of("softmax"))
    together, alone = explain(images, 1), explain(images[1:2], 1)
    assert np.abs(together[1:2] - alone).max() <= 1e-5 * np.abs(together).max()


def test_gradcam_plus_plus_by_its_formula(images):
    """Chattopadhay et al. 2018, Eqs. 10 and 19, with the score's exponential set to 1."""
    model = model_of("logits")
    parts = keras.Model(model.input, [model.get_layer("last").output, model.output])
    with tf.GradientTape() as tape:
        maps, logits = parts(images)
        tape.watch(maps)
        score = keras.Sequential([keras.Input(maps.shape[1:]), *model.layers[-2:]])(maps)[:, 2]
    slopes = tape.gradient(score, maps).numpy()
    maps = maps.numpy()
    below = 2 * slopes**2 + slopes**3 * maps.sum(axis=(1, 2), keepdims=True)
    alphas = np.divide(slopes**2, below, out=np.zeros_like(below), where=slopes != 0)
    total = alphas.sum(axis=(1, 2), keepdims=True)
    alphas = np.divide(alphas, total, out=np.zeros_like(alphas), where=total != 0)
    weights = (np.maximum(slopes, 0) * alphas).sum(axis=(1, 2))
    expected = np.maximum(np.einsum("nhwk,nk->nhw", maps, weights), 0)
    got = GradCAMPlusPlus(model, "last").maps(images, 2)
    assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()


def test_weights_are_read_at_each_call_and_left_alone(images):
    model = model_of("softmax")
    explain = LayerCAM(model)
    before = explain(images, 1)
    model.get_layer("last").set_weights([w * 0.5 for w in model.get_layer("last").get_weights()])
    assert not np.allclose(before, explain(images, 1))
    assert model.get_layer("scores").activation is keras.activations.softmax


def test_score_cam_refuses_sigmoids_of_several_classes():
    model = keras.Sequential([keras.Input((16, 12, 1)), *backbone(), *head(3, activation="sigmoid")])
    with pytest.raises(CourseError, match="sigmoids"):
        ScoreCAM(model)
    assert np.isfinite(GradCAM(model)(np.ones((1, 16, 12, 1)))).all()


def test_score_cam_uses_the_maps_of_largest_spread(images):
    explain = ScoreCAM(model_of("softmax"), maps_used=2)
    assert explain(images, 1).max() > 0
    with pytest.raises(CourseError, match="has 8 maps"):
        ScoreCAM(model_of("softmax"), maps_used=9)


def test_many_score_cams_are_silent(images, capfd, caplog):
    """tf-keras-vis predicts with a bar of its own; TensorFlow takes many models' traces for those of one."""
    for _ in range(7):
        ScoreCAM(model_of("softmax"), progress=False)(images, 0)
    out = "".join(capfd.readouterr()) + caplog.text
    assert "━" not in out and "ms/step" not in out and "retracing" not in out


def test_gradcam_plus_plus_is_traced_once(images, monkeypatch):
    calls = []
    monkeypatch.setattr(GradCAMPlusPlus, "_score", lambda self, logits: calls.append(1) or logits * 0.01)
    explain = GradCAMPlusPlus(model_of("logits"))
    for _ in range(3):
        explain(images)
    assert len(calls) == 1


def ascent(classes, *, world=0, **options):
    """`world` seeds all that draws from a global state: it must not matter."""
    explain = ActivationMaximization(model_of("softmax"), steps=5, progress=False, **options)
    keras.utils.set_random_seed(world)
    return explain(classes)


def test_activation_maximization_raises_its_class():
    model = model_of("softmax")
    found = ActivationMaximization(model, steps=30)([0, 2])
    assert found.shape == (2, 16, 12, 1)
    assert found.min() >= 0 and found.max() <= 1
    start = np.random.default_rng(0).uniform(0, 1, (1, 16, 12, 1)).astype(np.float32)
    logits = Saliency(model)._logits(tf.constant(np.concatenate([start, found]))).numpy()
    assert logits[1, 0] > logits[0, 0]
    assert logits[2, 2] > logits[0, 2]


def test_a_class_looks_the_same_alone_and_among_others():
    among = ascent([0, 2, 1])
    assert np.abs(ascent([0, 2, 1], chunk=2) - among).max() <= 1e-5
    assert np.abs(ascent(2)[0] - among[1]).max() <= 1e-5


def test_the_seed_says_all():
    one, again = (ascent(1, seed=3, world=world) for world in (7, 8))
    assert (one == again).all()
    assert np.abs(one - ascent(1, seed=4)).max() > 0.01


def test_activation_maximization_shows_its_steps():
    done = []

    class Shown:
        def __init__(self, steps, description, unit):
            done.append((steps, unit))

        def update(self, steps):
            done.append(steps)

        def close(self):
            done.append("closed")

    ActivationMaximization(model_of("logits"), steps=3, chunk=2, progress=Shown)([0, 1, 2])
    assert done == [(6, "step"), *[1] * 6, "closed"]


@pytest.mark.parametrize(
    "value_range", [(0,), (0, 1, 2), None, 3, (1, 0), (0, 0), (0, np.inf), (np.nan, 1), "ab", "01x"]
)
def test_a_range_of_pixels_is_two_numbers(value_range):
    with pytest.raises(CourseError, match="the low before the high"):
        ActivationMaximization(model_of("logits"), value_range=value_range)


def test_no_class_is_refused():
    with pytest.raises(CourseError, match="name one or more"):
        ActivationMaximization(model_of("logits"))(np.array([], int))
