# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Open a report of any format: what it is, is told by its content, never by its name.

A file on the disk is one report, or an archive of several: ``expand`` gives one ``Item`` for each.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..records import Skipped
from . import content, formats, jsonvalues
from .archive import Archive
from .disk import Disk, Progress, as_file, spool
from .errors import ReaderFault, ReportError
from .gunzip import Gunzip
from .xmlstream import Refused, XmlReader

_OFFICE: Final = (
    ("word/", "is a Word document: export the report from the tool as XML, JSON, CSV or XLSX"),
    ("ppt/", "is a presentation: export the report from the tool as XML, JSON, CSV or XLSX"),
    ("xl/workbook.bin", "is a binary workbook (.xlsb): save it as .xlsx or CSV"),
    ("META-INF/manifest.xml", "is an OpenDocument file: save it as .xlsx or CSV"),
    ("META-INF/MANIFEST.MF", "is a Java program, not a report"),
    ("AndroidManifest.xml", "is an Android program, not a report"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One report: a file, or one member of an archive (``member``: its place in it). ``sha256`` and ``stamp``: of the
    archive when it was looked into."""

    path: Path
    name: str
    member: int | None = None
    sha256: str = ""
    stamp: tuple[int, ...] = ()


def open_report(
    path_or_item: Path | Item,
    *,
    accept_partial: bool = False,
    progress: Progress | None = None,
    mappings: Sequence[Any] = (),
) -> Report:
    """The report in a file or archive member; nothing is read before its ``type`` or ``records()`` is asked for.

    ``accept_partial``: what is complete of a truncated file is given, and ``partial`` set, instead of an error.
    ``progress``: called every few seconds with the bytes done of the file on the disk, and its size. ``mappings``: what
    a person wrote about tables and JSON of other tools. Both askings may raise ReportError.
    """
    item = path_or_item if isinstance(path_or_item, Item) else Item(path_or_item, str(path_or_item))
    return Report(item, accept_partial=accept_partial, progress=progress, mappings=mappings)


def expand(path: Path) -> list[Item]:
    """The reports in a file: itself, or, of an archive of reports, one for each member, in the archive's order.

    Raises ReportError where the archive cannot be read or breaks a bound. Other files are looked at when opened.
    """
    if not _begins_as_archive(path):
        return [Item(path, str(path))]
    with _said(lambda: (str(path), "archives")):
        opened = _Opened(Item(path, str(path)), None)
        try:
            archive = opened.archive
            if archive is None or opened.whole(archive) or not archive.wanted():
                return [opened.item]
            stamp = opened.disk.stamp
            return [Item(path, archive.label(index), index, opened.sha256, stamp) for index in archive.wanted()]
        finally:
            opened.close()
    raise AssertionError  # for the type checker: _said lets every error out


@contextlib.contextmanager
def _said(who: Callable[[], tuple[str, str]]) -> Iterator[None]:
    """Whatever happens within is said as a ReportError. ``who``: the file's name and the kind of reader, by then."""
    try:
        yield
    except ReportError as exc:
        name, _what = who()
        if exc.file == name:
            raise
        raise ReportError(name, exc.reason, line=exc.line, truncated=exc.truncated, foreign=exc.foreign) from exc
    except Refused as exc:
        raise ReportError(who()[0], str(exc)) from exc
    except MemoryError:
        raise
    except Exception as exc:
        name, what = who()
        raise ReaderFault(
            name,
            f"the reader of {what} failed here ({type(exc).__name__}: {exc}). This is a fault of care.remediation: "
            "please report it, with the piece of the file that shows it",
        ) from exc


def _begins_as_archive(path: Path) -> bool:
    """Whether it is worth opening to look inside. A pipe can be read only once: it is one report, or refused."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            beginning = stream.read(4)
    except OSError:
        return False
    return content.kind(beginning) in (content.ZIP, content.GZIP)


class _Opened:
    """A file opened as far as its content can be told: unpacked, its beginning in ``head``."""

    def __init__(self, item: Item, progress: Progress | None) -> None:
        self.item = item
        self.name = item.name
        self.disk = Disk(item.path, item.name, progress)
        self.gunzip: Gunzip | None = None
        self.archive: Archive | None = None
        self._spooled: list[BinaryIO] = []
        try:
            self.head, self.pieces = _peek(self.disk.pieces())
            if content.kind(self.head) == content.GZIP:
                self.gunzip = Gunzip(self.pieces, self.name)
                self.head, self.pieces = _peek(iter(self.gunzip))
                if content.kind(self.head) == content.GZIP:
                    raise ReportError(self.name, "is compressed twice: unpack it once")
            if content.kind(self.head) == content.ZIP:
                self._open_archive()
        except BaseException:
            self.close()
            raise

    @property
    def sha256(self) -> str:
        """Of the file on the disk, once it was read to its end."""
        return self.item.sha256 or self.disk.sha256

    def file(self) -> BinaryIO:
        """The content as a file to be read once."""
        return as_file(self.pieces, self.name)

    def sought(self) -> BinaryIO:
        """The content as a file that can be sought in."""
        copy = spool(self.pieces, self.name)
        self._spooled.append(copy)
        return copy

    def whole(self, archive: Archive) -> bool:
        """Whether an archive is one report: a workbook, or a bundle."""
        names = archive.names
        return "[Content_Types].xml" in names or _office(names) is not None or formats.bundle(names) is not None

    def enter(self, index: int) -> None:
        """Go on with a member of the archive instead of the archive."""
        if self.archive is None:
            raise ReportError(self.name, "is no archive")
        self.name = self.archive.label(index)
        self.head, self.pieces = _peek(self.archive.pieces(index, self.name))
        if content.kind(self.head) in (content.GZIP, content.ZIP) and not _is_workbook(self.head):
            raise ReportError(self.name, "is an archive in an archive: unpack the outer one, and give what is in it")

    def finish(self) -> None:
        """Read what is left, so that the hash is of the whole file."""
        for _piece in self.pieces:
            pass
        if not self.sha256:
            for _piece in self.disk.pieces():
                pass

    def close(self) -> None:
        """Give everything back."""
        for stream in self._spooled:
            stream.close()
        if self.archive is not None:
            self.archive.close()
        self.disk.close()

    def _open_archive(self) -> None:
        if self.item.member is not None and self.item.stamp != self.disk.stamp:
            raise ReportError(self.name, "the archive changed since it was looked into: import it again")
        if self.gunzip is None and self.disk.size is not None:
            if not self.item.sha256:
                for _piece in self.pieces:  # hashed, once for all members
                    pass
            stream = self.disk.seekable()
            if stream is None:
                raise ReportError(self.name, "cannot be read from its beginning again")
        else:
            stream = self.sought()
        self.pieces = iter(())
        self.stream = stream
        self.archive = Archive(stream, str(self.item.path))


class Report:
    """One report. ``records()`` is iterated once; ``sha256``, ``partial``, ``info``, ``notes``, ``skipped`` are whole
    after it. ``handler`` is the format's own reader, there from the first record on (or from ``type``)."""

    def __init__(
        self, item: Item, *, accept_partial: bool, progress: Progress | None, mappings: Sequence[Any] = ()
    ) -> None:
        self.path = item.path
        self.name = item.name
        self.accept_partial = accept_partial
        self.handler: Any = None
        self.sha256 = ""
        self.partial = False
        self._item = item
        self._progress = progress
        self._mappings = mappings
        self._opened: _Opened | None = None
        self._read: Callable[[], Iterator[Any]] | None = None
        self._type: str | None = None
        self._notes: list[str] = []
        self._skipped = Skipped()

    @property
    def type(self) -> str:
        """The name of the format. Opens the file; raises ReportError where it is none that is read."""
        if self._type is None:
            with _said(self._who):
                self._begin()
        return self._type or ""

    @property
    def info(self) -> dict[str, Any]:
        """What the report says of itself: version, generated, arguments, tried, profile, finished."""
        return getattr(self.handler, "info", None) or {}

    @property
    def notes(self) -> list[str]:
        """What a person should know about the whole file."""
        handler = self.handler
        own = handler.finish() if hasattr(handler, "finish") else getattr(handler, "notes", [])
        return [*own, *self._notes]

    @property
    def skipped(self) -> Skipped:
        """What could not be used: how much, and where the first of it stands."""
        skipped = getattr(self.handler, "skipped", None)
        return skipped if isinstance(skipped, Skipped) else self._skipped

    def records(self) -> Iterator[Any]:
        """Every record, as soon as it is complete. Raises ReportError."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            stack.enter_context(_said(self._who))
            self._begin()
            opened, read = self._opened, self._read
            if opened is None or read is None:
                raise ReportError(self.name, "was read already")
            jsonvalues.odd.begin()
            try:
                yield from read()
            except ReportError as exc:
                if not (exc.truncated and self.accept_partial and self.handler is not None):
                    raise
                place = "" if exc.line is None else f" at line {exc.line}"
                self._truncated(f"truncated{place}: only what stands before it was used")
            opened.finish()
            self._judge(opened)
            self.sha256 = opened.sha256

    def _who(self) -> tuple[str, str]:
        return self.name, self._type or "reports"

    def close(self) -> None:
        """Give the file back; ``records()`` does it at its end."""
        opened, self._opened, self._read = self._opened, None, None
        if opened is not None:
            opened.close()

    def _truncated(self, note: str) -> None:
        self.partial = True
        self._notes.append(note)

    def _judge(self, opened: _Opened) -> None:
        """What the file itself says once all of it was read."""
        self._notes += jsonvalues.odd.note()
        gunzip = opened.gunzip
        if gunzip is not None and gunzip.garbage:
            self.skipped.add("behind the compressed data", f"{gunzip.garbage} bytes that are no report")
            self._notes.append(f"{gunzip.garbage} bytes behind the compressed data were not read")
        if gunzip is not None and gunzip.truncated and not self.partial:
            self._early("the compressed data (gzip) end too early: the file is truncated")
        if opened.disk.moved() and not self.partial:
            self._early("the file changed while it was read: the tool still writes it")

    def _early(self, reason: str) -> None:
        if not self.accept_partial:
            raise ReportError(
                self.name,
                f"{reason}. Get it again; or set accept_partial (care_accept_partial=true) to use what is complete, "
                "marked as partial",
                truncated=True,
            )
        self._truncated(f"{reason}; what was complete was used")

    # --- what it is

    def _begin(self) -> None:
        if self._opened is not None or self._type is not None:
            return
        opened = self._opened = _Opened(self._item, self._progress)
        try:
            self._read = self._recognise(opened)
        except BaseException:
            self.close()
            raise

    def _recognise(self, opened: _Opened) -> Callable[[], Iterator[Any]]:
        if opened.archive is not None:
            read = self._recognise_archive(opened, opened.archive)
            if read is not None:
                return read
            self.name = opened.name
        kind = content.kind(opened.head)
        if kind == content.ZIP:
            return self._table(opened, opened.sought())
        if kind == content.EMPTY:
            raise ReportError(
                self.name,
                "is empty: masscan and nuclei leave such a file where they found nothing, any other tool was stopped. "
                "It says nothing either way",
                foreign=True,
            )
        content.refuse(opened.head, self.name)
        if kind == content.XML:
            return self._xml(opened)
        if kind == content.JSON:
            return self._json(opened)
        return self._table(opened, None)

    def _recognise_archive(self, opened: _Opened, archive: Archive) -> Callable[[], Iterator[Any]] | None:
        """How an archive that is one report is read; None once a member of it was entered."""
        item, names = self._item, archive.names
        if item.member is None:
            office = _office(names)
            if office is not None:
                raise ReportError(self.name, office, foreign="save it" not in office)
            if "[Content_Types].xml" in names:
                return self._table(opened, opened.stream)
            bundle = formats.bundle(names)
            if bundle is not None:
                return self._bundle(archive, bundle)
            wanted = archive.wanted()
            if len(wanted) != 1:
                raise ReportError(
                    self.name,
                    "is an archive without a file in it"
                    if not wanted
                    else f"is an archive of {len(wanted)} files: each is a report of its own, to be opened by its name",
                )
            opened.enter(wanted[0])
            return None
        opened.enter(item.member)
        return None

    def _xml(self, opened: _Opened) -> Callable[[], Iterator[Any]]:
        found = content.root(opened.head)
        if found is not None:
            try:
                self._type = getattr(formats.xml(*found), "type", "")
            except Refused as exc:
                raise ReportError(self.name, str(exc), line=1, foreign=exc.foreign) from exc
        reader = XmlReader(self.name, self._choose, accept_partial=self.accept_partial)

        def read() -> Iterator[Any]:
            yield from reader.records(opened.pieces)
            self.partial = reader.partial

        return read

    def _choose(self, root: str, attributes: dict[str, str]) -> Callable[[], Any]:
        factory = formats.xml(root, attributes)

        def make() -> Any:
            self.handler = factory()
            self._type = self.handler.type
            return self.handler

        return make

    def _json(self, opened: _Opened) -> Callable[[], Iterator[Any]]:
        made = formats.json(opened.head, self._mappings, self.name)
        self.handler = made
        self._type = made.type
        return lambda: made.records(opened.file())

    def _table(self, opened: _Opened, sought: BinaryIO | None) -> Callable[[], Iterator[Any]]:
        made = formats.table(sought, opened.head, self._mappings, self.name)
        self.handler = made
        self._type = made.type
        stream = sought if sought is not None else opened.file()
        return lambda: made.records(stream)

    def _bundle(self, archive: Archive, reader: Any) -> Callable[[], Iterator[Any]]:
        made = reader()
        self.handler = made
        self._type = made.type

        def member(index: int) -> Callable[[], BinaryIO]:
            label = archive.label(index)
            return lambda: as_file(archive.pieces(index, label), label)

        members = {archive.members[index].filename: member(index) for index in archive.wanted()}
        return lambda: made.records(members)


def _peek(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Up to HEAD bytes of the beginning, and an iterator that still gives them."""
    seen: list[bytes] = []
    size = 0
    with contextlib.suppress(StopIteration):
        while size < content.HEAD:
            seen.append(next(pieces))
            size += len(seen[-1])
    return b"".join(seen)[: content.HEAD], itertools.chain(seen, pieces)


def _office(names: Sequence[str]) -> str | None:
    """Why an archive is a document and no report; None where it is neither."""
    for mark, reason in _OFFICE:
        # a folder named word/ in an archive of reports is no document
        folder = mark.endswith("/") and "[Content_Types].xml" in names
        if any(name == mark or (folder and name.startswith(mark)) for name in names):
            return reason
    return None


def _is_workbook(head: bytes) -> bool:
    return b"[Content_Types].xml" in head[:4096] or b"xl/" in head[:4096]
