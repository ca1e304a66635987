# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ZIP archives, read member by member in place: nothing is ever written under a name that an archive gives."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from .errors import ReportError

MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
PIECE: Final = 1 << 18
MAX_MEMBERS: Final = 10_000
MAX_DIRECTORY: Final = 16 << 20
MAX_BYTES: Final = 16 << 30
MAX_RATIO: Final = 400
RATIO_FROM: Final = 64 << 20
_METHODS: Final = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
_ENCRYPTED: Final = 0x1
# What operating systems put into archives, and nobody packed.
_LITTER: Final = frozenset(("__macosx", "thumbs.db", "desktop.ini"))


class Archive:
    """The members of a ZIP file that can be sought in; bounded before anything of it is unpacked."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        _bound_directory(stream, name)
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, struct.error, EOFError) as exc:
            raise ReportError(name, f"is a ZIP archive that cannot be read: {exc}. Get the file again") from exc
        # not is_dir(): before Python 3.12 it fails on a name without any character
        self.members = [info for info in self._zip.infolist() if not info.filename.endswith("/")]
        self._bound()

    @property
    def names(self) -> list[str]:
        """The names of all members, as the archive gives them."""
        return [info.filename for info in self.members]

    def wanted(self) -> list[int]:
        """The places in ``members`` of what someone put there: no hidden file, no litter of an operating system."""
        return [
            index
            for index, info in enumerate(self.members)
            if not any(
                (part.startswith(".") and part not in (".", "..")) or part.casefold() in _LITTER
                for part in info.filename.replace("\\", "/").split("/")
            )
        ]

    def label(self, index: int) -> str:
        """``archive.zip!member`` for people; a name met twice gets its number."""
        name = self.members[index].filename
        twice = sum(1 for info in self.members if info.filename == name) > 1
        shown = "".join(character if character.isprintable() else "?" for character in name)[:300]
        return f"{self.name}!{shown}{f'#{index + 1}' if twice else ''}"

    def pieces(self, index: int, name: str) -> Iterator[bytes]:
        """The unpacked bytes of one member."""
        info = self.members[index]
        if info.flag_bits & _ENCRYPTED:
            raise ReportError(name, "is encrypted (ZIP with a password): unpack it, and give the files in it")
        if info.compress_type not in _METHODS:
            raise ReportError(
                name, "is packed with a method that is not read here: pack it again as an ordinary ZIP, or unpack it"
            )
        try:
            with self._zip.open(info) as stream:
                while piece := stream.read(PIECE):
                    yield piece
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error) as exc:
            raise ReportError(name, f"the archive is damaged here: {exc}. Get the file again") from exc

    def close(self) -> None:
        """Give the archive back."""
        self._zip.close()

    def _bound(self) -> None:
        if len(self.members) > MAX_MEMBERS:
            raise ReportError(self.name, f"holds more than {MAX_MEMBERS} files: refused")
        packed = sum(info.compress_size for info in self.members)
        unpacked = sum(info.file_size for info in self.members)
        if unpacked > MAX_BYTES:
            raise ReportError(self.name, f"is larger than {MAX_BYTES >> 30} GiB unpacked: refused")
        if unpacked > RATIO_FROM and unpacked > MAX_RATIO * max(packed, 1):
            raise ReportError(
                self.name,
                f"unpacks to more than {MAX_RATIO} times its size, as no report does (a ZIP bomb): refused. If you "
                "trust it, unpack it yourself",
            )


def _bound_directory(stream: BinaryIO, name: str) -> None:
    """zipfile reads the whole directory of an archive at once: bounded first (APPNOTE 4.3.14 and 4.3.16)."""
    stream.seek(0, 2)
    size = stream.tell()
    stream.seek(max(0, size - 65_557 - 76))
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at >= 0 and len(tail) >= at + 22:
        length = int(struct.unpack_from("<I", tail, at + 12)[0])
        if at >= 76 and tail[at - 20 : at - 16] == b"PK\x06\x07" and tail[at - 76 : at - 72] == b"PK\x06\x06":
            length = max(length if length != 0xFFFFFFFF else 0, int(struct.unpack_from("<Q", tail, at - 76 + 40)[0]))
        if length > MAX_DIRECTORY:
            raise ReportError(name, "the directory of this ZIP archive is larger than any real one: refused")
    stream.seek(0)
