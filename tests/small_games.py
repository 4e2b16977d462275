"""A small Patho-GAN, its images and its judge, for the tests of the game."""

import keras
import numpy as np
from keras import layers as kl

from lookinside.data import LabelledImages
from lookinside.models import patho_discriminator, patho_generator
from lookinside.training import PathoGAN

SHAPE = (16, 16, 3)


def small_judge(shape=SHAPE, seed=0, classes=2, head=None):
    """Two convolutions, batch normalisation with statistics of its own, a pooling head."""
    rng = np.random.default_rng(seed)
    inputs = keras.Input(shape)
    x = kl.Conv2D(5, 3, 2, "same")(inputs)
    x = kl.ReLU()(kl.BatchNormalization()(x))
    x = kl.Conv2D(6, 3, 2, "same", activation="relu")(x)
    outputs = kl.Dense(classes, activation=head)(kl.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs)
    model.set_weights(
        [rng.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else rng.normal(0, 0.4, w.shape) for w in model.get_weights()]
    )
    return model


def small_game(judge=None, shape=SHAPE, seed=0, game_seed=0, **options):
    """Networks of two halvings, the same ones for the same seed."""
    keras.utils.set_random_seed(seed)
    generator = patho_generator(shape, noise=4, base=3, depth=2)
    discriminator = patho_discriminator(shape, base=3, depth=2)
    rng = np.random.default_rng(seed)
    for model in (generator, discriminator):  # larger than a start of 0.02, which two levels make very small
        model.set_weights([w if w.ndim == 1 else rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
    return PathoGAN(
        generator, discriminator, judge, **{"generator_steps": 1, "trade_off": 10.0, "seed": game_seed, **options}
    )


def eyes(count=6, shape=SHAPE, seed=0):
    """Noise with lines: what the mask says is bright."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 120, (count, *shape)).astype("uint8")
    lines = rng.random((count, *shape[:2])) < 0.2
    images[lines] += 100
    names = tuple(f"eye {i}" for i in range(count))
    return LabelledImages(images, np.zeros(count, "int64"), ("healthy", "glaucoma"), names, masks={"vessels": lines})
