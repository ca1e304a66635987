# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read a hostile XML file of any size with flat memory.

expat is driven directly, because the safe subset is small and the file may be a gigabyte: no internal DTD subset, no
entity declarations, nothing external, bounded depth, bounded tokens. The file is read once; its SHA-256 is made on
the way, so a pipe is as good as a file.
"""

from __future__ import annotations

import hashlib
import stat
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol
from xml.parsers import expat  # hardened below: defusedxml has no streaming interface that is bounded in depth and size

from .errors import ReportError

PIECE: Final = 1 << 18
# The longest single tag or text run that expat must hold at once. nmap's longest real script output is some 100 KB.
MAX_TOKEN: Final = 8 << 20
MAX_DEPTH: Final = 64
# Longer texts are cut there and say so: they are shown to people, never used to decide.
MAX_TEXT: Final = 1 << 16
MAX_UNKNOWN: Final = 200
PROGRESS_SECONDS: Final = 3.0

Progress = Callable[[int, "int | None"], None]


class Handler(Protocol):
    """What a reader of one format gives: expat calls the first three, finished records go to ``out``;
    ``flush`` is called where a truncated file was accepted, and gives what is complete of the record begun."""

    out: deque[Any]
    notes: list[str]

    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, data: str) -> None: ...

    def flush(self) -> None: ...


class Refused(Exception):
    """Raised inside a handler: the content breaks a bound or a rule; becomes a ReportError with file and line."""


def cut(text: str, limit: int = MAX_TEXT) -> str:
    """The text, or its beginning with a mark where it is longer than ``limit`` characters."""
    return text if len(text) <= limit else f"{text[:limit]}… [cut: {len(text)} characters]"


class Unknown:
    """Counts element names that a reader does not know, so that nothing is lost in silence; bounded."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()

    def add(self, name: str) -> None:
        """Count one; past MAX_UNKNOWN different names, the rest is counted together."""
        name = name[:100]
        self.names[name if name in self.names or len(self.names) < MAX_UNKNOWN else "(others)"] += 1

    def note(self) -> list[str]:
        """One note that names them all, or none."""
        if not self.names:
            return []
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(self.names.items()))
        return [f"elements that this version does not know, and did not use: {listed}"]


