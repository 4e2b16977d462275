"""What a script knows about its set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from preparing.patients import Patients


@dataclass(frozen=True)
class Found:
    """The labelled pictures of a download.

    Attributes:
        items: (file, class folder name) of each picture that goes into the set.
        left_out: reason -> number of pictures that do not.
        patients: who is on them, where that is known.
    """

    items: list[tuple[Path, str]]
    left_out: dict[str, int] = field(default_factory=dict)
    patients: Patients = field(default_factory=Patients)


@dataclass(frozen=True)
class Card:
    """One public set.

    Attributes:
        name: folder under `data/`.
        title, licence, citation, source: what goes into `dataset.json` and is printed first.
        collect: finds the labelled pictures in an unpacked download; raises LookInsideError where it is something else.
        address: where the archive is fetched, or "" where an account is needed.
        checksum: of the archive, as pooch writes it ("md5:..."), or "".
        how_to_get: what to do where the archive cannot be fetched.
        original_names: class folder name -> the publisher's name.
    """

    name: str
    title: str
    licence: str
    citation: str
    source: str
    collect: Callable[[Path], Found]
    address: str = ""
    checksum: str = ""
    how_to_get: str = ""
    original_names: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            self.title,
            f"  Licence:  {self.licence}",
            f"  Citation: {self.citation}",
            f"  Source:   {self.source}",
        ]
        if self.address:
            lines += [f"  Address:  {self.address}", f"  Checksum: {self.checksum}"]
        return "\n".join(lines)
