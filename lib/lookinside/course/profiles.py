"""How big a chapter runs: the profile and the data set, both chosen by environment variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

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
        """The one of three values that belongs to the profile in force."""
        return {"quick": quick, "desk": desk, "paper": paper}[self.name]

    @property
    def seed(self) -> int:
        """The seed of the whole chapter: `COURSE_SEED`, else 0. Raises LookInsideError where it is no whole number."""
        text = os.environ.get("COURSE_SEED", "").strip() or "0"
        if not text.isdigit():
            raise LookInsideError(f"COURSE_SEED={text!r} is not a whole number from 0 up: use 0, 1, 2, ...")
        return int(text)

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


profile = Profile()
