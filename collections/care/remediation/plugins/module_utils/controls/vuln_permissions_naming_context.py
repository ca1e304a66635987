# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator of the domain holds a dangerous right on the head of a partition.

The rights that let their holder take the forest: full control, writing the descriptor or the owner, writing every
property, every extended right, and those of replication (DCSync; MS-ADTS 5.1.3.2.1). An ACE that only its children
inherit gives nothing on the head itself and is left out.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import permissions
from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import ControlGraph, Hop
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.controls.rights import (
    DOMAIN,
    GET_CHANGES,
    GET_CHANGES_ALL,
    OWNER,
    REPLICATION,
    ace_rights,
)
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    DOMAIN_HEAD,
    Secured,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    DESCRIPTORS,
    NamingContext,
    Snapshot,
)

ID: Final = "vuln_permissions_naming_context"
NEEDS: Final = frozenset({DESCRIPTORS})

# Principals that hold such rights on a domain as Windows makes it: administrators of the forest hold all of them…
FULL: Final = frozenset({sids.SYSTEM, sids.BUILTIN_ADMINISTRATORS})
FULL_RIDS: Final = frozenset({sids.RID_DOMAIN_ADMINS, sids.RID_ENTERPRISE_ADMINS, sids.RID_SCHEMA_ADMINS})
# …domain controllers the replication rights; read-only ones those without secrets, and all of them where there are none
# (the schema and the configuration, which they copy whole).
REPLICAS: Final = frozenset({sids.ENTERPRISE_DOMAIN_CONTROLLERS})
REPLICA_RIDS: Final = frozenset({sids.RID_DOMAIN_CONTROLLERS})
READ_ONLY_RIDS: Final = frozenset(
    {sids.RID_READ_ONLY_DOMAIN_CONTROLLERS, sids.RID_ENTERPRISE_READ_ONLY_DOMAIN_CONTROLLERS}
)
# Both groups of key administrators may have too much on a domain's head because adprep gave it: vuln_adupdate_bad
# judges whatever they have there, and its correction is another.
KEY_RIDS: Final = frozenset({sids.RID_KEY_ADMINS, sids.RID_ENTERPRISE_KEY_ADMINS})
# The groups of the forest's root domain are the same principals in every domain of the forest.
FOREST_RIDS: Final = frozenset(
    {
        sids.RID_ENTERPRISE_ADMINS,
        sids.RID_SCHEMA_ADMINS,
        sids.RID_DOMAIN_ADMINS,
        sids.RID_ENTERPRISE_KEY_ADMINS,
        sids.RID_ENTERPRISE_READ_ONLY_DOMAIN_CONTROLLERS,
    }
)


def trustees(descriptor: bytes) -> Iterable[str]:
    """The SIDs that the DACL of a binary descriptor names; ValueError when it cannot be read."""
    dacl = sd.SecurityDescriptor.parse(descriptor).dacl
    return {ace.sid for ace in dacl.aces if ace.sid is not None} if dacl is not None else set()


def blind(snapshot: Snapshot) -> str | None:
    """A descriptor that this program does not understand, or none at all, hides what it holds."""
    if not snapshot.naming_contexts:
        return "no security descriptor of a partition was read"
    for head in snapshot.naming_contexts:
        try:
            descriptor = sd.SecurityDescriptor.parse(head.descriptor or b"")
        except ValueError as error:
            return f"the security descriptor of {head.dn} is not understood: {error}"
        if descriptor.dacl is None:
            return f"{head.dn} has no DACL: everyone has every right on it, or it was not shown"
        unknown = [ace for ace in descriptor.dacl.aces if ace.sid is None]
        if unknown:
            return f"{head.dn} holds an access control entry of unknown type 0x{unknown[0].type:02x}"
    return None


def remark(snapshot: Snapshot) -> str | None:
    """Who holds rights there as additional Tier 0: for instance the synchronisation account, once it is protected."""
    return permissions.remark(
        snapshot,
        [Target(each, DOMAIN) for each in (_as_secured(snapshot, head) for head in snapshot.naming_contexts)],
    )


