# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is no administrator is in the group of the DNS administrators, or has rights over it.

Its members tell the DNS service which library to load: they run code as SYSTEM on the domain controllers.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import rights
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, watched_member
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import DescriptorPool
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import (
    closure,
    dn_key,
    privileged_group_sids,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.groups import (
    DNS_ADMINS,
    Member,
    WatchedGroup,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    MEMBERSHIP,
    Snapshot,
)

ID: Final = "vuln_dnsadmins"
NEEDS: Final = frozenset({ACCOUNTS, DNS_ADMINS, MEMBERSHIP})


def blind(snapshot: Snapshot) -> str | None:
    """A descriptor that is not understood hides who has rights over the group."""
    pool = DescriptorPool()
    for group in snapshot.dns_admins:
        descriptor = pool.of(group.descriptor)
        if descriptor is not None and descriptor.blind is not None:
            return f"{group.dn}: {descriptor.blind}"
    return None


def remark(snapshot: Snapshot) -> str | None:
    """Which group was taken for it, and why: it has no fixed identifier."""
    if DNS_ADMINS in snapshot.unreadable:
        return None
    if not snapshot.dns_admins:
        return "no group administers DNS: none has rights over CN=MicrosoftDNS, none has the name"
    return "; ".join(f"{each.label} ({each.sid}) was recognised by {each.found_by}" for each in snapshot.dns_admins)


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each direct member that is not privileged through and through, and each dangerous right over the group.

    A group counts unless it is a privileged one, or is nested in one: whoever is put into it later is in as well.
    """
    trusted = rights.Trusted(snapshot)
    for group in snapshot.dns_admins:
        for member in group.members:
            if not _privileged(snapshot, trusted, member):
                wording = f"{member.label} administers the DNS service, and through it the domain controllers."
                yield watched_member(group, member, level=1, wording=wording)
        yield from _rights(snapshot, trusted, group)


def _privileged(snapshot: Snapshot, trusted: rights.Trusted, member: Member) -> bool:
    if member.sid is not None and member.sid in trusted:
        return True
    return member.group and dn_key(member.dn) in closure(snapshot.groups, privileged_group_sids(snapshot.domain_sid))


def _rights(snapshot: Snapshot, trusted: rights.Trusted, group: WatchedGroup) -> Iterator[Found]:
    descriptor = DescriptorPool().of(group.descriptor)
    if descriptor is None:
        return
    seen = set()
    held: dict[tuple[str, bytes], list[str]] = {}
    aces = {}
    for grant in rights.grants(descriptor, rights.GROUP):
        # a member of the group is named above; what it may do to the group it may do to itself
        if grant.sid in trusted or grant.sid == group.sid:
            continue
        key = (grant.sid, grant.ace.raw if grant.ace is not None else b"")
        held.setdefault(key, []).append(grant.right)
        aces[key] = grant.ace
    for key, names in sorted(held.items()):
        sid, ace = key[0], aces[key]
        name = snapshot.name_of(sid)
        digest = hashlib.sha256(key[1] or sid.encode()).hexdigest()[:16]
        if digest in seen:
            continue
        seen.add(digest)
        evidence = {
            "object": group.dn,
            "group_label": group.label,
            "trustee": name,
            "trustee_sid": sid,
            "rights": sorted(set(names)),
            "ace": to_sddl(ace) if ace is not None else None,
            "raw": base64.b64encode(ace.raw).decode("ascii") if ace is not None else None,
            "inherited": ace.inherited if ace is not None else None,
        }
        yield Found(
            type="ace",
            id=f"{group.sid}#{digest}",
            label=f"{name} : {', '.join(sorted(set(names)))} ({group.label})",
            dn=group.dn,
            sid=sid,
            level=1,
            wording=f"{name} ({sid}) holds {', '.join(sorted(set(names)))} on the group {group.label}.",
            evidence=evidence,
        )
