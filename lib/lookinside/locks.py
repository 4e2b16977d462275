"""Locks between processes. A process that is killed leaves none behind: the operating system gives them up with it."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if os.name == "nt":
    import msvcrt
else:
    import fcntl

_LOG = logging.getLogger("lookinside")
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@contextmanager
def locked(path: Path, *, wait: bool = True, waiting: str = "") -> Iterator[bool]:
    """Hold the lock of a file while the block runs; yields whether it is held, which is False only without `wait`.

    The file is made where it is missing, stays empty, and stays: to remove it would let two processes in at once.

    Args:
        path: of the lock file.
        wait: whether to wait until another process, or another thread of this one, has given the lock up.
        waiting: a line for the log when there is something to wait for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        held = _take(file)
        if wait and not held and waiting:
            _LOG.warning(waiting)
        while wait and not held:
            time.sleep(0.02)
            held = _take(file)
        try:
            yield held
        finally:
            if held:
                _give_up(file)


def _take(file: IO) -> bool:
    try:
        if os.name == "nt":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            _LOG.warning("%s cannot be locked on this file system: run one process at a time.", file.name)
            return True
        return False
    return True


def _give_up(file: IO) -> None:
    if os.name == "nt":
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    # Elsewhere closing the file gives the lock up.
