"""PathologyAware: Eqs. 1 to 4 of Wang et al. 2019 by hand, against float64 NumPy, and in its ablations."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from oracles.pathology_numpy import moment, pathology_aware, resized, sets
from small_nets import CLASSES, IMAGES, SHAPE, assert_same, far_apart, filled, net, top

from lookinside.errors import LookInsideError
from lookinside.explain import (
    BlankMapWarning,
    GradCAM,
    PathologyAware,
    Saliency,
    compare,
    feature_maps,
    randomization_check,
)
from lookinside.explain.maps.combination import combined
from lookinside.explain.maps.selection import feature_sets, l1_norms_and_moments

READINGS = ("layer", "gyration", "quantile", "raw", "none")


def refused(says):
    return pytest.raises(LookInsideError, match=rf"\A(?=.*{says})[^\n]{{15,300}}\Z")


def measured(*maps):
    """L1 norms and moments of maps (h, w), each (K,)."""
    norms, moments = l1_norms_and_moments(tf.constant(np.stack(maps, axis=-1)[None], tf.float32))
    return norms.numpy()[0], moments.numpy()[0]


def test_the_moment_by_hand():
    one = np.array([[2, 1, 0], [1, 0, 0], [0, 0, 0]])
    # Centroid ((0*3 + 1*1) / 4, (0*3 + 1*1) / 4) = (1/4, 1/4). Distances squared: 1/8 for the corner, 9/16 + 1/16 = 5/8
    # for its two neighbours. J = 2 * 1/8 + 1 * 5/8 + 1 * 5/8 = 3/2.
    norms, moments = measured(one)
    assert norms == 4 and moments == 1.5
    assert moment(one.astype(float)) == 1.5


def test_the_moment_does_not_move_with_the_map_and_is_linear_in_its_brightness():
    rng = np.random.default_rng(0)
    blob, corner = rng.random((4, 5)), np.zeros((200, 231))
    corner[:4, :5] = blob
    far, middle, bright = corner * 0, corner * 0, 1000 * corner
    far[-4:, -5:], middle[90:94, 101:106] = blob, blob
    norms, moments = measured(corner, far, middle, bright)
    np.testing.assert_allclose(moments / [1, 1, 1, 1000], moment(blob), rtol=1e-5)
    np.testing.assert_allclose(norms / [1, 1, 1, 1000], blob.sum(), rtol=1e-5)
    assert measured(corner.T)[1] == pytest.approx(moment(blob), rel=1e-5)


def test_values_below_zero_weigh_by_their_size():
    one = np.array([[2.0, -1, 0], [-1, 0, 0], [0, 0, 0]])
    assert measured(one) == (4, 1.5)


def chosen(norms, moments, **options):
    """The sets of one image as lists of numbers, and which were filled by a quantile."""
    rows = [tf.constant([one], tf.float32) for one in (norms, moments)]
    found = feature_sets(*rows, **options)
    return [np.flatnonzero(one[0]).tolist() for one in (found.low, found.high)], found.by_quantile.numpy()[0].tolist()


# Map 4 is dim; J / max J of the others is .01, .3, .95, 1; J / L1 is .1, 15, 9.5, 2 -> over 15: .007, 1, .63, .13.
NORMS, MOMENTS = [10.0, 2, 10, 50, 1], [1.0, 30, 95, 100, 9999]
BY_READING = {
    "layer": ([[0], [2, 3]], [False, False]),
    "gyration": ([[0], [1]], [False, False]),
    "quantile": ([[0], [3]], [True, True]),
    "raw": ([[], [0, 1, 2, 3]], [False, False]),
    "none": ([[0, 1, 2, 3], [0, 1, 2, 3]], [False, False]),
}


@pytest.mark.parametrize("cmi", READINGS)
def test_the_readings_of_the_thresholds_by_hand(cmi):
    theta_act = 0.03  # of 50: the map of norm 1 falls out, whose moment is the largest
    assert chosen(NORMS, MOMENTS, theta_act=theta_act, cmi=cmi) == BY_READING[cmi]


def test_thresholds_are_exceeded_not_met():
    assert chosen([10, 1, 9], [10, 1, 9], theta_act=0.1)[0] == [[2], [0]]  # 1 is not active
    assert chosen([1] * 5, [10, 9, 1, 5, 0]) == ([[4], [0]], [False, False])  # 9 / 10 is not high, 1 / 10 not low


def test_an_empty_set_is_filled_by_a_quantile_and_said_to_be():
    even = [8.0, 9.5, 9.6, 10]  # over 10: none below .1, three above .9
    assert chosen([1] * 4, even) == ([[0], [1, 2, 3]], [True, False])
    assert chosen([1] * 4, [9.2, 9.5, 9.6, 10]) == ([[0], [1, 2, 3]], [True, False])  # the first is taken from high
    assert chosen([1] * 4, even, cmi="raw") == ([[], [0, 1, 2, 3]], [False, False])
    assert chosen([1] * 3, [5, 5, 5]) == ([[], [0, 1, 2]], [True, False])  # a tie of all is not low and high at once
    assert chosen([4], [7]) == ([[], [0]], [True, False])
    assert chosen([0, 0], [0, 0]) == ([[], []], [True, True])
    assert chosen([1, 1], [0, 0]) == ([[0, 1], []], [False, True])  # points


@pytest.mark.parametrize("count", [2, 5, 11, 21, 64])
def test_quantiles_are_numpys_in_each_image_of_a_batch(count):
    rng = np.random.default_rng(count)
    norms, moments = rng.random((40, count)).astype("float32"), rng.random((40, count)).astype("float32")
    norms[:, : count // 2][rng.random((40, count // 2)) < 0.3] = 0
    found = feature_sets(tf.constant(norms), tf.constant(moments), 0.1, (0.1, 0.9), "quantile")
    for row in range(40):
        active = norms[row] > np.float32(0.1) * norms[row].max()
        low, high = np.quantile(moments[row][active].astype(float), (0.1, 0.9))
        alone = active.sum() == 1
        np.testing.assert_array_equal(found.low[row], active & (moments[row] <= low) & ~alone)
        np.testing.assert_array_equal(found.high[row], active & (moments[row] >= high) & ~alone)


def two_layers():
    """Two convolutions, with pads and strides that leave maps of other shapes than the image's, and a flat head."""
    inputs = keras.Input((14, 11, 2))
    x = kl.Conv2D(9, 3, padding="same", activation="relu", name="first")(inputs)
    x = kl.ReLU()(kl.Conv2D(12, (3, 2), strides=2, name="second")(x))
    return filled(keras.Model(inputs, kl.Dense(3, activation="softmax", name="fc")(kl.Flatten()(x))))


