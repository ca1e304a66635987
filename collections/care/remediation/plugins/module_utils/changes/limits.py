# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stops a set of changes before its first one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.care.remediation.plugins.module_utils.changes import model

DEFAULT_MAX_CHANGES = 500

# Kinds whose change says the whole value: two different ones of one subject cannot both be right.
_WHOLE = frozenset({"replace", "owner", "password", "object", "file", "service", "ruleset"})


@dataclass(frozen=True, slots=True)
class Blocker:
    """One reason why none of these changes may be applied."""

    kind: Literal["max_changes", "hazard", "last_member", "contradiction"]
    details: dict[str, Any] = field(default_factory=dict)


def objects_of(changes: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    """The distinct objects that the changes touch: (host, target, object id)."""
    return {(change["host"], change["target"], change["object"]["id"]) for change in changes}


def blockers(changes: Sequence[Mapping[str, Any]], max_changes: int) -> list[Blocker]:
    """Every reason why these changes must not be applied together; empty when there is none."""
    return [
        *hazards(changes),
        *_too_many(changes, max_changes),
        *_emptied_groups(changes),
        *_contradictions(changes),
    ]


def hazards(changes: Iterable[Mapping[str, Any]]) -> list[Blocker]:
    """Changes that would touch a protected account or the management path."""
    return [
        Blocker("hazard", {"hazard": hazard["kind"], "object": hazard["object"], "change": model.title(change)})
        for change in changes
        for hazard in change["hazards"]
    ]


def _too_many(changes: Sequence[Mapping[str, Any]], max_changes: int) -> list[Blocker]:
    count = len(objects_of(changes))
    return [Blocker("max_changes", {"count": count, "limit": max_changes})] if count > max_changes else []


def _emptied_groups(changes: Iterable[Mapping[str, Any]]) -> list[Blocker]:
    removed: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    added: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    groups: dict[tuple[str, str], Mapping[str, Any]] = {}
    for change in changes:
        context = change["context"]
        if change["kind"] != "values" or not context.get("privileged") or "members_before" not in context:
            continue
        if context.get("may_be_empty"):  # its emptiness is the goal, not an accident
            continue
        key = (change["host"], context["group_sid"])
        groups[key] = change
        before = {model.canonical(value) for value in change["before"] or []}
        after = {model.canonical(value) for value in change["after"] or []}
        removed[key] |= before - after
        added[key] |= after - before
    found = []
    for key, change in groups.items():
        members = int(change["context"]["members_before"])
        left = members - len(removed[key]) + len(added[key])
        if removed[key] and left <= 0:
            details = {"group": change["object"]["label"], "sid": key[1], "host": key[0], "members": members}
            found.append(Blocker("last_member", details))
    return found


def _subject(change: Mapping[str, Any]) -> tuple[Any, ...]:
    return (change["host"], change["target"], change["kind"], change["object"]["id"], change.get("attribute"))


def _values(change: Mapping[str, Any]) -> tuple[set[bytes], set[bytes]]:
    """(values that go, values that come) of a ``values`` or ``aces`` change."""
    before, after = (
        {model.canonical(part.get("raw", part) if isinstance(part, dict) else part) for part in change[side] or []}
        for side in ("before", "after")
    )
    return before - after, after - before


def same_subject(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two changes are about the same thing: the same bits, the same values, the same file."""
    if _subject(one) != _subject(other):
        return False
    if one["kind"] == "flags":
        return bool(one["mask"] & other["mask"])
    if one["kind"] in ("values", "aces"):
        (gone, come), (other_gone, other_come) = _values(one), _values(other)
        return bool((gone | come) & (other_gone | other_come))
    return True


def _contradict(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if one["id"] == other["id"] or not same_subject(one, other):
        return False
    if one["kind"] == "flags":
        common = one["mask"] & other["mask"]
        return bool((one["after"] ^ other["after"]) & common)
    if one["kind"] in ("values", "aces"):
        (gone, come), (other_gone, other_come) = _values(one), _values(other)
        return bool(gone & other_come or come & other_gone)
    return one["kind"] in _WHOLE


def _contradictions(changes: Iterable[Mapping[str, Any]]) -> list[Blocker]:
    """Two tasks that want different things of one subject: whichever came last would win."""
    by_subject: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for change in changes:
        by_subject[_subject(change)].append(change)
    return [
        Blocker(
            "contradiction",
            {"object": model.title(one), "controls": sorted({*one["controls"], *other["controls"]})},
        )
        for group in by_subject.values()
        for index, one in enumerate(group)
        for other in group[index + 1 :]
        if _contradict(one, other)
    ]
