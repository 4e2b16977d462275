"""Where the repository's parts lie."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from lookinside.errors import LookInsideError
from lookinside.extras import INSTALL


def repository() -> Path:
    """The repository's root folder. Raises LookInsideError where the library runs outside a clone."""
    root = Path(__file__).resolve().parents[3]
    if not (root / "requirements.lock").is_file():
        raise LookInsideError(f"The course runs from a clone: {INSTALL}.")
    return root


def chapter_sources(wanted: str | None = None) -> list[Path]:
    """The chapters' py:percent sources in order; `wanted` is a number (`01`, `1`) or the start of a file's name.

    Raises LookInsideError where no chapter fits.
    """
    found = sorted((repository() / "chapters").glob("[0-9][0-9]_*.py"))
    if not wanted:
        return found
    start = wanted.zfill(2) if wanted.isdigit() else wanted.removesuffix(".py").removesuffix(".ipynb")
    chosen = [path for path in found if path.name.startswith(start)]
    if not chosen:
        names = ", ".join(path.stem for path in found) or "none yet"
        raise LookInsideError(f"No chapter is called {wanted!r}; there are: {names}.")
    return chosen


def repository_address(root: Path | None = None) -> str | None:
    """The address that the course can be cloned from, without `.git`; None where there is none.

    It is one setting, `Repository` under [project.urls] in pyproject.toml. Where that is not set, it is the repository
    whose GitHub workflow is running.

    Args:
        root: the folder of pyproject.toml; this repository's unless told.
    """
    project = tomllib.loads(((root or repository()) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = project.get("urls", {}).get("Repository")
    if not found and os.environ.get("GITHUB_REPOSITORY"):
        found = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{os.environ['GITHUB_REPOSITORY']}"
    return found.rstrip("/").removesuffix(".git") if found else None
