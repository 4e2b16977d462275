"""PathoGAN: its step against a reference in JAX, its losses, and whose weights a move moves."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles.pathology_numpy import resized, sets
from scipy.ndimage import gaussian_filter
from small_games import SHAPE, eyes, small_game, small_judge

from lookinside.layers import SubtractLocalMean
from lookinside.models import patho_discriminator, patho_generator
from lookinside.training import PathoGAN

SIDE = 48
GOLDEN = np.load(Path(__file__).parent / "oracles" / "patho_gan_golden.npz")


def golden_judge():
    """The classifier of the reference, as a Keras model."""
    maps = [GOLDEN[f"judge/conv{k}/bias"].size for k in range(1, 6)]
    inputs = keras.Input((SIDE, SIDE, 3))
    x = SubtractLocalMean(SIDE / 30, 4.0)(inputs)
    for k, count in enumerate(maps, 1):
        x = keras.layers.Conv2D(count, 5, 2, "same", name=f"conv{k}")(x)
        x = keras.layers.BatchNormalization(name=f"bn{k}")(x)
        x = keras.layers.ReLU(name=f"relu{k}")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="logits")(x))
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([GOLDEN[f"judge/{layer.name}/{one.path.split('/')[-1]}"] for one in layer.weights])
    return model


def golden_game(which, **options):
    generator = patho_generator((SIDE, SIDE, 3), noise=5, base=3, depth=3)
    discriminator = patho_discriminator((SIDE, SIDE, 3), base=3, depth=3)
    for name, model in (("generator", generator), ("discriminator", discriminator)):
        for k, one in enumerate(model.trainable_variables):
            one.assign(GOLDEN[f"{name}/{k}"])
    judge = None if which == "plain" else golden_judge()
    options = {"noise_std": 0.0} | options
    return PathoGAN(generator, discriminator, judge, which="low" if which == "plain" else which, **options)


def batch(number=0):
    return tf.constant(GOLDEN["vessels"][number]), tf.constant(GOLDEN["photographs"][number])


@pytest.mark.parametrize("which", ["plain", "low", "high"])
def test_two_steps_against_the_reference_in_jax(which):
    gan = golden_game(which)
    gan.compile()
    step = tf.function(gan.train_step)
    for number in range(2):
        gan.reset_metrics()
        found = step(batch(number))
        losses = [float(found[name]) for name in ("generator_loss", "discriminator_loss", "patho_loss")]
        np.testing.assert_allclose(losses, GOLDEN[f"{which}/losses/{number}"], rtol=2e-4, atol=1e-6)
    for name in ("generator", "discriminator"):
        for k, one in enumerate(getattr(gan, name).trainable_variables):
            # An Adam step is 2e-4 in each element, however small its slope.
            wanted = GOLDEN[f"{which}/{name}/{k}"]
            far = np.abs(one.numpy() - wanted) > 2e-5
            assert far.mean() < 0.01, one.path


JUDGED = [name.removeprefix("judge/") for name in GOLDEN.files if name.startswith("judge/")]


def relu_maps(images):
    """The reference's classifier in float64, from its weights: maps behind each ReLU, and slopes of a logit."""
    sigma = SIDE / 30
    x = np.asarray(images, np.float64)
    x = np.clip(4 * (x - gaussian_filter(x, (0, sigma, sigma, 0), mode="nearest")) + 128 / 255, 0, 1)
    weight = {name: GOLDEN[f"judge/{name}"].astype(np.float64) for name in JUDGED}
    found = []
    with tf.GradientTape() as tape:
        x = tf.constant(x)
        for k in range(1, 6):
            if k == 1:
                tape.watch(x)
            x = tf.nn.conv2d(x, weight[f"conv{k}/kernel"], 2, "SAME") + weight[f"conv{k}/bias"]
            scale = weight[f"bn{k}/gamma"] / np.sqrt(weight[f"bn{k}/moving_variance"] + 1e-3)
            x = tf.nn.relu((x - weight[f"bn{k}/moving_mean"]) * scale + weight[f"bn{k}/beta"])
            found.append(x)
        score = tf.reduce_sum(tf.reduce_mean(x, axis=(1, 2)) @ weight["logits/kernel"][:, 1:])
    return [one.numpy() for one in found], [one.numpy() for one in tape.gradient(score, found)]


def weights_of_sets(images, which):
    """For each image and layer (K,): the mean slope where the map is in the set, else 0."""
    maps, slopes = relu_maps(images)
    found = []
    for number in range(len(images)):
        found.append([])
        for one, slope in zip(maps, slopes, strict=True):
            inside = np.isin(np.arange(one.shape[-1]), sets(one[number])[which])
            found[-1].append(np.where(inside, slope[number].mean((0, 1)), 0.0))
    return found


def pictures(images, weights):
    maps, _ = relu_maps(images)
    return np.array(
        [
            sum(resized(one[n] @ weight, (SIDE, SIDE)) for one, weight in zip(maps, weights[n], strict=True))
            for n in range(len(images))
        ]
    )


def loss_by_hand(wanted, found):
    return (np.abs(wanted - found) / np.abs(wanted).max((1, 2), keepdims=True)).mean()


