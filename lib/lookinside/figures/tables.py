"""Tables of results: rows with units, intervals and the best one marked, as HTML and as aligned text."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from lookinside.errors import LookInsideError

NOTHING = "–"
# As wide as a digit and as a point: in HTML, numbers of different lengths and without an interval line up with these.
FIGURE_SPACE, POINT_SPACE = "\u2007", "\u2008"
ARROWS = {"high": "↑", "low": "↓"}
BEST, TIED = "best", "tied"
HTML_MARKS = {BEST: "★", TIED: "≈"}
TEXT_MARKS = {BEST: "*", TIED: "~"}
LEGEND = {BEST: "best of its column", TIED: "its interval holds the best"}


@dataclass(frozen=True)
class Cell:
    """One place of a table: the estimate or text as it is shown, its interval's two ends, its mark."""

    text: str
    ends: tuple[str, str] | None = None
    is_number: bool = True
    mark: str = ""


class Table:
    """What `table` returns: HTML in a notebook, a page and a deck, aligned text in a terminal and for nbval."""

    def __init__(self, corner: str, labels: list[str], columns: dict[str, list[Cell]], note: str):
        self._corner, self._labels, self._columns, self._note = corner, labels, columns, note

    def _caption(self, marks: Mapping[str, str]) -> str:
        used = {cell.mark for cells in self._columns.values() for cell in cells}
        legend = [f"{marks[mark]} {LEGEND[mark]}" for mark in (BEST, TIED) if mark in used]
        return "; ".join([self._note] * bool(self._note) + legend)

    def _repr_html_(self) -> str:
        heads = [_html_head(name, cells) for name, cells in self._columns.items()]
        lines = ['<table class="results">']
        if caption := self._caption(HTML_MARKS):
            lines.append(f'<caption style="caption-side: bottom; text-align: left">{escape(caption)}</caption>')
        corner = f'<th scope="col" style="text-align: left">{escape(self._corner)}</th>'
        if not self._corner:
            corner = "<td></td>"  # a heading without a word is none
        lines.append(f"<thead><tr>{corner}{''.join(heads)}</tr></thead>\n<tbody>")
        drawn = [_html_cells(cells) for cells in self._columns.values()]
        for place, label in enumerate(self._labels):
            row = "".join(cells[place] for cells in drawn)
            lines.append(f'<tr><th scope="row" style="text-align: left">{escape(label)}</th>{row}</tr>')
        return "\n".join([*lines, "</tbody>\n</table>"])

    def __repr__(self) -> str:
        columns = [_ranged([self._corner, *self._labels], left=True)]
        for name, cells in self._columns.items():
            columns.append(_ranged([name, *_text_cells(cells)], left=not _has_numbers(cells)))
        rows = ["  ".join(parts).rstrip() for parts in zip(*columns, strict=True)]
        caption = self._caption(TEXT_MARKS)
        return "\n".join([rows[0], "-" * max(map(len, rows)), *rows[1:], *([caption] if caption else [])])


def table(
    rows: Mapping[str, Mapping[str, Any]] | Sequence[Mapping[str, Any]],
    *,
    units: Mapping[str, str] | str | None = None,
    digits: Mapping[str, int] | int | None = None,
    best: Mapping[str, str] | None = None,
    note: str = "",
    row_name: str = "",
) -> Table:
    """Return a table of results that a notebook, a page and a deck show as HTML and a terminal as aligned text.

    Args:
        rows: row label -> column -> value; or a list of rows, whose first column (or the one called `row_name`) is
            the label. A value is a number, a triple (estimate, low, high), a string, or None, which shows as "–";
            so does nan, and a column that a row does not have.
        units: column -> unit, written behind the column's name, or one unit for all columns that hold a number. In
            a column with the unit "%" a value is a share and is shown times 100.
        digits: column -> decimals, or one number for all columns. Without it: none for whole numbers, 1 for "%",
            else 2.
        best: column -> "high" or "low". The best estimate is bold and has a star; a row whose interval holds the
            best estimate is marked as not worse.
        note: one line below the table: what the interval is, and over what.
        row_name: heading of the labels.

    Raises:
        LookInsideError: for no rows, for a column in `units`, `digits` or `best` that no row has, for a `best` that
            is neither "high" nor "low", and for a value that is none of the above.
    """
    corner, labelled = _labelled(rows, row_name)
    names = list(dict.fromkeys(str(name) for _, row in labelled for name in row))
    if not names:
        raise LookInsideError("a table needs at least one row with one column besides its label")
    if isinstance(units, str):
        units = {name: units for name in names if any(not isinstance(row.get(name), str | None) for _, row in labelled)}
    units, best = dict(units or {}), dict(best or {})
    for what, given in (("units", units), ("digits", digits if isinstance(digits, Mapping) else {}), ("best", best)):
        for name in set(given) - set(names):
            raise LookInsideError(f"{what} names the column {name!r}; the table has: {', '.join(names)}")
    for name, end in best.items():
        if end not in ARROWS:
            raise LookInsideError(f'best of {name!r} is {end!r}: write "high" or "low"')
    columns = {}
    for name in names:
        unit = units.get(name, "")
        values = [_value(row.get(name), name, unit) for _, row in labelled]
        places = digits.get(name) if isinstance(digits, Mapping) else digits
        places = _decimals(values, unit) if places is None else places
        head = f"{name} ({unit})" if unit else name
        if name in best:
            head += f" {ARROWS[best[name]]}"
        columns[head] = _cells(values, places, best.get(name))
    return Table(corner, [label for label, _ in labelled], columns, note.strip())


