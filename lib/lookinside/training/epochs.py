"""What happens around every epoch of a resumable run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from lookinside.errors import LookInsideError
from lookinside.training.history import Goal, Row
from lookinside.training.run_folder import RunFolder, State, assign_all, same_shapes, values_of

# All that makes nan in a run that began well; which of them a fit has is its own.
_LOWER = "lower the learning rate, or what weighs the losses or scales the inputs."


class EpochKeeper(keras.callbacks.Callback):
    """Seeds an epoch, counts its steps, and at its end refuses nan, keeps the best weights, the row and the state.

    Attributes:
        rows: one an epoch.
        best: the weights of the best epoch, as `model.get_weights()` gives them.
        bar: the open progress bar.
    """

    def __init__(self, goal: Goal, steps: int, seed: int, each_epoch: Callable[[int], None] | None = None):
        super().__init__()
        self.goal, self.steps, self.seed, self._each_epoch = goal, steps, seed, each_epoch
        self.rows: list[Row] = []
        self.best: list[np.ndarray] = []
        self.bar: Any = None
        self._run: RunFolder | None = None
        self._variables: list = []

    def keep_in(self, run: RunFolder, variables: list, weights: list) -> None:
        """Keep the state in a run's folder from now on; where it holds one, go on from there.

        Args:
            run: the folder.
            variables: all that a resume needs: of the model and its optimizers.
            weights: the model's, as many as `best` has.
        """
        self._run, self._variables = run, variables

        def fits(state: State) -> bool:
            now, best = (state.arrays.get(name, []) for name in ("variables", "best"))
            return same_shapes(variables, now) and same_shapes(weights, best)

        state = run.load(fits)
        if state is not None:
            assign_all(variables, state.arrays["variables"])
            self.rows, self.best = state.rows, state.arrays["best"]

    @property
    def step(self) -> int:
        """Steps up to the end of the last row."""
        return int(self.rows[-1]["step"]) if self.rows else 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Dropout draws what (seed, epoch) says, so that a resumed run drops the same units as one in one piece."""
        self.began, self.batches = time.monotonic(), 0
        states = [v for v in self.model.variables if v.name == "seed_generator_state"]
        for number, state in enumerate(states):
            state.assign([(self.seed * 1000 + number) % 2**31, epoch * 2**20])

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Moves the bar, and ends the epoch at the run's last step. `batch` is the last one of several at a time."""
        self.bar.update(batch + 1 - self.batches)
        self.batches = batch + 1
        if self.step + self.batches >= self.steps:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Nothing of an epoch with a loss of nan is kept."""
        values = {name: float(value) for name, value in logs.items()}
        self._refuse(values, epoch)
        weights = values_of(self.model.weights)
        if not all(np.isfinite(one).all() for one in weights):  # the losses of the last step were its beginning's
            raise LookInsideError(f"Weights became nan or infinite in epoch {epoch + 1}: {_LOWER}")
        seconds = time.monotonic() - self.began
        self.rows.append({"step": self.step + self.batches, **values, "seconds": seconds})
        if self.goal.best_row(self.rows) == len(self.rows) - 1:
            self.best = weights
        if self._run is not None:
            self._run.save(State(self.rows, {"variables": values_of(self._variables), "best": self.best}))
        if self._each_epoch is not None:
            self._each_epoch(self.step)
        if self.goal.patience_is_out(self.rows):
            self.model.stop_training = True
        shown = "val_accuracy" if "val_accuracy" in values else self.goal.monitor
        text = f", {shown} {values[shown]:.{2 if shown == 'val_accuracy' else 4}f}" if shown else ""
        self.bar.set_postfix_str(f"epoch {epoch + 1}{text}")

    def _refuse(self, values: dict[str, float], epoch: int) -> None:
        monitor = self.goal.monitor
        if monitor is not None and monitor not in values:
            raise LookInsideError(
                f"monitor is {monitor!r}, but the columns are {', '.join(values)}: choose one of them."
            )
        for name, value in values.items():
            if (name.endswith("loss") or name == monitor) and not math.isfinite(value):
                raise LookInsideError(f"{name} became {value} in epoch {epoch + 1}: {_LOWER}")
