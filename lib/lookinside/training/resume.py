"""Going on after a kill: a folder a configuration, and the callbacks that keep it consistent."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from pathlib import Path

import keras
import numpy as np

from lookinside.data import LabelledImages
from lookinside.training.history import COLUMNS, Row, best_row, write_rows

_LOG = logging.getLogger("lookinside")


def run_key(model: keras.Model, train: LabelledImages, validation: LabelledImages, augment, **settings) -> str:
    """A short name for a configuration: network, images, augmentation and settings; the start weights are not in it.

    Names that Keras numbers by itself (dropout_3) do not count: the same network built twice has the same key.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in (_described(model), _described(augment), settings):
        digest.update(json.dumps(part, sort_keys=True, default=str).encode())
    for images in (train, validation):
        for array in (images.images, images.labels):
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _described(layer):
    if not hasattr(layer, "get_config"):
        return getattr(layer, "__qualname__", str(type(layer)))
    config = layer.get_config()
    names: dict[str, str] = {}
    _collect_names(config, names)
    return _renamed(config, names)


def _collect_names(config, names):
    for key, value in config.items() if isinstance(config, dict) else enumerate(config):
        if key == "name" and isinstance(value, str):
            names.setdefault(value, f"#{len(names)}")
        elif isinstance(value, dict | list | tuple):
            _collect_names(value, names)


def _renamed(config, names):
    if isinstance(config, dict):
        # Keras notes an address in memory as shared_object_id: another one in every process.
        return {key: _renamed(value, names) for key, value in config.items() if key != "shared_object_id"}
    if isinstance(config, list | tuple):
        return [_renamed(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


class RunFolder:
    """The files of one run: `history.csv`, the best weights, and the backup of Keras' BackupAndRestore."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.csv = folder / "history.csv"
        self.backup = folder / "backup"
        folder.mkdir(parents=True, exist_ok=True)

    def best(self, epoch: int) -> Path:
        """File of the weights after `epoch` (from 1), written when it was the best so far."""
        return self.folder / f"best_{epoch:05d}.npz"

    def save_best(self, epoch: int, weights: list[np.ndarray]) -> None:
        """Keep the weights of the best epoch so far."""
        part = self.folder / "best.part"
        with part.open("wb") as file:
            np.savez(file, *weights)
        os.replace(part, self.best(epoch))

    def load_best(self, epoch: int) -> list[np.ndarray]:
        """The weights after `epoch`, in the order of `model.get_weights()`."""
        with np.load(self.best(epoch)) as file:
            return [file[f"arr_{index}"] for index in range(len(file.files))]

    def drop_best_before(self, epoch: int) -> None:
        """Remove best weights that a later backup has made useless."""
        for path in self.folder.glob("best_*.npz"):
            if path < self.best(epoch):
                path.unlink()

    def finish(self, best_epoch: int) -> None:
        """Mark the run as finished and remove what only a resume needs; history and best weights stay."""
        self.drop_best_before(best_epoch)
        (self.folder / "finished").touch()
        shutil.rmtree(self.backup, ignore_errors=True)

    def restore(self, model: keras.Model, rows: list[Row], steps: int) -> int:
        """Load the last state that is whole into a compiled model and return its epochs (0: start anew).

        How many epochs a state has behind it is read from its optimizer's step counter, not from the backup's note:
        a kill can fall between the two files. A backup that cannot be read is set aside in one line.
        """
        if (self.folder / "finished").exists() and self._best_is_whole(rows):
            return len(rows)
        if not self.backup.exists():
            return 0
        start = model.get_weights()
        model.optimizer.build(model.trainable_variables)
        latest = self.backup / "latest.weights.h5"
        for candidate in (latest, self.backup / "latest.weights.h5.bkp"):
            try:
                if candidate != latest:
                    os.replace(candidate, latest)
                model.load_weights(latest)
                epochs, rest = divmod(int(model.optimizer.iterations), steps)
                if rest or not 0 < epochs <= len(rows):
                    raise ValueError("the backup does not fit to the history")
                self.load_best(best_row(rows[:epochs]) + 1)
            except Exception as error:  # whatever a damaged file raises, the mend is the same
                _LOG.debug("backup %s: %s", candidate, error)
                continue
            note = {"epoch": epochs, "batch": 0}
            (self.backup / "training_metadata.json").write_text(json.dumps(note))
            return epochs
        aside = self._set_aside()
        _LOG.warning("The backup in %s is broken: set aside as %s, training starts anew.", self.folder.name, aside.name)
        model.set_weights(start)
        for variable in model.optimizer.variables:
            if variable is not model.optimizer.learning_rate:
                variable.assign(np.zeros(variable.shape))
        return 0

    def _best_is_whole(self, rows):
        try:
            self.load_best(best_row(rows) + 1)
        except Exception as error:  # no row, no file, a torn file: the run is trained anew
            _LOG.debug("best weights in %s: %s", self.folder, error)
            return False
        return True

    def _set_aside(self):
        number = 1
        while (aside := self.folder / f"backup{'' if number == 1 else number}.broken").exists():
            number += 1
        self.backup.rename(aside)
        return aside


class KeepBest(keras.callbacks.EarlyStopping):
    """Early stopping on val_loss whose memory (best value, its weights, the wait) outlives a kill."""

    def __init__(self, patience: int | None, rows: list[Row], run: RunFolder | None):
        super().__init__(
            "val_loss", mode="min", patience=10**9 if patience is None else patience, restore_best_weights=True
        )
        self.rows, self.run = rows, run

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if self.rows:
            self.best_epoch = best_row(self.rows)
            self.best = self.rows[self.best_epoch]["val_loss"]
            self.wait = len(self.rows) - 1 - self.best_epoch
            self.best_weights = self.run.load_best(self.best_epoch + 1)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if self.run is not None and self.best_epoch == epoch:
            self.run.save_best(epoch + 1, self.best_weights)


class WriteRows(keras.callbacks.Callback):
    """Add a row an epoch to the list, and to the CSV file before the backup: rows are never fewer than epochs."""

    def __init__(self, rows: list[Row], run: RunFolder | None, clock):
        super().__init__()
        self.rows, self.run, self.clock = rows, run, clock

    def on_epoch_begin(self, epoch, logs=None):
        self.began = self.clock()

    def on_epoch_end(self, epoch, logs=None):
        values = {**logs, "seconds": self.clock() - self.began}
        self.rows.append({column: float(values[column]) for column in COLUMNS})
        if self.run is not None:
            write_rows(self.run.csv, self.rows)


class DropOldBest(keras.callbacks.Callback):
    """After the backup: best weights that no resume can ask for any more."""

    def __init__(self, rows: list[Row], run: RunFolder):
        super().__init__()
        self.rows, self.run = rows, run

    def on_epoch_end(self, epoch, logs=None):
        # The backup before the last may be asked for too, so its best epoch stays as well.
        self.run.drop_best_before(best_row(self.rows[:-1] or self.rows) + 1)


class SeedEpoch(keras.callbacks.Callback):
    """Dropout draws what (seed, epoch) says, so that a resumed run drops the same units as one in one piece."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        states = [v for v in self.model.variables if v.name == "seed_generator_state"]
        for number, state in enumerate(states):
            state.assign([(self.seed * 1000 + number) % 2**31, epoch * 2**20])
