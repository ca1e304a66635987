# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read a hostile JSON file of any size with flat memory: one element of it at a time.

The structure around the elements is walked here; each element is decoded by the C decoder of the standard library, in
a window of the text that grows to a bound and no further. What is not asked for is stepped over without being kept.
Everything complete is given before an error is raised: who accepts a truncated file has it then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Literal

from ..records import Skipped
from .errors import ReportError
from .jsontext import MAX_DEPTH, PIECE, Decoder, Refused, Text, encoding_of

HEAD: Final = 1 << 18
MAX_ELEMENT: Final = 8 << 20  # characters; the longest real one is some 100 KB
MAX_LINE: Final = 8 << 20  # bytes; nuclei writes the whole answer of a server into a line
MAX_KEY: Final = 1 << 12

_NUMBER_ON: Final = re.compile(r"[-+.0-9eE]*\Z")
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCALAR: Final = re.compile(r"[^\s,\[\]{}:\"]*")
# Strings and what stands between them; possessive, so that nothing is tried twice.
_BETWEEN: Final = re.compile(r"(?:[^\"\[\]{}]++|\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\")*+", re.DOTALL)
_IN_STRING: Final = re.compile(r"[^\"\\]*")
# A string that does not end is a token too: else each quote in it would be tried as a beginning.
_TOKEN: Final = re.compile(r"\"[^\"\\]*(?:\\.[^\"\\]*)*(?:\"|\\?\Z)|[\[\]{}:]", re.DOTALL)
# What a value looks like whose end is behind the end of the file.
_BEGUN: Final = re.compile(
    r"(?:,|[.eE][+-]?|-?|t|tr|tru|f|fa|fal|fals|n|nu|nul|N|Na|-?I[infty]*|\\?u?[0-9a-fA-F]{0,4})\s*\Z"
)
TRUNCATED: Final = (
    "it is truncated (the tool was killed, or the copy stopped). Get it again; or set accept_partial "
    "(care_accept_partial=true) to use what is complete, marked as partial"
)

Top = Literal["object", "array", "lines", "scalar"]


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file that is JSON. ``keys``: of the top object; ``first``: of the first element of a top
    array, or of the first line (also where it is the only one); both as far as seen. ``text``: the beginning, decoded.
    """

    top: Top
    keys: frozenset[str]
    first: frozenset[str]
    text: str


def head(beginning: bytes) -> Head | None:
    """What the first bytes (at most HEAD are looked at) of a file say; None where they are not JSON's."""
    encoding, mark = encoding_of(beginning)
    text = beginning[mark:HEAD].decode(encoding, "replace")
    at = _SPACE.match(text).end()  # type: ignore[union-attr]
    if at == len(text):
        return None
    none: frozenset[str] = frozenset()
    if text[at] == "{":
        keys, end = _keys(text, at)
        after = None if end is None else _SPACE.match(text, end).end()  # type: ignore[union-attr]
        if after is not None and after < len(text):
            # Objects one after the other are lines, each beginning on a new one.
            if text[after] == "{" and "\n" in text[end:after]:
                return Head("lines", none, keys, text)
            return Head("object", keys, none, text)
        one_line = end is not None and "\n" not in text[at:end]
        return Head("object", keys, keys if one_line else none, text)
    if text[at] == "[":
        inside = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]
        first = _keys(text, inside)[0] if text[inside : inside + 1] == "{" else none
        return Head("array", none, first, text)
    try:
        Decoder().value(text, at)
    except ValueError:
        return None
    return Head("scalar", none, none, text)


def items(
    stream: BinaryIO, prefixes: Sequence[str], skipped: Skipped | None = None, notes: list[str] | None = None
) -> Iterator[tuple[str, Any]]:
    """Each value at one of the places ``prefixes`` of the one document in ``stream``, as they come.

    A place is written as ijson does: ``""`` the top value, ``item`` an element of an array, names joined by dots:
    ``runs.item.results.item``. Of a place within another one, only the outer is given.

    An element that breaks a bound (size, depth, a key twice) goes to ``skipped`` with its line, or is an error
    where that is None. ``notes`` gets what was read otherwise than written. Raises ReportError: not JSON, truncated
    (``truncated`` set, after everything complete was given), a second document.
    """
    walker = _Walker(Text(stream), prefixes, skipped)
    try:
        yield from walker.document()
    finally:
        if notes is not None:
            notes += walker.text.note() + walker.decoder.note()


