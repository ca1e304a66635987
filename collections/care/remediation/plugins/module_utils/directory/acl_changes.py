# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of a DACL: which explicit ACEs go and which come, in which place. Inherited ACEs are never touched.

A change of some entries names those. One that puts a list into canonical order (`whole_list`) names every explicit ACE,
before and after.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.directory.acl_order import is_canonical
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


def whole_state(aces: Sequence[Ace], before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> str:
    """As `state`, for a change that names every explicit ACE."""
    if _is(aces, after):
        return "after"
    return "before" if _is(aces, before) else "other"


def apply_whole(aces: Sequence[Ace], after: Sequence[Mapping[str, Any]]) -> tuple[Ace, ...]:
    """The explicit ACEs of ``after``, each at its index, with the inherited ones of ``aces`` in between."""
    inherited = [ace for ace in aces if ace.inherited]
    result: list[Ace] = []
    for item in sorted(after, key=lambda item: int(item.get("index", 0))):
        while inherited and len(result) < int(item.get("index", 0)):
            result.append(inherited.pop(0))
        result.append(Ace.parse(raw_of(item)))
    return (*result, *inherited)


def _is(aces: Sequence[Ace], side: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the explicit ``aces`` are those of ``side``.

    A server sorts a list in canonical order further (MS-ADTS 6.1.3.1), so there the same ACEs in any such order are the
    same; one that is not canonical is kept as it was written, and must be the same ACE for ACE. Where inherited ACEs
    stand in between does not count: a server that computes them puts them last.
    """
    explicit = [ace for ace in aces if not ace.inherited]
    wanted = [Ace.parse(raw_of(item)) for item in side]
    if is_canonical(wanted):
        return is_canonical(explicit) and sorted(ace.raw for ace in explicit) == sorted(ace.raw for ace in wanted)
    return [ace.raw for ace in explicit] == [ace.raw for ace in wanted]


def _contains(have: Sequence[bytes], wanted: Sequence[bytes]) -> bool:
    rest = list(have)
    for raw in wanted:
        if raw not in rest:
            return False
        rest.remove(raw)
    return True