def by_tape(model, images, classes):
    """Maps and gradients of both layers in float64, from the network written out in tf.nn: lists of (N, h, w, K)."""
    first, second, dense = (
        [tf.constant(one, tf.float64) for one in model.get_layer(name).get_weights()]
        for name in ("first", "second", "fc")
    )
    with tf.GradientTape() as tape:
        x = tf.constant(images, tf.float64)
        tape.watch(x)
        one = tf.nn.relu(tf.nn.conv2d(x, first[0], 1, "SAME") + first[1])
        other = tf.nn.relu(tf.nn.conv2d(one, second[0], 2, "VALID") + second[1])
        logits = tf.reshape(other, (len(images), -1)) @ dense[0] + dense[1]
        score = tf.gather(logits, classes, axis=1, batch_dims=1)
    return [one.numpy(), other.numpy()], [slope.numpy() for slope in tape.gradient(score, [one, other])]


PICTURES = np.random.default_rng(1).normal(0.2, 1, (3, 14, 11, 2)).astype("float32")


@pytest.mark.parametrize("cmi", READINGS)
def test_the_whole_chain_against_float64_numpy(cmi):
    model = two_layers()
    maps, slopes = by_tape(model, PICTURES, CLASSES)
    options = {"cmi": cmi, "theta_act": 0.3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if cmi == "raw" else "error", BlankMapWarning)
        found = PathologyAware(model, **options)(PICTURES, CLASSES)
    for number in range(3):
        rows = [[one[number] for one in both] for both in (maps, slopes)]
        for one, expected in zip(found, pathology_aware(*rows, (14, 11), **options), strict=True):
            assert one.dtype == np.float32
            np.testing.assert_allclose(one[number], expected, atol=1e-5 * max(np.abs(expected).max(), 1e-3))
    if cmi != "raw":
        assert found.low.min() < 0 < found.low.max() and found.high.min() < 0 < found.high.max()


