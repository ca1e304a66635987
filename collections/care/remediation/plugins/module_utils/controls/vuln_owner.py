# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An object belongs to someone other than Domain Admins, Enterprise Admins, Administrators or the system.

An owner may rewrite the access list of what he owns. Objects are users, groups, managed service accounts, computers,
OUs and group policies; new ones are left out, as whoever makes an object owns it at first.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import Securable
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, day
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    GPO,
    GROUP,
    OBJECT_DESCRIPTORS,
    OU,
    POLICY_LINKS,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    COMPUTER,
    MSA,
    TRUST,
    Account,
    Snapshot,
)

ID: Final = "vuln_owner"
LEVEL: Final = 3
NEEDS: Final = frozenset({ACCOUNTS, OBJECT_DESCRIPTORS, POLICY_LINKS})
# Who may own: SYSTEM, Administrators, Domain Admins, Enterprise Admins
_OWNERS: Final = frozenset({sids.SYSTEM, sids.BUILTIN_ADMINISTRATORS})
_ROLES: Final = frozenset({GROUP, OU, GPO})


def blind(snapshot: Snapshot) -> str | None:
    """An object whose owner is not shown cannot be judged."""
    hidden = [item.dn for item in _objects(snapshot) if item.descriptor is None or item.descriptor.owner is None]
    if not hidden:
        return None
    return (
        f"the owner of {len(hidden)} objects is not readable, for instance of {hidden[0]}: the account in use lacks the"
        " right Read permissions (READ_CONTROL) there"
    )


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding for each object with another owner that is older than the threshold."""
    forest = snapshot.root_domain_sid or snapshot.domain_sid
    allowed = _OWNERS | {
        sids.in_domain(snapshot.domain_sid, sids.RID_DOMAIN_ADMINS),
        sids.in_domain(forest, sids.RID_ENTERPRISE_ADMINS),
    }
    recent = snapshot.taken - timedelta(days=snapshot.limit(ID, "age_days"))
    for item in _objects(snapshot):
        owner = item.descriptor.owner if item.descriptor is not None else None
        if owner is None or owner in allowed or (item.created is not None and item.created > recent):
            continue
        name = snapshot.name_of(owner)
        yield Found(
            type=_type(item),
            id=item.sid or item.guid or item.dn,
            label=item.label,
            dn=item.dn,
            sid=item.sid,
            level=LEVEL,
            wording=f"{item.label} ({item.dn}) belongs to {name} ({owner}).",
            evidence={
                "object": item.dn,
                "object_guid": item.guid,
                "owner": name,
                "owner_sid": owner,
                "created": day(item.created),
            },
        )


def _objects(snapshot: Snapshot) -> Iterator[Securable]:
    yield from (account for account in snapshot.accounts if account.kind != TRUST)
    yield from (each for each in snapshot.secured if each.role in _ROLES)


def _type(item: Securable) -> str:
    if isinstance(item, Account):
        return "computer" if item.kind in (COMPUTER, MSA) else "user"
    return "group" if item.role == GROUP else "object"
