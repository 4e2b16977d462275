"""The elements of a DICOM file, each read with care: a damaged one is refused by its name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from lookinside.errors import LookInsideError

_MEND = "replace the file, or mend it with a DICOM program"


class Header:
    """One dataset of a file (the whole one, or an item of a sequence) and the name to give in messages."""

    def __init__(self, data: Dataset, path: Path):
        self._data, self._path = data, path

    def __contains__(self, keyword: str) -> bool:
        return keyword in self._data

    def value(self, keyword: str):
        """The element's value as pydicom gives it; None where it is not there, or empty.

        Raises:
            LookInsideError: if it cannot be read (pydicom interprets an element when it is asked for).
        """
        try:
            value = self._data[keyword].value if keyword in self._data else None
            return None if value is None or value == "" or (hasattr(value, "__len__") and not len(value)) else value
        except Exception as error:  # whatever damaged bytes make of it
            raise self.damaged(keyword, error) from None

    def text(self, keyword: str) -> str | None:
        """The element as text (the first of several); None where it is not there."""
        value = self._first(keyword)
        return None if value is None else "".join(c if c.isprintable() else "?" for c in str(value)).strip()

    def number(self, keyword: str) -> float | None:
        """The element as a finite number (the first of several: of windows, it is the default)."""
        value = self._first(keyword)
        if value is None:
            return None
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise self.damaged(keyword, f"{value!r} is no number") from None
        if not math.isfinite(number):
            raise self.damaged(keyword, f"{value!r} is no number")
        return number

    def whole(self, keyword: str) -> int | None:
        """The element as a whole number."""
        number = self.number(keyword)
        if number is not None and number != int(number):
            raise self.damaged(keyword, f"{number} is no whole number")
        return None if number is None else int(number)

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """The element as `count` finite numbers; None where it is not there."""
        value = self.value(keyword)
        if value is None:
            return None
        try:
            numbers = tuple(float(one) for one in value)
        except (TypeError, ValueError):
            numbers = ()
        if len(numbers) != count or not all(map(math.isfinite, numbers)):
            raise self.damaged(keyword, f"{value!r} is not {count} numbers")
        return numbers

    def item(self, keyword: str) -> Header | None:
        """The first item of a sequence; None where there is none."""
        value = self.value(keyword)
        if value is None:
            return None
        if not isinstance(value, Sequence) or not isinstance(value[0], Dataset):
            raise self.damaged(keyword, "it is no sequence")
        return Header(value[0], self._path)

    def damaged(self, keyword: str, reason) -> LookInsideError:
        """The refusal that names an element."""
        words = str(reason).splitlines()
        return LookInsideError(
            f"{self._path}: its {keyword} is damaged ({words[0][:100] if words else type(reason).__name__}): {_MEND}"
        )

    def _first(self, keyword):
        value = self.value(keyword)
        if isinstance(value, MultiValue | list | tuple):
            value = value[0]
        return None if value in (None, "") else value