def test_the_selection_tells_what_the_maps_are_made_of():
    model = two_layers()
    maps, slopes = by_tape(model, PICTURES, CLASSES)
    selection = PathologyAware(model, theta_act=0.3).select(PICTURES, CLASSES)
    assert list(selection) == ["first", "second"]
    spoke = []
    for one, expected, slope in zip(selection.values(), maps, slopes, strict=True):
        np.testing.assert_allclose(one.norms, expected.sum(axis=(1, 2)), rtol=1e-5)
        np.testing.assert_allclose(one.weights, slope.mean(axis=(1, 2)), atol=1e-6 * np.abs(slope).max())
        for number in range(3):
            by_map = [moment(expected[number, ..., k]) for k in range(expected.shape[-1])]
            np.testing.assert_allclose(one.moments[number], by_map, rtol=1e-5, atol=1e-6 * max(by_map))
            low, high, *rules = sets(expected[number], 0.3)
            assert np.flatnonzero(one.low[number]).tolist() == low
            assert np.flatnonzero(one.high[number]).tolist() == high
            assert [one.low_by_quantile[number], one.high_by_quantile[number]] == rules
            spoke += rules
        assert (one.active >= (one.low | one.high)).all() and one.active.dtype == bool
    assert set(spoke) == {True, False}  # both rules were tried
    row = selection.rows["second"]
    second = selection["second"]
    assert row["maps"] == 12 and row["active"] == second.active.sum() / 3
    assert row["low by quantile"] == second.low_by_quantile.mean() and row["low empty"] == 0


def test_empty_sets_are_counted_and_blank_maps_said():
    explain = PathologyAware(two_layers(), cmi="raw", theta_cmi=(1e-9, 0.1))
    with pytest.warns(BlankMapWarning, match=r"PathologyAware: 3 of 6 maps are empty .*\(low 3 of 3\)") as caught:
        found = explain(PICTURES, CLASSES)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert not found.low.any() and found.high.any()
    assert [row["low empty"] for row in explain.select(PICTURES).rows.values()] == [1, 1]
    assert [row["high empty"] for row in explain.select(PICTURES).rows.values()] == [0, 0]


def test_both_maps_are_those_of_each_alone_and_layers_add_up():
    model = net()
    explain = PathologyAware(model)
    assert explain.layers == ("conv1", "conv2")
    found = explain(IMAGES, CLASSES)
    np.testing.assert_array_equal(explain.only("low")(IMAGES, CLASSES), found.low)
    np.testing.assert_array_equal(explain.only("high")(IMAGES, CLASSES), found.high)
    assert far_apart(found.low, found.high)
    parts = [PathologyAware(model, [name])(IMAGES, CLASSES) for name in ("conv1", "conv2")]
    for which in (0, 1):
        assert_same(parts[0][which] + parts[1][which], found[which])


