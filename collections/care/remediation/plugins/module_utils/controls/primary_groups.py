# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which primary group an account has by default; another one hides a membership from ``member``."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    TRUST,
    USER,
    Account,
    Snapshot,
)


def expected(account: Account) -> tuple[int, ...]:
    """The RIDs that are default for this account, the one to go back to first.

    userAccountControl alone says what a computer is: its primary group is what is in question.
    """
    if account.kind == USER:
        groups = (sids.RID_DOMAIN_USERS, sids.RID_DOMAIN_GUESTS)
        return groups[::-1] if account.rid == sids.RID_GUEST else groups
    if account.has(uac.PARTIAL_SECRETS_ACCOUNT):
        return (sids.RID_READ_ONLY_DOMAIN_CONTROLLERS,)
    if account.has(uac.SERVER_TRUST_ACCOUNT):
        return (sids.RID_DOMAIN_CONTROLLERS,)
    return (sids.RID_DOMAIN_COMPUTERS,)


def unusual(snapshot: Snapshot, *, below: float | None, level: int) -> Iterator[Found]:
    """Accounts whose primary group is not a default one, only those below a RID when ``below`` is given."""
    names = {group.sid: group.label for group in snapshot.groups.values()}
    for account in snapshot.accounts:
        rid = account.primary_group_id
        if rid is None or account.kind == TRUST or rid in expected(account) or (below is not None and rid >= below):
            continue
        group = sids.in_domain(snapshot.domain_sid, rid)
        yield account_found(
            snapshot,
            account,
            level=level,
            wording=f"Account whose primary group is {names.get(group) or f'the group of RID {rid}'}.",
            primary_group_id=rid,
            primary_group=names.get(group) or group,
            expected=expected(account)[0],
        )
