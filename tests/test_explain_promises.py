"""What every explainer promises: independent images, one trace, the weights of now, a model left as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from small_nets import (
    CLASSES,
    EXPLAINERS,
    GRADIENTS,
    IMAGES,
    SHAPE,
    assert_same,
    body,
    far_apart,
    filled,
    net,
    policy,
    top,
)

from lookinside.errors import LookInsideError
from lookinside.explain import CAM, Deconvnet, GradCAM, GuidedBackprop, Occlusion, PixelWalk, Saliency, SmoothGrad

FIVE = np.concatenate([IMAGES, IMAGES[:2, ::-1] * 0.7])
FIVE_CLASSES = np.array([2, 0, 1, 1, 2])

every = pytest.mark.parametrize("kind", EXPLAINERS)


def nearly(found, expected, tolerance=2e-6):
    """Equal but for the order of sums; a map may be empty."""
    assert found.shape == expected.shape
    assert np.abs(expected).max() > 0
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@every
def test_an_image_does_not_depend_on_its_neighbours(kind):
    explain = EXPLAINERS[kind](net())
    together = explain(FIVE, FIVE_CLASSES)
    for number in (0, 4):
        nearly(explain(FIVE[number][None], FIVE_CLASSES[number]), together[number][None])
    others = np.concatenate([FIVE[:1], -1e4 * FIVE[1:]])  # of another class, another range, another size of score
    np.testing.assert_array_equal(explain(others, np.array([2, 1, 2, 0, 0]))[0], together[0])
    turned = explain(FIVE[::-1], FIVE_CLASSES[::-1])[::-1]
    nearly(turned, together)


@every
def test_predicted_classes_do_not_depend_on_neighbours(kind):
    explain = EXPLAINERS[kind](net())
    others = np.concatenate([FIVE[:1], -1e4 * FIVE[1:]])
    np.testing.assert_array_equal(explain(others)[0], explain(FIVE)[0])


@every
def test_the_chunk_changes_nothing(kind):
    whole = EXPLAINERS[kind](net(), chunk=100)(FIVE, FIVE_CLASSES)
    nearly(EXPLAINERS[kind](net(), chunk=2)(FIVE, FIVE_CLASSES), whole)
    nearly(EXPLAINERS[kind](net(), chunk=3)(FIVE, FIVE_CLASSES), whole)


@pytest.mark.parametrize("kind", ["SmoothGrad", "Occlusion"])
def test_the_number_of_copies_changes_nothing(kind):
    whole = EXPLAINERS[kind](net(), copies=10**4)(FIVE, FIVE_CLASSES)
    for copies, chunk in ((1, 16), (11, 16), (4, 2)):
        nearly(EXPLAINERS[kind](net(), copies=copies, chunk=chunk)(FIVE, FIVE_CLASSES), whole)


@pytest.mark.parametrize(("chunk", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (4, [4, 1]), (16, [5])])
def test_the_chunk_bounds_the_images_at_once(chunk, sizes, monkeypatch):
    seen = batch_sizes(monkeypatch)
    Saliency(net(), chunk=chunk)(FIVE)
    assert seen == [size for size in sizes for _ in range(2)]  # two convolutions


@pytest.mark.parametrize("kind", ["SmoothGrad", "Occlusion"])
def test_the_copies_bound_the_images_at_once(kind, monkeypatch):
    sizes = batch_sizes(monkeypatch)
    EXPLAINERS[kind](net(), copies=11)(FIVE, FIVE_CLASSES)
    assert max(sizes) == 10  # two copies of each of five images


def batch_sizes(monkeypatch):
    """The batch sizes that convolutions compute from now on."""
    sizes, own = [], kl.Conv2D.call

    def call(layer, x):
        tf.numpy_function(lambda count: sizes.append(int(count)), [tf.shape(x)[0]], [])
        return own(layer, x)

    monkeypatch.setattr(kl.Conv2D, "call", call)
    return sizes


def traces(monkeypatch):
    """Grows by one with each convolution that is traced from now on: its Python code runs at no other time."""
    seen, own = [], kl.Conv2D.call
    monkeypatch.setattr(kl.Conv2D, "call", lambda layer, x: seen.append(x.shape) or own(layer, x))
    return seen


@pytest.mark.parametrize("kind", ["Saliency", "SmoothGrad", "LayerCAM", "Occlusion"])
def test_batches_of_all_sizes_share_a_trace(kind, monkeypatch):
    many = np.concatenate([FIVE] * 4)
    explain, seen = EXPLAINERS[kind](net()), traces(monkeypatch)
    maps = [explain(many[:count], 1) for count in (1, 2, 3, 5, 16, 17)]
    assert len(seen) == (4 if kind in TWICE else 2)
    for one in maps:
        nearly(one, maps[-1][: len(one)])


def test_the_deconvnet_and_insertion_trace_once_for_all_sizes(monkeypatch):
    many, made, own = np.concatenate([FIVE] * 4), [], tf.function
    monkeypatch.setattr(tf, "function", lambda *given, **options: made.extend(given) or own(*given, **options))
    explain, walk = Deconvnet(net(), top_n=2, chunk=10), PixelWalk(net(), steps=3, copies=20)
    whole = explain(many)
    for count in (1, 2, 3, 5, 16, 17):
        heat = explain(many[:count])
        nearly(heat, whole[:count])
        walk.insertion(many[:count], heat, 1)
    assert len(made) == 2 + 1


TWICE = ("SmoothGrad", "Occlusion")  # the clean images and the loop's body; for the others convolutions run once each


def test_explainers_that_are_made_anew_trace_without_a_warning(caplog, capfd):
    """TensorFlow warns of five traces in ten calls, and takes functions of one code for one function."""
    for _ in range(12):
        GuidedBackprop(net())(IMAGES, 1)
    assert "retracing" not in caplog.text + "".join(capfd.readouterr())


@every
def test_traced_once_per_shape(kind, monkeypatch):
    model, larger = net(shape=(None, None, 1)), np.tile(IMAGES, (1, 2, 2, 1))
    explain = EXPLAINERS[kind](model)
    calls = traces(monkeypatch)
    explain(IMAGES, CLASSES)
    assert len(calls) == (4 if kind in TWICE else 2)
    first = len(calls)
    explain(IMAGES[::-1] * 2)
    explain(IMAGES.astype("uint8"), 1)
    explain(IMAGES.astype("float64"), [0, 1, 0])
    model.set_weights([weight * 0.9 for weight in model.get_weights()])
    explain(IMAGES, np.int64(2))
    assert len(calls) == first
    explain(larger, CLASSES)
    assert len(calls) == 2 * first
    explain(larger, 0)
    explain(IMAGES, CLASSES)
    assert len(calls) == 2 * first


@every
def test_chunks_of_one_batch_are_one_trace(kind, monkeypatch):
    explain = EXPLAINERS[kind](net(), chunk=2)
    calls = traces(monkeypatch)
    explain(FIVE, FIVE_CLASSES)
    assert len(calls) == (4 if kind in TWICE else 2)


def trained(model):
    """One large step of training, that moves the normalisation's statistics too."""
    model.compile(keras.optimizers.SGD(0.3), "sparse_categorical_crossentropy", run_eagerly=True)
    model.train_on_batch(IMAGES, CLASSES[::-1])


