# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""INF and INI files of a policy (``GptTmpl.inf``, MS-GPSB 2.2; ``gpt.ini``, MS-GPOL 2.2.4): edited line by line.

Encoding, byte order mark, line ends, comments, order and sections that are not understood stay as they are. Names of
sections and keys are compared without regard to case.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError

MAX_BYTES: Final = 8 * 2**20
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(slots=True)
class _Line:
    text: str
    end: str  # "\r\n", "\n", "\r", or "" at the end of the file


@dataclass(slots=True)
class Document:
    """The file as lines."""

    encoding: str = "utf-16-le"
    bom: bytes = codecs.BOM_UTF16_LE
    _lines: list[_Line] = field(default_factory=list)

    @classmethod
    def parse(cls, raw: bytes) -> Document:
        """The file that ``raw`` is. Without a byte order mark: UTF-16LE when it looks so, else one byte a character."""
        if len(raw) > MAX_BYTES:
            raise FormatError(f"file of {len(raw)} bytes, at most {MAX_BYTES} are read")
        # Without a mark, and whatever the code page, a byte stays the byte it is
        plain = (b"", "utf-16-le" if _looks_wide(raw) else "latin-1")
        bom, encoding = next(((mark, name) for mark, name in _BOMS if raw.startswith(mark)), plain)
        try:
            text = raw[len(bom) :].decode(encoding, "strict" if encoding == "utf-8" else _errors(encoding))
        except UnicodeDecodeError as error:
            raise FormatError(f"not {encoding} at byte {len(bom) + error.start}: {error.reason}") from error
        return cls(encoding, bom, list(_split(text)))

    def to_bytes(self) -> bytes:
        """The file: the same bytes as were parsed, where nothing was changed.

        FormatError when a new text cannot be written in the file's encoding.
        """
        text = "".join(line.text + line.end for line in self._lines)
        try:
            return self.bom + text.encode(self.encoding, _errors(self.encoding))
        except UnicodeEncodeError as error:
            wrong = text[int(error.start) : int(error.end)]
            raise FormatError(f"{wrong!r} cannot be written in this file's encoding") from error

    @property
    def sections(self) -> list[str]:
        """Names of the sections, as written, in order."""
        return [name for line in self._lines if (name := _section(line.text)) is not None]

    def items(self, section: str) -> list[tuple[str, str]]:
        """Keys and values of a section, in order; of all parts of it when it is there more than once."""
        return [pair for number in self._of(section) if (pair := _pair(self._lines[number].text)) is not None]

    def get(self, section: str, key: str) -> str | None:
        """The value of a key (the last one, as Windows reads it), or None."""
        found = [value for name, value in self.items(section) if name.lower() == key.lower()]
        return found[-1] if found else None

    def set(self, section: str, key: str, value: str) -> bool:
        """Make a key so: in its place, else at the end of its section, else in a new section at the end of the file.

        Returns whether anything changed. ValueError for what would not be one line.
        """
        if any(mark in text for text in (key, value) for mark in "\r\n\0") or not key or "=" in key:
            raise ValueError(f"not a line of such a file: {key!r} = {value!r}")
        places = self._places(section, key)
        if len(places) == 1 and self.get(section, key) == value:
            return False
        glue = self._glue(section)
        if places:
            line = self._lines[places[-1]]
            name, equals, present = line.text.partition("=")
            if present.strip() != value:
                lead = present[: len(present) - len(present.lstrip())]
                line.text = name + (equals or glue) + (lead if equals else "") + value
            for number in reversed(places[:-1]):
                del self._lines[number]
            return True
        self._insert(section, f"{key}{glue}{value}")
        return True

    def remove(self, section: str, key: str) -> bool:
        """Take a key away. Returns whether it was there."""
        places = self._places(section, key)
        for number in reversed(places):
            del self._lines[number]
        return bool(places)

    def _places(self, section: str, key: str) -> list[int]:
        return [
            number
            for number in self._of(section)
            if (pair := _pair(self._lines[number].text)) is not None and pair[0].lower() == key.lower()
        ]

    def _of(self, section: str) -> Iterator[int]:
        inside = False
        for number, line in enumerate(self._lines):
            name = _section(line.text)
            if name is not None:
                inside = name.lower() == section.lower()
            elif inside:
                yield number

    def _glue(self, section: str) -> str:
        """How the section writes its equals signs: Windows puts blanks around it in some sections only."""
        for number in self._of(section):
            if _pair(self._lines[number].text) is not None:
                text = self._lines[number].text
                at = text.index("=")
                left = " " if text[:at].endswith(" ") else ""
                return left + "=" + (" " if text[at + 1 : at + 2] == " " else "")
        return " = " if section.lower() in ("system access", "event audit", "privilege rights") else "="

    def _insert(self, section: str, text: str) -> None:
        end = next((line.end for line in self._lines if line.end), "\r\n")
        heads = [n for n, line in enumerate(self._lines) if (_section(line.text) or "").lower() == section.lower()]
        if not heads:
            if self._lines and not self._lines[-1].end:
                self._lines[-1].end = end
            self._lines += [_Line(f"[{section}]", end), _Line(text, end)]
            return
        filled = [n for n in self._of(section) if n > heads[0] and self._lines[n].text.strip()]
        # Of a section that is there twice, its first part
        first_end = next((n for n in range(heads[0] + 1, len(self._lines)) if _section(self._lines[n].text)), None)
        filled = [n for n in filled if first_end is None or n < first_end]
        place = (filled[-1] if filled else heads[0]) + 1
        if not self._lines[place - 1].end:
            self._lines[place - 1].end = end
        self._lines.insert(place, _Line(text, end))


def new_template() -> Document:
    """An empty GptTmpl.inf, as Windows begins one."""
    document = Document()
    document._lines = [
        _Line("[Unicode]", "\r\n"),
        _Line("Unicode=yes", "\r\n"),
        _Line("[Version]", "\r\n"),
        _Line('signature="$CHICAGO$"', "\r\n"),
        _Line("Revision=1", "\r\n"),
    ]
    return document


def new_ini() -> Document:
    """An empty gpt.ini: one byte a character, no byte order mark."""
    return Document("latin-1", b"")


def _errors(encoding: str) -> str:
    return "surrogatepass" if encoding.startswith("utf-16") else "strict"


def _looks_wide(raw: bytes) -> bool:
    sample = raw[:400]
    return len(raw) >= 4 and len(raw) % 2 == 0 and sample[1::2].count(0) * 2 > len(sample) // 2


def _split(text: str) -> Iterator[_Line]:
    """Lines with their ends; only CR, LF and CR LF end a line (str.splitlines knows more)."""
    start = 0
    for match in _LINE_END.finditer(text):
        yield _Line(text[start : match.start()], match[0])
        start = match.end()
    if start < len(text):
        yield _Line(text[start:], "")


def _section(text: str) -> str | None:
    stripped = text.strip()
    return stripped[1:-1].strip() if len(stripped) > 2 and stripped[0] == "[" and stripped[-1] == "]" else None


def _pair(text: str) -> tuple[str, str] | None:
    stripped = text.strip()
    if not stripped or stripped.startswith(";") or "=" not in stripped:
        return None
    key, _equals, value = stripped.partition("=")
    return (key.strip(), value.strip()) if key.strip() else None