def test_without_cmi_a_layer_alone_is_grad_cam_before_its_negative_parts_are_cut():
    both = PathologyAware(net(), ["conv2"], cmi="none", theta_act=0)(IMAGES, CLASSES)
    np.testing.assert_array_equal(both.low, both.high)
    maps = feature_maps(net(), IMAGES, ["conv2"])["conv2"]
    kernel = net().get_layer("fc").get_weights()[0]
    low = np.stack([one @ kernel[:, wanted] for one, wanted in zip(maps, CLASSES, strict=True)]) / 16  # of 4 x 4 pixels
    assert_same(np.maximum(low, 0), GradCAM(net(), "conv2").maps(IMAGES, CLASSES), 1e-5)
    larger = tf.image.resize(low[..., None], SHAPE[:2])[..., 0].numpy()
    assert_same(both.low, larger, 1e-5)


def test_without_l1_every_map_that_is_not_zero_is_active():
    model = two_layers()
    kernel, bias = model.get_layer("second").get_weights()
    bias[3] = -1000
    model.get_layer("second").set_weights([kernel, bias])
    one = PathologyAware(model, theta_act=0).select(PICTURES)["second"]
    assert one.active[:, np.arange(12) != 3].all() and not one.active[:, 3].any()
    assert not one.low[:, 3].any() and not one.high[:, 3].any()
    fewer = PathologyAware(model, theta_act=0.5).select(PICTURES)["second"]
    assert fewer.active.sum() < one.active.sum()


def test_shuffled_sets_keep_their_sizes_and_each_active_map_has_its_turn():
    rng = np.random.default_rng(0)
    norms, moments = (tf.constant(rng.random((4, 20)), tf.float32) for _ in range(2))
    own = feature_sets(norms, moments, 0.3)
    drawn = [feature_sets(norms, moments, 0.3, order=tf.constant(rng.permutation(20), tf.int32)) for _ in range(200)]
    for which in ("low", "high"):
        size = tf.math.count_nonzero(getattr(own, which), 1)
        for one in drawn:
            np.testing.assert_array_equal(tf.math.count_nonzero(getattr(one, which), 1), size)
            assert not (one.low & one.high).numpy().any() and (one.active | ~(one.low | one.high)).numpy().all()
        shares = np.mean([getattr(one, which).numpy() for one in drawn], axis=0)
        even = (size / tf.math.count_nonzero(own.active, 1)).numpy()[:, None]
        assert np.abs(shares - even)[own.active].max() < 0.15


def test_shuffled_sets_come_from_the_seed_whatever_the_neighbours_are():
    model = two_layers()
    own, first, other = (PathologyAware(model, shuffle=seed).select(PICTURES, CLASSES) for seed in (None, 3, 4))
    turned = PathologyAware(model, shuffle=3).select(PICTURES[::-1], CLASSES[::-1])
    for name, one in first.items():
        np.testing.assert_array_equal(turned[name].high[::-1], one.high)
        np.testing.assert_array_equal(one.active, own[name].active)
        np.testing.assert_array_equal(one.low.sum(axis=1), own[name].low.sum(axis=1))
    assert any((one.high != other[name].high).any() for name, one in first.items())
    assert any((one.high != own[name].high).any() for name, one in first.items())


