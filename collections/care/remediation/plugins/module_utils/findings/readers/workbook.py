# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The rows of a sheet of an XLSX workbook (ECMA-376 part 1, chapter 18), for ``tables``.

openpyxl (read-only, with defusedxml) reads what belongs to the workbook: sheets, styles, date formats. The sheet
itself goes through expat (``workbook_parts``), because openpyxl keeps a part of every row that it has read
and makes up the rows that a hostile file says it left out. The archive is judged before anything of it is
unpacked. A formula is never evaluated: what the spreadsheet program stored beside it counts.
"""

from __future__ import annotations

import datetime
import functools
import math
import re
import tempfile
import warnings
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from xml.parsers import expat

from .errors import ReportError
from .workbook_parts import MAX_FILE, MAX_TOKEN, Elements, Parts, Texts, judge
from .xmlstream import Refused, cut

if TYPE_CHECKING:
    from .tables import Table

MAX_SHEETS: Final = 200
LACKING: Final = (
    "is a workbook, and the control node lacks the Python libraries openpyxl and defusedxml: pip install "
    "'openpyxl>=3.1.2,<3.2' 'defusedxml>=0.7.1,<1'; or save it as CSV"
)
LAST_COLUMN: Final = 16_384  # Excel's limits
LAST_ROW: Final = 1_048_576
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


def rows(stream: BinaryIO, table: Table) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells) of the sheet that ``table`` asks for; without a name: the first one with its header."""
    from . import tables

    with Book(stream, table.name) as book:
        if table.sheet is not None:
            folded = tables.fold(table.sheet)
            found = [title for title in book.sheets if tables.fold(title) == folded]
            if not found:
                listed = ", ".join(cut(title, 60) for title in book.sheets)
                raise ReportError(table.name, f"it has no sheet {table.sheet!r}; its sheets: {listed}")
            title = found[0]
        else:
            wanted = table.header if not isinstance(table.header, int) else None
            title = next(iter(book.sheets), None) or ""
            if len(book.sheets) > 1 and not isinstance(table.header, int):
                heads = ((one, list(book.rows(one, limit=tables.HEAD_ROWS))) for one in book.sheets)
                for one, seen in heads:
                    if any(tables.is_header(cells, wanted) for _line, cells in seen):
                        title = one
                        break
        if title not in book.sheets:
            raise ReportError(table.name, "it has no sheet")
        table.sheet = title
        others = [cut(one, 60) for one in book.sheets if one != title]
        if others:
            table.notes.append(f"sheet {cut(title, 60)!r} was read; not read: {', '.join(others)}")
        yield from book.rows(title, table=table)


def heads(stream: BinaryIO, name: str) -> dict[str, list[tuple[int, list[str]]]]:
    """The first rows of every sheet."""
    from . import tables

    with Book(stream, name) as book:
        return {title: list(book.rows(title, limit=tables.HEAD_ROWS)) for title in book.sheets}