def _as_secured(snapshot: Snapshot, head: NamingContext) -> Secured:
    return Secured(head.dn, head.guid, DOMAIN_HEAD, head.dn, snapshot.pool.of(head.descriptor))


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding for each ACE that grants a dangerous right to a principal that does not hold it by default, and for
    each head that belongs to someone else; with the path that leads there.

    Level 1: exploitable as it is (full control, descriptor, owner, every extended right, replication of secrets of a
    domain); level 2: the other dangerous rights.
    """
    graph = ControlGraph.of(snapshot)
    found: list[tuple[Found, Hop]] = []
    for head in snapshot.naming_contexts:
        try:
            descriptor = sd.SecurityDescriptor.parse(head.descriptor or b"")
        except ValueError:
            continue  # `blind` says so
        dacl, owner = descriptor.dacl, descriptor.owner
        usual = owner is None or owner in FULL or _default_rid(snapshot, owner) in FULL_RIDS
        if owner is not None and not usual and not graph.is_tier_0(owner):
            found.append((_owned(graph, head, owner), Hop(owner, head.dn, OWNER, object=head.dn)))
        seen: set[bytes] = set()
        replicators = _replicators(dacl)
        for ace in dacl.aces if dacl is not None else ():
            if ace.raw in seen:
                continue
            seen.add(ace.raw)
            rights = _excess(snapshot, head, ace)
            if rights and ace.sid is not None and not graph.is_tier_0(ace.sid):
                one = _found(graph, head, ace, rights, replicators)
                found.append((one, Hop(ace.sid, head.dn, rights[0], ace, head.dn)))
    if found:
        paths = graph.paths_to(dict.fromkeys(hop.source for _one, hop in found))
        names = {head.dn: head.dn for head in snapshot.naming_contexts}
        for one, hop in found:
            one.evidence.update(permissions.explained(graph, paths, [hop], names))
            yield one


def dangerous_rights(ace: sd.Ace) -> list[str]:
    """The names of the dangerous rights that an ACE grants on the head that carries it; [] for none."""
    return ace_rights(ace, DOMAIN)


def _excess(snapshot: Snapshot, head: NamingContext, ace: sd.Ace) -> list[str]:
    rights = dangerous_rights(ace)
    if not rights or ace.sid is None:
        return []
    rid = _default_rid(snapshot, ace.sid)
    if ace.sid in FULL or rid in FULL_RIDS or (head.role == "domain" and rid in KEY_RIDS):
        return []
    if ace.sid in REPLICAS or rid in REPLICA_RIDS:
        return [right for right in rights if right not in REPLICATION.values()]
    if rid in READ_ONLY_RIDS:
        usual = {REPLICATION[GET_CHANGES]} if head.role == "domain" else set(REPLICATION.values())
        return [right for right in rights if right not in usual]
    return rights


def _default_rid(snapshot: Snapshot, sid: str) -> int | None:
    """The RID of a SID of this domain, or of a forest-wide group of the root domain; None for any other SID."""
    owner = sids.domain_of(sid)
    if owner is None:
        return None
    rid = sids.rid(sid)
    if owner == snapshot.domain_sid or (owner == snapshot.root_domain_sid and rid in FOREST_RIDS):
        return rid
    return None


def _replicators(dacl: sd.Acl | None) -> set[str]:
    """Who may replicate secrets on this head: with DS-Replication-Get-Changes they have all that DCSync takes."""
    name = REPLICATION[GET_CHANGES_ALL]
    return {ace.sid for ace in dacl.aces if ace.sid and name in dangerous_rights(ace)} if dacl is not None else set()


def _level(head: NamingContext, ace: sd.Ace, rights: list[str], replicators: set[str]) -> int:
    if {"GenericAll", "WriteDacl", "WriteOwner"} & set(rights):
        return 1
    if head.role == "domain":  # the other partitions hold no secret of an account
        if "AllExtendedRights" in rights or REPLICATION[GET_CHANGES_ALL] in rights:
            return 1
        if REPLICATION[GET_CHANGES] in rights and ace.sid in replicators:
            return 1
    return 2


def _owned(graph: ControlGraph, head: NamingContext, owner: str) -> Found:
    name = graph.name(owner)
    return Found(
        type="object",
        id=f"{head.guid}#{permissions.OWNER_ID}",
        label=f"{name} : {OWNER} ({head.dn})",
        dn=head.dn,
        sid=owner,
        level=1,
        wording=f"{name} ({owner}) owns {head.dn} and so may rewrite its access list.",
        evidence={
            "object": head.dn,
            "object_guid": head.guid,
            "partition": head.role,
            "trustee": name,
            "trustee_sid": owner,
            "rights": [OWNER],
            "ace": f"O:{owner}",
            "raw": None,
            "inherited": False,
        },
    )


def _found(graph: ControlGraph, head: NamingContext, ace: sd.Ace, rights: list[str], replicators: set[str]) -> Found:
    trustee = ace.sid or ""
    name = graph.name(trustee)
    return Found(
        type="ace",
        id=f"{head.guid}#{hashlib.sha256(ace.raw).hexdigest()[:16]}",
        label=f"{name} : {', '.join(rights)} ({head.dn})",
        dn=head.dn,
        sid=trustee,
        level=_level(head, ace, rights, replicators),
        wording=f"{name} ({trustee}) holds {', '.join(rights)} on {head.dn}.",
        evidence={
            "object": head.dn,
            "object_guid": head.guid,
            "partition": head.role,
            "trustee": name,
            "trustee_sid": trustee,
            "rights": rights,
            "ace": to_sddl(ace),
            "raw": base64.b64encode(ace.raw).decode("ascii"),
            "inherited": ace.inherited,
        },
    )
