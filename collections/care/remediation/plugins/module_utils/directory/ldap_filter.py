# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""LDAP search filters (RFC 4515), parsed and applied to entries: for sources that are not an LDAP server.

Comparison follows the attribute's looks: numbers as numbers, text without regard to case, a SID whether it is written
as text or as bytes. An attribute that is absent matches nothing but a negation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids

BIT_AND: Final = "1.2.840.113556.1.4.803"
BIT_OR: Final = "1.2.840.113556.1.4.804"
_LEAF: Final = re.compile(r"([A-Za-z0-9.;-]+)(?::([0-9.]+):)?(>=|<=|=)")
_HEX: Final = re.compile(rb"\\([0-9A-Fa-f]{2})")

Values = Mapping[str, Sequence[bytes]]


class FilterError(ValueError):
    """The text is not a filter that is understood here; the message says where."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition. ``parts`` is the value cut at its asterisks: one part for an equality, ("", "") for presence."""

    attribute: str  # lower case
    operator: str  # =, >= or <=
    parts: tuple[bytes, ...]
    rule: str | None = None

    @property
    def present(self) -> bool:
        """Whether it only asks for the attribute to be there."""
        return self.parts == (b"", b"")

    @property
    def value(self) -> bytes:
        """The value of a condition without an asterisk."""
        return self.parts[0]


@dataclass(frozen=True, slots=True)
class Node:
    """``&`` or ``|`` of any number of filters, ``!`` of one."""

    operator: str
    children: tuple[Filter, ...]


Filter: TypeAlias = "Leaf | Node"


def parse(text: str) -> Filter:
    """The filter that ``text`` is; FilterError where it is none."""
    found, end = _filter(text, 0)
    if end != len(text):
        raise FilterError(f"text after the filter at {end}: {text!r}")
    return found


def _filter(text: str, at: int) -> tuple[Filter, int]:
    if text[at : at + 1] != "(":
        raise FilterError(f"'(' expected at {at}: {text!r}")
    operator = text[at + 1 : at + 2]
    if operator in ("&", "|", "!"):
        children: list[Filter] = []
        at += 2
        while text[at : at + 1] == "(":
            child, at = _filter(text, at)
            children.append(child)
        if text[at : at + 1] != ")" or (operator == "!" and len(children) != 1):
            raise FilterError(f"')' expected at {at}: {text!r}")
        return Node(operator, tuple(children)), at + 1
    match = _LEAF.match(text, at + 1)
    end = text.find(")", at)
    if match is None or end < match.end():
        raise FilterError(f"no condition at {at}: {text!r}")
    parts = tuple(_unescaped(part) for part in text[match.end() : end].split("*"))
    return Leaf(match[1].lower(), match[3], parts, match[2]), end + 1


def _unescaped(part: str) -> bytes:
    return _HEX.sub(lambda match: bytes([int(match[1], 16)]), part.encode("utf-8"))


def matches(condition: Filter, values: Values) -> bool:
    """Whether an entry fits. ``values``: attribute in lower case to its raw values."""
    if isinstance(condition, Leaf):
        return any(_fits(condition, value) for value in values.get(condition.attribute, ()))
    if condition.operator == "!":
        return not matches(condition.children[0], values)
    found = (matches(child, values) for child in condition.children)
    return all(found) if condition.operator == "&" else any(found)


def attributes(condition: Filter) -> set[str]:
    """The attributes (lower case) that a filter looks at."""
    if isinstance(condition, Leaf):
        return {condition.attribute}
    return {name for child in condition.children for name in attributes(child)}


def _fits(leaf: Leaf, value: bytes) -> bool:
    if leaf.present:
        return True
    if leaf.rule is not None:
        mask, number = _number(leaf.value), _number(value)
        if mask is None or number is None:
            return False
        bits = number & 0xFFFFFFFF & mask
        if leaf.rule == BIT_AND:
            return bits == mask
        if leaf.rule == BIT_OR:
            return bits != 0
        raise FilterError(f"matching rule {leaf.rule} is not known here")
    if leaf.operator != "=":
        left, right = _number(value), _number(leaf.value)
        if left is None or right is None:
            return value >= leaf.value if leaf.operator == ">=" else value <= leaf.value
        return left >= right if leaf.operator == ">=" else left <= right
    if len(leaf.parts) > 1:
        return _like(leaf.parts, _folded(value))
    if value == leaf.value or _folded(value) == _folded(leaf.value):
        return True
    if leaf.value.startswith(b"S-1-"):
        return _sid(leaf.value.decode("ascii", "replace")) == value
    # objectCategory may be asked for by the name of its class
    return leaf.attribute == "objectcategory" and _folded(value).startswith(b"cn=" + _folded(leaf.value) + b",")


def _number(value: bytes) -> int | None:
    try:
        return int(value)
    except ValueError:
        return None


def _folded(value: bytes) -> bytes:
    try:
        return value.decode("utf-8").casefold().encode("utf-8")
    except UnicodeDecodeError:
        return value


def _like(parts: Sequence[bytes], value: bytes) -> bool:
    folded = [_folded(part) for part in parts]
    if not value.startswith(folded[0]) or not value[len(folded[0]) :].endswith(folded[-1]):
        return False
    at, end = len(folded[0]), len(value) - len(folded[-1])
    for part in folded[1:-1]:
        at = value.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _sid(text: str) -> bytes | None:
    return sids.to_bytes(text) if sids.is_sid(text) else None