def lines(stream: BinaryIO, skipped: Skipped, notes: list[str] | None = None) -> Iterator[tuple[int, Any]]:
    """Each JSON value of a file that holds one a line, with the number of its line. Blank lines say nothing; a line
    that is too long, damaged or breaks a bound goes to ``skipped``. A damaged last line without its line end:
    ReportError with ``truncated``, after everything else was given."""
    text, decoder = Text(stream), Decoder()
    number = 0
    try:
        for number, line, ended in _lines(text):
            if line is None:
                skipped.add(f"line {number}", f"is longer than {MAX_LINE >> 20} MiB")
                continue
            characters = text.one(line).strip()
            at, end = 0, len(characters)
            try:
                while at < end:
                    value, at = decoder.value(characters, at)
                    yield number, value
                    if at < end:
                        at = _SPACE.match(characters, at).end()  # type: ignore[union-attr]
            except json.JSONDecodeError as exc:
                if not ended:
                    raise ReportError(
                        text.name, f"the file ends in the middle of a line: {TRUNCATED}", line=number, truncated=True
                    ) from exc
                skipped.add(f"line {number}", f"is not JSON: {exc.msg} at character {exc.pos + 1}")
            except Refused as exc:
                skipped.add(f"line {number}", str(exc))
    finally:
        if notes is not None:
            notes += text.note() + decoder.note()


def elements(stream: BinaryIO, skipped: Skipped, notes: list[str] | None = None) -> Iterator[tuple[str, Any]]:
    """Each element of a file that is either one array or one value a line, with its place for a person (``item 3``,
    ``line 3``): the two ways in which scanners export a list."""
    beginning = b""
    while len(beginning) < PIECE and (piece := stream.read(PIECE)):
        beginning += piece
        encoding, mark = encoding_of(beginning)
        text = beginning[mark:].decode(encoding, "replace").lstrip()
        if len(beginning) >= 4 and text:
            break
    else:
        text = beginning.decode("utf-8", "replace").lstrip()
    again = _Again(beginning, stream)
    if text.startswith("["):
        for number, (_place, value) in enumerate(items(again, ["item"], skipped, notes), start=1):  # type: ignore[arg-type]
            yield f"item {number}", value
    else:
        for number, value in lines(again, skipped, notes):  # type: ignore[arg-type]
            yield f"line {number}", value


class _Again:
    """A stream whose first bytes were looked at."""

    def __init__(self, beginning: bytes, stream: BinaryIO) -> None:
        self.name = getattr(stream, "name", "the report")
        self._beginning = beginning
        self._stream = stream

    def read(self, size: int) -> bytes:
        if self._beginning:
            piece, self._beginning = self._beginning[:size], self._beginning[size:]
            return piece
        return self._stream.read(size)


def _lines(text: Text) -> Iterator[tuple[int, bytes | None, bool]]:
    """Number, bytes (None: too long) and whether its end was there, of each line that is not blank."""
    number, held, too_long = 0, b"", False
    for piece in text.utf8():
        parts = piece.split(b"\n")
        parts[0] = held + parts[0]
        held = parts.pop()
        for part in parts:
            number += 1
            if too_long or len(part) > MAX_LINE:
                too_long = False
                yield number, None, True
            elif part and not part.isspace():
                yield number, part, True
        if len(held) > MAX_LINE:
            too_long, held = True, b""
    if too_long:
        yield number + 1, None, False
    elif held and not held.isspace():
        yield number + 1, held, False


class _End(Exception):
    """The text ended where more was expected."""