class Book:
    """A workbook that is open, a context manager: ``sheets`` by title, ``rows`` of one. Raises ReportError."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self.name = name
        self._spool: Any = None
        self._parts: Parts | None = None
        self._book: Any = None
        self._texts: list[str] = []
        self.sheets: dict[str, str] = {}  # title to the part of the archive

    def __enter__(self) -> Book:
        try:  # only those who give workbooks need it
            from openpyxl import DEFUSEDXML
            from openpyxl.reader.excel import ExcelReader
            from openpyxl.styles.stylesheet import apply_stylesheet
            from openpyxl.xml.constants import SHARED_STRINGS
        except ImportError as exc:
            raise ReportError(self.name, LACKING) from exc
        if not DEFUSEDXML:
            raise ReportError(self.name, LACKING)
        stream = self._stream
        try:
            if not stream.seekable():
                stream = self._spool = _spooled(stream, self.name)
            judge(stream, self.name)
            parts = self._parts = Parts(stream)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about what is only for show
                # As load_workbook does, but for its look at the sheets, which walks through the whole of them, and its
                # table of shared texts, which keeps an element for each.
                reader = ExcelReader(stream, read_only=True, data_only=True, keep_links=False)
                reader.archive = parts
                reader.read_manifest()
                reader.read_workbook()
                apply_stylesheet(parts, reader.wb)
            self._book = reader.wb
            shared = reader.package.find(SHARED_STRINGS)
            if shared is not None and shared.PartName[1:] in parts.namelist():
                texts = Texts()
                for _step in texts.feed(parts.stream(shared.PartName[1:])):
                    pass
                self._texts = texts.texts
            for sheet, relation in reader.parser.find_sheets():
                if len(self.sheets) >= MAX_SHEETS:
                    raise Refused(f"it has more than {MAX_SHEETS} sheets: save those that matter on their own")
                if "chartsheet" not in relation.Type:
                    self.sheets.setdefault(str(sheet.name), str(relation.target))
        except (ReportError, MemoryError):
            self._close()
            raise
        except Refused as exc:
            self._close()
            raise ReportError(self.name, str(exc)) from exc
        except Exception as exc:  # openpyxl raises whatever a broken part makes it stumble over
            self._close()
            raise ReportError(
                self.name,
                f"is not a workbook that can be read ({type(exc).__name__}: {cut(str(exc), 200)}). Open it "
                "in a spreadsheet and save it again as .xlsx, or as CSV",
            ) from exc
        return self

    def __exit__(self, *_arguments: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._parts is not None:
            self._parts.close()
        if self._spool is not None:
            self._spool.close()

    def rows(
        self, title: str, *, limit: int | None = None, table: Table | None = None
    ) -> Iterator[tuple[int, list[str]]]:
        """The rows of one sheet; ``limit``: only so many."""
        handler = _Sheet(
            self._texts,
            set(self._book._date_formats),
            set(self._book._timedelta_formats),
            self._book.epoch,
        )
        given = 0
        if self._parts is None:
            raise ReportError(self.name, "was closed before it was read")
        try:
            for row in handler.read(self._parts.stream(self.sheets[title])):
                yield row
                given += 1
                if given == limit:
                    return
        except Refused as exc:
            raise ReportError(self.name, f"sheet {cut(title, 60)!r}: {exc}", line=handler.row or None) from exc
        except expat.ExpatError as exc:
            reason = expat.errors.messages.get(exc.code, str(exc))
            raise ReportError(
                self.name, f"sheet {cut(title, 60)!r}: its XML is damaged: {reason}", line=handler.row or None
            ) from exc
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError, OSError) as exc:
            raise ReportError(
                self.name,
                f"sheet {cut(title, 60)!r} cannot be unpacked: {cut(str(exc), 200)}",
                line=handler.row or None,
            ) from exc
        if table is not None:
            for place, reason in handler.faults.first:
                table.skipped.add(f"sheet {cut(title, 60)!r}, {place}", reason)
            table.skipped.count += handler.faults.count - len(handler.faults.first)


@functools.lru_cache(maxsize=LAST_COLUMN)
def _column(letters: str) -> int:
    """The number of a column from its letters; 0 where they are none."""
    column = 0
    for one in letters.upper():
        column = column * 26 + ord(one) - 64
        if not ("A" <= one <= "Z") or column > LAST_COLUMN:
            return 0
    return column


class _Faults:
    """Cells that have no value: counted, the first kept."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[tuple[str, str]] = []

    def add(self, place: str, reason: str) -> None:
        self.count += 1
        if len(self.first) < 100:
            self.first.append((place, reason))


