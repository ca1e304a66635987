# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A privileged account is not marked as one (adminCount)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    MEMBERSHIP,
    Snapshot,
)

ID: Final = "vuln_privileged_members_no_admincount"
NEEDS: Final = frozenset({ACCOUNTS, MEMBERSHIP})
MARKED: Final = 1  # what SDProp writes (MS-ADTS 3.1.1.6.1.4)


def blind(snapshot: Snapshot) -> str | None:
    """No account shows the attribute; SDProp gives it at least to the built-in administrator and to krbtgt."""
    if snapshot.accounts and all(account.admin_count is None for account in snapshot.accounts):
        return "adminCount of not one account is readable"
    return None


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each privileged account, disabled ones too, whose adminCount is absent or not 1.

    Domain controllers are left out: SDProp protects the groups they are in, and ANSSI counts people and services.
    """
    for account, _privilege in snapshot.privileged_accounts():
        if account.admin_count != MARKED:
            yield account_found(
                snapshot,
                account,
                level=2,
                wording="Privileged account without adminCount = 1: its access list may not be a protected one.",
                admin_count=account.admin_count,
            )
