"""The first sheet of an Excel workbook (.xlsx) as a table."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

from lookinside.errors import LookInsideError
from preparing.listing import Table

_SHEET, _TEXTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def read_workbook(path: Path) -> Table:
    """Read a workbook's first sheet: the first row has the names of the columns.

    Raises:
        LookInsideError: if it is no workbook.
    """
    try:
        with zipfile.ZipFile(path) as opened:
            texts = []
            if _TEXTS in opened.namelist():
                texts = ["".join(one.itertext()) for one in ElementTree.fromstring(opened.read(_TEXTS))]
            sheet = ElementTree.fromstring(opened.read(_SHEET))
            rows = [_row(row, texts) for row in sheet.iter() if _kind(row) == "row"]
    except (zipfile.BadZipFile, KeyError, IndexError, ValueError, ElementTree.ParseError, OSError) as error:
        raise LookInsideError(f"{path}: cannot be read as a workbook ({error}): save it as .csv") from None
    columns = [name.strip().lower() for name in rows[0]] if rows else []
    return Table(path, columns, [(number, row) for number, row in enumerate(rows[1:], 2) if any(row)])


def _kind(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _row(row: ElementTree.Element, texts: list[str]) -> list[str]:
    """The values of a row; a cell that is not there is empty."""
    values: list[str] = []
    for cell in row:
        place = _column(cell.get("r", ""))
        values += [""] * (len(values) <= place and place - len(values))
        values.append(_value(cell, texts))
    return values


def _column(reference: str) -> int:
    """Position of the column of a cell: 1 for "B7", -1 where it has no name."""
    number = 0
    for letter in re.sub("[^A-Z]", "", reference):
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: ElementTree.Element, texts: list[str]) -> str:
    inside = "".join(text for part in cell if _kind(part) in ("v", "is") for text in part.itertext())
    return texts[int(inside)] if cell.get("t") == "s" else inside