class XmlReport:
    """One XML report being read. Iterate over ``records()``; afterwards ``sha256`` and ``partial`` are set."""

    def __init__(
        self,
        path: Path,
        formats: dict[str, Callable[[], Handler]],
        refused_roots: dict[str, str],
        *,
        accept_partial: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.path = path
        self.name = str(path)
        self.formats = formats
        self.refused_roots = refused_roots
        self.accept_partial = accept_partial
        self.progress = progress
        self.root: str | None = None
        self.handler: Handler | None = None
        self.sha256 = ""
        self.partial = False
        self._parser = expat.ParserCreate()
        self._read = 0

    def records(self) -> Iterator[Any]:
        """Every finished record, as soon as it is complete. Raises ReportError."""
        self._prepare()
        digest = hashlib.sha256()
        parser = self._parser
        size, stream = self._open()
        told = time.monotonic()
        with stream:
            while True:
                try:
                    piece = stream.read(PIECE)
                except OSError as exc:
                    raise ReportError(self.name, f"cannot be read: {exc.strerror}") from exc
                if self._read == 0:
                    self._refuse_other_formats(piece)
                digest.update(piece)
                self._read += len(piece)
                if not self.partial:
                    yield from self._feed(parser, piece)
                if not piece:
                    break
                if self.progress and time.monotonic() - told >= PROGRESS_SECONDS:
                    told = time.monotonic()
                    self.progress(self._read, size)
        self.sha256 = digest.hexdigest()

    def _open(self) -> tuple[int | None, Any]:
        try:
            status = self.path.stat()
            if stat.S_ISDIR(status.st_mode):
                raise ReportError(self.name, "is a directory; name the report files in it")
            return (status.st_size if stat.S_ISREG(status.st_mode) else None), self.path.open("rb", buffering=0)
        except FileNotFoundError as exc:
            raise ReportError(self.name, "there is no such file") from exc
        except OSError as exc:
            raise ReportError(self.name, f"cannot be opened: {exc.strerror}") from exc

    def _feed(self, parser: Any, piece: bytes) -> Iterator[Any]:
        try:
            parser.Parse(piece, not piece)
        except Refused as exc:
            raise ReportError(self.name, str(exc), line=parser.CurrentLineNumber) from exc
        except (LookupError, ValueError) as exc:
            if self.root is not None:
                raise
            # Python looks the declared encoding up before the first tag, and knows none of that name.
            raise ReportError(self.name, f"its declared encoding cannot be read: {exc}", line=1) from exc
        except expat.ExpatError as exc:
            if self.handler is not None:  # what was complete before the fault is not lost
                yield from self._drain()
            self._broken(exc, at_end=not piece)
            yield from self._drain()
            return
        if self._read - max(parser.CurrentByteIndex, 0) > MAX_TOKEN + PIECE:
            raise ReportError(
                self.name,
                f"a single tag or text is longer than {MAX_TOKEN >> 20} MiB: no audit tool writes that",
                line=parser.CurrentLineNumber,
            )
        yield from self._drain()

    def _drain(self) -> Iterator[Any]:
        if self.handler is not None:
            out = self.handler.out
            while out:
                yield out.popleft()

    def _broken(self, exc: expat.ExpatError, *, at_end: bool) -> None:
        reason = expat.errors.messages.get(exc.code, str(exc)) if hasattr(expat, "errors") else str(exc)
        if not at_end or self.root is None:
            if self.root is None:
                raise ReportError(self.name, f"is not XML: {reason}", line=exc.lineno)
            raise ReportError(
                self.name, f"the XML is damaged here: {reason}. Get the file again from the tool", line=exc.lineno
            )
        if not self.accept_partial:
            raise ReportError(
                self.name,
                f"the file ends in the middle of <{self.root}>: it is truncated (the tool was killed, or the copy "
                "stopped). Get it again; or set accept_partial (care_accept_partial=true) to use what is complete, "
                "marked as partial",
                line=exc.lineno,
                truncated=True,
            )
        self.partial = True
        if self.handler is not None:
            self.handler.flush()
            self.handler.notes.append(f"truncated at line {exc.lineno}: only what stands before it was used")

    def _prepare(self) -> None:
        parser = self._parser
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._root
        parser.StartDoctypeDeclHandler = _doctype
        parser.EntityDeclHandler = _entity
        parser.UnparsedEntityDeclHandler = _entity
        parser.ExternalEntityRefHandler = _external

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        if name in self.refused_roots:
            raise Refused(self.refused_roots[name])
        factory = self.formats.get(name)
        if factory is None:
            raise Refused(
                f"the root element is <{name[:80]}>: this is not a report that care.remediation reads "
                f"(it reads {', '.join(f'<{root}>' for root in self.formats)})"
            )
        self.root = name
        handler = self.handler = factory()
        # From here expat calls the handler itself: one Python call for each tag is what a gigabyte can afford.
        self._parser.StartElementHandler = handler.start
        self._parser.EndElementHandler = handler.end
        self._parser.CharacterDataHandler = handler.text
        handler.start(name, attributes)

    def _refuse_other_formats(self, beginning: bytes) -> None:
        if not beginning.strip():
            if len(beginning) == 0:
                raise ReportError(self.name, "is empty")
            return
        head = beginning.lstrip()[:200].lower()
        for mark, reason in _OTHER_FORMATS:
            if head.startswith(mark):
                raise ReportError(self.name, reason, line=1)


_OTHER_FORMATS: Final = (
    (b"\x1f\x8b", "is compressed (gzip): decompress it first"),
    (b"pk\x03\x04", "is a ZIP archive (or an Office document): take the XML report out of it"),
    (b"%pdf", "is a PDF: export the XML report from the tool"),
    (b"<!doctype html", "is an HTML page: export the XML report from the tool (PingCastle writes ad_hc_<domain>.xml)"),
    (b"<html", "is an HTML page: export the XML report from the tool (PingCastle writes ad_hc_<domain>.xml)"),
    (b"# nmap", "is nmap's plain output: run nmap with -oX to get XML"),
    (b"starting nmap", "is nmap's plain output: run nmap with -oX to get XML"),
    (b"{", "is JSON, not XML"),
    (b"[", "is JSON, not XML"),
)


def _doctype(name: str, system_id: str | None, public_id: str | None, internal: int) -> None:
    # nmap writes <!DOCTYPE nmaprun>, which declares nothing. Anything more is refused before it has an effect.
    if internal:
        raise Refused("it declares its own DTD (internal subset), which may define entities: refused")
    if system_id or public_id:
        raise Refused("it refers to an external DTD: refused, nothing is ever fetched")


def _entity(*_arguments: Any) -> None:
    raise Refused("it declares XML entities: refused")


def _external(*_arguments: Any) -> int:
    raise Refused("it refers to an external entity: refused, nothing is ever fetched")