class _Walker:
    """Walks one document; ``_text`` from ``_at`` on is what is not used yet."""

    def __init__(self, text: Text, prefixes: Sequence[str], skipped: Skipped | None) -> None:
        self.text = text
        self.decoder = Decoder()
        self.skipped = skipped
        self._wanted = frozenset(prefixes)
        # places on the way to a wanted one
        self._ways = frozenset(way for prefix in prefixes for way in _ways(prefix))
        # the names that may stand below each of them
        self._below: dict[str, set[str]] = {way: set() for way in self._ways}
        for prefix in prefixes:
            for way in _ways(prefix):
                self._below[way].add((prefix[len(way) + 1 :] if way else prefix).partition(".")[0])
        self._pieces = text.pieces()
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def document(self) -> Iterator[tuple[str, Any]]:
        try:
            if not self._peek_or_none():
                raise ReportError(self.text.name, "is empty")
            yield from self._value("", 0)
        except _End:
            raise self._error(f"the file ends in the middle of its JSON: {TRUNCATED}", truncated=True) from None
        if self._peek_or_none():
            second = self._text[self._at] in "[{"
            raise self._error(
                "a second JSON document begins here: give each its own file"
                if second
                else f"text follows the end of the JSON document: {self._shown()}"
            )

    def _value(self, place: str, depth: int) -> Iterator[tuple[str, Any]]:
        if depth > MAX_DEPTH:
            raise self._error(f"values are nested deeper than {MAX_DEPTH}")
        begin = self._peek()
        if place in self._wanted:
            yield from self._wanted_value(place, begin)
        elif place not in self._ways:
            self._step_over(begin)
        elif begin == "{":
            yield from self._members(place, depth)
        elif begin == "[":
            yield from self._elements(place, depth)
        else:
            if begin != "n":  # null: there is nothing
                self._other_kind(place, self._here())
            self._step_over(begin)

    def _members(self, place: str, depth: int) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        self._at += 1
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            if self._peek() != '"':
                raise self._error(f"a name in quotes was expected: {self._shown()}")
            try:
                key = self._decode(MAX_KEY)
            except Refused as exc:
                raise self._error(f"a name {exc}") from exc
            within = f"{place}.{key}" if place else key
            if within in self._wanted or within in self._ways:
                if key in seen:
                    raise self._error(f"the key {key[:80]!r} stands twice in one object")
                seen.add(key)
            self._expect(":")
            yield from self._value(within, depth + 1)
            if self._comma_or("}"):
                break
        if not seen:
            self._other_kind(place, self._here(), is_object=True)

    def _elements(self, place: str, depth: int) -> Iterator[tuple[str, Any]]:
        within = f"{place}.item" if place else "item"
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        if "item" not in self._below[place]:
            self._other_kind(place, self._here())
        while True:
            yield from self._value(within, depth + 1)
            if self._comma_or("]"):
                return

    def _other_kind(self, place: str, line: int, *, is_object: bool = False) -> None:
        """What is wanted would stand in here, but this is no list where there should be one, or an object of others."""
        if self.skipped is None:
            return
        below = self._below[place]
        names = ", ".join(sorted(below - {"item"})[:8])
        if is_object and names:
            reason = f"an object without any of {names}: it was not used"
        elif "item" in below:
            reason = "a list was expected here: what is there was not used"
        else:
            reason = f"an object with {names} was expected here: what is there was not used"
        self.skipped.add(f"line {line} ({place or 'the top value'})", reason)

    def _wanted_value(self, place: str, begin: str) -> Iterator[tuple[str, Any]]:
        try:
            value = self._decode(MAX_ELEMENT, may_end=not place)
        except Refused as exc:
            if self.skipped is None:
                raise self._error(str(exc)) from exc
            self.skipped.add(f"line {self._here()} ({place or 'the top value'})", str(exc))
            self._step_over(begin)
            return
        yield place, value

    def _decode(self, limit: int, *, may_end: bool = False) -> Any:
        """The value here, taken; the window grows while the value may go on behind it. ``may_end``: a number
        may be the last thing in the file."""
        while True:
            try:
                value, end = self.decoder.value(self._text, self._at)
            except json.JSONDecodeError as exc:
                # An error well before the end of the window is one; at its end, or in a string that began anywhere,
                # it may only say that the rest is not there yet.
                open_string = exc.msg.startswith("Unterminated")
                if self._ended:
                    certain = not open_string and not _BEGUN.match(self._text, exc.pos)
                else:
                    certain = not open_string and exc.pos + 16 < len(self._text)
                if certain:
                    raise self._error(f"the JSON is damaged here: {exc.msg}", at=exc.pos) from exc
            else:
                # A number at the end of the window may go on behind it.
                goes_on = self._text[self._at] not in '[{"' and _NUMBER_ON.match(self._text, end)
                if not goes_on or (self._ended and may_end):
                    if end - self._at > limit:
                        raise Refused(f"is longer than {_size(limit)}")
                    self._at = end
                    return value
            if len(self._text) - self._at > limit:
                raise Refused(f"is longer than {_size(limit)}")
            self._more(len(self._text) - self._at)

    def _step_over(self, begin: str) -> None:
        """Past one value that nobody wants, however large, without keeping it."""
        if begin == '"':
            self._step_over_string()
        elif begin in "[{":
            self._step_over_container()
        else:
            start = self._at
            self._run(_SCALAR)
            if self._at == start and begin:
                raise self._error(f"a value was expected: {self._shown()}")

    def _step_over_string(self) -> None:
        self._at += 1
        while True:
            self._run(_IN_STRING)
            if self._character() == '"':
                self._at += 1
                return
            self._at += 1
            self._character()  # what is escaped
            self._at += 1

    def _step_over_container(self) -> None:
        open_ones: list[str] = []
        while True:
            self._run(_BETWEEN)
            character = self._character()
            if character == '"':
                self._step_over_string()
                continue
            self._at += 1
            if character in "[{":
                open_ones.append("]" if character == "[" else "}")
                if len(open_ones) > 1 << 16:
                    raise self._error("values are nested deeper than any tool writes")
            elif open_ones.pop() != character:
                raise self._error(f"the JSON is damaged here: {character!r} closes what another bracket opened")
            if not open_ones:
                return

    def _comma_or(self, closing: str) -> bool:
        character = self._peek()
        if character not in (",", closing):
            raise self._error(f"a comma or {closing!r} was expected: {self._shown()}")
        self._at += 1
        if character == "," and self._peek() in "]}":
            raise self._error("the JSON is damaged here: nothing follows a comma")
        return character == closing

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise self._error(f"{character!r} was expected: {self._shown()}")
        self._at += 1

    def _peek(self) -> str:
        """The next character that is no space."""
        self._run(_SPACE)
        return self._character()

    def _peek_or_none(self) -> str:
        try:
            return self._peek()
        except _End:
            return ""

    def _character(self) -> str:
        while self._at >= len(self._text):
            self._more(0)
        return self._text[self._at]

    def _run(self, expression: re.Pattern[str]) -> None:
        """Past what the expression matches, over as many pieces as that takes."""
        while True:
            self._at = expression.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or self._ended:
                return
            try:
                self._more(0)
            except _End:
                return

    def _more(self, at_least: int) -> None:
        """More text behind what is there; what was used goes."""
        if self._ended:
            raise _End
        self._line += self._text.count("\n", 0, self._at)
        parts = [self._text[self._at :]]
        self._at = 0
        read = 0
        while read <= at_least:
            piece = next(self._pieces, "")
            if not piece:
                self._ended = True
                break
            read += len(piece)
            parts.append(piece)
        self._text = "".join(parts)

    def _here(self, at: int | None = None) -> int:
        return self._line + self._text.count("\n", 0, self._at if at is None else at)

    def _shown(self) -> str:
        return f"{self._text[self._at : self._at + 20]!r} stands here"

    def _error(self, reason: str, *, at: int | None = None, truncated: bool = False) -> ReportError:
        return ReportError(self.text.name, reason, line=self._here(at), truncated=truncated)


def _ways(prefix: str) -> Iterator[str]:
    while prefix:
        prefix = prefix.rpartition(".")[0]
        yield prefix


def _size(limit: int) -> str:
    return f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} characters"


def _keys(text: str, at: int) -> tuple[frozenset[str], int | None]:
    """The names of the object that begins at ``at``, as far as the text goes, and the place after its end (None: not in
    the text)."""
    keys: set[str] = set()
    depth, last = 0, ""
    for match in _TOKEN.finditer(text, at):
        mark = match[0]
        if mark in ("{", "["):
            depth += 1
        elif mark in ("}", "]"):
            depth -= 1
            if depth == 0:
                return frozenset(keys), match.end()
        elif mark == ":":
            if depth == 1 and last:
                keys.add(last)
        elif depth == 1:
            last = mark[1:-1][:MAX_KEY]
    return frozenset(keys), None
