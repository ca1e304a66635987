# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""gzip (RFC 1952) as a stream: several members, garbage behind them, a file that ends too early, a bomb."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from .errors import ReportError

MAGIC: Final = b"\x1f\x8b"
OUT: Final = 1 << 18
# What tools write shrinks 10 to 60 times. A bomb shrinks 1,000 times.
MAX_RATIO: Final = 400
RATIO_FROM: Final = 64 << 20
MAX_BYTES: Final = 16 << 30


class Gunzip:
    """The unpacked bytes of gzip pieces. Afterwards: ``truncated``, ``garbage`` (bytes behind the last member)."""

    def __init__(self, pieces: Iterator[bytes], name: str) -> None:
        self.name = name
        self.truncated = False
        self.garbage = 0
        self._packed = 0
        self._unpacked = 0
        self._source = pieces

    def __iter__(self) -> Iterator[bytes]:
        engine: zlib._Decompress | None = None
        waiting = b""
        first = True
        for piece in self._source:
            self._packed += len(piece)
            data = waiting + piece
            waiting = b""
            while data:
                if engine is None:
                    if first or data.startswith(MAGIC):
                        engine = zlib.decompressobj(wbits=31)
                        first = False
                    elif data[:1] == MAGIC[:1] and len(data) == 1:
                        waiting = data  # the mark of the next member may be cut between two pieces
                        break
                    else:
                        yield from self._behind(data)
                        return
                out = self._unpack(engine, data)
                data = engine.unconsumed_tail
                if engine.eof:
                    data = engine.unused_data
                    engine = None
                if out:
                    self._bound(len(out))
                    yield out
        self.garbage += len(waiting)
        self.truncated = engine is not None

    def _unpack(self, engine: zlib._Decompress, data: bytes) -> bytes:
        try:
            return engine.decompress(data, OUT)
        except zlib.error as exc:
            raise ReportError(
                self.name,
                f"the compressed data (gzip) is damaged after {self._unpacked} bytes: {exc}. Get the file again",
            ) from exc

    def _bound(self, count: int) -> None:
        self._unpacked += count
        if self._unpacked > MAX_BYTES:
            raise ReportError(self.name, f"is larger than {MAX_BYTES >> 30} GiB unpacked: refused")
        if self._unpacked > RATIO_FROM and self._unpacked > MAX_RATIO * self._packed:
            raise ReportError(
                self.name,
                f"unpacks to more than {MAX_RATIO} times its size, as no report does (a gzip bomb): refused. If you "
                "trust it, unpack it yourself",
            )

    def _behind(self, data: bytes) -> Iterator[bytes]:
        """What stands behind the last member is no report; zeros are padding of a tape or a block device."""
        self.garbage += len(data.strip(b"\0"))
        for piece in self._source:
            self.garbage += len(piece.strip(b"\0"))
        yield from ()
