"""One model, several threads: each gets the maps that it would get alone, and nobody ever sees the model changed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from small_nets import CLASSES, IMAGES, SHAPE, body, filled, net, policy, top

from lookinside.explain import CAM, GradCAM, GuidedBackprop, PathologyAware, Saliency, ScoreCAM, SmoothGrad
from lookinside.explain.network.stand_ins import stand_in


def shared():
    """Half floats, ReLUs as arguments, in a wrapper and in a nested model, a softmax as argument."""
    with policy("mixed_float16"):
        inner, inputs = keras.Input(SHAPE), keras.Input(SHAPE)
        x = kl.Conv2D(5, 3, activation="relu", name="conv1")(inner)
        x = kl.TimeDistributed(kl.Dense(5, activation="relu", name="each"), name="rows")(kl.Reshape((4, -1))(x))
        backbone = keras.Model(inner, x, name="backbone")
        x = kl.Flatten()(backbone(inputs))
        return filled(keras.Model(inputs, kl.Dense(3, activation="softmax", name="fc")(x)))


def at_once(work):
    """The results of four threads that begin at the same moment."""
    start = threading.Barrier(4)

    def one(_):
        start.wait()
        return work()

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(4)))


def test_threads_with_an_explainer_each_get_the_serial_maps():
    model = shared()
    serial = GuidedBackprop(model).gradients(IMAGES, CLASSES)
    assert np.abs(serial - Saliency(model).gradients(IMAGES, CLASSES)).max() > 0.1 * np.abs(serial).max()
    for found in at_once(lambda: GuidedBackprop(model).gradients(IMAGES, CLASSES)):
        np.testing.assert_array_equal(found, serial)


def test_threads_that_share_an_explainer_trace_it_once_and_without_a_warning(caplog, capfd, monkeypatch):
    traces, own = [], kl.Conv2D.call
    monkeypatch.setattr(kl.Conv2D, "call", lambda layer, x: traces.append(x.shape) or own(layer, x))
    explain, sizes = GuidedBackprop(net(shape=(None, None, 1))), (8, 9, 10, 11, 12)
    work = lambda: [explain(np.ones((side - 7, side, 12, 1)), 1) for side in sizes]  # noqa: E731
    first, *others = at_once(work)
    assert len(traces) == 2 * len(sizes)  # two convolutions
    for maps in zip(first, *others, strict=True):
        assert all(np.array_equal(one, maps[0]) for one in maps[1:])
    assert "retracing" not in caplog.text + "".join(capfd.readouterr())


def test_nobody_sees_another_activation_while_others_trace():
    model = shared()
    layers = model._flatten_layers()
    look = lambda: [  # noqa: E731
        (getattr(layer, "activation", None), layer.dtype_policy, layer.compute_dtype, set(vars(layer)))
        for layer in layers
    ]
    before, seen, done = look(), [], threading.Event()

    def reader():
        while not done.is_set():
            now = look()
            if any(one != other for one, other in zip(now, before, strict=True)):
                seen.append(now)

    watching = threading.Thread(target=reader)
    watching.start()
    try:
        kinds = [GuidedBackprop, Saliency, lambda one: GradCAM(one, "conv1"), GuidedBackprop]
        makes = iter(kinds)
        at_once(lambda: next(makes)(model)(IMAGES, 1))
    finally:
        done.set()
        watching.join()
    assert not seen


EVERYTHING = {
    "gradients": lambda model: SmoothGrad(model, samples=2)(IMAGES, 1),
    "guided": lambda model: GuidedBackprop(model)(IMAGES, 1),
    "class maps": lambda model: [one(model)(IMAGES, 1) for one in (CAM, GradCAM, PathologyAware)],
    "Score-CAM": lambda model: ScoreCAM(model)(IMAGES[:1], 1),
}


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.filterwarnings("ignore:The structure of `inputs`")
def test_what_layers_note_in_a_call_is_not_the_models(name):
    """Losses of activity regularizers, what a layer of one's own keeps, and nodes of symbolic calls."""

    class Keeping(kl.Layer):
        seen = None

        def call(self, x):
            self.seen = x
            self.history = [x]
            return x * 1.0

    inputs = keras.Input(SHAPE)
    x = kl.ActivityRegularization(l2=1.0, name="penalty")(body(inputs, "operation"))
    if name in ("gradients", "class maps"):
        x = Keeping(name="keeping")(x)
    model = filled(keras.Model(inputs, top(x, "softmax operation")))
    model(IMAGES)
    losses = [id(loss) for loss in model.losses]
    kept = {layer.name: dict(vars(layer)) for layer in model.layers}
    nodes = [len(operation._inbound_nodes) for operation in model.operations]
    EVERYTHING[name](model)
    assert [id(loss) for loss in model.losses] == losses and len(losses) == 1
    assert [len(operation._inbound_nodes) for operation in model.operations] == nodes
    for layer in model.layers:
        assert vars(layer).keys() == kept[layer.name].keys()
        assert all(vars(layer)[key] is value for key, value in kept[layer.name].items()), layer.name


def test_a_stand_in_computes_as_its_layer_does_with_the_weights_of_now():
    inner = keras.Input((4, 6))
    nested = keras.Model(inner, kl.Dense(3, activation="relu", name="deep")(inner))
    layers = [
        kl.Bidirectional(kl.LSTM(3, activation="relu", recurrent_activation="relu")),
        kl.RNN(kl.StackedRNNCells([kl.GRUCell(3), kl.LSTMCell(2)])),
        kl.TimeDistributed(nested),
        kl.TimeDistributed(keras.Sequential([kl.Dense(3, activation="relu"), kl.Dense(2)])),
        kl.SpectralNormalization(kl.Dense(3, activation="relu")),
        kl.MultiHeadAttention(2, 3),
        kl.Pipeline([kl.Dense(3), kl.ReLU()]),
    ]
    for layer in layers:
        own = (
            [np.ones((2, 5, 4, 6), "float32")]
            if isinstance(layer, kl.TimeDistributed)
            else [np.ones((2, 4, 6), "float32")]
        )
        arguments = own * 2 if isinstance(layer, kl.MultiHeadAttention) else own
        layer(*arguments)
        changed = []
        copy = stand_in(layer, lambda copy, own, changed=changed: changed.append((copy, own)))
        layer.set_weights([np.random.default_rng(0).normal(size=w.shape) for w in layer.get_weights()])
        np.testing.assert_array_equal(np.array(copy(*arguments)), np.array(layer(*arguments)))
        assert {id(one) for _, one in changed} >= {id(one) for one in layer._flatten_layers()}
        assert not {id(one) for one, _ in changed} & {id(one) for _, one in changed}


def test_a_change_reaches_the_layers_of_a_nested_model_in_a_wrapper():
    """A functional model runs the layers of its graph, not the list that it shows."""
    inner = keras.Input((6,))
    nested = keras.Model(inner, kl.Dense(3, activation="relu", use_bias=False, name="deep")(inner))
    for layer in (kl.TimeDistributed(nested), kl.TimeDistributed(keras.Sequential([nested]))):
        x = tf.random.normal((2, 4, 6), seed=1)
        layer(x)

        def change(copy, own):
            if own.name == "deep":
                vars(copy)["activation"] = keras.activations.linear

        linear = np.array(stand_in(layer, change)(x))
        np.testing.assert_allclose(linear, np.array(x) @ nested.get_layer("deep").kernel.numpy(), rtol=1e-5)
        assert linear.min() < 0 <= np.array(layer(x)).min()
