"""Patho-GAN: what L_patho and a drawn image cost, the memory of a large step, and whether images come in time."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from measure import Bound, Duel, alone, clock

from lookinside.data import phantom_eyes
from lookinside.layers import SubtractLocalMean
from lookinside.models import patho_discriminator, patho_generator, wang_convnet
from lookinside.training import PathoGAN, fit_patho_gan

SIDE, BATCH, STEPS = 128, 4, 40  # steps enough that what a call does once, such as tracing its stream, is little
SHAPE = (SIDE, SIDE, 3)


def judge():
    """The classifier of chapter 6, a small `wang_convnet` that takes photographs as they are."""
    images = keras.Input(SHAPE)
    x = SubtractLocalMean(SIDE / 30, 4.0)(images)
    return keras.Model(images, wang_convnet(SHAPE, 2, head="pooling", padding="same", width=0.25, batch_norm=True)(x))


def game(classifier):
    """The networks of chapter 6, compiled."""
    keras.utils.set_random_seed(0)
    found = PathoGAN(patho_generator(SHAPE, base=16, depth=5), patho_discriminator(SHAPE, base=8, depth=5), classifier)
    found.compile()
    return found


def with_and_without():
    """A whole step (two moves of the generator, one of the discriminator) with L_patho, and without."""
    rng = np.random.default_rng(0)
    batch = (
        tf.constant(rng.random((BATCH, SIDE, SIDE, 1)) < 0.1, tf.float32),
        tf.constant(rng.random((BATCH, *SHAPE)), tf.float32),
    )
    steps = [tf.function(game(one).train_step) for one in (judge(), None)]
    return [lambda step=step: step(batch) for step in steps]


def stream_and_memory():
    """Steps through `fit_patho_gan`, turned and flipped, and as many on one batch that is there already."""
    eyes = phantom_eyes("train", 64, SIDE, 0)
    streamed, ready = game(judge()), game(judge())
    batch = tf.constant(eyes.masks["vessels"][:BATCH, ..., None], tf.float32), tf.constant(eyes.pixels[:BATCH])
    same = tf.data.Dataset.from_tensors(batch).repeat()
    options = {"batch_size": BATCH, "rotation": 180, "every": STEPS, "progress": False}
    return (
        lambda: fit_patho_gan(streamed, eyes, steps=STEPS, **options),
        lambda: ready.fit(same, steps_per_epoch=STEPS, verbose=0),
    )


def drawing(side, count):
    """Seconds for an image, median of five."""
    wide = {128: {"base": 16, "depth": 5}, 512: {"base": 64, "depth": 6}}[side]
    generator = patho_generator((side, side, 3), **wide)
    draw = tf.function(generator)
    given = [tf.zeros((count, side, side, 1)), tf.random.normal((count, generator.inputs[1].shape[1]))]
    draw(given)
    seconds = float(np.median([clock(lambda: draw(given)) for _ in range(5)])) / count
    return {"milliseconds": 1e3 * seconds, "seconds": seconds}


# The whole network of the authors, one photograph: a process of its own, so that its peak is that of the step.
LARGE = r"""
import time
import keras, tensorflow as tf
from lookinside.layers import SubtractLocalMean
from lookinside.models import patho_discriminator, patho_generator, wang_convnet
from lookinside.training import PathoGAN
shape = (512, 512, 3)
images = keras.Input(shape)
flat = SubtractLocalMean(17.0, 4.0)(images)
judge = keras.Model(images, wang_convnet(shape, 2, head="pooling", padding="same")(flat))
gan = PathoGAN(patho_generator(shape), patho_discriminator(shape), judge)
gan.compile(keras.optimizers.SGD(2e-4), keras.optimizers.SGD(2e-4))
step = tf.function(gan.train_step)
batch = tf.zeros((1, 512, 512, 1)), tf.random.uniform((1, *shape))
step(batch)
began = time.perf_counter()
step(batch)
found = {"seconds": time.perf_counter() - began}
"""

ROWS = [
    Duel(
        f"PathoGAN, a step with L_patho, {BATCH} images of {SIDE} px",
        "a step without",
        1 / 1.6,
        with_and_without,
    ),
    Duel(
        f"fit_patho_gan, {STEPS} steps of {BATCH} turned images of {SIDE} px",
        "the same batch again and again",
        0.9,
        stream_and_memory,
        rounds=7,
    ),
    *(
        Bound(
            f"patho_generator, {count} image{'s' * (count > 1)} of {side} px",
            lambda side=side, count=count: drawing(side, count),
            "milliseconds",
            "ms an image",
            bound,
        )
        for side, count, bound in ((128, 1, 25), (128, 8, 25), (512, 1, 1000), (512, 8, 1000))
    ),
    Bound(
        "PathoGAN, a step with 1 image of 512 px, the authors' networks: peak memory",
        lambda: alone(LARGE),
        "gigabytes",
        "GB",
        2.0,
    ),
]
