"""Training of a classifier: early stopping, a progress bar, and going on after a kill."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.training.history import History, Row, best_row, history_from_rows, read_rows, write_rows
from lookinside.training.resume import DropOldBest, KeepBest, RunFolder, SeedEpoch, WriteRows, run_key
from lookinside.training.stream import training_batches


def fit_classifier(
    model: keras.Model,
    train: LabelledImages,
    validation: LabelledImages,
    *,
    epochs: int,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    patience: int | None = 10,
    augment: Callable | None = None,
    run_folder: str | Path | None = None,
    seed: int = 0,
    progress: bool | Callable = True,
) -> History:
    """Train a classifier with Adam on the cross-entropy of its logits; it ends with the weights of its BEST epoch.

    The best epoch is the one with the lowest loss on `validation`, whether training stopped early or not. Batches are
    whole (batch normalisation dislikes a last batch of three), images become floats in [0, 1].

    With a `run_folder` a killed run goes on where its last whole epoch ended: call again with the same configuration
    and a newly built model. Order, dropout and augmentation of an epoch follow from `seed` and the epoch's number, so
    the resumed run is the run in one piece, up to rounding. Its files lie in a folder named after a hash of network,
    images, augmentation and settings. A run that has ended is not trained again: its best weights are loaded.

    Args:
        model: a Keras model from images (N, H, W, C) to logits (N, classes); it is compiled here.
        train: images to learn from.
        validation: images to stop on, with the same class names; never the test set.
        epochs: at most so many passes over `train`.
        batch_size: images a step; a smaller set is one batch.
        learning_rate: of Adam.
        patience: stop after so many epochs without a lower validation loss; None never stops.
        augment: Keras layer or model, called on float batches with `training=True` inside tf.data (see `augmentation`).
        run_folder: where to keep what a resume needs; None keeps nothing.
        seed: of order, dropout and augmentation. The start weights are the model's own:
            call `keras.utils.set_random_seed` before building it.
        progress: True for a bar on the error stream, False for silence, or a callable `(steps, description, unit=)`
            that returns a bar with `update`, `set_postfix_str` and `close`.

    Raises:
        LookInsideError: if images, labels or classes do not fit to the model or to each other, or the loss becomes nan.
    """
    _check(model, train, validation, epochs, batch_size)
    batch_size = min(batch_size, len(train))
    steps = len(train) // batch_size
    settings = {"epochs": epochs, "batch": batch_size, "rate": learning_rate, "patience": patience, "seed": seed}
    run, rows = None, []
    model.compile(
        keras.optimizers.Adam(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    if run_folder is not None:
        run = RunFolder(Path(run_folder) / run_key(model, train, validation, augment, **settings))
        rows = read_rows(run.csv)
        rows = rows[: run.restore(model, rows, steps)]
        write_rows(run.csv, rows)
    done = len(rows)
    stopped = _patience_is_out(rows, patience)
    if done < epochs and not stopped:
        bar = _open_bar(progress, (epochs - done) * steps, model.name)
        try:
            model.fit(
                training_batches(train, batch_size, seed=seed, first_epoch=done, epochs=epochs, augment=augment),
                validation_data=validation.to_tf(batch_size),
                epochs=epochs,
                initial_epoch=done,
                steps_per_epoch=steps,
                shuffle=False,  # the stream is shuffled already
                callbacks=_callbacks(rows, run, patience, seed, bar),
                verbose=0,
            )
        finally:
            bar.close()
            # BackupAndRestore leaves its epoch behind, and the next fit of this model would skip so many epochs.
            model._initial_epoch = None
        stopped = len(rows) < epochs
    else:
        model.set_weights(run.load_best(best_row(rows) + 1))
    if run is not None:
        run.finish(best_row(rows) + 1)
    return history_from_rows(rows, stopped_early=stopped, resumed_after=done)


def _check(model, train, validation, epochs, batch_size):
    if epochs < 1 or batch_size < 1:
        raise LookInsideError(f"epochs is {epochs} and batch_size {batch_size}: give 1 or more of both.")
    for name, images in (("train", train), ("validation", validation)):
        if not len(images):
            raise LookInsideError(f"The {name} set holds no image: choose other classes or another split.")
        if model.input_shape[1:] != images.shape:
            raise LookInsideError(
                f"The model takes images of shape {model.input_shape[1:]}, the {name} set has {images.shape}: "
                "build the model with input_shape=train.shape."
            )
    if train.class_names != validation.class_names:
        raise LookInsideError("train and validation have different class names: split one set into both.")
    if model.output_shape[-1] != len(train.class_names):
        raise LookInsideError(
            f"The model has {model.output_shape[-1]} outputs for {len(train.class_names)} classes: "
            "build it with classes=len(train.class_names)."
        )
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax:
        raise LookInsideError(f"Layer {last.name} is a softmax, but the loss takes logits: leave the softmax away.")


def _patience_is_out(rows: list[Row], patience):
    return bool(rows) and patience is not None and len(rows) - 1 - best_row(rows) >= patience


def _callbacks(rows, run, patience, seed, bar):
    """In the order in which they must see the end of an epoch: check, best weights, CSV row, backup."""
    callbacks = [
        _RefuseNan(),
        SeedEpoch(seed),
        KeepBest(patience, list(rows), run),
        WriteRows(rows, run, time.monotonic),
    ]
    if run is not None:
        callbacks.append(keras.callbacks.BackupAndRestore(str(run.backup), double_checkpoint=True))
        callbacks.append(DropOldBest(rows, run))
    return [*callbacks, _Bar(bar)]


class _RefuseNan(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if not (np.isfinite(logs["loss"]) and np.isfinite(logs["val_loss"])):
            raise LookInsideError(f"The loss became {logs['loss']} in epoch {epoch + 1}: give a lower learning_rate.")


class _Bar(keras.callbacks.Callback):
    def __init__(self, bar):
        super().__init__()
        self.bar = bar

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update(1)

    def on_epoch_end(self, epoch, logs=None):
        self.bar.set_postfix_str(f"epoch {epoch + 1}, val_accuracy {logs['val_accuracy']:.2f}")


def _open_bar(progress, steps, description):
    if callable(progress):
        return progress(steps, description, unit="step")
    return tqdm(total=steps, desc=description, unit="step", disable=not progress, file=sys.stderr, leave=False)
