"""The bytes of a file, unpacked where it is gzip, and an error where it is cut short or damaged."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

_BLOCK = 1 << 17
_GZIP = b"\x1f\x8b"


class ByteStream:
    """Reads a file from front to back, and holds little of it.

    Whether it is gzip is seen from its first bytes, not from its name. The checksum of a gzip file is verified, so
    `finish` has to be called after the last `take`.
    """

    def __init__(self, file: BinaryIO):
        start = file.read(len(_GZIP))
        file.seek(0)
        self._chunks = _inflated(file) if start == _GZIP else iter(lambda: file.read(_BLOCK), b"")
        self._held = bytearray()

    def take(self, count: int) -> bytearray:
        """The next `count` bytes.

        Raises:
            EOFError: if the file ends before.
            zlib.error: if it is damaged.
        """
        while len(self._held) < count:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise EOFError
            self._held += chunk
        taken = self._held[:count]
        del self._held[:count]
        return taken

    def finish(self) -> None:
        """Read what is left, which verifies the checksum; raises as `take` does."""
        self._held.clear()
        for _ in self._chunks:
            pass


def _inflated(file: BinaryIO) -> Iterator[bytes]:
    """Unpack the members of a gzip file, one after the other; most have one, those made in parallel many."""
    member, rest, complete = zlib.decompressobj(16 + zlib.MAX_WBITS), b"", False
    while block := rest or file.read(_BLOCK):
        try:
            chunk = member.decompress(block)
        except zlib.error:
            if complete:
                return  # what follows the last member is no gzip: gzip itself passes over it
            raise
        rest, complete = b"", False
        if member.eof:
            rest, complete = member.unused_data, True
            member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        yield chunk
    if not complete:
        raise EOFError
