# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the controls ``vuln_permissions_*`` and ``vuln_privileged_members_perm`` share: from objects that nobody but
administrators may control to findings, each with the path that leads there.

One finding is one entry of an access list (or one owner, or one missing list), where it was set: an inherited entry is
reported on the object that hands it down, once, with the objects that it comes to.
"""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls import rights
from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import (
    ControlGraph,
    Hop,
    Paths,
    Securable,
)
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Control, Found
from ansible_collections.care.remediation.plugins.module_utils.controls.rights import Grant
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_inheritance import handed_down_by
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Account, Snapshot

# What evidence shows of what there may be any number of; the totals are always said
SHOWN_STARTS: Final = 5
SHOWN_PATHS: Final = 3
SHOWN_HOPS: Final = 12
SHOWN_OBJECTS: Final = 10

OWNER_ID: Final = "owner"
NO_DACL_ID: Final = "dacl"
READER_ID: Final = "reader"


@dataclass(slots=True)
class Target:
    """An object that only administrators may control. ``then``: the hops from it to what makes it so."""

    item: Securable
    kind: str
    then: tuple[Hop, ...] = ()
    only: frozenset[str] | None = None  # the rights that count here; None: all
    exempt: frozenset[str] = frozenset()  # SIDs that hold rights on it as it was installed
    known: frozenset[bytes] = frozenset()  # entries that another control judges


@dataclass(slots=True)
class _Entry:
    """One access control entry to report, where it is set, with what it reaches."""

    trustee: str
    ace: Ace | None
    place: str  # DN of the object that it is set on
    guid: str
    label: str
    target: Target
    rights: list[str]
    inherited: bool  # not known where it is set
    reaches: list[str] = field(default_factory=list)
    reached: int = 0


def control(module: ModuleType) -> Control:
    """The control of a module that only says which objects it judges: ``ID``, ``NEEDS``, ``LEVELS`` and ``targets``.

    The objects are looked for once a snapshot. A ``blind`` or ``remark`` of the module's own replaces the usual one.
    """

    def targets(snapshot: Snapshot) -> list[Target]:
        known: dict[str, list[Target]] = snapshot.__dict__.setdefault("_permission_targets", {})
        if module.ID not in known:
            known[module.ID] = module.targets(snapshot)
        return known[module.ID]

    return Control(
        id=module.ID,
        needs=module.NEEDS,
        detect=lambda snapshot: detect(snapshot, targets(snapshot), module.LEVELS),
        blind=getattr(module, "blind", lambda snapshot: blind(targets(snapshot))),
        remark=getattr(module, "remark", lambda snapshot: remark(snapshot, targets(snapshot))),
    )


def blind(targets: Iterable[Target]) -> str | None:
    """Why the rights over these objects cannot be judged: one of them hides its descriptor, or is not understood."""
    hidden = []
    for target in targets:
        item = target.item
        if item.descriptor is None:
            hidden.append(item.dn)
        elif (why := item.descriptor.blind) is not None:
            return f"{item.dn}: {why}"
    if not hidden:
        return None
    return (
        f"the security descriptor of {len(hidden)} objects is not readable, for instance of {hidden[0]}: the account in"
        " use lacks the right Read permissions (READ_CONTROL) there"
    )


def detect(snapshot: Snapshot, targets: Sequence[Target], levels: Sequence[int]) -> Iterator[Found]:
    """One finding for each entry that gives someone else a dangerous right over one of these objects.

    ``levels`` are those that the control has; a right counts at the nearest of them. What an entry gives is level 1
    when nothing more is needed (``rights.level_of``) and its holder is someone: a SID that resolves to nothing, an
    empty group that no one can join, a disabled account that no one controls make it level 2.
    """
    graph = ControlGraph.of(snapshot)
    entries = _entries(graph, targets)
    if not entries:
        return
    trustees = dict.fromkeys(entry.trustee for entry in entries)
    paths = graph.paths_to(trustees, SHOWN_STARTS)
    known: dict[str, bool] = {}
    alive = {trustee: _alive(graph, trustee, known) for trustee in trustees}
    for entry in entries:
        level = min(rights.level_of(right, entry.target.kind) for right in entry.rights)
        if not alive[entry.trustee]:
            level = 2
        yield _found(graph, entry, paths, min(levels, key=lambda one: (abs(one - level), one)))


def remark(snapshot: Snapshot, targets: Iterable[Target]) -> str | None:
    """Who holds such rights and is accepted as additional Tier 0: said, so that a person knows."""
    graph = ControlGraph.of(snapshot)
    holders = {
        sid for target in targets for sid in graph.tier_0_holders(target.item.descriptor, target.kind) - target.exempt
    }
    if not holders:
        return None
    names = ", ".join(sorted(graph.name(sid) for sid in holders))
    return f"additional Tier 0, protected like AdminSDHolder, holds rights that are not reported: {names}"


def _entries(graph: ControlGraph, targets: Sequence[Target]) -> list[_Entry]:
    entries: dict[tuple[str, str, bytes], _Entry] = {}
    handed: dict[tuple[str | None, bytes], tuple[str, Ace] | None] = {}
    for target in targets:
        item = target.item
        by_ace: dict[tuple[str, bytes], tuple[Ace | None, list[str]]] = {}
        for grant in graph.grants(item, target.kind):
            if _counts(target, grant):
                key = (grant.sid, grant.ace.raw if grant.ace is not None else grant.right.encode())
                by_ace.setdefault(key, (grant.ace, []))[1].append(grant.right)
        for (trustee, _raw), (ace, names) in by_ace.items():
            place, guid, label, own, lost = item.dn, item.guid or item.dn, item.label, ace, False
            if ace is not None and ace.inherited:
                key_above = (_parent_key(graph, item), ace.raw)
                if key_above not in handed:
                    handed[key_above] = handed_down_by(item.dn, ace, _aces_of(graph))
                source = handed[key_above]
                lost = source is None or source[1].sid != ace.sid
                if source is not None and not lost:
                    above = graph.by_dn[dn_key(source[0])]
                    place, guid, label, own = above.dn, above.guid, above.label, source[1]
            entry_key = (guid, trustee, own.raw if own is not None else names[0].encode())
            entry = entries.get(entry_key)
            if entry is None:
                entry = entries[entry_key] = _Entry(trustee, own, place, guid, label, target, [], lost)
            entry.rights += [name for name in names if name not in entry.rights]
            entry.reached += 1
            if len(entry.reaches) < SHOWN_OBJECTS:
                entry.reaches.append(item.label)
    return list(entries.values())


def _counts(target: Target, grant: Grant) -> bool:
    if target.only is not None and grant.right not in target.only:
        return False
    if grant.sid in target.exempt:
        return False
    return grant.ace is None or grant.ace.raw not in target.known


def _parent_key(graph: ControlGraph, item: Securable) -> str | None:
    above = next(graph.above(item.dn), None)
    return None if above is None else above.dn


def _aces_of(graph: ControlGraph) -> Any:
    def aces(dn: str) -> Iterable[Ace] | None:
        found = graph.by_dn.get(dn_key(dn))
        return found.descriptor.aces if found is not None and found.descriptor is not None else None

    return aces


def _alive(graph: ControlGraph, sid: str, known: dict[str, bool]) -> bool:
    """Whether someone can act as this trustee, now or by way of rights over it: looked for until one is found.

    ``known`` is what was found out before: each node is walked once, whatever the number of trustees.
    """
    came_from: dict[str, str | None] = {sid: None}
    pending = deque([sid])
    while pending:
        node = pending.popleft()
        if known.get(node) is False:
            continue
        if known.get(node) or _acts(graph, node):
            step: str | None = node
            while step is not None:  # who controls them can act as all of these
                known[step] = True
                step = came_from[step]
            return True
        for hop in graph.hops_to(node):
            if hop.source not in came_from and not graph.is_trusted(hop.source):
                came_from[hop.source] = node
                pending.append(hop.source)
    known.update(dict.fromkeys(came_from, False))
    return False


def _acts(graph: ControlGraph, node: str) -> bool:
    """Whether a node is someone who can log on, or who nobody here can say cannot."""
    item = graph.principals.get(node)
    if graph.is_broad(node) or (isinstance(item, Account) and item.enabled):
        return True
    # of another domain: nobody here knows
    return item is None and sids.is_sid(node) and sids.domain_of(node) != graph.snapshot.domain_sid


def _removable(entry: _Entry) -> str | None:
    """The entry as ``ad_acl`` takes it: an ACE in SDDL, ``O:`` and a SID for an owner; None for manual work."""
    if entry.ace is None:
        return f"O:{entry.trustee}" if rights.OWNER in entry.rights else None
    return None if entry.inherited else to_sddl(entry.ace)


def _found(graph: ControlGraph, entry: _Entry, paths: Paths, level: int) -> Found:
    snapshot = graph.snapshot
    name = graph.name(entry.trustee)
    listed = ", ".join(entry.rights)
    target = entry.target
    last = Hop(entry.trustee, target.item.dn, entry.rights[0], entry.ace, entry.place)
    evidence: dict[str, Any] = {
        "object": entry.place,
        "object_guid": entry.guid,
        "trustee": name,
        "trustee_sid": entry.trustee,
        "rights": entry.rights,
        "ace": _removable(entry),
        "raw": base64.b64encode(entry.ace.raw).decode("ascii") if entry.ace is not None else None,
        "inherited": entry.inherited,
        **explained(graph, paths, [last, *target.then], {target.item.dn: target.item.label}),
    }
    if entry.ace is not None and entry.inherited:
        evidence["inherited_ace"] = to_sddl(entry.ace)
    if entry.reached > 1 or entry.place != target.item.dn:
        evidence["reaches"] = entry.reaches
        evidence["reaches_total"] = entry.reached
    suffix = OWNER_ID if rights.OWNER in entry.rights else NO_DACL_ID
    if rights.READ_PASSWORD in entry.rights:
        suffix = f"{READER_ID}-{entry.trustee}"
    if entry.ace is not None:
        suffix = hashlib.sha256(entry.ace.raw).hexdigest()[:16]
    return Found(
        type="ace" if entry.ace is not None else "object",
        id=f"{entry.guid}#{suffix}",
        label=f"{name} : {listed} ({entry.label})",
        dn=entry.place,
        sid=entry.trustee if sids.is_sid(entry.trustee) else None,
        level=level,
        wording=_wording(snapshot, entry, name, listed),
        evidence=evidence,
    )


def _wording(snapshot: Snapshot, entry: _Entry, name: str, listed: str) -> str:
    if entry.ace is None:
        if rights.OWNER in entry.rights:
            return f"{name} ({entry.trustee}) owns {entry.place} and so may rewrite its access list."
        if rights.READ_PASSWORD in entry.rights:
            return f"{name} ({entry.trustee}) may read the password of {entry.place} (msDS-GroupMSAMembership)."
        return f"{entry.place} has no access list (DACL): everyone may do everything with it."
    text = f"{name} ({entry.trustee}) holds {listed} on {entry.target.item.dn}"
    if entry.place != entry.target.item.dn:
        text += f", inherited from {entry.place}"
    elif entry.inherited:
        text += ", inherited from an object above that was not read"
    others = entry.reached - 1
    return f"{text}, and on {others} more." if others else f"{text}."


def explained(
    graph: ControlGraph, paths: Paths, ending: Sequence[Hop], names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """How people get to what ``ending`` leads to, as evidence says it: one path, some others, who and how many.

    ``ending`` are the hops from the holder of a right onwards; ``paths`` leads to that holder. ``names`` are those of
    nodes that are no principals.
    """
    holder = ending[0].source
    reached = paths.ends[holder]
    starts = [start for start in reached.starts if start != holder]
    ways = [[*paths.path(start), *ending] for start in starts[:SHOWN_PATHS]]
    main = list(ending) if not ways or holder in reached.starts else ways.pop(0)
    return {
        "path": _shown(graph, main, names or {}),
        "paths": [_shown(graph, way, names or {}) for way in ways],
        "principals": [graph.name(start) for start in reached.starts],
        "principals_total": reached.count,
    }


def _shown(graph: ControlGraph, hops: Sequence[Hop], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """A path as evidence: names instead of SIDs, ACEs in SDDL. A longer one than SHOWN_HOPS keeps its end."""
    return [
        {
            "from": names.get(hop.source) or graph.name(hop.source),
            "to": names.get(hop.target) or graph.name(hop.target),
            "how": hop.how,
            "ace": to_sddl(hop.ace) if hop.ace is not None else None,
            "object": hop.object,
        }
        for hop in hops[-SHOWN_HOPS:]
    ]
