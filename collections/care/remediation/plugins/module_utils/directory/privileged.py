# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who is privileged: ANSSI's privileged groups, by SID and RID, and everyone in them through nested groups.

Membership is an edge list: ``Group.members`` (the attribute ``member``) and ``primaryGroupID`` of the accounts, which
no ``member`` shows. Loops of groups end because each group is visited once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Account, Group

# The ANSSI checklist's definition of privileged groups: administrators of the forest, and the operators that can
# become one. Domain Controllers (RID 516) is in ANSSI's list; its members, the domain controllers, are never counted
# as privileged accounts.
PRIVILEGED_BUILTIN: Final = frozenset(
    {
        sids.BUILTIN_ADMINISTRATORS,
        sids.BUILTIN_ACCOUNT_OPERATORS,
        sids.BUILTIN_SERVER_OPERATORS,
        sids.BUILTIN_PRINT_OPERATORS,
        sids.BUILTIN_BACKUP_OPERATORS,
    }
)
PRIVILEGED_RIDS: Final = frozenset(
    {
        sids.RID_DOMAIN_ADMINS,
        sids.RID_DOMAIN_CONTROLLERS,
        sids.RID_SCHEMA_ADMINS,
        sids.RID_ENTERPRISE_ADMINS,
        sids.RID_KEY_ADMINS,
        sids.RID_ENTERPRISE_KEY_ADMINS,
    }
)


def privileged_group_sids(domain_sid: str) -> frozenset[str]:
    """SIDs of the privileged groups that a domain of this SID can have (some exist in the forest root only)."""
    return PRIVILEGED_BUILTIN | {sids.in_domain(domain_sid, rid) for rid in PRIVILEGED_RIDS}


@dataclass(frozen=True, slots=True)
class Membership:
    """One edge that makes an account privileged: it stands in ``group_sid``, which is privileged or leads there."""

    group_sid: str
    group_label: str
    via: str  # "member", or "primary" for a primary group, which cannot be removed as a member


@dataclass(slots=True)
class Privilege:
    """Why one account is privileged."""

    memberships: list[Membership] = field(default_factory=list)
    roots: set[str] = field(default_factory=set)  # SIDs of the privileged groups it reaches


@dataclass(slots=True)
class PrivilegedSet:
    """All privileged accounts by SID, and the members that are not objects of this domain, by SID or DN."""

    accounts: dict[str, Privilege] = field(default_factory=dict)
    foreign: dict[str, Privilege] = field(default_factory=dict)


def dn_key(dn: str) -> str:
    """The form under which a DN is compared (names are case-insensitive, RFC 4518)."""
    return dn.casefold()


def closure(groups: Mapping[str, Group], roots: Iterable[str]) -> dict[str, set[str]]:
    """From the groups (by ``dn_key``) and the SIDs of the roots: ``dn_key`` of each group inside, to the roots it
    leads to (a root leads to itself)."""
    by_sid = {group.sid: key for key, group in groups.items() if group.sid is not None}
    reached: dict[str, set[str]] = {}
    for root in roots:
        pending = [by_sid[root]] if root in by_sid else []
        seen: set[str] = set()
        while pending:
            key = pending.pop()
            if key in seen:
                continue
            seen.add(key)
            reached.setdefault(key, set()).add(root)
            pending.extend(child for child in map(dn_key, groups[key].members) if child in groups)
    return reached


def privileged_accounts(
    *, domain_sid: str, groups: Mapping[str, Group], accounts: Sequence[Account], roots: Iterable[str]
) -> PrivilegedSet:
    """Everyone in the groups ``roots``, directly, nested, or by primary group. Groups themselves are not listed."""
    inside = closure(groups, roots)
    edges: dict[str, list[str]] = {}  # dn_key of a member to the dn_keys of its groups inside
    for key in inside:
        for member in groups[key].members:
            edges.setdefault(dn_key(member), []).append(key)
    by_rid = {
        sids.rid(group.sid): key
        for key in inside
        if (group := groups[key]).sid is not None and sids.domain_of(group.sid) == domain_sid
    }
    found = PrivilegedSet()

    def note(into: dict[str, Privilege], who: str, key: str, via: str) -> None:
        group = groups[key]
        privilege = into.setdefault(who, Privilege())
        privilege.memberships.append(Membership(group.sid or group.dn, group.label, via))
        privilege.roots |= inside[key]

    for account in accounts:
        for key in edges.pop(dn_key(account.dn), ()):
            note(found.accounts, account.sid, key, "member")
        primary = by_rid.get(account.primary_group_id) if account.primary_group_id is not None else None
        if primary is not None:
            note(found.accounts, account.sid, primary, "primary")
    for member_key, keys in edges.items():
        if member_key in groups:
            continue
        for key in keys:
            dn = next(member for member in groups[key].members if dn_key(member) == member_key)
            note(found.foreign, foreign_identity(dn), key, "member")
    return found


def foreign_identity(dn: str) -> str:
    """The SID that a foreign security principal's name holds, or the DN of another domain's object."""
    first = dn.split(",", 1)[0]
    name = first.split("=", 1)[-1]
    return name if sids.is_sid(name) else dn
