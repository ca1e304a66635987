# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The archive of an XLSX workbook, and the texts that its cells share, with bounds; for ``workbook``.

What openpyxl parses whole is small, whatever its name; what is large is read as a stream. The archive is judged before
anything of it is unpacked.
"""

from __future__ import annotations

import functools
import struct
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Final
from xml.parsers import expat

from .errors import ReportError
from .xmlstream import Refused

PIECE: Final = 1 << 16
MAX_FILE: Final = 256 << 20
MAX_DIRECTORY: Final = 4 << 20  # of the archive: some 40,000 files; a workbook has some dozens
MAX_WHOLE: Final = 8 << 20  # a part that is parsed whole; the styles of a large workbook are 1 MiB
MAX_STREAM: Final = 2 << 30  # a part that is read as a stream
MAX_TEXTS: Final = 96 << 20  # characters of the shared texts, which are kept in memory
MAX_TEXT_COUNT: Final = 2_000_000
MAX_RATIO: Final = 300  # deflate makes at most 1032; sheets of one repeated row come to 100
MAX_DEPTH: Final = 32
MAX_TOKEN: Final = 4 << 20


def judge(stream: BinaryIO, name: str) -> None:
    """Raise ReportError where an archive is too large, incomplete, or lists too many files, before it is opened."""
    size = stream.seek(0, 2)
    if size > MAX_FILE:
        raise ReportError(name, f"the workbook is larger than {MAX_FILE >> 20} MiB: export it as CSV")
    stream.seek(max(0, size - 65_557))
    tail = stream.read(65_557)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        raise ReportError(name, "the workbook is incomplete (its end is missing): get it again", truncated=True)
    directory = struct.unpack_from("<I", tail, end + 12)[0]
    if directory > MAX_DIRECTORY:
        raise ReportError(name, "the archive lists more files than any workbook has: refused")
    stream.seek(0)


class Parts(zipfile.ZipFile):
    """The archive of a workbook: raises Refused for what is no workbook, and for a part that would be too large."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, "r")
        names: set[str] = set()
        for part in self.infolist():
            if part.filename in names:
                raise Refused(f"the archive holds {part.filename[:80]!r} twice: refused")
            names.add(part.filename)
            if part.flag_bits & 1:
                raise Refused("is protected by a password: save it without")
            if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Refused("is packed in a way that no spreadsheet program uses: save it again as .xlsx")
        if "[Content_Types].xml" not in names:
            ods = "mimetype" in names
            raise Refused(
                "is an OpenDocument file (.ods): save it as .xlsx" if ods else "is a ZIP archive, no workbook"
            )

    def read(self, name: Any, pwd: bytes | None = None) -> bytes:
        """A part as a whole."""
        self._bound(name, MAX_WHOLE)
        return super().read(name, pwd)

    def stream(self, name: str) -> Iterator[bytes]:
        """A part, piece by piece."""
        self._bound(name, MAX_STREAM)
        with self.open(name) as stream:
            while piece := stream.read(PIECE):
                yield piece

    def _bound(self, name: Any, limit: int) -> None:
        part = name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)
        if part.file_size > limit:
            raise Refused(
                f"{part.filename[:80]} would unpack to {part.file_size >> 20} MiB, more than {limit >> 20}: refused. "
                "Export it as CSV"
            )
        if part.file_size > 1 << 20 and part.file_size > MAX_RATIO * max(part.compress_size, 1):
            raise Refused(f"{part.filename[:80]} is compressed like a zip bomb: refused")


@functools.lru_cache(maxsize=1_000)
def local(name: str) -> str:
    """The name of an element without its namespace."""
    return name.rpartition("}")[2]


class Elements:
    """expat over one part: subclasses give ``start``, ``end`` and ``text``. DTDs and entities are refused."""

    def __init__(self) -> None:
        self.depth = 0

    def feed(self, pieces: Iterator[bytes]) -> Iterator[None]:
        """Parse; a step after each piece, so that what was found can be taken. Raises Refused, ExpatError."""
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse
        parser.ExternalEntityRefHandler = _refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.text
        done = 0
        for piece in pieces:
            parser.Parse(piece, False)
            done += len(piece)
            if done - max(parser.CurrentByteIndex, 0) > MAX_TOKEN:
                raise Refused(f"a single tag or text is longer than {MAX_TOKEN >> 20} MiB")
            yield
        parser.Parse(b"", True)
        yield

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refused(f"elements nested deeper than {MAX_DEPTH}")
        self.start(local(name), attributes)

    def _end(self, name: str) -> None:
        self.depth -= 1
        self.end(local(name))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, data: str) -> None:
        """Character data."""


class Texts(Elements):
    """The shared texts of a workbook, by their number (ECMA-376 part 1, 18.4.9)."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._size = 0
        self._pieces: list[str] = []
        self._collect = False
        self._phonetic = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """si: a text; t: a piece of it; rPh: how a Japanese text is spoken, which is not its text."""
        if name == "si":
            self._pieces = []
        elif name == "t":
            self._collect = not self._phonetic
        elif name == "rPh":
            self._phonetic += 1

    def end(self, name: str) -> None:
        """As start."""
        if name == "si":
            if len(self.texts) >= MAX_TEXT_COUNT:
                raise Refused(f"more than {MAX_TEXT_COUNT} different texts: export it as CSV")
            self.texts.append("".join(self._pieces))
        elif name == "t":
            self._collect = False
        elif name == "rPh":
            self._phonetic -= 1

    def text(self, data: str) -> None:
        """A piece of a text."""
        if self._collect:
            self._size += len(data)
            if self._size > MAX_TEXTS:
                raise Refused(f"more than {MAX_TEXTS >> 20} MiB of texts: export it as CSV")
            self._pieces.append(data)


def _refuse(*_arguments: Any) -> int:
    raise Refused("it declares a DTD or entities: refused")
