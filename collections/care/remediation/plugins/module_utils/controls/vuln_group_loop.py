# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Groups contain each other in a circle: whoever is in one is in all, and no tool shows who that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key, privileged_group_sids
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.groups import NESTING, NestedGroup
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_group_loop"
NEEDS: Final = frozenset({NESTING})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding for each knot of groups that contain each other, with memberships whose end opens it."""
    groups = {dn_key(each.dn): each for each in snapshot.nested_groups}
    above = {key: [p for p in map(dn_key, each.parents) if p in groups] for key, each in groups.items()}
    roots = privileged_group_sids(snapshot.domain_sid)
    for knot in loops(above):
        order = sorted(knot, key=lambda key: (groups[key].sid not in roots, groups[key].sid or "", key))
        cuts = [_cut(groups[parent], groups[child]) for parent, child in back_edges(order, above)]
        first = groups[order[0]]
        yield Found(
            type="group",
            id=first.sid or first.dn,
            label=" ⇄ ".join(groups[key].label for key in order),
            dn=first.dn,
            sid=first.sid,
            level=4,
            wording=f"{len(order)} groups contain each other." if len(order) > 1 else "A group contains itself.",
            evidence={
                "groups": [{"sid": groups[key].sid, "dn": groups[key].dn, "label": groups[key].label} for key in order],
                "memberships": [
                    f"{groups[key].label} ∈ {groups[parent].label}"
                    for key in order
                    for parent in above[key]
                    if parent in knot
                ],
                "cuts": cuts,
                "privileged": any(groups[key].sid in roots for key in order),
            },
        )


def _cut(parent: NestedGroup, child: NestedGroup) -> dict[str, str]:
    return {
        "group_sid": parent.sid or parent.dn,
        "group": parent.label,
        "member_sid": child.sid or child.dn,
        "member": child.label,
    }


def loops(above: Mapping[str, Iterable[str]]) -> list[set[str]]:
    """The knots of a graph (node to the nodes above it): strongly connected components of two nodes or more, or of one
    that is above itself. Tarjan's algorithm without recursion: linear, whatever the depth."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on_stack: set[str] = set()
    stack: list[str] = []
    found: list[set[str]] = []
    for start in above:
        if start in index:
            continue
        work = [(start, iter(above[start]))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    knot = set()
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        knot.add(member)
                        if member == node:
                            break
                    if len(knot) > 1 or node in above[node]:
                        found.append(knot)
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(above[following])))
            elif following in on_stack:
                low[node] = min(low[node], index[following])
    return found


def back_edges(order: list[str], above: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    """Memberships (group, member) whose end leaves no loop among these groups.

    Groups are walked from the first of ``order`` (a privileged one, where there is one) down to their members. What is
    cut is a membership that leads back up: a group that encloses another must not be a member of it. So the enclosing,
    more powerful group loses a membership that gave it nothing, and nobody gains anything.
    """
    inside = set(order)
    below: dict[str, list[str]] = {key: [] for key in order}
    for child in order:
        for parent in above[child]:
            if parent in inside:
                below[parent].append(child)
    done: set[str] = set()
    cuts: list[tuple[str, str]] = []
    for start in order:
        if start in done:
            continue
        path = {start}
        work = [(start, iter(below[start]))]
        while work:
            node, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                path.discard(node)
                done.add(node)
            elif following in path:
                cuts.append((node, following))
            elif following not in done:
                path.add(following)
                work.append((following, iter(below[following])))
    return cuts
