"""Filters of RFC 4515 as far as the readers of the directory use them, over objects that are plain dictionaries."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids

Test = Callable[[dict[str, Any]], bool]
BIT_AND = "1.2.840.113556.1.4.803"


def parse(text: str) -> Test:
    """The test that a filter makes; AssertionError where it is not one."""
    test, rest = _filter(text)
    assert not rest, f"after the end of the filter: {rest!r}"
    return test


def _filter(text: str) -> tuple[Test, str]:
    assert text.startswith("("), text
    if text[1] in "&|!":
        parts: list[Test] = []
        rest = text[2:]
        while rest.startswith("("):
            part, rest = _filter(rest)
            parts.append(part)
        assert rest.startswith(")") and parts, text
        tests = tuple(parts)
        if text[1] == "!":
            return (lambda each: not tests[0](each)), rest[1:]
        join = all if text[1] == "&" else any
        return (lambda each: join(test(each) for test in tests)), rest[1:]
    item, _, rest = text[1:].partition(")")
    return _item(item), rest


def _item(item: str) -> Test:
    found = re.fullmatch(r"([A-Za-z0-9-]+)(?::([0-9.]+):)?(>=|<=|=)(.*)", item, re.DOTALL)
    assert found, item
    name, rule, sign, value = found.groups()
    if rule:
        assert rule == BIT_AND, rule
        return lambda each: any(int(v) & int(value) == int(value) for v in _values(each, name))
    if sign == ">=":
        return lambda each: any(int(v) >= int(value) for v in _values(each, name))
    if sign == "<=":
        return lambda each: any(int(v) <= int(value) for v in _values(each, name))
    parts = [re.sub(r"\\([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), part) for part in value.split("*")]
    pattern = re.compile(".*".join(map(re.escape, parts)), re.IGNORECASE | re.DOTALL)
    return lambda each: any(pattern.fullmatch(v) for v in _values(each, name))


def _values(each: dict[str, Any], name: str) -> list[str]:
    found = next((value for key, value in each.items() if key.lower() == name.lower()), [])
    return [_text(value) for value in (found if isinstance(found, (list, tuple)) else [found])]


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return sids.from_bytes(value)
    except ValueError:
        return value.hex()