@every
def test_it_explains_the_weights_of_now(kind):
    model = net(head="softmax argument")
    explain = EXPLAINERS[kind](model)
    before = explain(IMAGES, CLASSES)
    trained(model)
    after = explain(IMAGES, CLASSES)
    assert np.abs(after - before).max() > 0.05 * np.abs(before).max()
    nearly(after, EXPLAINERS[kind](model)(IMAGES, CLASSES))


def mixed():
    """All that a stand-in changes: half floats, ReLU as argument in a nested model, a softmax as argument."""
    with policy("mixed_float16"):
        inner, inputs = keras.Input(SHAPE), keras.Input(SHAPE)
        backbone = keras.Model(inner, body(inner), name="backbone")
        return filled(keras.Model(inputs, top(backbone(inputs), "softmax argument")))


def state_of(model):
    """All of a model that an explainer could leave changed."""
    layers = model._flatten_layers()
    own = ("activation", "dtype_policy", "compute_dtype", "variable_dtype", "trainable", "built")
    attributes = [(layer.name, *(getattr(layer, name, None) for name in own), set(vars(layer))) for layer in layers]
    return attributes, model.get_config(), model.to_json(), model.count_params(), len(model.variables)


def assert_untouched(model, state, weights, answer):
    assert state_of(model) == state
    for layer, (_, activation, *_) in zip(model._flatten_layers(), state[0], strict=True):
        assert getattr(layer, "activation", None) is activation
    assert all(np.array_equal(new, old) for new, old in zip(model.get_weights(), weights, strict=True))
    np.testing.assert_array_equal(np.array(model(IMAGES)), answer)


