# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of a DACL: which explicit ACEs go and which come, in which place. Inherited ACEs are never touched."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace


def portable(ace: Ace, index: int) -> dict[str, Any]:
    """The ACE at ``index`` of a DACL as a change writes it."""
    return {"index": index, "sddl": to_sddl(ace), "raw": base64.b64encode(ace.raw).decode("ascii")}


def raw_of(item: Mapping[str, Any]) -> bytes:
    """The bytes of an ACE in a change; ValueError when they are not an ACE."""
    raw = base64.b64decode(str(item["raw"]), validate=True)
    Ace.parse(raw)
    return raw


def state(aces: Sequence[Ace], before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> str:
    """``before``, ``after`` or ``other``: where the explicit ``aces`` stand in this change.

    An ACE that is there twice counts twice. A change of nothing is ``after``.
    """
    gone, come = moved(before, after)
    explicit = [ace.raw for ace in aces if not ace.inherited]
    if all(raw not in explicit for raw in gone) and _contains(explicit, come):
        return "after"
    if all(raw not in explicit for raw in come) and _contains(explicit, gone):
        return "before"
    return "other"


def moved(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> tuple[list[bytes], list[bytes]]:
    """The ACEs that a change takes away and those that it puts in."""
    old, new = [raw_of(item) for item in before], [raw_of(item) for item in after]
    gone, come = list(old), list(new)
    for raw in old:
        if raw in come:
            come.remove(raw)
            gone.remove(raw)
    return gone, come


def apply(
    aces: Sequence[Ace], changes: Sequence[tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]]
) -> tuple[Ace, ...]:
    """The ACEs after ``changes`` (pairs of before and after), which `state` found to be at ``before``.

    What comes is put at its index, lowest first, but never behind an inherited ACE: with all changes of an object
    undone together, every ACE is where it was.
    """
    result = list(aces)
    coming: list[tuple[int, bytes]] = []
    for before, after in changes:
        gone, come = moved(before, after)
        places = {raw_of(item): int(item.get("index", 0)) for item in before}
        for raw in gone:
            candidates = [n for n, ace in enumerate(result) if ace.raw == raw and not ace.inherited]
            result.pop(min(candidates, key=lambda n: abs(n - places[raw])))
        indexes = {raw_of(item): int(item.get("index", 0)) for item in after}
        coming += [(indexes[raw], raw) for raw in come]
    for index, raw in sorted(coming, key=lambda item: item[0]):
        explicit_end = next((n for n, ace in enumerate(result) if ace.inherited), len(result))
        result.insert(min(index, explicit_end), Ace.parse(raw))
    return tuple(result)


def _contains(have: Sequence[bytes], wanted: Sequence[bytes]) -> bool:
    rest = list(have)
    for raw in wanted:
        if raw not in rest:
            return False
        rest.remove(raw)
    return True
