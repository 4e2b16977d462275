"""Many images a few at a time, so that their feature maps fit into memory however many there are."""

from __future__ import annotations

from collections.abc import Iterator

_AT_ONCE = 16


def in_parts(count: int) -> Iterator[slice]:
    """Slices that together take `count` images, each 16 of them or what is left over."""
    return (slice(first, min(first + _AT_ONCE, count)) for first in range(0, count, _AT_ONCE))
