# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read a hostile XML file of any size with flat memory.

expat is driven directly, because the safe subset is small and the file may be a gigabyte: no internal DTD subset, no
entity declarations, nothing external, bounded depth, bounded tokens. The file is read once, in pieces.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol
from xml.parsers import expat  # hardened below: defusedxml has no streaming interface that is bounded in depth and size

from .disk import PIECE, Progress
from .errors import ReportError

__all__ = ["MAX_DEPTH", "MAX_TEXT", "Foreign", "Handler", "Progress", "Refused", "Unknown", "XmlReader", "cut"]

# The longest single tag or text run that expat must hold at once. nmap's longest real script output is some 100 KB.
MAX_TOKEN: Final = 8 << 20
MAX_DEPTH: Final = 64
# Longer texts are cut there and say so: they are shown to people, never used to decide.
MAX_TEXT: Final = 1 << 16
MAX_UNKNOWN: Final = 200

_INVALID_TOKEN: Final = 4
_JUNK_AFTER: Final = 9
_SECOND_PROLOG: Final = 17
_INCORRECT_ENCODING: Final = 19


class Handler(Protocol):
    """What a reader of one format gives: expat calls the first three, finished records go to ``out``;
    ``flush`` is called where a truncated file was accepted, and gives what is complete of the record begun."""

    out: deque[Any]
    notes: list[str]

    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, data: str) -> None: ...

    def flush(self) -> None: ...


Choose = Callable[[str, dict[str, str]], Callable[[], Handler]]


class Refused(Exception):
    """Raised inside a handler: the content breaks a bound or a rule; becomes a ReportError with file and line."""

    foreign = False


class Foreign(Refused):
    """The content is no report of a format that is read here."""

    foreign = True


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

    def note(self, what: str = "elements that this version does not know, and did not use") -> list[str]:
        """One note that names them all, or none."""
        if not self.names:
            return []
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(self.names.items()))
        return [f"{what}: {listed}"]


class XmlReader:
    """One XML document being read. ``choose``: the handler for a root element and its attributes, or raises Refused.

    Iterate over ``records(pieces)``; afterwards ``partial`` says whether the document ended too early and that was
    accepted.
    """

    def __init__(self, name: str, choose: Choose, *, accept_partial: bool = False) -> None:
        self.name = name
        self.accept_partial = accept_partial
        self.root: str | None = None
        self.handler: Handler | None = None
        self.partial = False
        self._choose = choose
        self._parser = expat.ParserCreate()
        self._read = 0

    def records(self, pieces: Iterable[bytes]) -> Iterator[Any]:
        """Every finished record, as soon as it is complete. Raises ReportError."""
        self._prepare()
        for piece in pieces:
            self._read += len(piece)
            if piece and not self.partial:
                yield from self._feed(piece)
        if not self.partial:
            yield from self._feed(b"")

    def _feed(self, piece: bytes) -> Iterator[Any]:
        parser = self._parser
        try:
            parser.Parse(piece, not piece)
        except Refused as exc:
            raise ReportError(self.name, str(exc), line=parser.CurrentLineNumber, foreign=exc.foreign) from exc
        except (LookupError, ValueError) as exc:
            if self.root is not None:
                raise
            # Python looks the declared encoding up before the first tag, and knows none of that name.
            raise ReportError(self.name, f"its declared encoding cannot be read: {exc}", line=1) from exc
        except expat.ExpatError as exc:
            if self.handler is not None:  # what was complete before the fault is not lost
                yield from self._drain()
            self._broken(exc, piece)
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

    def _broken(self, exc: expat.ExpatError, piece: bytes) -> None:
        reason = expat.errors.messages.get(exc.code, str(exc)) if hasattr(expat, "errors") else str(exc)
        if exc.code == _INCORRECT_ENCODING:
            raise ReportError(
                self.name,
                "its first line declares an encoding that it is not written in (often utf-16 said, UTF-8 written): "
                'correct encoding="…" there, or get the file again from the tool',
                line=exc.lineno,
            )
        if self.root is None:
            raise ReportError(self.name, f"is not XML: {reason}", line=exc.lineno, truncated=not piece)
        if piece:
            raise ReportError(self.name, self._damage(exc, piece, reason), line=exc.lineno)
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

    def _damage(self, exc: expat.ExpatError, piece: bytes, reason: str) -> str:
        if exc.code in (_JUNK_AFTER, _SECOND_PROLOG):
            return (
                f"something stands behind the end of <{self.root}>, or a second document begins in it: two reports in "
                "one file, or a damaged one. Split it there, or get the reports again"
            )
        at = self._parser.ErrorByteIndex - (self._read - len(piece))
        if exc.code == _INVALID_TOKEN and 0 <= at < len(piece) and any(byte >= 0x80 for byte in piece[at : at + 4]):
            return (
                "the XML is damaged here: a character is not in the encoding that the first line declares (UTF-8 where "
                "it declares none). Was the file edited and saved again? Get it again from the tool"
            )
        return f"the XML is damaged here: {reason}. Get the file again from the tool"

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
        factory = self._choose(name, attributes)
        self.root = name
        handler = self.handler = factory()
        # From here expat calls the handler itself: one Python call for each tag is what a gigabyte can afford.
        self._parser.StartElementHandler = handler.start
        self._parser.EndElementHandler = handler.end
        self._parser.CharacterDataHandler = handler.text
        handler.start(name, attributes)


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
