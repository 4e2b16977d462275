"""How big a chapter runs: the profile and the data set, both chosen by environment variables."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from lookinside.course.places import repository
from lookinside.errors import LookInsideError

PROFILES = ("quick", "desk", "paper")
T = TypeVar("T")


class Profile:
    """The profile in force, read from the environment each time it is asked.

    `COURSE_PROFILE` is `quick` (default: two CPU cores, a few minutes), `desk` (CPU, up to two hours a seed) or
    `paper` (the paper's sizes, one GPU). `COURSE_DATASET` names a prepared set; the default is `phantoms`.
    """

    @property
    def name(self) -> str:
        """One of `quick`, `desk`, `paper`. Raises LookInsideError for any other `COURSE_PROFILE`."""
        name = os.environ.get("COURSE_PROFILE", "").strip() or "quick"
        if name not in PROFILES:
            raise LookInsideError(f"COURSE_PROFILE={name!r} is not a profile: use quick, desk or paper.")
        return name

    @property
    def dataset(self) -> str:
        """The name (or folder) of the data set; `phantoms` when `COURSE_DATASET` is not set."""
        return os.environ.get("COURSE_DATASET", "").strip() or "phantoms"

    @property
    def on_phantoms(self) -> bool:
        """True where the truth behind each image is known, so that science can be asserted."""
        return self.dataset == "phantoms"

    def pick(self, *, quick: T, desk: T, paper: T) -> T:
        """The one of three values that belongs to the profile in force.

        What differs from network to network is picked by name: `epochs = profile.pick(quick={"shallow": 6},
        desk={"shallow": 15, "deeper": 40}, paper={"shallow": 60, "deeper": 100})`, then `epochs["shallow"]`; the names
        say which networks there are. A larger profile has all the names of a smaller one, so that a slip of the pen
        shows at once.

        Raises LookInsideError where a name is missing in a larger profile, or only some of the three are mappings.
        """
        values = {"quick": quick, "desk": desk, "paper": paper}
        _same_names(values)
        return values[self.name]

    @property
    def seed(self) -> int:
        """The one seed of all that a chapter shows: `COURSE_SEED`, else the first of `seeds`, which is 0 unless told.

        Raises LookInsideError where it is no whole number.
        """
        (seed,) = _whole_numbers("COURSE_SEED", "0" if self.name == "quick" else str(self.seeds[0]), most=1)
        return seed

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of what a chapter measures for the record: one under quick, `COURSE_SEEDS` or (0, 1, 2) else.

        Raises LookInsideError where they are no whole numbers.
        """
        return (self.seed,) if self.name == "quick" else _whole_numbers("COURSE_SEEDS", "0, 1, 2")

    def run_folder(self, *parts: object) -> Path | None:
        """Where a long training keeps its state, so that a killed run goes on: a folder in build/runs/.

        Returns None under the quick profile, whose trainings are short and always start anew.
        """
        if self.name == "quick":
            return None
        names = ["".join(c if c.isalnum() else "-" for c in Path(str(part)).name) for part in parts]
        return repository() / "build" / "runs" / self.name / Path(*names)

    def __repr__(self) -> str:
        return f"profile {self.name}, data set {self.dataset}"


def _whole_numbers(variable: str, otherwise: str, most: int | None = None) -> tuple[int, ...]:
    """The numbers in an environment variable, with commas or spaces between."""
    text = os.environ.get(variable, "").strip() or otherwise
    numbers = text.replace(",", " ").split()
    if not numbers or not all(number.isdigit() for number in numbers) or len(numbers) > (most or len(numbers)):
        wanted = "one whole number" if most == 1 else "whole numbers"
        raise LookInsideError(f"{variable} is {text!r}: give {wanted} from 0 up.")
    return tuple(map(int, numbers))


def _same_names(values: Mapping[str, Any]) -> None:
    mappings = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    if mappings and len(mappings) < len(values):
        other = next(name for name in values if name not in mappings)
        raise LookInsideError(f"profile.pick: {other} is no mapping by name, {next(iter(mappings))} is one.")
    for smaller, larger in itertools.pairwise(mappings):
        missing = [str(name) for name in mappings[smaller] if name not in mappings[larger]]
        if missing:
            raise LookInsideError(f"profile.pick: {smaller} names {missing[0]!r}, {larger} does not.")


profile = Profile()
