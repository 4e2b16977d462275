"""Tables made of recorded rows: chapters/results/tables.toml says which ones, every number comes from the JSON."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lookinside.course.results import Results, key_of
from lookinside.course.site.claims import printed
from lookinside.errors import LookInsideError
from lookinside.figures import table

PAPER = "paper: {}"
SEEDS = re.compile(r" SEEDS=(\d+)$")


@dataclass(frozen=True)
class Number:
    """One number of a table: mean, interval (None where none was recorded) and the rows it comes from."""

    mean: float
    low: float | None
    high: float | None
    rows: list[dict]

    @property
    def seeds(self) -> list[int]:
        """The seeds of its rows; empty for what has none, such as folds taken together."""
        return sorted({row["seed"] for row in self.rows if "seed" in row})


@dataclass(frozen=True)
class RecordTable:
    """A table of recorded numbers.

    Attributes:
        number: "4.2", the chapter's and its own.
        numbers: row -> column -> `Number`, a number that the paper printed, or None.
        units: column -> "%" where its shares are shown in percent.
    """

    chapter: str
    number: str
    title: str
    row_name: str
    note: str
    numbers: dict[str, dict[str, Any]]
    units: dict[str, str]
    digits: dict[str, int] = field(default_factory=dict)

    @property
    def anchor(self) -> str:
        """What a link to it ends with."""
        return "table-" + self.number.replace(".", "-")

    def measured(self) -> Iterator[tuple[str, str, Number]]:
        """(row, column, number) of all that was measured."""
        for name, row in self.numbers.items():
            yield from ((name, column, one) for column, one in row.items() if isinstance(one, Number))

    @property
    def rows(self) -> list[dict]:
        """The recorded rows that it is made of, each once."""
        return list({id(row): row for *_, one in self.measured() for row in one.rows}.values())

    @property
    def commands(self) -> list[str]:
        """The commands that measure its numbers again."""
        return commands_of(self.rows)

    @property
    def seeds(self) -> str:
        """Which seeds its numbers have, in words."""
        found = sorted({tuple(one.seeds) for *_, one in self.measured()}, key=len)
        if found == [()]:
            folds = {row.get("folds") or row["settings"].get("folds") for row in self.rows}
            return f"{folds.pop()} folds together" if len(folds) == 1 and folds != {None} else "no seed of their own"
        if len(found) == 1:
            return f"seed{'s' * (len(found[0]) > 1)} {', '.join(map(str, found[0]))}"
        return "seeds as in the last column"

    @property
    def dates(self) -> str:
        """When its rows were measured."""
        days = sorted({row["date"] for row in self.rows})
        return f"measured {days[0]}" + (f" to {days[-1]}" if days[-1] != days[0] else "")

    @property
    def hardware(self) -> str:
        """On what its rows were measured."""
        return "; ".join(sorted({row["hardware"] for row in self.rows}))

    @property
    def html(self) -> str:
        """The table as pages show it; the seeds get a column where the rows differ in them."""
        shown = {name: {column: _shown(one) for column, one in row.items()} for name, row in self.numbers.items()}
        if "column" in self.seeds:
            for name, row in self.numbers.items():
                shown[name]["seeds"] = _seeds_of(row)
        columns = {column for row in shown.values() for column in row}
        units, digits = ({c: one for c, one in by.items() if c in columns} for by in (self.units, self.digits))
        return table(shown, units=units, digits=digits, row_name=self.row_name, note=self.note)._repr_html_()


def commands_of(rows: list[dict]) -> list[str]:
    """The commands that measure recorded rows again, one for all of their seeds."""
    seeds: dict[str, set[int]] = {}
    for row in rows:
        found = SEEDS.search(row["command"])
        seeds.setdefault(SEEDS.sub("", row["command"]), set()).update({int(found[1])} if found else ())
    return [f"{one} SEEDS={','.join(map(str, sorted(own)))}" if own else one for one, own in seeds.items()]


def _shown(one: Any) -> Any:
    if not isinstance(one, Number):
        return one
    return one.mean if one.low is None else (one.mean, one.low, one.high)


def _seeds_of(row: dict[str, Any]) -> str | None:
    """The seeds of a row; where its columns differ, each group of seeds with its columns."""
    by_seeds: dict[str, list[str]] = {}
    for column, one in row.items():
        if isinstance(one, Number):
            by_seeds.setdefault(", ".join(map(str, one.seeds)) or "–", []).append(column)
    if len(by_seeds) < 2:
        return next(iter(by_seeds), None)
    return "; ".join(f"{seeds} ({', '.join(columns)})" for seeds, columns in by_seeds.items())


def tables_of(source: Path) -> list[RecordTable]:
    """The tables of one chapter, in the order of chapters/results/tables.toml.

    Args:
        source: the chapter's .py; `results/` stands beside it.

    Raises:
        LookInsideError: for a table that names what the record or the chapter does not have.
    """
    folder = source.parent / "results"
    wanted = tomllib.loads((folder / "tables.toml").read_text(encoding="utf-8")).get(source.stem, [])
    record = Results(source.stem, folder)
    rows = record.rows()
    return [_made(record, rows, source, f"{int(source.stem[:2])}.{place}", one) for place, one in enumerate(wanted, 1)]


def _made(record: Results, rows: list[dict], source: Path, number: str, wanted: dict[str, Any]) -> RecordTable:
    columns, by = wanted["columns"], wanted.get("rows")
    groups = wanted.get("only") or list(dict.fromkeys(row[by] for row in _fitting(rows, wanted, {}, by)))
    numbers: dict[str, dict[str, Any]] = {}
    for place, group in enumerate(groups):
        name = str(group)
        numbers[name] = {}
        for title, how in columns.items():
            if title in wanted.get("paper", {}):
                numbers[name][PAPER.format(title)] = _printed(source, wanted["paper"][title], name, place)
            how = {"value": how} if isinstance(how, str) else how
            where = {key: value for key, value in how.items() if key != "value"}
            chosen = [row for row in _fitting(rows, wanted, where, by) if not by or row[by] == group]
            numbers[name][title] = _number(record, chosen, _path(how["value"], name, place))
    percent, digits = wanted.get("percent", []), wanted.get("digits", {})
    made = RecordTable(
        source.stem,
        number,
        wanted["title"],
        wanted.get("row_name", by or ""),
        wanted.get("note", ""),
        numbers,
        dict.fromkeys([*percent, *map(PAPER.format, percent)], "%"),
        digits | {PAPER.format(title): count for title, count in digits.items()},
    )
    empty = [title for title in columns if not any(row[title] for row in numbers.values())]
    if empty:
        raise LookInsideError(f"tables.toml, table {number}: no row of {source.stem}.json has the column {empty[0]!r}")
    return made


def _path(path: str, name: str, place: int) -> str:
    """{} stands for the row's name, # for its place."""
    return path.replace("{}", name).replace("#", str(place))


