"""What a training run leaves behind: one row an epoch, in memory and in a CSV file."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds")
Row = dict[str, float]


@dataclass(frozen=True)
class History:
    """The course of a training run; epochs count from 1.

    Attributes:
        curves: one value an epoch: loss and val_loss (cross-entropy, nats), accuracy and val_accuracy (share, 0 to 1).
            The training columns are means over the epoch while the weights moved, with dropout and augmentation on.
        seconds: what each epoch took, validation included.
        best_epoch: the epoch whose weights the model has now (lowest val_loss).
        stopped_early: whether `patience` ran out before the last epoch.
        resumed_after: epochs that an earlier, killed run had finished; 0 for a run in one piece.
    """

    curves: dict[str, list[float]]
    seconds: list[float]
    best_epoch: int
    stopped_early: bool = False
    resumed_after: int = 0

    @property
    def epochs(self) -> int:
        """Epochs trained, those before a resume included."""
        return len(self.seconds)

    def best(self, column: str = "val_accuracy") -> float:
        """The value of a column at `best_epoch`."""
        return self.curves[column][self.best_epoch - 1]


def history_from_rows(rows: list[Row], *, stopped_early: bool, resumed_after: int) -> History:
    """Turn rows into a `History`."""
    curves = {column: [row[column] for row in rows] for column in COLUMNS[:-1]}
    seconds = [row["seconds"] for row in rows]
    return History(curves, seconds, best_row(rows) + 1, stopped_early, resumed_after)


def best_row(rows: list[Row]) -> int:
    """Position of the first row with the lowest validation loss."""
    return min(range(len(rows)), key=lambda index: rows[index]["val_loss"])


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write all rows anew; the file is replaced in one step, so a kill never leaves half a row."""
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("epoch", *COLUMNS))
        writer.writerows([epoch, *(repr(row[c]) for c in COLUMNS)] for epoch, row in enumerate(rows, start=1))
    os.replace(part, path)


def read_rows(path: Path) -> list[Row]:
    """Rows of a CSV file up to the first one that is not whole; none where there is no file."""
    rows: list[Row] = []
    if not path.exists():
        return rows
    with path.open(newline="", errors="replace") as file:
        for line in csv.DictReader(file):
            try:
                row = {column: float(line[column]) for column in COLUMNS}
                whole = int(line["epoch"]) == len(rows) + 1
            except (KeyError, TypeError, ValueError):
                break
            if not whole:
                break
            rows.append(row)
    return rows
