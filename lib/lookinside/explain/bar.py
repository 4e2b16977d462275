"""A bar on long work: it appears after five seconds, on the error stream, or is the caller's own."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tqdm import tqdm


class bar:
    """A progress bar that closes itself: `with bar(progress, steps, "what") as one: one.update(1)`.

    Args:
        progress: True for a bar where the work takes over five seconds, False for silence, or a callable
            `(steps, description, unit=)` that returns a bar with `update` and `close`.
        steps: how many there are.
        description: what is going on.
        unit: what one step is called.
    """

    def __init__(self, progress: bool | Callable, steps: int, description: str, unit: str = "image"):
        if callable(progress):
            self._bar = progress(steps, description, unit=unit)
        elif progress:
            self._bar = tqdm(total=steps, desc=description, unit=unit, delay=5, file=sys.stderr, leave=False)
        else:
            self._bar = _Silent()

    def __enter__(self):
        return self._bar

    def __exit__(self, *error):
        self._bar.close()


class _Silent:
    def update(self, steps):
        pass

    def close(self):
        pass
