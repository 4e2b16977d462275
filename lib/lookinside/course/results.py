"""Measured rows of a chapter: one JSON file in chapters/results/, written whole after every row."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lookinside.course.kept_files import KeptFiles, patiently, write_json
from lookinside.course.places import repository
from lookinside.course.profiles import profile
from lookinside.course.progressbar import progress
from lookinside.course.provenance import command, dataset_name, hardware, versions
from lookinside.course.sweeps import Enough, in_words, key_text, numbering, work_off
from lookinside.errors import LookInsideError
from lookinside.locks import locked

# What a row holds besides its key; every other column is a part of the key.
NO_KEY = ("command", "date", "hardware", "versions", "seconds", "settings", "values")


class Results(KeptFiles):
    """The recorded results of one chapter.

    A row is known by its key: profile, data set, and whatever else the chapter names (network, seed, training-set size,
    fold, ...). Measuring it again replaces it. Several processes may record at once. Under the quick profile nothing is
    written: quick runs are for learning, the desk and paper profiles are for the record.

    Args:
        chapter: the chapter's file name without ending, "01_anatomy_landmarks".
        folder: where the file lies; chapters/results/ of this repository unless told.
    """

    def __init__(self, chapter: str, folder: Path | None = None):
        self.chapter = chapter
        self.path = (folder or repository() / "chapters" / "results") / f"{chapter}.json"
        self._claims = (folder or repository() / "build") / "claims" / chapter

    def rows(self, *, rows: Sequence[dict] | None = None, **wanted: Any) -> list[dict]:
        """Return the recorded rows whose columns equal `wanted` (profile=, dataset=, network=, ...), ordered by key.

        A column that a row does not have equals None. Raises LookInsideError where the file is not readable JSON.

        Args:
            rows: what `sweep` has returned, to choose from in place of the record.
            wanted: name of a column -> its value.
        """
        rows, wanted = self._recorded() if rows is None else rows, plain(wanted)
        return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]

    def summary(self, value: str, *by: str, **wanted: Any) -> dict[Any, tuple[float, float, float, int]]:
        """Return group -> (mean, low, high, number of rows) of one recorded value.

        A group are the rows that are equal in the columns `by`, mostly all but the seed: `summary("accuracy",
        "dataset", "network", profile="desk")` has a key ("phantoms", "deeper"); with one column the key is its value.

        A value is recorded with its own 95 % interval (a plain number stands for all three); over several rows the
        interval runs from the lowest of the low ends to the highest of the high ends, which errs on the wide side.
        Rows without the value, or with none measured, are left out. A value inside a table of values is named by its
        path, "explanations/GradCAM/insertion". `wanted` is as for `rows`; so are `table`'s and `curves`'.
        """
        if not by:
            raise LookInsideError("Name the columns to group by: summary('accuracy', 'network', profile='desk').")
        found: dict[Any, list] = {}
        for row in self.rows(**wanted):
            one = _value(row, value)
            if one not in (None, [None] * 3):
                triple = one if isinstance(one, list) else [one] * 3
                group = tuple(row.get(column) for column in by)
                found.setdefault(group if len(by) > 1 else group[0], []).append(triple)
        return {
            key: (sum(v[0] for v in each) / len(each), min(v[1] for v in each), max(v[2] for v in each), len(each))
            for key, each in found.items()
        }

    def table(
        self, columns: Mapping[str, str], by: str, *, groups: Iterable | None = None, **wanted: Any
    ) -> dict[Any, dict[str, tuple | None]]:
        """Return group -> column -> (mean, low, high), or None where the group has no such value: for `figures.table`.

        Args:
            columns: name of a column -> the recorded value that it shows, as in `summary`.
            by: the column of the key whose values are the rows, mostly "network".
            groups: which of these values, in this order; without it all that have a row, ordered as the record is.
            wanted: see `rows`; `rows=` takes those of this run, `profile="desk"` those of the record.
        """
        found = {column: self.summary(value, by, **wanted) for column, value in columns.items()}
        if groups is None:
            groups = dict.fromkeys(group for one in found.values() for group in one)
        return {
            group: {column: one[group][:3] if group in one else None for column, one in found.items()}
            for group in groups
        }

    def paired(
        self, value: str, by: str, first: Any, second: Any, *, over: str = "seed", **wanted: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a recorded value of two groups, row by row of both belonging together: for paired differences.

        Args:
            value: its path, as in `summary`: "each/SSIM" is a list of one number for each image.
            by: the column of the key that tells the two groups apart, "network" say.
            first, second: its two values.
            over: the column that says which rows belong together; a row whose partner is missing is left out.
            wanted: see `rows`.

        Returns:
            Two float64 arrays (S, ...) of the S shared rows, ordered by `over`; where it was not measured it is nan.
        """
        found = [
            {row[over]: _value(row, value) for row in self.rows(**wanted, **{by: group})} for group in (first, second)
        ]
        shared = [one for one in found[0] if None not in (found[0][one], found[1].get(one))]
        return tuple(np.array([one[number] for number in shared], np.float64) for one in found)

    def curves(self, x: str, y: str, by: str, **wanted: Any) -> dict[Any, list[tuple[list, list]]]:
        """Return group -> one (x values, y values) for each recorded row: for `figures.step_curves`."""
        found: dict[Any, list] = {}
        for row in self.rows(**wanted):
            if x in row["values"] and y in row["values"]:
                found.setdefault(row.get(by), []).append((row["values"][x], row["values"][y]))
        return found

    def record(self, *, seconds: float, settings: dict, values: dict, **key: Any) -> bool:
        """Write one row (NumPy numbers and arrays become plain ones) and return True; False under the quick profile.

        Args:
            seconds: what the measuring took.
            settings: epochs, image side, numbers of images: what a reader needs to judge the figures.
            values: the figures.
            key: what the row is known by besides profile and data set: network="deeper + BN", seed=0.
        """
        if profile.name == "quick":
            return False
        key = self._key(key)
        row = self._row(key, seconds, settings, values)
        self._change(key, lambda old: row)
        return True

    def add(self, *, values: dict, **key: Any) -> bool:
        """Add values to the row that `record` has written and return True; False under the quick profile.

        Raises LookInsideError where there is no row with this key yet.
        """
        if profile.name == "quick":
            return False

        def longer(old: dict | None) -> dict:
            if old is None:
                raise LookInsideError(f"{self.path.name} has no row of {in_words(key)}: call record first.")
            return old | {"values": old["values"] | plain(values)}

        self._change(self._key(key), longer)
        return True

    def sweep(self, trials: Sequence[dict], measure: Callable[..., Mapping]) -> list[dict]:
        """Measure all trials and return their rows, in the order of `trials`.

        Under the quick profile all are measured and nothing is written. Under desk and paper a trial that has its row
        already is not measured again (delete the row to have it measured), the others are claimed one at a time,
        measured and recorded; what other processes are measuring at the same time is waited for. A trial that fails
        does not stop the others: its error is raised when they are done. Where trials are numbered (`numbered`), the
        wanted one alone is measured.

        Two sweeps of a chapter need different keys: the rows of one would be taken for the other's.

        Args:
            trials: mappings from names to values; each becomes the key of a row. See `trials`.
            measure: called as `measure(**trial)`, returns {"settings": {...}, "values": {...}} as `record` takes them.

        Raises:
            LookInsideError: for a trial that comes twice, or a measure that returns something else.
        """
        keys = [self._key(trial) for trial in trials]
        by_key: dict[str, dict] = {}
        for key, trial in zip(keys, trials, strict=True):
            if key_text(key) in by_key:
                raise LookInsideError(f"The trial {in_words(key)} comes twice: a row is known by its trial.")
            by_key[key_text(key)] = trial

        def measured(key: dict) -> dict:
            began = time.monotonic()
            found = measure(**by_key[key_text(key)])
            if not isinstance(found, Mapping) or set(found) != {"settings", "values"}:
                raise LookInsideError('The measure of a sweep returns {"settings": {...}, "values": {...}}.')
            return self._row(key, time.monotonic() - began, found["settings"], found["values"])

        if profile.name == "quick":
            return [measured(key) for key in progress(keys, "trials", unit="trial")]

        def measure_and_record(key: dict) -> None:
            row = measured(key)
            self._change(key, lambda old: row)

        chosen = keys if numbering() is None else numbering().chosen(keys)
        if chosen:
            work_off(chosen, self._claims, lambda: set(self._by_key()), measure_and_record)
        if chosen and numbering() is not None:
            raise Enough
        rows = self._by_key()
        return [rows[key_text(key)] for key in keys if numbering() is None or key_text(key) in rows]

    def take(self, rows: Sequence[dict]) -> int:
        """Add rows that another machine has recorded, all of them or none; returns how many of them were new.

        A row whose trial is recorded here already has to have the same settings and values, and is left out.

        Raises:
            LookInsideError: where it has others, or two of the rows contradict one another; nothing is written then.
        """
        with locked(self._claims / "record.lock"):
            known = self._by_key()
            before = len(known)
            for row in rows:
                old = known.setdefault(key_text(key_of(row)), row)
                if any(old[name] != row[name] for name in ("settings", "values")):
                    raise LookInsideError(
                        f"{in_words(key_of(row))} was measured twice, with other values ({old['hardware']}, "
                        f"{old['date']}; {row['hardware']}, {row['date']}): delete one of the two rows."
                    )
            if len(known) > before:
                self._write(known)
        return len(known) - before

    def _recorded(self) -> list[dict]:
        """All rows of the file."""
        if not self.path.is_file():
            return []
        try:
            return json.loads(patiently(lambda: self.path.read_text(encoding="utf-8")))["rows"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise LookInsideError(f"{self.path.name} is not a results file ({error}): restore it with git.") from None

    def _key(self, key: Mapping) -> dict:
        taken = [name for name in key if name in (*NO_KEY, "profile")]
        if taken:
            raise LookInsideError(f"A row has a column {taken[0]!r} of its own: give what it is known by another name.")
        return {"profile": profile.name, "dataset": dataset_name(), **plain(key)}

    def _row(self, key: dict, seconds: float, settings: Mapping, values: Mapping) -> dict:
        return key | {
            "command": command(self.chapter, key),
            "date": datetime.date.today().isoformat(),
            "hardware": hardware(),
            "versions": versions(),
            "seconds": round(seconds, 1),
            "settings": plain(settings),
            "values": plain(values),
        }

    def _by_key(self) -> dict[str, dict]:
        """All rows, by the text of what they are known by."""
        return {key_text(key_of(row)): row for row in self.rows()}

    def _change(self, key: dict, change: Callable[[dict | None], dict]) -> None:
        """Put what `change` makes of the row with this key in its place, and let no other process write meanwhile."""
        with locked(self._claims / "record.lock"):
            rows = self._by_key()
            rows[key_text(key)] = change(rows.get(key_text(key)))
            self._write(rows)

    def _write(self, rows: dict[str, dict]) -> None:
        write_json(self.path, {"chapter": self.chapter, "rows": sorted(rows.values(), key=_order)})


def key_of(row: dict) -> dict:
    """Return what a recorded row is known by."""
    return {name: value for name, value in row.items() if name not in NO_KEY}


def _value(row: dict, path: str) -> Any:
    """What a row has at "explanations/GradCAM/insertion" of its values, or None."""
    found = row["values"]
    for key in path.split("/"):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _order(row: dict) -> list:
    """By profile, data set, then the rest of the key: numbers by size, all else by its text."""
    key = key_of(row)
    rest = sorted(set(key) - {"profile", "dataset"})
    numbers = {name: isinstance(key[name], int | float) for name in rest}
    places = [
        (name, key[name] if numbers[name] else 0, "" if numbers[name] else json.dumps(key[name])) for name in rest
    ]
    return [(key["profile"], 0, ""), (key["dataset"], 0, ""), *places]


def plain(value: Any) -> Any:
    """Return the same value in JSON's own types, floats to six figures; nan becomes None."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if value == value else None
    return value
