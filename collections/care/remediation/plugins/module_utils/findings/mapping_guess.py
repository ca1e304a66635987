# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the columns of a table hold, and which of our fields they most likely are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from . import mapping_words
from .mapping_file import number
from .readers import mapped_values
from .records import normal_address

MAX_KNOWN: Final = 200  # distinct values of a column that are told apart
_DATES: Final = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-][0-9]{2,4}")


@dataclass
class Column:
    """What a column (JSON: a path) holds. ``values``: how often each, as far as told apart."""

    name: str
    filled: int = 0
    values: Counter[str] = field(default_factory=Counter)
    many: bool = False
    like: Counter[str] = field(default_factory=Counter)

    def add(self, text: str) -> None:
        """One value."""
        if not text:
            return
        self.filled += 1
        short = " ".join(text[:200].split())
        if short in self.values or len(self.values) < MAX_KNOWN:
            self.values[short] += 1
        else:
            self.many = True
        for kind in kinds(short):
            self.like[kind] += 1

    def mostly(self, kind: str) -> bool:
        """Whether nearly every value is of a kind (address, cve, date, cvss)."""
        return self.filled > 0 and self.like[kind] >= 0.8 * self.filled


@dataclass
class Guess:
    """Columns that are taken for a field, and whether that is sure."""

    columns: list[str]
    sure: bool


def assign(columns: Sequence[Column]) -> dict[str, Guess]:
    """Field to its columns: the best by name first, then by what they hold."""
    scored: list[tuple[int, int, Column, str]] = []
    for order, column in enumerate(columns):
        plain = column.name.replace('"', "")
        guesses = [mapping_words.field_of(plain), mapping_words.field_of(plain.rpartition(".")[2])]
        guess = max((one for one in guesses if one), key=lambda one: one[1], default=None)
        if guess is None:
            continue
        name, sure = guess
        if name == "title" and plain.startswith("row."):
            name, sure = "host", 2  # the outer row's name is not what is wrong, it is where
        scored.append((sure, -order, column, name))
    scored.sort(key=lambda one: one[:2], reverse=True)
    found: dict[str, Guess] = {}
    used: set[str] = set()
    for sure, _order, column, name in scored:
        if name == "host" and column.mostly("address"):
            name = "address"
        elif name == "address" and column.filled and not column.like["address"]:
            name = "host"
        elif (
            name in ("cvss", "severity") and column.mostly("cvss") and any("." in v or "," in v for v in column.values)
        ):
            name = "cvss"
        if name in found:
            if name == "wording" and len(found[name].columns) < 4:
                found[name].columns.append(column.name)
                used.add(column.name)
            continue
        found[name] = Guess([column.name], sure == 3)
        used.add(column.name)
    for kind, name in (("address", "address"), ("cve", "cve"), ("date", "date")):
        if name in found or (name == "address" and "host" in found):
            continue
        fitting = next((one for one in columns if one.name not in used and one.mostly(kind)), None)
        if fitting is not None:
            found[name] = Guess([fitting.name], False)
            used.add(fitting.name)
    if "rule" not in found and "title" not in found:
        # something must say what is wrong: the column with the longest different texts
        rest = [one for one in columns if one.name not in used and one.filled]
        if not rest:
            rest = [one for one in columns if one.filled] or list(columns)
        best = max(rest, key=lambda one: (len(one.values), sum(map(len, one.values))))
        found["title"] = Guess([best.name], False)
    if "rule" in found and numbering(next(one for one in columns if one.name == found["rule"].columns[0])):
        found["rule"].sure = False
    return found


def numbering(column: Column) -> bool:
    """Whether an id may only number the rows: the next report would number them otherwise."""
    if column.filled < 2 or not all(re.fullmatch(r"[0-9]{1,6}", value) for value in column.values):
        return False
    return len(column.values) == column.filled and max(map(int, column.values)) <= 3 * column.filled + 10


def kinds(text: str) -> Iterator[str]:
    """What a text looks like: address, cve, date (american, french where only one fits), cvss."""
    if normal_address(text):
        yield "address"
    if mapped_values.cves(text):
        yield "cve"
    if mapped_values.date(text) or mapped_values.date(text, american=True):
        yield "date"
        day = _DATES.match(text)
        if day and int(day[2]) > 12:
            yield "american"
        if day and int(day[1]) > 12:
            yield "french"
    value = number(text) if re.fullmatch(r"[0-9]{1,2}(?:[.,][0-9]+)?", text) else None
    if value is not None and value <= 10:
        yield "cvss"