def _labelled(rows, row_name: str) -> tuple[str, list[tuple[str, Mapping]]]:
    if not rows:
        raise LookInsideError("a table needs at least one row")
    if isinstance(rows, Mapping):
        return row_name, [(str(label), row) for label, row in rows.items()]
    key = row_name or next(iter(rows[0]))
    found = []
    for number, row in enumerate(rows, 1):
        if key not in row:
            raise LookInsideError(f"row {number} of the table has no {key!r}, which holds the rows' labels")
        found.append((str(row[key]), {name: value for name, value in row.items() if name != key}))
    return str(key), found


def _value(value: Any, name: str, unit: str) -> tuple[float, ...] | int | str | None:
    """One value as a triple or a single of numbers, a whole number, a text, or None for nothing."""
    factor = 100 if unit == "%" else 1
    if hasattr(value, "tolist"):
        value = value.tolist()  # NumPy's numbers and arrays
    if value is None or isinstance(value, str | bool):
        return {True: "yes", False: "no"}.get(value, value)
    if isinstance(value, numbers.Real):
        if math.isnan(value):
            return None
        return int(value) * factor if isinstance(value, numbers.Integral) else (factor * float(value),)
    if isinstance(value, Sequence) and len(value) == 3:
        if any(one is None for one in value):
            return None
        if all(isinstance(one, numbers.Real) for one in value):
            return None if math.isnan(value[0]) else tuple(factor * float(one) for one in value)
    raise LookInsideError(
        f"{name!r} of a table holds {value!r}: give a number, a triple (estimate, low, high), a string or None"
    )


def _decimals(values: list, unit: str) -> int:
    if all(isinstance(value, int | str | None) for value in values):
        return 0
    return 1 if unit == "%" else 2


def _number(value: float, places: int) -> str:
    text = f"{value:,.{places}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text  # no minus before a zero


def _cells(values: list, places: int, wanted: str | None) -> list[Cell]:
    found, estimates = [], {}
    for row, value in enumerate(values):
        if value is None or isinstance(value, str):
            found.append(Cell(value or NOTHING, is_number=value is None))
            continue
        triple = value if isinstance(value, tuple) else (value,)
        ends = tuple(_number(end, places) for end in triple[1:]) or None
        found.append(Cell(_number(triple[0], places), ends))
        estimates[row] = triple
    if wanted and len(estimates) > 1:
        top = (max if wanted == "high" else min)(triple[0] for triple in estimates.values())
        for row, triple in estimates.items():
            # What reads the same is the same, whatever its further decimals say.
            mark = BEST if _number(triple[0], places) == _number(top, places) else ""
            if not mark and len(triple) == 3 and triple[1] <= top <= triple[2]:
                mark = TIED
            found[row] = Cell(found[row].text, found[row].ends, mark=mark)
    return found


def _has_numbers(cells: list[Cell]) -> bool:
    return any(cell.is_number and cell.text != NOTHING for cell in cells)


def _widest(cells: list[Cell]) -> tuple[int, int, int]:
    """Characters of the longest estimate, low end and high end of a column."""
    ends = [cell.ends or ("", "") for cell in cells]
    estimates = [len(cell.text) for cell in cells if cell.is_number]
    return max(estimates, default=0), max(len(low) for low, _ in ends), max(len(high) for _, high in ends)


def _interval(ends: tuple[str, str], wide: tuple[int, int, int], space: str) -> str:
    return f"[{ends[0].rjust(wide[1], space)}, {ends[1].rjust(wide[2], space)}]"


def _blank(cells: list[Cell]) -> str:
    """As wide as the widest interval of a column, and empty."""
    widest = max((" [{}, {}]".format(*cell.ends) for cell in cells if cell.ends), key=len, default="")
    return "".join(FIGURE_SPACE if letter.isdigit() or letter == "-" else POINT_SPACE for letter in widest)


def _html_head(name: str, cells: list[Cell]) -> str:
    side = "right" if _has_numbers(cells) else "left"
    return f'<th scope="col" style="text-align: {side}">{escape(name)}</th>'


def _html_cells(cells: list[Cell]) -> list[str]:
    wide, side = _widest(cells), "right" if _has_numbers(cells) else "left"
    blank = _blank(cells)
    drawn = []
    for cell in cells:
        text = escape(cell.text).replace("-", "\u2212") if cell.is_number else escape(cell.text)
        if cell.mark:
            bold = f"<strong>{text}</strong>" if cell.mark == BEST else text
            text = f'<span class="mark" title="{LEGEND[cell.mark]}">{HTML_MARKS[cell.mark]}</span> {bold}'
        if cell.ends:
            interval = _interval(cell.ends, wide, FIGURE_SPACE).replace("-", "\u2212")
            text += f' <span class="interval">{interval}</span>'
        elif cell.is_number:
            text += blank
        drawn.append(f'<td style="text-align: {side}">{text}</td>')
    return drawn


def _text_cells(cells: list[Cell]) -> list[str]:
    wide, marked = _widest(cells), any(cell.mark for cell in cells)
    blank = " " * (wide[1] + wide[2] + 5) if wide[1] else ""
    drawn = []
    for cell in cells:
        if not cell.is_number:
            drawn.append(cell.text)
            continue
        mark = f"{TEXT_MARKS.get(cell.mark, ' ')} " if marked else ""
        interval = f" {_interval(cell.ends, wide, ' ')}" if cell.ends else blank
        drawn.append(mark + cell.text.rjust(wide[0]) + interval)
    return drawn


def _ranged(texts: list[str], *, left: bool) -> list[str]:
    width = max(map(len, texts))
    return [text.ljust(width) if left else text.rjust(width) for text in texts]
