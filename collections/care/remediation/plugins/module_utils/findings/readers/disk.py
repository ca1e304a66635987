# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The file on the disk: opened once, read once, hashed and its progress told on the way.

A pipe is as good as a file. What has to be sought in (ZIP, XLSX) and comes from a pipe or out of another archive is
copied to a temporary file without a name, mode 0600, of bounded size.
"""

from __future__ import annotations

import hashlib
import io
import os
import select
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from .errors import ReportError

PIECE: Final = 1 << 18
PROGRESS_SECONDS: Final = 3.0
PIPE_SECONDS: Final = 60.0
MAX_SPOOL: Final = 2 << 30

# bytes done of the file on the disk, and its size where that is known
Progress = Callable[[int, "int | None"], None]


class Disk:
    """One file being read from its beginning to its end. Errors are ReportError with ``name``."""

    def __init__(self, path: Path, name: str, progress: Progress | None = None) -> None:
        self.name = name
        self.size: int | None = None
        self.done = 0
        self._digest = hashlib.sha256()
        self._progress = progress
        self._told = time.monotonic()
        self._ended = False
        self.raw = self._open(path)
        self.stamp = self._stamp()

    @property
    def sha256(self) -> str:
        """Of every byte of the file, hexadecimal; empty until ``pieces`` came to its end."""
        return self._digest.hexdigest() if self._ended else ""

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the file, in pieces."""
        while True:
            try:
                piece = self.raw.read(PIECE)
            except OSError as exc:
                raise ReportError(self.name, f"cannot be read: {exc.strerror}") from exc
            if not piece:
                break
            self._digest.update(piece)
            self.done += len(piece)
            self.tell(self.done)
            yield piece
        self._ended = True

    def tell(self, done: int) -> None:
        """Say how far the reading is, every few seconds."""
        if self._progress and time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = time.monotonic()
            self._progress(done, self.size)

    def moved(self) -> bool:
        """Whether the file changed since it was opened: a tool still writes it."""
        return self.size is not None and self._stamp() != self.stamp

    def _stamp(self) -> tuple[int, ...]:
        status = os.fstat(self.raw.fileno())
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def seekable(self) -> BinaryIO | None:
        """The file from its beginning, once ``pieces`` came to its end; None for a pipe."""
        if self.size is None:
            return None
        self.raw.seek(0)
        return io.BufferedReader(_Sought(self.raw, self.name, self.tell), PIECE)

    def close(self) -> None:
        """Give the file back."""
        self.raw.close()

    def _open(self, path: Path) -> io.FileIO:
        try:
            # Not blocking: a pipe that nobody writes to would hold everything up for ever.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as exc:
            raise ReportError(self.name, "there is no such file") from exc
        except (OSError, ValueError) as exc:
            raise ReportError(self.name, f"cannot be opened: {getattr(exc, 'strerror', None) or exc}") from exc
        try:
            status = os.fstat(handle)
            if stat.S_ISDIR(status.st_mode):
                raise ReportError(self.name, "is a directory; name the report files in it")
            if stat.S_ISREG(status.st_mode):
                self.size = status.st_size
            elif stat.S_ISFIFO(status.st_mode):
                self._wait(handle)
            else:
                raise ReportError(self.name, "is not a file: a device or a socket is not read")
            os.set_blocking(handle, True)
            return io.FileIO(handle, "rb")
        except BaseException:
            os.close(handle)
            raise

    def _wait(self, handle: int) -> None:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(PIPE_SECONDS * 1000):
            raise ReportError(self.name, f"is a pipe that nobody wrote to in {PIPE_SECONDS:.0f} seconds")


class Pieces(io.RawIOBase):
    """An iterator of bytes as a file."""

    def __init__(self, pieces: Iterable[bytes], name: str) -> None:
        self.name = name
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` from the next piece; 0 at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


class _Sought(io.RawIOBase):
    """A file that can be sought in, knows its ``name``, and says its position as it is read."""

    def __init__(self, raw: io.FileIO, name: str, tell: Callable[[int], None] | None = None) -> None:
        self.name = name
        self._raw = raw
        self._tell = tell

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def readinto(self, buffer: Any) -> int | None:
        count = self._raw.readinto(buffer)
        if self._tell is not None:
            self._tell(self._raw.tell())
        return count

    def close(self) -> None:
        if self._tell is None and not self.closed:  # a copy of its own
            self._raw.close()
        super().close()


def as_file(pieces: Iterable[bytes], name: str) -> BinaryIO:
    """A buffered binary file over pieces, that knows its ``name``."""
    return io.BufferedReader(Pieces(pieces, name), PIECE)


def spool(pieces: Iterable[bytes], name: str) -> BinaryIO:
    """A copy that can be sought in: a temporary file without a name (mode 0600), at most MAX_SPOOL bytes."""
    handle, place = tempfile.mkstemp(prefix="care-report-")  # 0600
    Path(place).unlink()
    copy = io.FileIO(handle, "r+b")
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_SPOOL:
            copy.close()
            raise ReportError(
                name, f"is larger than {MAX_SPOOL >> 30} GiB unpacked, and has to be sought in: unpack it"
            )
        copy.write(piece)
    copy.seek(0)
    return io.BufferedReader(_Sought(copy, name), PIECE)
