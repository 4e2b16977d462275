"""Training of a classifier on labelled images."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

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
    learning_rate: float | None = None,
    optimizer: keras.optimizers.Optimizer | None = None,
    auxiliary_weight: float = 0.3,
    patience: int | None = 10,
    augment: Callable | None = None,
    run_folder: str | Path | None = None,
    seed: int = 0,
    progress: bool | Callable = True,
) -> History:
    """Train a classifier on the cross-entropy of its logits; it ends with the weights of its BEST epoch.

    The best epoch is the one with the lowest cross-entropy on `validation`, whether training stopped early or not.
    Batches are whole (batch normalisation dislikes a last batch of three), images become floats in [0, 1].

    What training minimises may be more than the cross-entropy: the penalty of the model's regularizers (its
    `weight_decay`), and the losses of auxiliary classifiers, which are a model's outputs behind the first. The history
    then has the sum as "total_loss"; its "loss" and "accuracy" are those of the first output without any penalty.

    With a `run_folder` a killed run goes on where its last whole epoch ended: call again with the same configuration
    and a newly built model. Order, dropout and augmentation of an epoch follow from `seed` and the epoch's number, so
    the resumed run is the run in one piece, up to rounding. Its files lie in a folder named after a hash of network,
    images, augmentation and settings. A run that has ended is not trained again: its best weights are loaded.

    Args:
        model: a Keras model from images (N, H, W, C) to logits (N, classes), or to a list of them, those that count
            first; it is compiled here.
        train: images to learn from.
        validation: images to stop on, with the same class names; never the test set.
        epochs: at most so many passes over `train`.
        steps: at most so many steps (batches) in all; the last epoch is cut short. Networks, or training sets of
            different sizes, are compared at equal steps with it. One of `epochs` and `steps` must be given; of both,
            the one that is reached first ends the run. The history's `steps` says where each epoch ended.
        batch_size: images a step; a smaller set is one batch.
        learning_rate: of Adam, 0.001 where nothing is said.
        optimizer: another one than Adam, new: `keras.optimizers.SGD(0.01, momentum=0.9)`, say.
        auxiliary_weight: how much the loss of each auxiliary classifier counts; 0.3 in Szegedy et al. 2015, section 5.
        patience: stop after so many epochs without a lower validation loss; None never stops.
        augment: Keras layer or model, called on float batches with `training=True` inside tf.data (see `augmentation`).
            It may crop (see `crop_and_rotate`): the model and `validation` then have the crop's size.
        run_folder: where to keep what a resume needs; None keeps nothing.
        seed: of order, dropout and augmentation. The start weights are the model's own:
            call `keras.utils.set_random_seed` before building it.
        progress: True for a bar on the error stream, False for silence, or a callable `(steps, description, unit=)`
            that returns a bar with `update`, `set_postfix_str` and `close`.

    Raises:
        LookInsideError: if images, labels or classes do not fit to the model or to each other, for an optimizer that
            has trained before, or if the loss becomes nan.
    """
    _check(model, train, validation, batch_size, augment)
    batch_size = min(batch_size, len(train))
    objective = _Objective(model, auxiliary_weight)

    def batches(first_epoch, epochs):
        return objective.for_each_output(
            training_batches(train, batch_size, seed=seed, first_epoch=first_epoch, epochs=epochs, augment=augment)
        )

    history = fit_resumable(
        model,
        batches,
        steps_per_epoch=len(train) // batch_size,
        epochs=epochs,
        steps=steps,
        validation=objective.for_each_output(validation.to_tf(batch_size)),
        optimizer=_optimizer(optimizer, learning_rate),
        loss=objective.loss,
        metrics=objective.metrics,
        loss_weights=objective.loss_weights,
        monitor=objective.monitor,
        patience=patience,
        key=[train.images, train.labels, validation.images, validation.labels, augment, batch_size],
        run_folder=run_folder,
        seed=seed,
        progress=progress,
    )
    return replace(history, curves=objective.renamed(history.curves))


class _Objective:
    """What a classifier is trained for and watched by: one cross-entropy, or one for each output, and a penalty.

    Attributes:
        loss, loss_weights, metrics: as `model.compile` takes them.
        monitor: Keras' name for the column of the first output's cross-entropy on the validation set.
    """

    def __init__(self, model: keras.Model, auxiliary_weight: float):
        if not isinstance(auxiliary_weight, Real) or not 0 <= auxiliary_weight < math.inf:
            raise LookInsideError(f"auxiliary_weight is {auxiliary_weight!r}: give 0 or more, 0.3 as in the paper.")
        self._outputs = len(model.outputs)
        self.loss: Any = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.metrics: Any = ["accuracy"]
        self.loss_weights: list[float] | None = None
        self._columns: dict[str, str | None] = {}  # Keras' name -> ours, where they differ; None is left out
        if self._outputs > 1:
            self.loss = [self.loss] * self._outputs
            self.loss_weights = [1.0] + [float(auxiliary_weight)] * (self._outputs - 1)
            self.metrics = [["accuracy", _cross_entropy()] for _ in model.outputs]
            first, *others = model.output_names
            self._columns = {f"{first}_cross_entropy": "loss", f"{first}_accuracy": "accuracy", "loss": "total_loss"}
            # Keras' own columns of the outputs' losses give a last, smaller batch of the validation too much weight.
            self._columns |= {f"{first}_loss": None} | {f"{name}_loss": None for name in others}
            self._columns |= {f"{name}_cross_entropy": f"{name}_loss" for name in others}
        elif any(variable.regularizer is not None for variable in model.trainable_variables):
            self.metrics = ["accuracy", _cross_entropy()]
            self._columns = {"cross_entropy": "loss", "loss": "total_loss"}
        self.monitor = f"val_{next(iter(self._columns), 'loss')}"

    def for_each_output(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """The labels once for each output."""
        if self._outputs == 1:
            return batches
        return batches.map(lambda images, labels: (images, (labels,) * self._outputs))

    def renamed(self, curves: dict[str, list[float]]) -> dict[str, list[float]]:
        """The curves under our names: "loss" and "accuracy" are the first output's."""
        found = {}
        for name, values in curves.items():
            column = name.removeprefix("val_")
            ours = self._columns.get(column, column)
            if ours is not None:
                found[name.removesuffix(column) + ours] = values
        return found


