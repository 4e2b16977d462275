"""Going on after a kill for a training loop written by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from lookinside.errors import LookInsideError
from lookinside.locks import locked
from lookinside.training.history import Row
from lookinside.training.keys import run_key
from lookinside.training.run_folder import RunFolder, State, assign_all, same_shapes, values_of, variables_of


class Checkpoint:
    """The state of a training loop written by hand (two networks, two optimizers), kept by steps.

        checkpoint = Checkpoint(profile.run_folder("06_patho_gan"), generator, critic, *optimizers, key={"rate": 1e-4})
        for step in range(checkpoint.restore(), 2000):
            losses = train_step(batch_of(step))
            if (step + 1) % 100 == 0:
                checkpoint.save(step + 1, generator=losses[0], critic=losses[1])

    A loop that was killed goes on after the last saved step with the same weights, optimizers and dropout. What else is
    random must follow from the step: the batch, and noise that is drawn outside of Keras
    (`np.random.default_rng((seed, step))`, or a `keras.random.SeedGenerator` that is one of the parts).

    Args:
        folder: where to keep what a resume needs, in a folder of its own for each configuration; None keeps nothing.
        parts: all that changes while training: models, optimizers, metrics, seed generators, variables. Optimizers are
            built first: `optimizer.build(model.trainable_variables)`.
        key: what names the configuration besides the parts' own settings: rates, data, seed. See `run_key`.

    Attributes:
        step: the last step that was saved or restored, 0 at the start.
        rows: one mapping a save: `step` and the values that were given with it.

    Raises:
        LookInsideError: for a part without variables, or one that is not built, or a folder that cannot be written to.
    """

    def __init__(self, folder: str | Path | None, *parts: Any, key: Any = None):
        self.variables = variables_of(*parts)
        if not self.variables:
            raise LookInsideError("A checkpoint needs the models and optimizers that it is to keep.")
        described = [part for part in parts if hasattr(part, "get_config")]
        self._run = None if folder is None else RunFolder(folder, run_key("loop", described, key))
        self.step = 0
        self.rows: list[Row] = []

    def restore(self) -> int:
        """Give all parts the last saved state and return its step; 0 where nothing was saved.

        A file that is broken is passed over for the one before it; where both are, it is said in one line.
        """
        if self._run is None:
            return self.step
        with locked(self._run.folder / "lock"):
            state = self._run.load(self._fits)
        if state is not None:
            assign_all(self.variables, state.arrays["variables"])
            self.rows, self.step = state.rows, int(state.rows[-1]["step"])
        return self.step

    def save(self, step: int, **values: float) -> None:
        """Keep the state after `step` steps, and a row of values (losses, scores) beside it.

        Raises:
            LookInsideError: for a value that is nan or infinite; then nothing is written and the last state stays; or
                where the state cannot be written.
        """
        row = {name: float(value) for name, value in values.items()}
        for name, value in row.items():
            if not math.isfinite(value):
                raise LookInsideError(
                    f"{name} became {value} at step {step}: the state after step {self.step} is kept, give lower rates."
                )
        self.rows.append({"step": step, **row})
        self.step = step
        if self._run:
            with locked(self._run.folder / "lock"):
                self._run.save(State(self.rows, {"variables": values_of(self.variables)}))

    def _fits(self, state: State) -> bool:
        return same_shapes(self.variables, state.arrays.get("variables", []))
