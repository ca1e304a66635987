# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values of a hostile JSON document as what a reader expects: bounded, of the right type, or nothing."""

from __future__ import annotations

import datetime
import math
import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, BinaryIO, Final

from ..records import Skipped
from .jsonstream import HEAD, Head, head
from .xmlstream import cut

MAX_SHORT: Final = 500
MAX_LONG: Final = 8000
MAX_LIST: Final = 100
CVE: Final = re.compile(r"\bCVE-[0-9]{4}-[0-9]{4,19}\b", re.IGNORECASE)
_CWE: Final = re.compile(r"(?i)\bcwe[-_:/ ]?0*([0-9]{1,6})\b")


def text(value: Any, limit: int = MAX_SHORT) -> str:
    """A text, or a number as text; anything else is no text (``""``)."""
    if value is None:  # most often
        return ""
    if isinstance(value, str):
        return cut(value.strip(), limit)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return str(value)[:80]


def texts(value: Any, limit: int = MAX_SHORT, most: int = MAX_LIST) -> list[str]:
    """The texts of a list (or the one text that stands for a list), each once, at most ``most``."""
    if not value:
        return []
    found = (text(item, limit) for item in ([value] if isinstance(value, str) else sequence(value)))
    return list(dict.fromkeys(item for item in found if item))[:most]


class Odd(threading.local):
    """Counts values that are there and are of another kind than a reader asks for: a new version of the tool, or a
    damaged file. ``Report`` begins it with each report and notes it at the end, so that no reader loses them unsaid."""

    count = 0
    first = ""

    def begin(self) -> None:
        """A report begins."""
        self.count, self.first = 0, ""

    def add(self, wanted: str, value: Any) -> None:
        """Count one. Empty ones say nothing: tools write ``""`` or ``[]`` for an object that is not there."""
        if value or value is True:
            self.count += 1
            self.first = self.first or f"{wanted} was expected where there is {cut(ascii(value), 80)}"

    def note(self) -> list[str]:
        """One note where there were any, or none."""
        if not self.count:
            return []
        return [f"values of another kind than this version expects: {self.count}; the first: {self.first}"]


odd: Final = Odd()


def mapping(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one; what is there and is none is counted (``odd``)."""
    if isinstance(value, dict):
        return value
    if value is not None:
        odd.add("an object", value)
    return {}


def sequence(value: Any) -> list[Any]:
    """The array, or an empty one; what is there and is none is counted (``odd``)."""
    if isinstance(value, list):
        return value
    if value is not None:
        odd.add("a list", value)
    return []


def listed(value: Any, name: str, place: str, skipped: Skipped) -> list[Any]:
    """The array, or an empty one; what is there and is none is told."""
    if value is not None and not isinstance(value, list):
        skipped.add(place, f"{name} is no list")
    return sequence(value)


def number(value: Any, low: float, high: float) -> float | None:
    """A number between two bounds, also where a tool writes it as text or a person with a decimal comma."""
    if isinstance(value, str):
        try:
            value = float(value.strip().replace(",", ".")) if len(value) <= 40 else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if low <= value <= high else None


def flag(value: Any) -> bool | None:
    """True or False, also as text or number; None where it says neither."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        value = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(value.lower())
    elif isinstance(value, int | float) and value in (0, 1):
        value = bool(value)
    return value if isinstance(value, bool) else None


def port_number(value: Any) -> int | None:
    """A port, 1 to 65535."""
    found = number(value, 1, 65535)
    return int(found) if found is not None and found == int(found) else None


def cves(*values: Any) -> list[str]:
    """Every CVE id in these texts and lists of texts, in upper case, each once."""
    found = (match.upper() for value in values for item in texts(value, MAX_LONG) for match in CVE.findall(item))
    return list(dict.fromkeys(found))[:MAX_LIST]


def cwes(values: Iterable[Any]) -> list[str]:
    """The CWE ids among numbers and texts, as ``CWE-79``."""
    found: list[str] = []
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**6:
            found.append(f"CWE-{value}")
        elif isinstance(value, str):
            found += [f"CWE-{digits}" for digits in _CWE.findall(value[:MAX_SHORT])]
    return list(dict.fromkeys(found))[:MAX_LIST]


def grade_of(score: float | None, version: float | None = None) -> str | None:
    """The grade of a CVSS score: FIRST's qualitative scale of CVSS 3 and 4; of CVSS 2 NVD's, without a critical."""
    if score is None or score <= 0:
        return None
    if version is not None and version < 3:
        return "high" if score >= 7 else "medium" if score >= 4 else "low"
    return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"


def moment(value: Any) -> str | None:
    """A date and time of ISO 8601 in UTC, as documents write it; without a zone it is UTC already."""
    try:
        found = datetime.datetime.fromisoformat(text(value, 60))
        found = found.replace(tzinfo=found.tzinfo or datetime.UTC).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None
    return found.strftime("%Y-%m-%dT%H:%M:%SZ") if found.year >= 1000 else None


def plain_path(value: str) -> str:
    """A path in a report as text with forward slashes; it is never opened."""
    return PurePath(value.replace("\\", "/")).as_posix() if value else ""


def kept(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts without those that the report does not have."""
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


class Begun:
    """A stream whose beginning was looked at: ``head`` says of what kind it is; reading gives everything."""

    def __init__(self, stream: BinaryIO) -> None:
        self.name = str(getattr(stream, "name", "the report"))
        self._stream = stream
        self._beginning = b""
        while len(self._beginning) < HEAD and (piece := stream.read(HEAD - len(self._beginning))):
            self._beginning += piece
        self.head: Head | None = head(self._beginning)

    def read(self, size: int = -1) -> bytes:
        """As of a binary stream."""
        if self._beginning:
            piece = self._beginning if size < 0 else self._beginning[:size]
            self._beginning = self._beginning[len(piece) :]
            return piece
        return self._stream.read(size)