def _shape_after(augment, shape):
    """(H, W, C) of an augmented image; what is no layer of Keras is taken to keep it."""
    if not isinstance(augment, keras.layers.Layer):
        return shape
    return tuple(augment.compute_output_shape((None, *shape)))[1:]


def _cross_entropy():
    return keras.metrics.SparseCategoricalCrossentropy("cross_entropy", from_logits=True)


def _optimizer(optimizer, learning_rate):
    if optimizer is None:
        return keras.optimizers.Adam(1e-3 if learning_rate is None else learning_rate)
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise LookInsideError(f"optimizer is {optimizer!r:.60}: give keras.optimizers.SGD(0.01, momentum=0.9), say.")
    if learning_rate is not None:
        raise LookInsideError("learning_rate is Adam's: give the optimizer its own, SGD(0.01, momentum=0.9), say.")
    if optimizer.built:
        raise LookInsideError("The optimizer has trained a network already: make a new one for each run.")
    return optimizer


def _check(model, train, validation, batch_size, augment):
    if batch_size < 1:
        raise LookInsideError(f"batch_size is {batch_size}: give 1 or more.")
    for name, images in (("train", train), ("validation", validation)):
        if not len(images):
            raise LookInsideError(f"The {name} set holds no image: choose other classes or another split.")
    shapes = {"train": _shape_after(augment, train.shape), "validation": validation.shape}
    for name, shape in shapes.items():
        if model.input_shape[1:] != shape:
            if shapes["train"] != train.shape:
                mend = "build the model for the augmented images, and give centre_crop(validation, side)."
                name = f"augmented {name}" if name == "train" else name
            else:
                mend = "build the model with input_shape=train.shape."
            raise LookInsideError(
                f"The model takes images of shape {model.input_shape[1:]}, the {name} set has {shape}: {mend}"
            )
    if train.class_names != validation.class_names:
        raise LookInsideError("train and validation have different class names: split one set into both.")
    if len(model.outputs) > 1 and isinstance(model.output, dict):
        raise LookInsideError(f"Model {model.name} answers with a dict: give it a list of outputs, the logits first.")
    for output in model.outputs:
        if output.shape[-1] != len(train.class_names):
            raise LookInsideError(
                f"The model has {output.shape[-1]} outputs for {len(train.class_names)} classes: "
                "build it with classes=len(train.class_names)."
            )
        last = output._keras_history.operation
        if isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax:
            raise LookInsideError(f"Layer {last.name} is a softmax, but the loss takes logits: leave the softmax away.")