def test_a_training_graph_has_the_same_maps_and_their_gradient():
    """What a generator's loss does: the real image's weights are constants, the made one's maps are differentiated."""
    model = two_layers()
    explain = PathologyAware(model)
    real, made = tf.constant(PICTURES), tf.constant(PICTURES[::-1] * 0.7)

    @tf.function
    def loss_and_gradient(real, made):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([real, made])
            weights = explain.map_weights(real, 1)
            loss = tf.reduce_sum(explain.weighted(made, weights) ** 2)
        return explain.weighted(real, weights), loss, tape.gradient(loss, made), tape.gradient(loss, real)

    own, loss, slope, none = loss_and_gradient(real, made)
    assert none is None
    both = explain(PICTURES, 1)
    assert_same(own.numpy(), np.stack(both, axis=1), 1e-5)
    direction = np.random.default_rng(2).normal(0, 1, PICTURES.shape)
    weights = [one.numpy() for one in explain.map_weights(real, tf.constant([1, 1, 1]))]

    def loss_of(images):
        """In float64, by the oracle's own resizing, for differences."""
        total = 0
        layers, _ = by_tape(model, images, [1, 1, 1])
        for number in range(3):
            for which in (0, 1):
                parts = [one[number] @ weight[number, :, which] for one, weight in zip(layers, weights, strict=True)]
                total += (sum(resized(part, (14, 11)) for part in parts) ** 2).sum()
        return total

    np.testing.assert_allclose(loss, loss_of(made.numpy()), rtol=1e-5)
    step = 1e-6
    ahead, behind = (loss_of(made.numpy().astype(float) + sign * step * direction) for sign in (1, -1))
    np.testing.assert_allclose((slope.numpy() * direction).sum(), (ahead - behind) / (2 * step), rtol=1e-3)
    predicted = explain.map_weights(real)
    wanted = explain.map_weights(real, explain.predict(PICTURES))
    for one, other in zip(predicted, wanted, strict=True):
        np.testing.assert_allclose(one, other)


@pytest.mark.parametrize("shape", [(7, 5), (5, 4), (14, 11), (1, 3), (20, 3)])
def test_maps_are_enlarged_alike_under_xla_and_as_the_oracle_does(shape):
    """tf.image.resize is not: compiled, as Keras' fit does on a GPU, its maps are others."""
    maps = tf.random.normal((2, *shape, 3), seed=0)
    weights = tf.random.normal((2, 3, 2), seed=1)

    def both(maps):
        with tf.GradientTape() as tape:
            tape.watch(maps)
            found = combined([maps], [weights], (14, 11))
        return found, tape.gradient(found, maps)

    plain, compiled = both(maps), tf.function(both, jit_compile=True)(maps)
    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    for number in range(2):
        for which in range(2):
            by_hand = resized(maps[number].numpy().astype(float) @ weights[number, :, which].numpy(), (14, 11))
            np.testing.assert_allclose(plain[0][number, which], by_hand, atol=1e-5)


def test_one_forward_and_one_backward_pass_for_all_layers_and_both_sets(monkeypatch):
    passes, own = [], kl.Conv2D.call

    @tf.custom_gradient
    def counted(x):
        tf.numpy_function(lambda _: passes.append("forward"), [tf.shape(x)], [])

        def grad(signal):
            tf.numpy_function(lambda _: passes.append("backward"), [tf.shape(signal)], [])
            return signal

        return tf.identity(x), grad

    monkeypatch.setattr(kl.Conv2D, "call", lambda layer, x: counted(own(layer, x)))
    explain = PathologyAware(net())
    explain(IMAGES, CLASSES)
    # Behind the first convolution's maps no gradient is wanted: the way back goes through the second alone.
    assert sorted(passes) == ["backward", "forward", "forward"]
    explain(IMAGES[:1])
    assert len(passes) == 6


def test_it_is_traced_once_for_batches_of_all_sizes(monkeypatch):
    seen, own = [], kl.Conv2D.call
    monkeypatch.setattr(kl.Conv2D, "call", lambda layer, x: seen.append(x.shape) or own(layer, x))
    explain, many = PathologyAware(net()), np.tile(IMAGES, (6, 1, 1, 1))
    for count in (1, 2, 3, 17):
        explain(many[:count], 1)
        explain(many[:count])
    assert len(seen) == 2
    for count in (1, 5):
        explain.select(many[:count])
    assert len(seen) == 4


def shared():
    """A convolution that is used twice, one behind a residual sum, one that stands for a dense layer."""
    inputs = keras.Input(SHAPE)
    again = kl.Conv2D(4, 3, padding="same", name="again")
    x = again(kl.ReLU()(again(kl.Conv2D(4, 1, name="stem")(inputs))))
    x = kl.ReLU()(kl.Add()([x, kl.Conv2D(4, 1, activation="relu", name="branch")(inputs)]))
    x = kl.Conv2D(3, 1, name="scores")(kl.GlobalAveragePooling2D(keepdims=True)(x))
    return filled(keras.Model(inputs, kl.Reshape((3,))(x)))


