"""Training of any Keras model on any stream: best epoch, early stopping, a progress bar, going on after a kill."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tqdm import tqdm

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.locks import locked
from lookinside.training.epochs import EpochKeeper
from lookinside.training.history import Goal, History, Row, history_from_rows
from lookinside.training.keys import run_key
from lookinside.training.run_folder import RunFolder, State, same_shapes, variables_of


def fit_resumable(
    model: keras.Model,
    batches: Callable[[int, int], tf.data.Dataset],
    *,
    steps_per_epoch: int,
    epochs: int | None = None,
    steps: int | None = None,
    validation: tf.data.Dataset | None = None,
    optimizer: Any = None,
    loss: Any = None,
    metrics: Any = None,
    loss_weights: Any = None,
    monitor: str | None = "val_loss",
    mode: str = "min",
    patience: int | None = None,
    each_epoch: Callable[[int], None] | None = None,
    key: Any = None,
    run_folder: str | Path | None = None,
    seed: int = 0,
    progress: bool | Callable = True,
) -> History:
    """Train a Keras model by its own `train_step`; it ends with the weights of its BEST epoch.

    With a `run_folder` a killed run goes on where its last whole epoch ended: call again with the same arguments and a
    newly built model. Weights, optimizers and best weights are restored. The resumed run is the run in one piece, up to
    rounding, where its randomness follows from `seed` and the epoch: that holds for the model's dropout and whatever
    else draws from a `keras.random.SeedGenerator` of the model, and for `batches` if it is written so. `tf.random` in
    a `train_step` draws anew. A run that has ended is not trained again: its best weights are loaded.

    Args:
        model: with one or several outputs, subclassed or not. With a `run_folder` it has its weights already (a
            subclassed model gets them when it is called on a batch), and several optimizers of a model are built.
        batches: `batches(first_epoch, epochs)` gives the batches of the epochs `first_epoch` to `epochs` - 1, counted
            from 0, one after the other: `steps_per_epoch` each, in the form that the model's `train_step` takes.
        steps_per_epoch: batches an epoch.
        epochs: at most so many epochs.
        steps: at most so many steps in all; the last epoch is cut short. One of `epochs` and `steps` must be given; of
            both, the one that is reached first ends the run.
        validation: batches to evaluate on after every epoch.
        optimizer, loss, metrics, loss_weights: as `model.compile` takes them. Without an optimizer the model is taken
            as it was compiled, for a model whose `compile` is its own.
        monitor: the column of the history that tells the best epoch; None keeps the last one.
        mode: "min" or "max", what is better in that column.
        patience: stop after so many epochs without a better one; None never stops.
        each_epoch: called after every epoch with the number of steps so far, when the state is kept already.
        key: what names the configuration besides these arguments: the data, the rates of a `compile` of its own, and
            what changes inside of a function. See `run_key`.
        run_folder: where to keep what a resume needs, a folder for each configuration; None keeps nothing.
            Of two processes with the same run, one waits and takes over what the other has.
        seed: of dropout and all that draws from the model's seed generators, anew in every epoch.
        progress: True for a bar on the error stream, False for silence, or a callable `(steps, description, unit=)`
            that returns a bar with `update`, `set_postfix_str` and `close`.

    Returns:
        The history, with a column for all that Keras logs.

    Raises:
        LookInsideError: for arguments that do not fit together, a column that is not there, or a loss that becomes nan
            (then the last good state is kept).
    """
    epochs, steps = run_limits(epochs, steps, steps_per_epoch)
    if not is_whole(seed, -(2**63)) or seed >= 2**63:
        raise LookInsideError(f"seed is {seed!r:.60}: give a whole number of at most 63 bits.")
    goal = _goal(monitor, mode, patience, validation)
    _compile(model, optimizer, loss=loss, metrics=metrics, loss_weights=loss_weights)
    keeper = EpochKeeper(goal, steps, seed, each_epoch)
    bar = partial(_open_bar, progress, description=model.name)
    options = {"epochs": epochs, "steps_per_epoch": steps_per_epoch, "validation_data": validation}
    if run_folder is None:
        return _train(model, keeper, batches, bar, **options)
    settings = [epochs, steps, steps_per_epoch, seed, monitor, mode, patience, loss, metrics, loss_weights]
    run = RunFolder(run_folder, run_key("fit", model, optimizers_of(model), settings, key))
    with locked(run.folder / "lock", waiting=f"Run {run.folder.name} is trained by another process: waiting for it."):
        return _load_finished(run, model, goal, steps) or _go_on(run, model, keeper, batches, bar, **options)


def _load_finished(run: RunFolder, model: keras.Model, goal: Goal, steps: int) -> History | None:
    state = run.load_finished(lambda state: same_shapes(model.weights, state.arrays.get("best", [])))
    if state is None:
        return None
    model.set_weights(state.arrays["best"])
    return _history(state.rows, goal, steps, resumed_after=len(state.rows))


def _go_on(run: RunFolder, model: keras.Model, keeper: EpochKeeper, *arguments: Any, **options: Any) -> History:
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    keeper.keep_in(run, variables_of(model, *optimizers_of(model)), model.weights)
    history = _train(model, keeper, *arguments, **options)
    run.finish(State(keeper.rows, {"best": keeper.best}))
    return history


def _train(
    model: keras.Model, keeper: EpochKeeper, batches: Callable, bar: Callable, *, epochs: int, **options: Any
) -> History:
    """Train from the keeper's last row to the end; the model gets its best weights."""
    done, goal, rows = len(keeper.rows), keeper.goal, keeper.rows
    if keeper.step < keeper.steps and not goal.patience_is_out(rows):
        keeper.bar = bar(keeper.steps - keeper.step)
        try:
            _see_whole_batches(model)
            stream = batches(done, epochs)
            _make_ahead(model, stream.element_spec)
            model.fit(
                stream,
                epochs=epochs,
                initial_epoch=done,
                shuffle=False,  # the stream is shuffled already
                callbacks=[keeper],
                verbose=0,
                **options,
            )
        finally:
            keeper.bar.close()
    model.set_weights(keeper.best)
    return _history(rows, goal, keeper.steps, resumed_after=done)


