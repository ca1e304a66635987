# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A privileged user is not in the group Protected Users (RID 525)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import (
    Found,
    account_found,
    enabled_privileged,
)
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    PROTECTED_USERS,
    USER,
    Snapshot,
)

ID: Final = "vuln_protected_users"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP, PROTECTED_USERS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled privileged user outside the group; the built-in administrator (RID 500) is left out by ANSSI."""
    members = snapshot.members_of(sids.in_domain(snapshot.domain_sid, sids.RID_PROTECTED_USERS))
    if members is None:
        return
    for account in enabled_privileged(snapshot):
        if account.kind == USER and account.rid != sids.RID_ADMINISTRATOR and account.sid not in members:
            yield account_found(
                snapshot,
                account,
                level=3,
                wording="Privileged user outside the group Protected Users.",
                # a service account must not be put there: its Kerberos delegation and NTLM stop
                service_account=bool(account.spns),
            )
