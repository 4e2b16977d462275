"""The files of one run: written whole or not at all, so that a kill at any moment leaves a state to go on from."""

from __future__ import annotations

import csv
import json
import logging
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from lookinside.errors import LookInsideError
from lookinside.training.history import Row

_LOG = logging.getLogger("lookinside")
# What NumPy and zipfile raise of broken bytes: an unknown or encrypted kind of compression is a RuntimeError.
_BROKEN = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class State:
    """What a run needs to go on: its rows so far, and groups of arrays by name ("variables", "best", ...)."""

    rows: list[Row]
    arrays: dict[str, list[np.ndarray]]


class RunFolder:
    """The files of one run.

    `state.npz` is the last state and `state_before.npz` the one before it, `finished.npz` what is left of a run that
    has ended, `history.csv` its rows for people to read.

    Args:
        runs: the folder of all runs; it is made where it is missing.
        key: the run's own name, see `run_key`.

    Raises:
        LookInsideError: for what is no path of a folder that can be made and written to.
    """

    def __init__(self, runs: str | os.PathLike, key: str):
        if not isinstance(runs, str | os.PathLike):
            raise LookInsideError(f"run_folder is {runs!r:.60}: give the path of a folder.")
        self.folder = Path(runs) / key
        self.last, self.before = self.folder / "state.npz", self.folder / "state_before.npz"
        self.finished = self.folder / "finished.npz"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "lock").open("a").close()  # what cannot be written is said before the training
        except (OSError, ValueError) as error:  # a ValueError is about a zero byte
            said = getattr(error, "strerror", None) or error
            raise LookInsideError(
                f"run_folder {str(runs)!r:.60} cannot be written to ({said}): give another."
            ) from None

    def save(self, state: State) -> None:
        """Write a state; the one before it stays.

        Raises:
            LookInsideError: where it cannot be written, the disk is full say.
        """
        with self._writing():
            part = self._written(state)
            if self.last.exists():
                os.replace(self.last, self.before)
            os.replace(part, self.last)
            write_rows(self.folder / "history.csv", state.rows)

    def finish(self, state: State) -> None:
        """Write what is left of a run that has ended, and remove what only a resume needs.

        Raises:
            LookInsideError: where it cannot be written, the disk is full say.
        """
        with self._writing():
            os.replace(self._written(state), self.finished)
            write_rows(self.folder / "history.csv", state.rows)
            self.last.unlink(missing_ok=True)
            self.before.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LookInsideError(
                f"The state of run {self.folder.name} cannot be written ({error.strerror or error}): make room or mend "
                "the folder, and call again to go on from the state before."
            ) from None

    def load_finished(self, fits: Callable[[State], bool]) -> State | None:
        """The state of a run that has ended, where there is one that is whole and fits."""
        return _read(self.finished, fits) if self.finished.exists() else None

    def load(self, fits: Callable[[State], bool]) -> State | None:
        """The last state that is whole and fits, or None. States of which none is of use are set aside, in one line."""
        found = [path for path in (self.last, self.before) if path.exists()]
        for path in found:
            if (state := _read(path, fits)) is not None:
                if path == self.before:
                    self.last.unlink(missing_ok=True)  # or the next save would push it over the good one
                return state
        if found:
            for path in found:
                os.replace(path, path.with_suffix(".broken"))
            name = self.folder.name
            _LOG.warning("The state of run %s is broken: set aside as state.broken, training starts anew.", name)
        return None

    def _written(self, state: State) -> Path:
        part = self.folder / "state.part"
        arrays = {f"{name}/{index}": one for name, group in state.arrays.items() for index, one in enumerate(group)}
        with part.open("wb") as file:
            np.savez(file, rows=np.array(json.dumps(state.rows)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        return part


def _read(path: Path, fits: Callable[[State], bool]) -> State | None:
    try:
        with np.load(path) as file:
            rows = json.loads(str(file["rows"]))
            arrays: dict[str, list[np.ndarray]] = {}
            for name in file.files:  # in the order in which they were written
                if "/" in name:
                    arrays.setdefault(name.split("/")[0], []).append(file[name])
    except _BROKEN as error:
        _LOG.debug("state %s: %s", path, error)
        return None
    state = State(rows, arrays)
    return state if rows and fits(state) else None


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write all rows anew as CSV; the file is replaced in one step, so a kill never leaves half a row."""
    part = path.with_suffix(".part")
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    os.replace(part, path)


def variables_of(*parts) -> list:
    """All variables of Keras models, layers, optimizers, metrics, seed generators, and plain variables, each once.

    Raises:
        LookInsideError: for an optimizer or model that has no variables yet, since they could not be restored.
    """
    found = []
    for part in parts:
        name = getattr(part, "name", type(part).__name__)
        if isinstance(part, keras.optimizers.Optimizer) and not part.built:
            raise LookInsideError(
                f"The optimizer {name} has no state yet: call its build(model.trainable_variables) before training."
            )
        layers = part._flatten_layers() if isinstance(part, keras.layers.Layer) else ()
        for layer in layers:
            if not layer.built and layer is not part:
                raise LookInsideError(
                    f"Layer {layer.name} of {name} has no weights yet: call {name} once on a batch before training."
                )
        if isinstance(part, keras.random.SeedGenerator):
            part = part.state
        found += part.variables if hasattr(part, "variables") else [part]
    return list({id(variable): variable for variable in found}.values())


def values_of(variables: list) -> list[np.ndarray]:
    """The values of variables as arrays; bfloat16 as float32, because a file of NumPy cannot name it."""
    arrays = [keras.ops.convert_to_numpy(variable) for variable in variables]
    return [array.astype("float32") if array.dtype.name == "bfloat16" else array for array in arrays]


def same_shapes(variables: list, arrays: list[np.ndarray]) -> bool:
    """Whether arrays can be assigned to variables."""
    return [tuple(one.shape) for one in variables] == [one.shape for one in arrays]


def assign_all(variables: list, arrays: list[np.ndarray]) -> None:
    """Give variables their values back."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
