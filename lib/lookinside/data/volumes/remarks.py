"""What a reader says of a volume: all of it stands with the volume, and what matters is a warning too."""

from __future__ import annotations

import warnings
from pathlib import Path

from lookinside.errors import DataWarning


class Remarks:
    """What was done to a volume while it was read, in the order in which it was done."""

    def __init__(self):
        self.texts: list[str] = []
        self._warnings: list[str] = []

    def note(self, text: str) -> None:
        """Done without a change to what was measured: it stands with the volume."""
        self.texts.append(text)

    def warn(self, text: str) -> None:
        """What a user has to know before trusting a result: it is a `DataWarning` too."""
        self.texts.append(text)
        self._warnings.append(text)

    def give(self, path: Path, stacklevel: int) -> None:
        """Give the warnings, each with the path; `stacklevel` as of `warnings.warn` where `give` is called."""
        for text in self._warnings:
            warnings.warn(f"{path}: {text}", DataWarning, stacklevel=stacklevel + 1)