class _Sheet(Elements):
    """One sheet."""

    def __init__(self, texts: list[str], dates: set[int], spans: set[int], epoch: datetime.datetime) -> None:
        super().__init__()
        self._texts = texts
        self._dates = dates
        self._spans = spans
        self._epoch = epoch
        self.faults = _Faults()
        self.row = 0
        self._out: deque[tuple[int, list[str]]] = deque()
        self._cells: list[str] = []
        self._column = 0
        self._type = "n"
        self._style = 0
        self._value: list[str] = []
        self._length = 0
        self._collect = False
        self._has_value = self._formula = False
        self._phonetic = 0
        self._in_data = False

    def read(self, pieces: Iterator[bytes]) -> Iterator[tuple[int, list[str]]]:
        """(row number, cells) of every row with a cell."""
        for _step in self.feed(pieces):
            while self._out:
                yield self._out.popleft()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if name == "sheetData":
            self._in_data = True
        elif not self._in_data:
            return
        elif name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "t"):
            self._collect = not self._phonetic
            self._has_value = self._has_value or self._collect
        elif name == "f":
            self._formula = True
        elif name == "rPh":  # how a Japanese text is spoken: not its text
            self._phonetic += 1
        elif name == "row":
            self._begin_row(attributes)

    def end(self, name: str) -> None:
        """An element ends."""
        if not self._in_data:
            return
        if name in ("v", "t"):
            self._collect = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            if self._cells:
                self._out.append((self.row, self._cells))
        elif name == "rPh":
            self._phonetic -= 1
        elif name == "sheetData":
            self._in_data = False

    def text(self, data: str) -> None:
        """Character data."""
        if self._collect:
            self._length += len(data)
            if self._length <= MAX_TOKEN:
                self._value.append(data)

    def _begin_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r")
        if number is None:
            self.row += 1
        elif number.isascii() and number.isdigit() and len(number) <= 7 and self.row < int(number) <= LAST_ROW:
            self.row = int(number)
        else:
            raise Refused(f"row number {number[:20]!r} is not one that follows row {self.row}")
        if self.row > LAST_ROW:
            raise Refused(f"more than {LAST_ROW} rows: no spreadsheet program writes that")
        self._cells = []
        self._column = 0

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        if reference is None:
            self._column += 1
            if self._column > LAST_COLUMN:
                raise Refused(f"more than {LAST_COLUMN} columns: no spreadsheet program writes that")
        else:
            column = _column(reference.rstrip("0123456789"))
            if column <= self._column:
                raise Refused(f"cell {reference[:20]!r} is not one that follows column {self._column}")
            self._column = column
        style = attributes.get("s", "0")
        self._style = int(style) if style.isascii() and style.isdigit() and len(style) < 8 else 0
        self._type = attributes.get("t", "n")
        self._value = []
        self._length = 0
        self._has_value = self._formula = False

    def _end_cell(self) -> None:
        text = "".join(self._value)
        if not text:
            # a text formula may well have stored an empty text
            if self._formula and not (self._has_value and self._type == "str"):
                self._fault("a formula without a stored value: open the file in a spreadsheet, and save it again")
            return
        try:
            text = self._meaning(text)
        except (ValueError, IndexError, OverflowError, TypeError, ArithmeticError):
            self._fault(f"{cut(text, 40)!r} is no value of type {self._type[:20]!r}")
            return
        text = text.strip()
        if text:
            self._cells.extend([""] * (self._column - 1 - len(self._cells)))
            self._cells.append(text)

    def _meaning(self, text: str) -> str:
        kind = self._type
        if kind == "s":
            index = int(text)
            if index < 0:
                raise IndexError(text)
            return _plain(self._texts[index])
        if kind == "n":
            if self._style in self._dates:
                return _date(float(text), self._epoch, span=self._style in self._spans)
            return _number(text)
        if kind == "b":
            return "true" if text.strip() in ("1", "true") else "false"
        if kind == "e":
            self._fault(f"holds the error {cut(text, 20)}")
            return ""
        if kind in ("str", "inlineStr", "d"):
            return _plain(text)
        raise ValueError(kind)

    def _fault(self, reason: str) -> None:
        from .tables import letter

        self.faults.add(f"cell {letter(self._column - 1)}{self.row}", reason)


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _number(text: str) -> str:
    """As a person sees it: 443, not 443.0 or 4.43E2."""
    value = float(text)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return format(value, ".15g") if math.isfinite(value) else ""


def _date(value: float, epoch: datetime.datetime, *, span: bool) -> str:
    from openpyxl.utils.datetime import from_excel

    made = from_excel(value, epoch, timedelta=span)
    if isinstance(made, datetime.datetime):
        return made.date().isoformat() if made.time() == datetime.time() else made.replace(microsecond=0).isoformat()
    return made.isoformat() if isinstance(made, datetime.time) else str(made)


def _spooled(stream: BinaryIO, name: str) -> Any:
    spool = tempfile.SpooledTemporaryFile(max_size=16 << 20)  # noqa: SIM115 - closed by the book
    size = 0
    while piece := stream.read(1 << 18):
        size += len(piece)
        if size > MAX_FILE:
            spool.close()
            raise ReportError(name, f"the workbook is larger than {MAX_FILE >> 20} MiB: export it as CSV")
        spool.write(piece)
    spool.seek(0)
    return spool
