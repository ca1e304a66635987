# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The characters of a JSON file, whatever encoding it was written in, and the decoder of one bounded JSON value.

UTF-8 with or without BOM, UTF-16 and UTF-32 are read. A byte that is not UTF-8 (a banner that a tool copied as it was,
a file saved again by a French editor) is read as Windows-1252 and counted; it never loses the rest of the file.
"""

from __future__ import annotations

import codecs
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

PIECE: Final = 1 << 18
MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 40

# The longer marks first: the one of UTF-16 is the beginning of the one of UTF-32.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_counted = threading.local()


class Refused(ValueError):
    """A JSON value that is well formed, or nearly, but breaks a bound or a rule; the message says which."""


def encoding_of(beginning: bytes) -> tuple[str, int]:
    """The encoding that a file begins in, and the length of its mark (RFC 8259, and RFC 4627 section 3 for files
    without a mark: JSON begins with two ASCII characters, so the zero bytes tell)."""
    for mark, name in _MARKS:
        if beginning.startswith(mark):
            return name, len(mark)
    zeros = tuple(not byte for byte in beginning[:4])
    if zeros == (True, True, True, False):
        return "utf-32-be", 0
    if zeros == (False, True, True, True):
        return "utf-32-le", 0
    if zeros[:2] == (True, False):
        return "utf-16-be", 0
    if zeros[:2] == (False, True):
        return "utf-16-le", 0
    return "utf-8", 0


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    _counted.bytes = getattr(_counted, "bytes", 0) + error.end - error.start
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("care_windows_1252", _windows_1252)


class Text:
    """The decoded text of a stream. ``foreign``: bytes so far that were not of the encoding."""

    def __init__(self, stream: BinaryIO) -> None:
        self.name = str(getattr(stream, "name", "the report"))
        self.encoding = "utf-8"
        self.foreign = 0
        self._stream = stream

    def pieces(self) -> Iterator[str]:
        """The text, in pieces that are never empty."""
        beginning = self._beginning()
        self.encoding, mark = encoding_of(beginning)
        yield from self._decoded(beginning[mark:])

    def utf8(self) -> Iterator[bytes]:
        """The same text as bytes of UTF-8, in pieces, without its mark; those of a file in UTF-8 are as they are."""
        beginning = self._beginning()
        self.encoding, mark = encoding_of(beginning)
        if self.encoding != "utf-8":
            for text in self._decoded(beginning[mark:]):
                yield text.encode("utf-8", "replace")
            return
        yield beginning[mark:]
        while piece := self._stream.read(PIECE):
            yield piece

    def one(self, piece: bytes) -> str:
        """The text of a piece that stands alone (a line in UTF-8)."""
        try:
            return piece.decode()
        except UnicodeDecodeError:
            return self._counting(piece.decode, "utf-8", "care_windows_1252")

    def _beginning(self) -> bytes:
        piece = self._stream.read(PIECE)
        while piece and len(piece) < 4 and (more := self._stream.read(PIECE)):  # a pipe may give less than a mark
            piece += more
        return piece

    def _decoded(self, beginning: bytes) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding)("care_windows_1252")
        if text := self._counting(decoder.decode, beginning):
            yield text
        while piece := self._stream.read(PIECE):
            if text := self._counting(decoder.decode, piece):
                yield text
        if text := self._counting(decoder.decode, b"", True):
            yield text

    def _counting(self, decode: Any, *arguments: Any) -> str:
        _counted.bytes = 0
        text: str = decode(*arguments)
        self.foreign += _counted.bytes
        return text

    def note(self) -> list[str]:
        """One note where bytes were not of the encoding, or none."""
        if not self.foreign:
            return []
        return [f"{self.foreign} byte(s) are not {self.encoding.upper()}: they were read as Windows-1252"]


class Decoder:
    """Decodes one JSON value at a place in a text. ``unknown``: numbers so far that JSON does not have (NaN, Infinity,
    1e999), which some tools write for "not known": given as None. A number of more than MAX_DIGITS digits is given
    as its text."""

    def __init__(self, max_depth: int = MAX_DEPTH) -> None:
        self.unknown = 0
        self.max_depth = max_depth
        decoder = json.JSONDecoder(
            object_pairs_hook=_object, parse_constant=self._constant, parse_int=_integer, parse_float=self._fraction
        )
        self._scan: Callable[[str, int], tuple[Any, int]] = decoder.scan_once  # type: ignore[attr-defined]

    def value(self, text: str, start: int) -> tuple[Any, int]:
        """The value that begins at ``start`` and the place after it. Raises Refused, json.JSONDecodeError."""
        try:
            value, end = self._scan(text, start)
        except StopIteration as exc:
            raise json.JSONDecodeError("Expecting value", text, exc.value) from None
        except RecursionError:
            raise Refused(f"values are nested deeper than {self.max_depth}") from None
        if text.count("{", start, end) + text.count("[", start, end) > self.max_depth:
            self._bound_depth(value)
        # The first look is cheap, and most values have no backslash.
        if text.find("\\", start, end) >= 0 and (
            text.find("\\ud", start, end) >= 0 or text.find("\\uD", start, end) >= 0
        ):
            value = _without_halves(value)
        return value, end

    def note(self) -> list[str]:
        """One note where there were numbers that JSON does not have, or none."""
        return [f"{self.unknown} number(s) are NaN or infinite: taken as not known"] if self.unknown else []

    def _constant(self, name: str) -> None:
        self.unknown += 1

    def _fraction(self, text: str) -> float | None:
        number = float(text)
        if number - number != 0:
            self.unknown += 1
            return None
        return number

    def _bound_depth(self, value: Any) -> None:
        layer, depth = [value], 0
        while layer:
            depth += 1
            if depth > self.max_depth + 1:
                raise Refused(f"values are nested deeper than {self.max_depth}")
            below: list[Any] = []
            for one in layer:
                if isinstance(one, dict):
                    below += [child for child in one.values() if type(child) in (dict, list)]
                elif isinstance(one, list):
                    below += [child for child in one if type(child) in (dict, list)]
            layer = below


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    # Which of both counts is for no reader to guess.
    seen: set[str] = set()
    twice = next(key for key, _value in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    raise Refused(f"the key {twice[:80]!r} stands twice in one object")


def _integer(text: str) -> int | str:
    # The modulus of an RSA key, or an attack on the conversion, which is quadratic: nothing that a reader counts with.
    return int(text) if len(text) <= MAX_DIGITS else text


def _without_halves(value: Any) -> Any:
    """The value, its texts without halves of surrogate pairs (``\\ud800`` alone): no encoding could write them."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_halves(one) for one in value]
    if isinstance(value, dict):
        return {_without_halves(key): _without_halves(one) for key, one in value.items()}
    return value
