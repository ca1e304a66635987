# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""There are too many privileged accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import Privilege
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FOREST,
    MEMBERSHIP,
    Account,
    Snapshot,
)

ID: Final = "vuln_privileged_members"
NEEDS: Final = frozenset({ACCOUNTS, MEMBERSHIP, FOREST})


def limit(snapshot: Snapshot) -> int:
    """How many privileged accounts are tolerated: so many, or so many for each domain of the forest."""
    return int(max(snapshot.limit(ID, "accounts"), snapshot.limit(ID, "accounts_per_domain") * snapshot.domain_count))


def remark(snapshot: Snapshot) -> str | None:
    """One domain is read: the count of a forest with several may be higher."""
    if snapshot.domain_count <= 1:
        return None
    return f"counted in this domain only, one of {snapshot.domain_count} of the forest"


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Every privileged account, when they are more than ``limit``.

    Each counts once, disabled ones too; RID 500 and domain controllers do not. Level 1 counts each sAMAccountName
    once, level 2 each account; members from other domains count and are listed by their SID.
    """
    members = [
        (account, privilege)
        for account, privilege in snapshot.privileged_accounts()
        if account.rid != sids.RID_ADMINISTRATOR
    ]
    foreign = snapshot.privileged.foreign
    bound = limit(snapshot)
    count = len(members) + len(foreign)
    if count <= bound:
        return
    names = {account.label.casefold() for account, _privilege in members} | {*foreign}
    level = 1 if len(names) > bound else 2
    wording = f"One of {count} privileged accounts, for a limit of {bound}."
    for account, privilege in members:
        yield account_found(
            snapshot,
            account,
            level=level,
            wording=wording,
            count=count,
            limit=bound,
            memberships=_memberships(privilege),
            primary_group=_primary(privilege),
            **_service(account),
        )
    for identity, privilege in sorted(foreign.items()):
        yield Found(
            type="user",
            id=identity,
            label=snapshot.name_of(identity),
            sid=identity if sids.is_sid(identity) else None,
            level=level,
            wording=wording + " It belongs to another domain.",
            evidence={"count": count, "limit": bound, "foreign": True, "memberships": _memberships(privilege)},
        )


def _memberships(privilege: Privilege) -> list[dict[str, str]]:
    # a primary group is not a value of `member`: nothing to take out there
    return [
        {"group_sid": edge.group_sid, "group": edge.group_label}
        for edge in sorted(privilege.memberships, key=lambda edge: edge.group_sid)
        if edge.via == "member"
    ]


def _primary(privilege: Privilege) -> str | None:
    return next((edge.group_sid for edge in privilege.memberships if edge.via == "primary"), None)


def _service(account: Account) -> dict[str, Any]:
    return {"service_account": bool(account.spns), "disabled": not account.enabled}
