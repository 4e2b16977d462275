"""Packages that are installed with the `course` extra: where one is missing, a line says what to install."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from lookinside.errors import LookInsideError

INSTALL = 'say `make run` in the clone, or `pip install -e ".[cpu,course]"`'


def need(*names: str, program: bool = False) -> None:
    """Stop where packages of the `course` extra are missing.

    Args:
        names: as they are imported.
        program: a program is starting; it ends with the line alone and status 1.

    Raises:
        LookInsideError: with the names of those that are missing, and how to install them.
        SystemExit: in place of it where a program starts.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        said = f"The course needs {', '.join(missing)}: {INSTALL}."
        if program:
            sys.exit(said)
        raise LookInsideError(said)
