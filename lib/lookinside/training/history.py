"""What a training run leaves behind: one row an epoch, and which of them is the best."""

from __future__ import annotations

from dataclasses import dataclass, field

from lookinside.errors import LookInsideError

Row = dict[str, float]


@dataclass(frozen=True)
class Goal:
    """What decides which epoch is the best, and when to stop.

    Attributes:
        monitor: the column to watch; None takes the last epoch as the best and never stops.
        mode: whether a good value is low ("min") or high ("max").
        patience: epochs without a better value before training stops; None never stops.
    """

    monitor: str | None
    mode: str = "min"
    patience: int | None = None

    def best_row(self, rows: list[Row]) -> int:
        """Position of the best row; of equal ones the first."""
        if self.monitor is None:
            return len(rows) - 1
        sign = -1 if self.mode == "max" else 1
        return min(range(len(rows)), key=lambda index: sign * rows[index][self.monitor])

    def patience_is_out(self, rows: list[Row]) -> bool:
        """Whether as many rows as `patience` says have passed since the best one."""
        if not rows or self.patience is None or self.monitor is None:
            return False
        return len(rows) - 1 - self.best_row(rows) >= max(1, self.patience)


@dataclass(frozen=True)
class History:
    """The course of a training run; epochs and steps count from 1.

    Attributes:
        curves: column -> one value an epoch, for all that Keras logs. Of a classifier: loss and val_loss
            (cross-entropy, nats), accuracy and val_accuracy (share, 0 to 1). The training columns are means over the
            epoch while the weights moved, with dropout and augmentation on.
        seconds: what each epoch took, validation included.
        best_epoch: the epoch whose weights the model has now (lowest val_loss, unless something else was monitored).
        stopped_early: whether `patience` ran out before the last epoch.
        resumed_after: epochs that an earlier, killed run had finished; 0 for a run in one piece.
        steps: how many steps lay behind the network at the end of each epoch: the x axis for comparing networks.
    """

    curves: dict[str, list[float]]
    seconds: list[float]
    best_epoch: int
    stopped_early: bool = False
    resumed_after: int = 0
    steps: list[int] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Epochs trained, those before a resume included."""
        return len(self.seconds)

    def best(self, column: str = "val_accuracy") -> float:
        """The value of a column at `best_epoch`. Raises LookInsideError where there is no such column."""
        if column not in self.curves:
            raise LookInsideError(f"The history has no column {column!r}: choose from {', '.join(self.curves)}.")
        return self.curves[column][self.best_epoch - 1]


def history_from_rows(rows: list[Row], best_epoch: int, *, stopped_early: bool, resumed_after: int) -> History:
    """Turn rows into a `History`."""
    columns = [column for column in rows[0] if column not in ("step", "seconds")]
    return History(
        curves={column: [row[column] for row in rows] for column in columns},
        seconds=[row["seconds"] for row in rows],
        best_epoch=best_epoch,
        stopped_early=stopped_early,
        resumed_after=resumed_after,
        steps=[int(row["step"]) for row in rows],
    )