@every
def test_the_model_is_left_as_it_was(kind):
    model = mixed()
    state, weights, answer = state_of(model), model.get_weights(), np.array(model(IMAGES))
    explain = EXPLAINERS[kind](model)
    assert_untouched(model, state, weights, answer)
    explain(IMAGES)
    explain.predict(IMAGES)
    assert_untouched(model, state, weights, answer)


@pytest.mark.parametrize("broken", [kl.Conv2D, kl.Dense], ids=["body", "head"])
@every
def test_the_model_is_left_as_it_was_after_an_error_while_tracing(kind, broken, monkeypatch):
    model = mixed()
    state, weights, answer = state_of(model), model.get_weights(), np.array(model(IMAGES))
    explain = EXPLAINERS[kind](model)
    seen = []

    def fail(layer, *arguments, **options):
        seen.append(layer.compute_dtype)
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(broken, "call", fail)
        with pytest.raises(RuntimeError, match="out of memory"):
            explain(IMAGES)
    assert seen == ["float32"]  # it was a stand-in that broke
    assert_untouched(model, state, weights, answer)
    nearly(explain(IMAGES, CLASSES), EXPLAINERS[kind](net())(IMAGES, CLASSES))  # and it works afterwards


@every
def test_a_class_may_be_given_in_any_whole_number(kind):
    explain = EXPLAINERS[kind](net())
    by_array = explain(IMAGES, np.array([1, 1, 1]))
    for classes in (1, np.int64(1), np.uint8(1), [1, 1, 1], (1, 1, 1), np.ones(3, "uint8"), np.array(1)):
        np.testing.assert_array_equal(explain(IMAGES, classes), by_array)
    one_by_one = np.stack([explain(IMAGES, int(wanted))[place] for place, wanted in enumerate(CLASSES)])
    np.testing.assert_array_equal(explain(IMAGES, CLASSES), one_by_one)
    assert far_apart(explain(IMAGES, CLASSES)[1:2], by_array[1:2])


@every
def test_none_is_the_predicted_class(kind):
    model = net(head="softmax layer")
    explain = EXPLAINERS[kind](model, chunk=2)
    predicted = np.array(model(FIVE)).argmax(axis=1)
    assert len(set(predicted)) > 1
    np.testing.assert_array_equal(explain.predict(FIVE), predicted)
    assert explain.predict(FIVE).dtype == np.int32
    np.testing.assert_array_equal(explain(FIVE), explain(FIVE, predicted))
    np.testing.assert_array_equal(explain(FIVE, None), explain(FIVE))


@pytest.mark.parametrize("kind", ["GradCAM", "GradCAMPlusPlus", "LayerCAM", "CAM"])
def test_low_maps_and_signed_gradients_hold_the_same_promises(kind):
    explain, one = EXPLAINERS[kind](net()), EXPLAINERS[kind](net(), chunk=1)
    nearly(explain.maps(FIVE), one.maps(FIVE))
    assert explain.maps(FIVE).shape == (5, 4, 4)
    np.testing.assert_array_equal(explain.maps(FIVE), explain.maps(FIVE, explain.predict(FIVE)))


