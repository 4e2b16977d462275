"""Three kinds of training, each a function of its folder. As a script: all three are killed on the way, at once."""

import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from lookinside.data import LabelledImages
from lookinside.training import Checkpoint, augmentation, fit_classifier, fit_resumable

STEPS = 6  # an epoch


def bar_that(acts, after_steps):
    """A progress bar that calls `acts` once, when so many steps are done."""

    class Bar:
        done = 0

        def update(self, steps):
            self.done += steps
            if self.done == after_steps:
                acts()

        def set_postfix_str(self, text):
            pass

        def close(self):
            pass

    return lambda steps, description, unit: Bar()


def striped(count, seed, classes=3, size=12):
    """Noise with one bright band; its height is the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = rng.integers(0, 120, (count, size, size, 1))
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 2] += 60
    names = tuple(f"image {i}" for i in range(count))
    return LabelledImages(images.astype("uint8"), labels.astype("int64"), ("low", "mid", "high")[:classes], names)


TRAIN, VALIDATION = striped(50, 0), striped(21, 1)


def run_classifier(folder, progress=False):
    """Batch normalisation, dropout and augmentation; returns the columns of its history."""
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(momentum=0.9), keras.layers.ReLU()]
    layers += [keras.layers.Flatten(), keras.layers.Dropout(0.3), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((12, 12, 1)), *layers])
    augment = augmentation((12, 12, 1), shear=0, stretch=0, crop=0, finer=1, seed=2)  # few layers: quick to trace
    options = {"epochs": 4, "batch_size": 8, "learning_rate": 0.03, "seed": 4, "augment": augment}
    history = fit_classifier(model, TRAIN, VALIDATION, run_folder=folder, progress=progress, **options)
    return {**history.curves, "weights": weights_of(model)}


class Finder(keras.Model):
    """Says whether there is a bright spot and where; it clips its gradients in a train_step of its own."""

    def __init__(self):
        super().__init__()
        self.hidden, self.drop = keras.layers.Dense(12, activation="relu"), keras.layers.Dropout(0.2, seed=3)
        self.spot, self.place = keras.layers.Dense(1), keras.layers.Dense(2)

    def call(self, x, training=False):
        x = self.drop(self.hidden(x), training=training)
        return {"spot": self.spot(x), "place": self.place(x)}

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            found = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=found)
        gradients, norm = tf.clip_by_global_norm(tape.gradient(loss, self.trainable_variables), 0.5)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {**self.compute_metrics(x, y, found), "loss": loss, "gradient_norm": norm}


def spots(first_epoch, epochs, seed=0):
    """Batches of eight rows of eight numbers, half of them with a bright pair; a pure function of seed and place."""

    def batch(place):
        seeds = tf.stack([tf.cast(seed, tf.int64), place])
        rows = tf.random.stateless_uniform((8, 8), seeds)
        where = tf.random.stateless_uniform((8,), seeds + 7, 0, 7, tf.int32)
        there = tf.cast(tf.range(8) % 2, tf.float32)[:, None]
        rows += there * 2 * (tf.one_hot(where, 8) + tf.one_hot(where + 1, 8))
        place = tf.stack([where, where + 1], axis=1) / 7
        return rows, {"spot": there, "place": there * tf.cast(place, tf.float32)}

    return tf.data.Dataset.range(first_epoch * STEPS, epochs * STEPS).map(batch)


def run_finder(folder, progress=False, **changes):
    """A subclassed model with two outputs and their losses; the best epoch is the one with the highest accuracy."""
    keras.utils.set_random_seed(1)
    model = Finder()
    model(np.zeros((1, 8), "float32"))
    options = {
        "optimizer": keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.9), momentum=0.9),
        "loss": {"spot": keras.losses.BinaryCrossentropy(from_logits=True), "place": "huber"},
        "loss_weights": {"spot": 1.0, "place": 5.0},
        "metrics": {"spot": keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)},
        "monitor": "val_spot_accuracy",
        "mode": "max",
        "key": "spots",
        "seed": 5,
    }
    history = fit_resumable(
        model,
        spots,
        steps_per_epoch=STEPS,
        epochs=4,
        validation=spots(0, 2, seed=1),
        run_folder=folder,
        progress=progress,
        **{**options, **changes},
    )
    return {**history.curves, "weights": weights_of(model), "best": history.best_epoch, "steps": history.steps}


def run_game(folder, after_step=lambda step: None, rate=0.01, steps=24):
    """Two networks, two optimizers, a loop written by hand: the maker learns to draw numbers around 3."""
    keras.utils.set_random_seed(1)
    maker = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    judge = keras.Sequential([keras.Input((1,)), keras.layers.Dense(8, "tanh"), keras.layers.Dropout(0.2)])
    judge.add(keras.layers.Dense(1))
    noise = keras.random.SeedGenerator(6)
    optimizers = keras.optimizers.Adam(rate), keras.optimizers.RMSprop(rate, momentum=0.5)
    for optimizer, model in zip(optimizers, (maker, judge), strict=True):
        optimizer.build(model.trainable_variables)

    @tf.function
    def turn(real):
        drawn = keras.random.normal((16, 2), seed=noise)
        with tf.GradientTape(persistent=True) as tape:
            made, seen = judge(maker(drawn), training=True), judge(real, training=True)
            maker_loss = tf.reduce_mean(tf.nn.softplus(-made))
            judge_loss = tf.reduce_mean(tf.nn.softplus(made) + tf.nn.softplus(-seen))
        optimizers[0].apply(tape.gradient(maker_loss, maker.trainable_variables), maker.trainable_variables)
        optimizers[1].apply(tape.gradient(judge_loss, judge.trainable_variables), judge.trainable_variables)
        return maker_loss, judge_loss

    checkpoint = Checkpoint(folder, maker, judge, *optimizers, noise, key={"batch": 16})
    for step in range(checkpoint.restore(), steps):
        real = np.random.default_rng((0, step)).normal(3, 1, (16, 1)).astype("float32")
        losses = turn(real)
        if (step + 1) % 4 == 0:
            checkpoint.save(step + 1, maker_loss=losses[0], judge_loss=losses[1])
        after_step(step + 1)
    columns = {name: [row[name] for row in checkpoint.rows] for name in checkpoint.rows[0]}
    return {**columns, "weights": np.concatenate([weights_of(maker), weights_of(judge)])}


def weights_of(model):
    """All weights in a row."""
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def kill():
    """As a machine does that is out of memory: nobody is asked."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def main(folder):
    """The game is played in the middle of an epoch of the finder, which runs in the middle of one of the classifier."""

    def game():
        run_game(folder / "game", lambda step: kill() if step == 14 else None)

    def finder():
        run_finder(folder / "finder", bar_that(game, 2 * STEPS + 3))

    run_classifier(folder / "classifier", bar_that(finder, STEPS + 2))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
