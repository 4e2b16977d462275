"""A bar on long work: it appears after five seconds, on the error stream, or is the caller's own."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tqdm import tqdm

from lookinside.errors import LookInsideError

DELAY, TICK = 5.0, 1.0  # seconds until a bar appears, and between two looks at the clock
_outer = ContextVar("outer", default=True)  # the progress of the work that this one is part of


@contextmanager
def speaking_for(progress: bool | Callable) -> Iterator[None]:
    """In here work is part of other work, whose progress is given: False silences all of it.

    A caller's own bar stands for all of it: only a part with a bar of its own as well shows that one.
    """
    token = _outer.set(progress if _outer.get() is True else _outer.get())
    try:
        yield
    finally:
        _outer.reset(token)


class bar:
    """A progress bar that closes itself: `with bar(progress, steps, "what") as one: one.update(1)`.

    Its clock runs on while a step takes long, so that work of a single step is seen to be going on, too.

    Args:
        progress: True for a bar where the work takes over five seconds (never where `COURSE_QUIET` is 1, as when a
            notebook is stored), False for silence, or a callable `(steps, description, unit=)` that returns a bar with
            `update` and `close`.
        steps: how many there are.
        description: what is going on.
        unit: what one step is called.

    Raises:
        LookInsideError: for a `progress` that is none of the three.
    """

    def __init__(self, progress: bool | Callable, steps: int, description: str, unit: str = "image"):
        if not callable(progress) and not isinstance(progress, bool):
            raise LookInsideError(f"progress is {progress!r:.60}: give True, False, or a function that makes a bar.")
        self._clock, self._closed = None, threading.Event()
        outer = _outer.get()
        if outer is False or (progress is True and outer is not True):
            progress = False
        if callable(progress):
            self._bar = progress(steps, description, unit=unit)
        elif progress and os.environ.get("COURSE_QUIET") != "1":
            self._bar = tqdm(total=steps, desc=description, unit=unit, delay=DELAY, file=sys.stderr, leave=False)
            self._clock = threading.Thread(target=self._tick, daemon=True)
        else:
            self._bar = _Silent()

    def __enter__(self):
        if self._clock:
            self._clock.start()
        return self._bar

    def __exit__(self, *error):
        self._closed.set()
        if self._clock:
            self._clock.join()
        self._bar.close()

    def _tick(self):
        if not self._closed.wait(DELAY):
            while not self._closed.wait(TICK):
                self._bar.refresh()


class _Silent:
    def update(self, steps):
        pass

    def close(self):
        pass
