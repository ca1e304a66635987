# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rows of a table, CSV or XLSX, one at a time, as ``(line, {column: text})``; the file is hostile.

CSV as people and tools really write it: comma, semicolon, tab or bar; UTF-8 with or without a mark, UTF-16, or the
Windows-1252 of a French Excel; line breaks in quotes; rows of the wrong length. The sheets of a workbook are in
``workbook``. What cannot be read is in ``skipped``, with its line.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import re
import unicodedata
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from ..records import Skipped
from .errors import ReportError
from .xmlstream import Refused, cut

PIECE: Final = 1 << 18
SNIFFED: Final = 1 << 18  # what is looked at to tell encoding, delimiter and header
HEAD_ROWS: Final = 50  # a header stands in one of these
# Excel stops at 32,767 characters in a cell; the longest scanner output in a CSV cell is some 100 kB.
MAX_ROW: Final = 1 << 20
MAX_LINE: Final = 4 * MAX_ROW  # in bytes: longer than MAX_ROW characters, whatever they are
MAX_ROW_LINES: Final = 20_000
MAX_COLUMNS: Final = 2_000
MAX_CELL: Final = 1 << 17
MAX_RECOVERIES: Final = 50
DELIMITERS: Final = (",", ";", "\t", "|")
ZIP: Final = b"PK\x03\x04"