@pytest.mark.parametrize("which", ["low", "high"])
def test_the_gradient_of_the_pathology_loss_is_that_of_differences_in_float64(which):
    """The weights are the photograph's, and constants: were they the drawn image's, the loss would be another one."""
    gan = golden_game(which)
    real, drawn = (GOLDEN["photographs"][number][:2] for number in (0, 1))
    drawn = 0.5 * real + 0.5 * drawn
    own = weights_of_sets(real, ("low", "high").index(which))
    wanted = pictures(real, own)
    reference = gan.reference(tf.constant(real))
    np.testing.assert_allclose(reference[0][:, 0], wanted, atol=2e-5 * np.abs(wanted).max())
    with tf.GradientTape() as tape:
        tape.watch(made := tf.constant(drawn))
        loss = tf.reduce_mean(gan.patho_loss(made, reference))
    slope = tape.gradient(loss, made).numpy().astype(np.float64)
    np.testing.assert_allclose(loss, loss_by_hand(wanted, pictures(drawn, own)), rtol=1e-4)
    rng = np.random.default_rng(0)
    for step in (1e-6, 1e-7):
        direction = np.sign(slope) * rng.random(slope.shape)  # along the slope: what is compared is not near 0
        there, back = (loss_by_hand(wanted, pictures(drawn + sign * step * direction, own)) for sign in (1, -1))
        np.testing.assert_allclose((slope * direction).sum(), (there - back) / (2 * step), rtol=2e-3)
    moved = weights_of_sets(drawn, ("low", "high").index(which))
    assert abs(loss_by_hand(wanted, pictures(drawn, moved)) / float(loss) - 1) > 0.02


@pytest.mark.parametrize("which", ["low", "high", "both"])
def test_the_pathology_loss_is_nothing_for_the_photograph_itself_and_something_for_another(which):
    gan = golden_game(which)
    real = batch()[1]
    reference = gan.reference(real)
    np.testing.assert_array_equal(gan.patho_loss(real, reference), np.zeros(len(real)))
    assert (gan.patho_loss(real[::-1], reference).numpy()[[0, 2]] > 0.01).all()
    if which == "both":
        halves = [one.patho_loss(real[::-1], one.reference(real)) for one in map(golden_game, ("low", "high"))]
        np.testing.assert_allclose(gan.patho_loss(real[::-1], reference), sum(halves) / 2, rtol=1e-5)


class Watched(keras.optimizers.SGD):
    """Notes which of some models' variables one of its steps changes."""

    def apply_gradients(self, pairs):
        before = {name: everything(model) for name, model in self.models().items()}
        super().apply_gradients(pairs)
        self.note({name for name, model in self.models().items() if changed(before[name], everything(model))})


def everything(model):
    return [one.numpy() for one in model.variables]


def changed(before, after):
    return any((one != other).any() for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("steps", [1, 2])
def test_a_move_moves_one_network_and_nothing_else_and_the_judge_never(steps):
    judge, given = small_judge(), eyes(2)
    gan = small_game(judge, generator_steps=steps, noise_std=1.0)
    models = {"generator": gan.generator, "discriminator": gan.discriminator, "judge": judge}
    start, moves, optimizers = {name: everything(one) for name, one in models.items()}, [], []
    for _ in range(2):
        optimizers.append(Watched(0.1))
        optimizers[-1].models, optimizers[-1].note = lambda: models, moves.append
    gan.compile(*optimizers)
    for _ in range(2):
        gan.train_step((tf.constant(given.masks["vessels"][..., None], "float32"), tf.constant(given.pixels)))
    assert moves == 2 * (steps * [{"generator"}] + [{"discriminator"}])
    assert not changed(start["judge"], everything(judge))
    # What can move has moved.
    assert all((a != b).any() for a, b in zip(start["generator"], everything(gan.generator), strict=True))
    assert all((a != b).any() for a, b in zip(start["discriminator"], everything(gan.discriminator), strict=True))
    own = {id(one) for one in judge.variables}
    assert not own & {id(one) for one in (*gan.weights, *gan.variables, *gan.trainable_variables)}
    assert len(gan.weights) == len(gan.generator.weights) + len(gan.discriminator.weights)


def test_it_draws_the_same_for_the_same_seed_and_vessels_of_either_shape():
    gan = small_game(noise_std=2.0)
    masks = np.random.default_rng(0).random((3, 16, 16)) < 0.3
    drawn = gan.draw(masks)
    assert drawn.shape == (3, *SHAPE) and drawn.dtype == np.float32 and 0 <= drawn.min() < drawn.max() <= 1
    np.testing.assert_array_equal(gan.draw(masks), drawn)
    np.testing.assert_allclose(gan.draw(masks[..., None].astype("uint8"), batch_size=2), drawn, atol=1e-6)
    assert np.abs(gan.draw(masks, seed=1) - drawn).max() > 1e-3
    np.testing.assert_array_equal(gan.draw(masks, noise_std=0, seed=1), gan.draw(masks, noise_std=0))
    assert np.abs(gan.draw(masks, noise_std=0) - drawn).max() > 1e-3
    assert gan.draw(masks[:0]).shape == (0, *SHAPE)