@pytest.mark.parametrize("kind", GRADIENTS)
def test_signed_gradients_hold_the_same_promises(kind):
    explain, one = GRADIENTS[kind](net()), GRADIENTS[kind](net(), chunk=1)
    nearly(explain.gradients(FIVE), one.gradients(FIVE))
    np.testing.assert_array_equal(explain.gradients(FIVE), explain.gradients(FIVE, explain.predict(FIVE)))


def test_smooth_grads_noise_comes_from_its_seed():
    first, again, other = (SmoothGrad(net(), samples=4, seed=seed)(IMAGES, CLASSES) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert far_apart(first, other)
    explain = SmoothGrad(net(), samples=4, seed=3)
    np.testing.assert_array_equal(explain(IMAGES, CLASSES), explain(IMAGES, CLASSES))
    keras.utils.set_random_seed(9)  # must not matter
    np.testing.assert_array_equal(explain(IMAGES, CLASSES), first)


def test_the_images_are_not_written_into():
    for kind, build in EXPLAINERS.items():
        images, classes = FIVE.copy(), FIVE_CLASSES.copy()
        images.flags.writeable = classes.flags.writeable = False
        build(net(), chunk=3)(images, classes)
        assert np.array_equal(images, FIVE), kind


@every
def test_progress_counts_every_image_once_and_closes(kind):
    class Bar:
        def __init__(self, steps, description, unit):
            self.steps, self.description, self.done, self.closed = steps, description, 0, False
            bars.append(self)

        def update(self, steps):
            self.done += steps

        def close(self):
            self.closed = True

    bars = []
    EXPLAINERS[kind](net(), chunk=2, progress=Bar)(FIVE)
    assert [(bar.steps, bar.done, bar.closed, bar.description) for bar in bars] == [(5, 5, True, kind)]


@pytest.mark.parametrize("progress", [True, False])
def test_short_work_is_silent(progress, capfd):
    Saliency(net(), progress=progress)(IMAGES)
    captured = capfd.readouterr()
    assert "Saliency" not in captured.out + captured.err


def test_the_layer_of_a_map_is_named():
    inputs = keras.Input(SHAPE)
    backbone = keras.Model(inputs, body(inputs, "layer"), name="backbone")
    outer = keras.Input(SHAPE)
    model = filled(keras.Model(outer, top(backbone(outer))))
    relu = backbone.layers[-1].name
    assert GradCAM(model).layer == CAM(model).layer == f"backbone/{relu}"
    for name in ("conv2", "backbone/conv2", relu, "backbone"):
        assert GradCAM(model, name).layer == f"backbone/{relu}"
        assert_same(GradCAM(model, name)(IMAGES, CLASSES), GradCAM(net())(IMAGES, CLASSES))
    assert GradCAM(model, "pool").maps(IMAGES).shape == (3, 6, 5)


def test_occlusions_stride_is_half_the_patch():
    assert Occlusion(net(), 5).stride == (2, 2)
    assert Occlusion(net(), (4, 7)).stride == (2, 3)
    assert Occlusion(net(), 1).stride == (1, 1)
    with pytest.raises(LookInsideError):
        Occlusion(net(), 5, 6)


def test_grad_cam_plus_plus_survives_a_large_score():
    """Its weights hold the score's exponential, which is infinite from 89 on in float32: it is left out."""
    model = net()
    expected = EXPLAINERS["GradCAMPlusPlus"](model)(IMAGES, CLASSES)
    kernel, bias = model.get_layer("fc").get_weights()
    model.get_layer("fc").set_weights([kernel, bias + 500])
    nearly(EXPLAINERS["GradCAMPlusPlus"](model)(IMAGES, CLASSES), expected)
