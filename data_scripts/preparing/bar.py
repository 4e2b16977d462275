"""The progress bar of the scripts: shows itself after five seconds."""

from __future__ import annotations

from collections.abc import Sequence

from tqdm import tqdm


def bar(work: Sequence, what: str) -> tqdm:
    """Loop over `work` with a bar on the error stream; `what` says what is going on."""
    return tqdm(work, desc=what, unit="file", delay=5, mininterval=0.5, leave=False)