def test_all_convolutions_with_maps_are_taken_each_call_for_itself():
    explain = PathologyAware(shared())
    assert set(explain.layers) == {"stem", "branch", "again", "again (call 2)"}
    found = explain(IMAGES, CLASSES)
    assert np.isfinite(found.low).all() and found.high.any()
    inputs = keras.Input(SHAPE)
    aside = kl.Conv2D(4, 3, activation="relu", name="aside")(inputs)
    two = filled(keras.Model(inputs, [net()(inputs), top(aside, name="other")]))
    assert [name.split("/")[-1] for name in PathologyAware(two, output=0).layers] == ["conv1", "conv2"]


def test_it_stands_in_tables_and_checks_one_set_at_a_time():
    makers = {"low": lambda model: PathologyAware(model).only("low"), "saliency": Saliency}
    assert np.isfinite(compare(makers, net(), IMAGES)["low"]["deletion"].estimate)
    found = randomization_check(lambda model: PathologyAware(model).only("high"), net(), IMAGES)
    assert list(found) == ["fc", "conv2", "bn", "conv1"]
    with refused(r"PathologyAware makes two maps of an image: choose one, .*only\('low'\)"):
        compare({"both": PathologyAware}, net(), IMAGES)


WRONG = {
    "no such layer": ({"layers": ["conv3"]}, "No layer 'conv3'.*did you mean"),
    "no maps": ({"layers": ["fc"]}, "fc has no maps"),
    "a name": ({"layers": "conv1"}, "layers is 'conv1': give a list"),
    "no layers": ({"layers": []}, "give a list"),
    "a number": ({"layers": [1]}, "layer is 1"),
    "twice": ({"layers": ["conv2", "conv2"]}, "'conv2' stands for maps that are named already"),
    "all of the norm": ({"theta_act": 1}, "theta_act is 1"),
    "a norm below zero": ({"theta_act": -0.1}, "theta_act is -0.1"),
    "one threshold": ({"theta_cmi": 0.1}, "theta_cmi is 0.1"),
    "turned thresholds": ({"theta_cmi": (0.9, 0.1)}, "the lower one first"),
    "thresholds of nan": ({"theta_cmi": (0.1, np.nan)}, "theta_cmi"),
    "text": ({"theta_cmi": ("a", "b")}, "theta_cmi holds no numbers"),
    "no quantile": ({"cmi": "quantile", "theta_cmi": (0.1, 9)}, "theta_cmi"),
    "no reading": ({"cmi": "mean"}, "cmi is 'mean': give one of raw, layer"),
    "half a seed": ({"shuffle": 0.5}, "shuffle is 0.5"),
    "nothing to shuffle": ({"shuffle": 1, "cmi": "none"}, "sets are needed"),
}


@pytest.mark.parametrize("bad", WRONG)
def test_it_is_refused_in_one_line(bad):
    options, says = WRONG[bad]
    with refused(says):
        PathologyAware(net(), **options)


def test_a_set_that_does_not_exist_and_a_model_without_convolutions():
    with refused("give 'low' or 'high'"):
        PathologyAware(net()).only("middle")
    with refused("no convolution"):
        PathologyAware(keras.Sequential([keras.Input(SHAPE), kl.Flatten(), kl.Dense(3)]))


def test_what_does_not_fit_is_refused_for_a_training_graph_too():
    explain = PathologyAware(net())
    with refused("Class 3 is outside the range: this model knows 0 to 2"):
        explain.map_weights(tf.constant(IMAGES), 3)
    with refused("weights are of 1 layers, not 2"):
        explain.weighted(tf.constant(IMAGES), explain.map_weights(tf.constant(IMAGES), -1)[:1])
