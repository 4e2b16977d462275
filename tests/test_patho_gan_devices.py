"""A step of PathoGAN is the same step under XLA and on two devices, and works in half precision."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_games import eyes, small_game, small_judge
from small_nets import policy

LOSSES = ("generator_loss", "discriminator_loss", "patho_loss")


def step_of(gan, **options):
    """Losses of a step, and all weights after it."""
    gan.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05), **options)
    given = eyes(4)
    found = gan.train_on_batch(given.masks["vessels"][..., None].astype("float32"), given.pixels, return_dict=True)
    return [float(found[name]) for name in LOSSES], [np.array(one) for one in gan.weights]


def test_xla_makes_the_same_step():
    losses, weights = step_of(small_game(small_judge(), noise_std=0))
    gan = small_game(small_judge(), noise_std=0)
    compiled, others = step_of(gan, jit_compile=True)
    assert gan.jit_compile
    np.testing.assert_allclose(compiled, losses, rtol=1e-4)
    for one, other in zip(others, weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert_moved(weights)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_it_trains_in_half_precision(half):
    judge = small_judge()
    with policy(f"mixed_{half}"):
        gan = small_game(judge, noise_std=1.0)
    assert gan.generator.get_layer("down2").compute_dtype == half
    start = [np.array(one) for one in gan.weights]
    losses, weights = eager(gan)
    scaled = [isinstance(one, keras.optimizers.LossScaleOptimizer) for one in gan.optimizers]
    assert scaled == 2 * [half == "float16"]
    assert np.isfinite(losses).all()
    full, others = eager(small_game(judge, noise_std=1.0))
    np.testing.assert_allclose(losses, full, rtol=0.05)
    for one, other, old in zip(weights, others, start, strict=True):
        assert one.dtype == np.float32 and np.isfinite(one).all()
        # What a step changes, it changes in about the same direction.
        moves = (one - old).ravel(), (other - old).ravel()
        assert moves[0] @ moves[1] > 0.9 * np.linalg.norm(moves[0]) * np.linalg.norm(moves[1])


def eager(gan):
    """One step without a trace."""
    gan.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
    given = eyes(4)
    found = gan.train_step((tf.constant(given.masks["vessels"][..., None], tf.float32), tf.constant(given.pixels)))
    return [float(found[name]) for name in LOSSES], [np.array(one) for one in gan.weights]


def assert_moved(weights):
    """By far more than the tolerance."""
    moves = [np.abs(one - start).max() for one, start in zip(weights, small_game().get_weights(), strict=True)]
    assert np.median(moves) > 5e-4, moves


ELSEWHERE = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from small_games import eyes, small_game, small_judge
from test_patho_gan_devices import assert_moved
from lookinside.training import fit_patho_gan

def fit(noise, steps):
    gan = small_game(small_judge(), noise_std=noise)
    gan.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
    history = fit_patho_gan(gan, eyes(), steps=steps, every=1, batch_size=4, rotation=20, seed=2, progress=False)
    return gan, history

alone, curves = fit(1.0, 2)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    both, found = fit(1.0, 2)
for one, other in zip(both.get_weights(), alone.get_weights(), strict=True):
    np.testing.assert_allclose(one, other, atol=1e-5)
assert_moved(alone.get_weights())
for name, values in curves.curves.items():
    np.testing.assert_allclose(found.curves[name], values, rtol=1e-5, err_msg=name)
print("the same")
"""


def test_two_devices_with_half_a_batch_each_make_the_same_steps(request):
    """In a process of its own: devices are set once."""
    done = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, cwd=request.path.parent)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "the same" in done.stdout