def _make_ahead(model: keras.Model, batch: Any) -> None:
    """Make the variables of optimizer, losses and metrics that the first step would make.

    TensorFlow traces a step that makes variables a second time: of a large network that is ten seconds.

    Args:
        model: compiled. On several devices, and where outputs and targets are no tensors or lists of them, it is left
            as it is.
        batch: the specification of one.
    """
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        return  # Keras does the same
    if model.optimizer is not None and not model.optimizer.built and model.built:
        model.optimizer.build(model.trainable_variables)
    _, targets, weights = keras.utils.unpack_x_y_sample_weight(batch)
    several, outputs = isinstance(targets, list | tuple), getattr(model, "outputs", None) or ()
    each = list(targets) if several else [targets]
    known = all(isinstance(one, tf.TensorSpec) and one.shape[1:].is_fully_defined() for one in each)
    own_step = type(model).train_step is not keras.Model.train_step
    if own_step or weights is not None or not known or len(each) != len(outputs):
        return
    answers, each = [[tf.zeros((1, *one.shape[1:]), one.dtype) for one in some] for some in (outputs, each)]
    given = {"y": each, "y_pred": answers} if several else {"y": each[0], "y_pred": answers[0]}
    model.compute_loss(**given)
    model.compute_metrics(None, **given)
    model.reset_metrics()


def _see_whole_batches(model: keras.Model) -> None:
    """Where several devices share a batch, let batch normalisation take mean and variance of all of it."""
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True


def run_limits(epochs: int | None, steps: int | None, steps_per_epoch: int) -> tuple[int, int]:
    """(epochs, steps) of a whole run: the limit that is reached first, with the last epoch cut short."""
    if epochs is None and steps is None:
        raise LookInsideError("Say how long to train: give epochs, steps or both.")
    for name, value in (("epochs", epochs), ("steps", steps), ("steps_per_epoch", steps_per_epoch)):
        if value is not None and not is_whole(value):
            raise LookInsideError(f"{name} is {value!r:.60}: give a whole number, 1 or more.")
    most = min(value for value in (epochs and epochs * steps_per_epoch, steps) if value is not None)
    return -(-most // steps_per_epoch), most


def optimizers_of(model: keras.Model) -> list[keras.optimizers.Optimizer]:
    """All optimizers of a model: the one that it was compiled with, and those that its class has added."""
    found = [value for value in vars(model).values() if isinstance(value, keras.optimizers.Optimizer)]
    return list({id(one): one for one in found}.values())


def _goal(monitor: str | None, mode: str, patience: int | None, validation: Any) -> Goal:
    if mode not in ("min", "max"):
        raise LookInsideError(f"mode is {mode!r:.60}: say 'min' or 'max'.")
    if patience is not None and not is_whole(patience, 0):
        raise LookInsideError(f"patience is {patience!r:.60}: give a whole number of epochs, or None.")
    if not isinstance(monitor, str | None):
        raise LookInsideError(f"monitor is {monitor!r:.60}: give the name of a column, or None.")
    if monitor is not None and monitor.startswith("val_") and validation is None:
        raise LookInsideError(
            f"monitor is {monitor!r}, but there is no validation: give one, or another column or None."
        )
    return Goal(monitor, mode, patience)


def _compile(model: keras.Model, optimizer: Any, **options: Any) -> None:
    if optimizer is not None:
        model.compile(optimizer, **options)
        return
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise LookInsideError(f"{given[0]} is given without an optimizer: give both, or compile the model yourself.")
    if not model.compiled:
        raise LookInsideError("The model is not compiled: give optimizer and loss, or compile the model yourself.")


def _history(rows: list[Row], goal: Goal, steps: int, *, resumed_after: int) -> History:
    stopped = goal.patience_is_out(rows) and rows[-1]["step"] < steps
    return history_from_rows(rows, goal.best_row(rows) + 1, stopped_early=stopped, resumed_after=resumed_after)


def _open_bar(progress: bool | Callable, steps: int, *, description: str) -> Any:
    if callable(progress):
        return progress(steps, description, unit="step")
    return tqdm(total=steps, desc=description, unit="step", disable=not progress, file=sys.stderr, leave=False)
