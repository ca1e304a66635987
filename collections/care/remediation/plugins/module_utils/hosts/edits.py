# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Line edits of a configuration file: what is there stays, apart from the lines that an edit names.

An edit is ``{"match", "line", "insert", "comment", "backrefs"}``:

- every line that the regular expression `match` matches (Python `re`, from the beginning of the line) becomes `line`;
- with `line` null it is removed, or with `comment` turned into a comment;
- when no line matches, `line` is inserted (`insert`: `begin`, `end`, `before:<regex>`, `after:<regex>`), unless it is
  there already or `insert` is `none`.

Edits run one after the other. Applied twice they give what they gave once, or they are refused.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError


def apply(content: bytes, edits: list[dict[str, Any]], path: str) -> bytes:
    """The file `content` after `edits`; bytes that are not UTF-8 pass. Raises HostError naming `path` and the edit."""
    once = _apply_all(content, edits, path)
    if _apply_all(once, edits, path) != once:
        raise HostError(
            f"{path}: these edits do not come to rest: applied twice they change the file again; "
            "make each 'match' specific"
        )
    return once


def _apply_all(content: bytes, edits: list[dict[str, Any]], path: str) -> bytes:
    text = content.decode("utf-8", "surrogateescape")
    # Only \n ends a line here: str.splitlines() also splits at form feeds and U+2028.
    ending = "\r\n" if "\r\n" in text else "\n"
    closed = not text or text.endswith("\n")
    body = text[:-1] if text.endswith("\n") else text
    lines = (
        [line[:-1] if line.endswith("\r") and ending == "\r\n" else line for line in body.split("\n")] if text else []
    )
    before = list(lines)
    for number, edit in enumerate(edits, start=1):
        lines = _apply_one(lines, edit, f"{path}: edit {number}")
    if lines == before:
        return content
    # A line added at the end of a file without a final newline must not be glued to the last one.
    closed = closed or len(lines) > len(before)
    return (ending.join(lines) + (ending if closed and lines else "")).encode("utf-8", "surrogateescape")


def _apply_one(lines: list[str], edit: dict[str, Any], where: str) -> list[str]:
    pattern = _compile(edit["match"], where)
    wanted = edit.get("line")
    comment = edit.get("comment") or ""
    if wanted is not None and any(character in wanted for character in "\r\n\0"):
        raise HostError(f"{where}: 'line' must be one line")
    result: list[str] = []
    matched = False
    for line in lines:
        found = pattern.match(line)
        if found is None:
            result.append(line)
            continue
        matched = True
        if wanted is not None:
            result.append(found.expand(wanted) if edit.get("backrefs") else wanted)
        elif comment:
            result.append(f"{comment} {line}")
    if matched or wanted is None or edit.get("backrefs") or wanted in result:
        return result
    return _insert(result, wanted, edit.get("insert") or "end", where)


def _insert(lines: list[str], wanted: str, place: str, where: str) -> list[str]:
    if place == "none":
        return lines
    if place == "begin":
        return [wanted, *lines]
    if place == "end":
        return [*lines, wanted]
    side, separator, expression = place.partition(":")
    if not separator or side not in ("before", "after"):
        raise HostError(f"{where}: 'insert' is begin, end, none, before:<regex> or after:<regex>, not {place!r}")
    anchor = _compile(expression, where)
    positions = [index for index, line in enumerate(lines) if anchor.match(line)]
    if not positions:
        # Guessing another place could change what a line means (PAM, sshd's Match blocks): better to stop.
        raise HostError(f"{where}: no line matches {expression!r}, so there is no place to insert {side} it")
    index = positions[0] if side == "before" else positions[-1] + 1
    return [*lines[:index], wanted, *lines[index:]]


def _compile(expression: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise HostError(f"{where}: {expression!r} is not a regular expression: {error}") from error
