"""What does not fit to a PathoGAN or its training ends in one plain line; what does fit in another spelling works."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_games import SHAPE, eyes, small_game, small_judge

from lookinside.errors import LookInsideError
from lookinside.models import patho_discriminator, patho_generator
from lookinside.training import PathoGAN, fit_patho_gan
from lookinside.training.synthesis import patho_gan_fit


def refused(says):
    return pytest.raises(LookInsideError, match=rf"\A(?=.*{says})[^\n]{{15,300}}\Z")


def subclassed():
    class Own(keras.Model):
        def call(self, x):
            return x

    own = Own()
    own(np.zeros((1, 16, 16, 3), "float32"))
    return own


def two_heads():
    one = small_judge()
    return keras.Model(one.input, {"a": one.output, "b": keras.layers.Dense(2)(one.layers[-2].output)})


def two_images():
    images = [keras.Input(SHAPE), keras.Input(SHAPE)]
    return keras.Model(images, small_judge()(keras.layers.Add()(images)))


def blind():
    """No gradient leads from the score to the maps."""
    images = keras.Input(SHAPE)
    x = keras.layers.Conv2D(2, 3)(images)
    x = keras.layers.GlobalAveragePooling2D()(keras.ops.stop_gradient(x))
    return keras.Model(images, keras.layers.Dense(2)(x))


@pytest.mark.parametrize(
    ("make", "options", "says"),
    [
        (lambda: small_judge((16, 20, 3)), {}, r"makes \(16, 16, 3\), the classifier takes \(16, 20, 3\)"),
        (lambda: small_judge((16, 16, 1)), {}, r"makes \(16, 16, 3\), the classifier takes \(16, 16, 1\)"),
        (lambda: "judge.keras", {}, "A Keras model is needed"),
        (subclassed, {}, "is subclassed and does not show its layers"),
        (two_heads, {}, "has 2 outputs: say output="),
        (two_images, {}, "has 2 inputs"),
        (blind, {}, "No gradient leads"),
        (lambda: small_game().discriminator, {}, "has 2 inputs"),
        (small_judge, {"class_index": 2}, "Class 2 is outside the range: this model knows 0 to 1"),
        (small_judge, {"class_index": True}, "class_index is True"),
        (small_judge, {"maps": {"theta": 1}}, "maps are .*theta"),
        (small_judge, {"maps": {"cmi": "best"}}, "cmi is 'best'"),
        (small_judge, {"maps": "low"}, "maps are 'low'"),
        (lambda: None, {"which": "middle"}, "which is 'middle': give one of low, high, both"),
        (lambda: None, {"which": ["low"]}, "which is"),
        (lambda: None, {"trade_off": -1}, "trade_off is -1"),
        (lambda: None, {"trade_off": float("nan")}, "trade_off is nan"),
        (lambda: None, {"noise_std": "0.01"}, "noise_std is '0.01'"),
        (lambda: None, {"generator_steps": 0}, "generator_steps is 0: give a whole number from 1 on"),
        (lambda: None, {"generator_steps": 1.5}, "generator_steps is 1.5"),
        (lambda: None, {"game_seed": 1.5}, "seed is 1.5: give a whole number"),
        (lambda: None, {"game_seed": "a"}, "seed is 'a'"),
        (lambda: None, {"game_seed": 2**70}, "seed is 1180591620717411303424"),
    ],
)
def test_a_classifier_or_an_option_that_does_not_fit(make, options, says):
    with refused(says):
        small_game(make(), **options)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"generator": small_judge()}, "generator is no Keras model of two inputs and one output"),
        ({"generator": "generator.keras"}, "generator is no Keras model"),
        ({"generator": subclassed()}, "generator is no Keras model"),
        (
            {"discriminator": patho_discriminator((32, 16, 3), base=2, depth=2)},
            r"the discriminator takes \(32, 16, 1\)",
        ),
        ({"discriminator": small_judge()}, "discriminator is no Keras model"),
        ({"generator": patho_discriminator(SHAPE, base=2, depth=2)}, "takes no noise"),
    ],
)
def test_networks_that_do_not_fit(change, says):
    both = {
        "generator": patho_generator(SHAPE, noise=4, base=2, depth=2),
        "discriminator": patho_discriminator(SHAPE, base=2, depth=2),
    }
    with refused(says):
        PathoGAN(**both | change)


def own_generator(end, vessels=(16, 16, 1)):
    inputs = [keras.Input(vessels), keras.Input((4,))]
    both = keras.layers.Concatenate()(
        [inputs[0], keras.layers.Reshape((16, 16, 1))(keras.layers.Dense(256)(inputs[1]))]
    )
    return keras.Model(inputs, end(both))


def own_discriminator(end, vessels=(16, 16, 1), both=True):
    inputs = [keras.Input(vessels), keras.Input(SHAPE)]
    return keras.Model(inputs, end(keras.layers.Flatten()(keras.layers.Concatenate()(inputs) if both else inputs[0])))


def conv(activation=None):
    return keras.layers.Conv2D(3, 3, padding="same", activation=activation)


def nested(*layers, shape):
    inner = keras.Sequential([keras.Input(shape), *layers])
    return lambda x: keras.layers.Identity()(inner(x))


class OwnHead(keras.layers.Layer):
    def build(self, shape):
        self.dense = keras.layers.Dense(1)
        self.dense.build(shape)

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize(
    "end",
    [
        conv("tanh"),
        conv(),
        lambda x: keras.layers.ReLU()(conv()(x)),
        lambda x: keras.ops.tanh(conv("sigmoid")(conv()(x)) - 0.5),
        lambda x: keras.layers.BatchNormalization()(conv("sigmoid")(x)),
        nested(conv(), keras.layers.Activation(lambda x: keras.ops.tanh(x)), shape=(16, 16, 2)),
        keras.layers.TimeDistributed(keras.layers.Dense(3, activation="softsign")),
    ],
)
def test_a_generator_that_leaves_0_to_1_is_refused(end):
    with refused(r"generator makes values outside of \[0, 1\]: let it end in a sigmoid"):
        PathoGAN(own_generator(end), patho_discriminator(SHAPE, base=2, depth=2))


@pytest.mark.parametrize(
    "end",
    [
        conv("sigmoid"),
        conv("hard_sigmoid"),
        lambda x: keras.ops.sigmoid(conv()(x)),
        lambda x: (keras.ops.tanh(conv()(x)) + 1) / 2,
        lambda x: keras.layers.Rescaling(0.5, 0.5)(conv("tanh")(x)),
        lambda x: keras.ops.clip(conv()(x), 0, 1),
        lambda x: keras.layers.Dropout(0.1)(keras.layers.Activation("sigmoid", dtype="float32")(conv()(x))),
        lambda x: keras.ops.maximum(conv("sigmoid")(x), x[..., :1]),  # not told: it is taken as it is
        nested(conv(), keras.layers.Activation("sigmoid"), shape=(16, 16, 2)),
    ],
)
def test_a_generator_that_ends_in_0_to_1_in_another_way_is_taken(end):
    PathoGAN(own_generator(end), patho_discriminator(SHAPE, base=2, depth=2))


@pytest.mark.parametrize(
    "end",
    [
        keras.layers.Dense(1, activation="sigmoid"),
        keras.layers.Dense(2, activation="softmax"),
        keras.layers.SpectralNormalization(keras.layers.Dense(1, activation="tanh")),
        lambda x: keras.layers.Activation(lambda y: keras.ops.sigmoid(y))(keras.layers.Dense(1)(x)),
        lambda x: keras.ops.log_sigmoid(keras.layers.Dense(1)(x)),
        nested(keras.layers.Dense(1), keras.layers.Activation("hard_sigmoid"), shape=(1024,)),
    ],
)
def test_a_discriminator_that_ends_in_no_logit_is_refused(end):
    with refused("discriminator ends in values from .*, which are no logits: leave out its last activation"):
        PathoGAN(own_generator(conv("sigmoid")), own_discriminator(end))


@pytest.mark.parametrize(
    "end",
    [
        keras.layers.Dense(1),
        OwnHead(),
        lambda x: -keras.layers.LeakyReLU(0.1)(keras.layers.Dense(1)(x)),
        nested(keras.layers.Dense(1), shape=(1024,)),
        keras.layers.SpectralNormalization(keras.layers.Dense(16)),
    ],
)
def test_a_discriminator_of_ones_own_with_logits_is_taken(end):
    PathoGAN(own_generator(conv("sigmoid")), own_discriminator(end))


def test_own_networks_that_look_at_other_things_than_vessels_and_photograph():
    with refused("discriminator does not look at its second input, the photograph"):
        PathoGAN(own_generator(conv("sigmoid")), own_discriminator(keras.layers.Dense(1), both=False))
    pair = (16, 16, 2)
    with refused(r"The generator takes \(16, 16, 2\) and makes .*: masks of vessels are \(H, W, 1\)"):
        PathoGAN(own_generator(conv("sigmoid"), pair), own_discriminator(keras.layers.Dense(1), pair))


@pytest.mark.parametrize(
    ("judge", "options"),
    [
        (lambda: small_judge(head="softmax"), {}),
        (lambda: small_judge(head="sigmoid", classes=1), {}),
        (two_heads, {"maps": {"output": "a"}}),
    ],
)
def test_a_classifier_with_probabilities_or_several_outputs_is_the_one_of_logits(judge, options):
    plain = small_judge(classes=1) if judge().output_shape == (None, 1) else small_judge()
    pairs = tf.constant(eyes(2).pixels), tf.constant(eyes(2, seed=1).pixels)
    losses = [
        game.patho_loss(pairs[0], game.reference(pairs[1]))
        for game in (small_game(judge(), **options), small_game(plain))
    ]
    assert (losses[0].numpy() > 0).all()
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_a_step_without_photographs():
    gan = small_game()
    gan.compile()
    with refused("Batches hold no photographs"):
        gan.train_step((np.zeros((2, 16, 16, 1), "float32"),))


def test_optimizers_by_name_and_those_that_will_not_do():
    gan = small_game()
    gan.compile("sgd", keras.optimizers.RMSprop(0.001))
    assert [type(one).__name__ for one in gan.optimizers] == ["SGD", "RMSprop"]
    for given, says in (
        ("best", "The optimizer is 'best'"),
        (5, "The optimizer is 5"),
        ({"x": 1}, "The optimizer is {'x': 1}"),
        ({"class_name": 5}, "The optimizer is {'class_name': 5}"),
    ):
        with refused(says):
            gan.compile(given)
    one = keras.optimizers.SGD(0.1)
    with refused("has been used already: give a new one"):
        gan.compile(one, one)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_a_frozen_network_has_nothing_to_train(network):
    gan = small_game()
    getattr(gan, network).trainable = False
    with refused(f"patho_{network} is frozen"):
        gan.compile()


def test_it_is_not_evaluated_and_its_seed_may_be_any_whole_number():
    gan = small_game(game_seed=np.int64(-3))
    gan.compile()
    gan.run_eagerly = True
    assert gan.noise_seed.state.numpy().tolist() == [-3, 0]
    pairs = tf.data.Dataset.from_tensors((eyes(2).masks["vessels"][..., None].astype("float32"), eyes(2).pixels))
    for call in (gan.evaluate, lambda data: gan.fit(data, validation_data=data, shuffle=False, verbose=0)):
        with refused("no loss to evaluate: call fit without validation data"):
            call(pairs)


def test_it_is_not_saved_whole_but_its_weights_and_its_generator_are(tmp_path):
    gan, other = small_game(small_judge()), small_game(small_judge(), seed=1)
    with refused(r"use gan\.generator\.save"):
        gan.save(tmp_path / "gan.keras")
    masks = eyes(2).masks["vessels"]
    drawn = gan.draw(masks)
    gan.save_weights(tmp_path / "gan.weights.h5")
    other.load_weights(tmp_path / "gan.weights.h5")
    np.testing.assert_allclose(other.draw(masks), drawn, atol=1e-6)
    gan.generator.save(tmp_path / "generator.keras")
    loaded = PathoGAN(keras.models.load_model(tmp_path / "generator.keras"), gan.discriminator)
    np.testing.assert_allclose(loaded.draw(masks), drawn, atol=1e-6)


@pytest.mark.parametrize(
    ("vessels", "options", "says"),
    [
        (np.zeros((2, 16, 20)), {}, r"vessels are \(2, 16, 20, 1\): give \(N, 16, 16\)"),
        (np.zeros((16, 16)), {}, r"vessels are \(16, 16\): give \(N, 16, 16\)"),
        (np.zeros((1, 16, 16, 3)), {}, r"vessels are \(1, 16, 16, 3\)"),
        ("vessels.png", {}, "vessels are no array"),
        (np.full((1, 16, 16), 255), {}, "other values than 0 and 1"),
        (np.full((1, 16, 16), np.nan), {}, "other values than 0 and 1"),
        (np.zeros((1, 16, 16)), {"seed": -1}, "seed is -1"),
        (np.zeros((1, 16, 16)), {"batch_size": 0}, "batch_size is 0"),
        (np.zeros((1, 16, 16)), {"noise_std": -0.1}, "noise_std is -0.1"),
    ],
)
def test_vessels_that_are_no_masks_are_not_drawn_from(vessels, options, says):
    with refused(says):
        small_game().draw(vessels, **options)


def all_over(value):
    return replace(eyes(), masks={"vessels": np.full((6, *SHAPE[:2]), value)})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gan": small_judge()}, "gan is a Functional: give a PathoGAN"),
        ({"train": eyes().images}, "give LabelledImages"),
        ({"train": eyes(shape=(16, 16, 1))}, r"train has images of \(16, 16, 1\), the generator makes \(16, 16, 3\)"),
        ({"train": eyes(shape=(32, 16, 3))}, r"train has images of \(32, 16, 3\)"),
        ({"train": eyes().subset([])}, "train has no image"),
        ({"train": replace(eyes(), masks={})}, "no mask 'vessels' in this set: these images have no masks"),
        ({"train": all_over(False)}, "'vessels' is empty on every image: there is nothing to draw after"),
        ({"train": all_over(True)}, "'vessels' is full on every image"),
        ({"vessels": "veins"}, "no mask 'veins' in this set: choose from vessels"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": None}, "steps is None"),
        ({"steps": 2.5}, "steps is 2.5"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": "4"}, "batch_size is '4'"),
        ({"every": 0}, "every is 0"),
        ({"rotation": 200}, "rotation is 200: give 0 to 180 degrees"),
        ({"rotation": True}, "rotation is True"),
        ({"rotation": float("nan")}, "rotation is nan"),
        ({"seed": 0.5}, "seed is 0.5"),
        ({"seed": 2**70}, "seed is 1180591620717411303424: give a whole number of at most 63 bits"),
        ({"sheets": 5}, "sheets is 5: give the path of a folder"),
    ],
)
def test_a_training_that_cannot_start(change, says):
    given = {"gan": small_game(), "train": eyes(), "steps": 2, "progress": False} | change
    with refused(says):
        fit_patho_gan(given.pop("gan"), given.pop("train"), **given)


def test_a_sheet_that_cannot_be_written_is_said_before_the_training(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "folder", f"{tmp_path}/a\0b"):
        with refused("sheets: no folder .* can be made"):
            fit_patho_gan(small_game(), eyes(), steps=2, sheets=path, progress=False)

    def refuse(**options):
        raise PermissionError(13, f"Permission denied: {options['dir']}")

    monkeypatch.setattr(patho_gan_fit.tempfile, "TemporaryFile", refuse)  # root may write everywhere
    with refused(rf"sheets: no folder .*written to \(Permission denied: {tmp_path}\): give another"):
        fit_patho_gan(small_game(), eyes(), steps=2, sheets=tmp_path, progress=False)
