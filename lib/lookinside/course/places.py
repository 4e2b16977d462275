"""Where the repository's parts lie."""

from __future__ import annotations

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
