"""What a script knows about its set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lookinside.data.files.class_folders import TEST_SHARE
from lookinside.data.places import FORMAT
from preparing.patients import Patients
from preparing.pictures import Source


@dataclass(frozen=True)
class Found:
    """The labelled pictures of a download.

    Attributes:
        items: (picture, class folder name) of each picture that goes into the set.
        left_out: reason -> number of pictures that do not.
        patients: who is on them, where that is known.
        tags: name -> picture -> text, what else is known of every picture.
        parts: picture -> "train" or "test" where the split is given, else empty: it is split here.
        split_rule: what the given split is.
        published: whether the given split is the publisher's.
        notes: what else goes into `dataset.json`.
    """

    items: list[tuple[Source, str]]
    left_out: dict[str, int] = field(default_factory=dict)
    patients: Patients = field(default_factory=Patients)
    tags: Mapping[str, Mapping[Source, str]] = field(default_factory=dict)
    parts: Mapping[Source, str] = field(default_factory=dict)
    split_rule: str = ""
    published: bool = True
    notes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """An option of a set's own, `--view coronal`: `values`, the first of which is taken where it is not given."""

    name: str
    values: tuple[str, ...]
    what: str


@dataclass(frozen=True)
class Card:
    """One public set.

    Attributes:
        name: folder under `data/`.
        title, licence, citation, source: what goes into `dataset.json` and is printed first.
        collect: finds the labelled pictures in an unpacked download; raises LookInsideError where it is something else.
        write: called as write(card, found, folder, size, seed), puts the prepared pictures into the folder and returns
            what `dataset.json` says of them; None writes class folders.
        address: where the archive is fetched, or "" where it is not; one that ends in "/" is a folder of files, whose
            SHA256SUMS.txt lists them.
        file: the archive's name where the address does not end in one.
        checksum: of the archive, as pooch writes it ("md5:..."), or "".
        how_to_get: what to do where the archive cannot be fetched.
        original_names: class folder name -> the publisher's name.
        channels: 1 for grey pictures, 3 for colour.
        size: of the longer side in pixels where none is asked for; sizes: all that there are, or () for any.
        choices: options of this set's own.
        check: called with an archive that the user gives; raises LookInsideError where it is of another choice.
        variant: makes the card of one size and choice, called as variant(card, size, **choices); None where all are
            alike.
        test_share: share of the images that become the test part.
        stratify: tags that, with the class, make up the cells of which each gives its share to the test part.
        near_copies: least correlation of two small copies of pictures that are taken for one picture (0: not looked
            for).
    """

    name: str
    title: str
    licence: str
    citation: str
    source: str
    collect: Callable[..., Any]
    address: str = ""
    file: str = ""
    checksum: str = ""
    how_to_get: str = ""
    original_names: dict[str, str] = field(default_factory=dict)
    channels: int = 1
    size: int = 256
    sizes: tuple[int, ...] = ()
    choices: tuple[Choice, ...] = ()
    check: Callable[[Path], None] | None = None
    variant: Callable[..., Card] | None = None
    test_share: float = TEST_SHARE
    stratify: tuple[str, ...] = ()
    near_copies: float = 0.0
    write: Callable[..., dict] | None = None

    @property
    def archive_name(self) -> str:
        """The name of the fetched archive; "" where none is fetched."""
        return self.file or self.address.rsplit("/", 1)[-1]

    def heading(self) -> dict[str, object]:
        """What `dataset.json` begins with."""
        told = {name: getattr(self, name) for name in ("name", "title", "licence", "citation", "source")}
        return {"format": FORMAT, **told}

    def __str__(self) -> str:
        lines = [
            self.title,
            f"  Licence:  {self.licence}",
            f"  Citation: {self.citation}",
            f"  Source:   {self.source}",
        ]
        if self.address:
            checksum = self.checksum or "of each file, in SHA256SUMS.txt"
            lines += [f"  Address:  {self.address}", f"  Checksum: {checksum}"]
        return "\n".join(lines)
