"""Room on the disk: asked before, told in one line when it runs out."""

from __future__ import annotations

import shutil
from pathlib import Path

from lookinside.errors import LookInsideError


def need_room(folder: Path, wanted: int) -> None:
    """Refuse to start where `folder`'s disk has less than `wanted` bytes free.

    Raises:
        LookInsideError: with both numbers.
    """
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise LookInsideError(too_full(folder, wanted, free))


def too_full(folder: Path, wanted: int, free: int) -> str:
    """The line for a full disk."""
    return (
        f"{folder.parent}: the disk is full: about {megabytes(wanted)} MB are needed, {megabytes(free)} MB are free; "
        "make room, or choose another disk with --out"
    )


def megabytes(count: int) -> str:
    """Bytes as whole megabytes, at least 1, with a comma at the thousands."""
    return f"{max(1, round(count / 1e6)):,}"
