"""PathoGAN: its step against a reference in JAX, its losses, and whose weights a move moves."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

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
