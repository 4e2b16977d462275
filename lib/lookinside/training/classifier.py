"""Training of a classifier on labelled images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.training.history import History
from lookinside.training.resumable import fit_resumable
from lookinside.training.stream import training_batches


def fit_classifier(
    model: keras.Model,
    train: LabelledImages,
    validation: LabelledImages,
    *,
    epochs: int | None = None,
    steps: int | None = None,
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
        steps: at most so many steps (batches) in all; the last epoch is cut short. Networks, or training sets of
            different sizes, are compared at equal steps with it. One of `epochs` and `steps` must be given; of both,
            the one that is reached first ends the run. The history's `steps` says where each epoch ended.
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
    _check(model, train, validation, batch_size)
    batch_size = min(batch_size, len(train))

    def batches(first_epoch, epochs):
        return training_batches(train, batch_size, seed=seed, first_epoch=first_epoch, epochs=epochs, augment=augment)

    return fit_resumable(
        model,
        batches,
        steps_per_epoch=len(train) // batch_size,
        epochs=epochs,
        steps=steps,
        validation=validation.to_tf(batch_size),
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        patience=patience,
        key=[train.images, train.labels, validation.images, validation.labels, augment, batch_size],
        run_folder=run_folder,
        seed=seed,
        progress=progress,
    )


def _check(model, train, validation, batch_size):
    if batch_size < 1:
        raise LookInsideError(f"batch_size is {batch_size}: give 1 or more.")
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