def _printed(source: Path, hows: Any, name: str, place: int) -> float | None:
    """The paper's number of a row, from the first constant that has it; "A minus B" is a difference of two rows."""
    for how in hows if isinstance(hows, list) else [hows]:
        names = name.split(" minus ") if how.get("minus") else [name]
        found = [printed(source, how["constant"], _path(how["path"], one, place)) for one in names]
        if all(isinstance(one, int | float) for one in found):
            return round((found[0] - sum(found[1:])) * how.get("scale", 1), 6)
    return None


def _fitting(rows: list[dict], wanted: dict[str, Any], where: dict[str, Any], by: str | None) -> list[dict]:
    """The rows that are known by exactly what a table names: those with a further column belong to another one."""
    own = {"profile": "desk", "dataset": wanted.get("dataset", "phantoms"), **wanted.get("where", {}), **where}
    free = {"seed", by} - {None}
    return [
        row
        for row in rows
        if all(row.get(key) == value for key, value in own.items())
        and not set(key_of(row)) - set(own) - free
        and (not by or by in row)
    ]


def _number(record: Results, rows: list[dict], path: str) -> Number | None:
    """Mean and interval as `Results.summary` has them, and the rows that hold the value."""
    held = [row for row in rows if record.summary(path, "profile", rows=[row])]
    if not held:
        return None
    mean, low, high, _ = record.summary(path, "profile", rows=held)["desk"]
    alone = len(held) == 1 and not isinstance(_within(held[0]["values"], path), list)
    return Number(mean, None if alone else low, None if alone else high, held)


def _within(values: dict, path: str) -> Any:
    for key in path.split("/"):
        values = values[key]
    return values