_OTHERS: Final = (
    (
        b"\xd0\xcf\x11\xe0",
        "is an old Excel workbook (.xls), or one protected by a password: open it and save it as .xlsx without "
        "password, or as CSV",
    ),
    (b"%PDF", "is a PDF: export a table (CSV or XLSX) from the tool, or copy its table into a spreadsheet"),
    (b"\x1f\x8b", "is compressed (gzip): decompress it first"),
    (b"{\\rtf", "is an RTF text: copy its table into a spreadsheet and save it as .xlsx"),
    (b"\xff\xfe\x00\x00", "is UTF-32 text: save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "is UTF-32 text: save it as UTF-8"),
)

Row = tuple[int, dict[str, str]]


@dataclass(slots=True)
class TableHead:
    """The beginning of a table file: ``kind`` csv or xlsx; for each sheet (CSV: one, named "") its first rows, as
    (line, cells). ``beginning``: CSV's first bytes, for who knows better how to read them."""

    kind: str
    sheets: dict[str, list[tuple[int, list[str]]]] = field(default_factory=dict)
    delimiter: str | None = None
    encoding: str | None = None
    beginning: bytes = b""
    _otherwise: dict[tuple[str | None, str | None], TableHead] = field(default_factory=dict)

    def otherwise(self, encoding: str | None, delimiter: str | None) -> TableHead:
        """CSV's beginning read with another encoding or delimiter. Raises ReportError: there is no such encoding."""
        found = self._otherwise.get((encoding, delimiter))
        if found is None:
            found = csv_head(self.beginning, delimiter=delimiter, encoding=encoding)
            self._otherwise[encoding, delimiter] = found
        return found


def fold(text: str) -> str:
    """A column name or a value as people mean it: without accents, case, and differences of space or apostrophe."""
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'").replace("œ", "oe").replace("Œ", "oe"))
    return " ".join("".join(one for one in plain if not unicodedata.combining(one)).casefold().split())


class Table:
    """One table. ``rows()`` gives its rows; ``columns``, ``notes``, ``skipped`` and ``partial`` tell the rest.

    ``source``: a path, or a binary stream. ``header``: the number of the header's row (the line where it begins,
    from 1), the names that it must hold (compared by ``fold``), or None: the first row with two texts or more.
    ``sheet``: its name; None: the first sheet that has the header. ``delimiter``, ``encoding``: told by the content
    where None.
    """

    def __init__(
        self,
        source: Path | BinaryIO,
        *,
        name: str = "",
        sheet: str | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
        header: int | Collection[str] | None = None,
        accept_partial: bool = False,
        skipped: Skipped | None = None,
    ) -> None:
        self.name = name or (str(source) if isinstance(source, Path) else getattr(source, "name", "") or "the table")
        self.sheet = sheet
        self.delimiter = delimiter
        self.encoding = encoding
        self.header = header
        self.accept_partial = accept_partial
        self.skipped = Skipped() if skipped is None else skipped
        self.columns: list[str] = []
        self.header_line = 0
        self.notes: list[str] = []
        self.partial = False
        self.kind = ""
        self._source = source
        self._header_folded: list[str] = []
        self._repeated = self._short = 0
        self._last_ended = True  # whether the row given last ended with its line break

    def rows(self) -> Iterator[Row]:
        """Every row below the header, as (line where it begins, {column: text}). Raises ReportError.

        Blank rows, and the header where it is repeated, are no rows. A row with fewer cells than the header lacks the
        last columns; one with more is skipped. In the end, ``notes`` says what was met.
        """
        with _opened(self._source, self.name) as stream:
            beginning, stream = _peek(stream)
            refuse_others(beginning, self.name)
            try:
                if beginning.startswith(ZIP):
                    from . import workbook

                    self.kind = "xlsx"
                    raw: Iterator[tuple[int, list[str]]] = workbook.rows(stream, self)
                else:
                    self.kind = "csv"
                    raw = self._csv(beginning, stream)
                yield from self._named(raw)
            except Refused as exc:
                raise ReportError(self.name, str(exc)) from exc
        if self._short:
            self.notes.append(f"rows with fewer cells than the header: {self._short}; what they have was used")
        if self._repeated:
            self.notes.append(f"the header is repeated {self._repeated} times; not counted as rows")

    def _named(self, raw: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
        raw = self._below_header(raw)
        width = len(self.columns)
        folded = self._header_folded
        # folding costs: only what begins as the header does is compared with it
        starts = {self.columns[0][:1].casefold(), folded[0][:1]} if folded else set()
        short: tuple[int, int] | None = None
        for line, cells in raw:
            short = None
            if len(cells) > width:
                if any(cells[width:]):
                    self.skipped.add(
                        f"line {line}",
                        f"it has {len(cells)} cells, the header has {width}: nobody can tell which is which",
                    )
                    continue
                cells = cells[:width]
            elif len(cells) < width:
                if not any(cells):
                    continue
                short = (line, len(cells))
                self._short += self.kind == "csv"
            elif cells[0][:1].casefold() in starts and [fold(one) for one in cells] == folded:
                self._repeated += 1
                continue
            if not any(cells):
                continue
            if short and self.kind == "csv" and not self._last_ended:
                # the last line of the file, without line break and without its last cells
                self._short -= 1
                self._truncated(line, f"its last row has {short[1]} of {width} cells")
                return
            yield line, dict(zip(self.columns, cells, strict=False))

    def _below_header(self, raw: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
        seen: list[tuple[int, list[str]]] = []
        for line, cells in raw:
            if isinstance(self.header, int):
                if line < self.header:
                    continue
                if line > self.header and not seen:
                    break
                seen.append((line, cells))
                return self._take_header(line, cells, raw)
            if is_header(cells, self.header):
                return self._take_header(line, cells, raw)
            seen.append((line, cells))
            if len(seen) >= HEAD_ROWS:
                break
        if isinstance(self.header, int):
            raise ReportError(self.name, f"it has no row {self.header} to be its header", line=self.header)
        if self.header is None:
            raise ReportError(self.name, "is no table: none of its first rows has two cells with text")
        shown = " | ".join(next((cells for _line, cells in seen if any(cells)), []))
        raise ReportError(
            self.name,
            f"none of its first {HEAD_ROWS} rows has the columns {', '.join(sorted(self.header))} (its first row: "
            f"{cut(shown, 300)})",
        )

    def _take_header(
        self, line: int, cells: list[str], raw: Iterator[tuple[int, list[str]]]
    ) -> Iterator[tuple[int, list[str]]]:
        self.columns, self.header_line = names(cells), line
        self._header_folded = [fold(one) for one in cells[: len(self.columns)]]
        return raw

    def _truncated(self, line: int, why: str) -> None:
        if not self.accept_partial:
            raise ReportError(
                self.name,
                f"the file ends in the middle of a row ({why}): it is truncated (the export was stopped, or a quote is "
                "missing). Get it again; or set accept_partial (care_accept_partial=true) to use what is complete, "
                "marked as partial",
                line=line,
                truncated=True,
            )
        self.partial = True
        self.notes.append(f"truncated at line {line}: only what stands before it was used")
        self.skipped.add(f"line {line}", f"the file ends within it: {why}")

    # --- CSV

    def _csv(self, beginning: bytes, stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
        if not beginning.strip(b"\xef\xbb\xbf \t\r\n"):
            raise ReportError(self.name, "is empty")
        text = _Text(self.encoding or encoding_of(beginning), self.name)
        self.encoding = text.encoding
        sample = beginning if text.wide else beginning[:SNIFFED]
        sniffed = _Text(text.encoding, self.name).lines(iter((sample,)))
        complete = [line for _number, line in itertools.islice(sniffed, 2_000)]
        declared = re.fullmatch(r'"?sep=(.)"?', complete[0].strip("\r\n")) if complete else None
        if self.delimiter is None:
            wanted = self.header if not isinstance(self.header, int) else None
            self.delimiter = declared[1] if declared else delimiter_of(complete, wanted)
        lines = text.lines(_pieces(stream))
        if declared:
            next(lines, None)
        yield from self._parsed(lines)
        if text.foreign:
            self.notes.append(f"lines that are not {text.encoding}, read as Windows-1252: {text.foreign}")

    def _parsed(self, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
        if csv.field_size_limit() < MAX_ROW:
            csv.field_size_limit(MAX_ROW)
        feed = _Feed(lines)
        reader = csv.reader(feed, delimiter=self.delimiter or ",")
        recoveries = 0
        while True:
            feed.begin()
            try:
                cells = next(reader, None)
            except (_TooLong, csv.Error) as exc:
                first = feed.first
                reason = str(exc) if isinstance(exc, _TooLong) else f"it cannot be read as CSV: {exc}"
                recoveries += 1
                if recoveries <= MAX_RECOVERIES and len(feed.taken) > 1:
                    # most likely a quote that nothing closes: the lines below it are rows of their own
                    self.skipped.add(f"line {first}", reason)
                    feed.back()
                else:
                    last = feed.taken[-1][0] if feed.taken else first
                    self.skipped.add(f"line {first}" if first == last else f"lines {first} to {last}", reason)
                continue
            if cells is None:
                return
            if not cells:
                continue
            self._last_ended = feed.ended
            if not feed.ended and _open_quote(feed, self.delimiter or ","):
                self._truncated(feed.first, "a quote opened in it is not closed")
                return
            if len(cells) > MAX_COLUMNS:
                self.skipped.add(f"line {feed.first}", f"it has more than {MAX_COLUMNS} cells")
                continue
            yield feed.first, [one.strip() if len(one) <= MAX_CELL else cut(one, MAX_CELL) for one in cells]


def rows(source: Path | BinaryIO, **options: object) -> Iterator[Row]:
    """The rows of a table; options as ``Table``'s. For what was skipped, make a ``Table``."""
    return Table(source, **options).rows()  # type: ignore[arg-type]


def head(
    source: Path | BinaryIO, *, name: str = "", delimiter: str | None = None, encoding: str | None = None
) -> TableHead:
    """The first rows of a table file, of every sheet: enough to recognise it. Raises ReportError where it is none.

    A stream that can be sought in is read from its beginning.
    """
    name = name or (str(source) if isinstance(source, Path) else "the table")
    with _opened(source, name) as stream:
        if stream.seekable():
            stream.seek(0)
        beginning, stream = _peek(stream)
        refuse_others(beginning, name)
        if beginning.startswith(ZIP):
            from . import workbook

            try:
                return TableHead("xlsx", workbook.heads(stream, name))
            except Refused as exc:
                raise ReportError(name, str(exc)) from exc
    return csv_head(beginning, delimiter=delimiter, encoding=encoding, name=name)


def csv_head(
    beginning: bytes, *, delimiter: str | None = None, encoding: str | None = None, name: str = "the table"
) -> TableHead:
    """The first rows of what may be CSV, from its first bytes; the last line given may be incomplete."""
    found = TableHead("csv", encoding=encoding or encoding_of(beginning), beginning=beginning)
    lines = _Text(found.encoding or "utf-8", name).lines(iter((beginning,)))
    texts = [line for _number, line in itertools.islice(lines, 2_000)]
    declared = re.fullmatch(r'"?sep=(.)"?', texts[0].strip("\r\n")) if texts else None
    found.delimiter = delimiter or (declared[1] if declared else delimiter_of(texts))
    feed = _Feed(iter(enumerate(texts, 1)))
    reader = csv.reader(feed, delimiter=found.delimiter)
    rows_seen: list[tuple[int, list[str]]] = []
    with contextlib.suppress(csv.Error, _TooLong, StopIteration):
        while len(rows_seen) < HEAD_ROWS:
            feed.begin()
            cells = next(reader)
            if cells and not (declared and feed.first == 1):
                rows_seen.append((feed.first, [cell.strip() for cell in cells[:MAX_COLUMNS]]))
    found.sheets[""] = rows_seen
    return found


def is_header(cells: Sequence[str], wanted: Collection[str] | int | None) -> bool:
    """Whether a row is the header: it holds all wanted names, or, where none are wanted, two texts or more."""
    if wanted is None or isinstance(wanted, int):
        return sum(1 for one in cells if one.strip()) >= 2
    have = {fold(one) for one in cells}
    return all(fold(one) in have for one in wanted)


def names(cells: Sequence[str]) -> list[str]:
    """The names of columns from the cells of a header: spaces joined, a twin numbered, an empty one by its letter."""
    found: list[str] = []
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    taken: set[str] = set()
    for index, one in enumerate(cells):
        plain = " ".join(cut(one, 200).split()) or f"({letter(index)})"
        name, number = plain, 2
        while name in taken:
            name, number = f"{plain} ({number})", number + 1
        taken.add(name)
        found.append(name)
    return found


def letter(index: int) -> str:
    """The letter of a spreadsheet's column; 0 is A."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


def refuse_others(beginning: bytes, name: str) -> None:
    """Raise ReportError for what is surely no table, with what to do."""
    for mark, reason in _OTHERS:
        if beginning.startswith(mark):
            raise ReportError(name, reason)
    start = beginning[:600].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<?xml", b"<")):
        raise ReportError(
            name, "is HTML or XML, not a table: open it in a spreadsheet and save it as .xlsx or CSV", line=1
        )


def encoding_of(beginning: bytes) -> str:
    """utf-8, utf-16-le, utf-16-be or cp1252, from the first bytes of a text."""
    if beginning.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if beginning.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if beginning.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    sample = beginning[:4096]
    if b"\x00" in sample:  # in UTF-16 every second byte of western text is zero
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if odd > len(sample) // 5 and even < odd // 4:
            return "utf-16-le"
        if even > len(sample) // 5 and odd < even // 4:
            return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def delimiter_of(lines: Sequence[str], wanted: Collection[str] | None = None) -> str:
    """The delimiter by which the first rows fall best into columns of one number; ``wanted`` names decide first."""
    best: tuple[bool, float, int] = (False, 0.0, 0)
    found = ","
    for candidate in DELIMITERS:
        parsed: list[list[str]] = []
        with contextlib.suppress(csv.Error):
            for cells in csv.reader(lines[:400], delimiter=candidate):
                if cells:
                    parsed.append(cells)
        widths = [len(cells) for cells in parsed]
        if not widths or max(widths) < 2:
            continue
        usual = max(set(widths), key=lambda width: (widths.count(width) * (width > 1), width))
        named = wanted is not None and any(is_header(cells, wanted) for cells in parsed[:HEAD_ROWS])
        score = (named, widths.count(usual) / len(widths), usual)
        if score > best:
            best, found = score, candidate
    return found


class _TooLong(Exception):
    pass


class _Text:
    """Lines of a byte stream, decoded; a line that is not of the encoding is read as Windows-1252 and counted."""

    def __init__(self, encoding: str, name: str) -> None:
        try:
            self.encoding = codecs.lookup(encoding).name
        except LookupError as exc:
            raise ReportError(
                name, f"the encoding {encoding[:60]!r} is not known; write utf-8, cp1252 or utf-16"
            ) from exc
        self.wide = self.encoding.startswith(("utf-16", "utf-32"))
        self.foreign = 0

    def lines(self, pieces: Iterator[bytes]) -> Iterator[tuple[int, str]]:
        """(number, text with its line break) for every line."""
        decode = self._decode
        for number, raw in enumerate(_split(_narrow(pieces, self.encoding) if self.wide else pieces), 1):
            if number == 1 and raw.startswith(codecs.BOM_UTF8):
                raw = raw[3:]
            yield number, decode(raw)

    def _decode(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8" if self.wide else self.encoding)
        except UnicodeDecodeError as exc:
            if exc.reason == "unexpected end of data" and exc.end == len(raw):  # the file ends within a character
                return raw[: exc.start].decode(self.encoding)
            self.foreign += 1
        try:
            return raw.decode("cp1252")
        except UnicodeDecodeError:  # five bytes have no meaning there
            return raw.decode("latin-1")


def _narrow(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", True).encode("utf-8", "replace")


def _split(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Lines with their break (\\n, \\r\\n, or \\r alone); of one longer than MAX_LINE, only the beginning."""
    rest = b""
    mark: bytes | None = None
    skipping = False
    for piece in pieces:
        if mark is None and (b"\n" in piece or b"\r" in piece[:-1]):
            mark = b"\n" if b"\n" in piece else b"\r"
        lines = _cut_lines(rest + piece if rest else piece, mark or b"\n")
        if skipping and lines:
            if not lines[0].endswith(mark or b"\n"):
                continue
            del lines[0]
            skipping = False
        rest = b""
        if lines and not lines[-1].endswith(mark or b"\n"):
            if len(lines[-1]) <= MAX_LINE:
                rest = lines.pop()
            else:
                skipping = True
        yield from lines
    if rest:
        yield rest


def _cut_lines(data: bytes, mark: bytes) -> list[bytes]:
    parts = data.split(mark)
    last = parts.pop()
    lines = [part + mark for part in parts]
    if last:
        lines.append(last)
    return lines


class _Feed:
    """Gives lines to csv's reader, remembers those of the row begun, and bounds them."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self._again: deque[tuple[int, str]] = deque()
        self.taken: list[tuple[int, str]] = []
        self._size = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        one = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(one)
        text = one[1]
        self._size += len(text)
        if self._size > MAX_ROW:
            raise _TooLong(f"the row is longer than {MAX_ROW >> 20} MiB (a quote that nothing closes?)")
        if len(self.taken) > MAX_ROW_LINES:
            raise _TooLong(f"the row is longer than {MAX_ROW_LINES} lines (a quote that nothing closes?)")
        return text

    def begin(self) -> None:
        """A row begins."""
        self.taken = []
        self._size = 0

    def back(self) -> None:
        """Give all lines of the row again but its first one."""
        self._again.extendleft(reversed(self.taken[1:]))

    @property
    def first(self) -> int:
        """The line where the row begins."""
        return self.taken[0][0] if self.taken else 0

    @property
    def ended(self) -> bool:
        """Whether the row's last line has its line break."""
        return not self.taken or self.taken[-1][1].endswith(("\n", "\r"))


def _open_quote(feed: _Feed, delimiter: str) -> bool:
    # csv's reader takes the end of the file for the end of the quote; in strict mode it says so
    try:
        list(csv.reader((line for _number, line in feed.taken), delimiter=delimiter, strict=True))
    except csv.Error as exc:
        return "end of data" in str(exc)
    return False


# --- opening


def _opened(source: Path | BinaryIO, name: str) -> contextlib.AbstractContextManager[BinaryIO]:
    """The stream; one that was given stays open."""
    if not isinstance(source, Path):
        return contextlib.nullcontext(source)
    try:
        return source.open("rb")
    except FileNotFoundError as exc:
        raise ReportError(name, "there is no such file") from exc
    except IsADirectoryError as exc:
        raise ReportError(name, "is a directory; name the report files in it") from exc
    except OSError as exc:
        raise ReportError(name, f"cannot be opened: {exc.strerror}") from exc


def _peek(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """The first bytes, and a stream that still gives them."""
    pieces: list[bytes] = []
    size = 0
    while size < SNIFFED and (piece := stream.read(SNIFFED - size)):
        pieces.append(piece)
        size += len(piece)
    beginning = b"".join(pieces)
    if stream.seekable():
        stream.seek(-len(beginning), io.SEEK_CUR)
        return beginning, stream
    return beginning, io.BufferedReader(_Rejoined(beginning, stream))


class _Rejoined(io.RawIOBase):
    """A stream that was read a little already, as if it had not been."""

    def __init__(self, beginning: bytes, stream: BinaryIO) -> None:
        self._parts: deque[bytes] = deque([beginning])
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        piece = self._parts.popleft() if self._parts else self._stream.read(len(view))
        if len(piece) > len(view):
            self._parts.appendleft(piece[len(view) :])
            piece = piece[: len(view)]
        view[: len(piece)] = piece
        return len(piece)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece


def first_sheet(
    sheets: Iterable[tuple[str, Sequence[tuple[int, Sequence[str]]]]], wanted: Collection[str]
) -> str | None:
    """The name of the first sheet with a header of the wanted names."""
    return next((name for name, seen in sheets if any(is_header(cells, wanted) for _line, cells in seen)), None)
