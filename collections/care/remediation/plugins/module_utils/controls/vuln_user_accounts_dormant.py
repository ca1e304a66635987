# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Too many enabled accounts are dormant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found, years_before
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    LOGONS,
    PASSWORDS,
    Account,
    Snapshot,
)

ID: Final = "vuln_user_accounts_dormant"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, PASSWORDS, LOGONS})


def is_dormant(account: Account, password_before: datetime, logon_before: datetime) -> bool:
    """Password set before one date, no logon since another (or never, and created before that).

    pwdLastSet 0 ("must change at next logon") hides when the password was set: such an account is not called
    dormant, because what follows is its neutralisation.
    """
    if account.pwd_last_set is None or account.pwd_last_set >= password_before:
        return False
    since = account.last_logon if account.last_logon is not None else account.created
    return since is not None and since < logon_before


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Every dormant enabled user account, when they are more of the enabled ones than allowed."""
    users = list(snapshot.enabled_users())
    password_before = years_before(snapshot.taken, snapshot.limit(ID, "password_years"))
    logon_before = years_before(snapshot.taken, snapshot.limit(ID, "logon_years"))
    dormant = [account for account in users if is_dormant(account, password_before, logon_before)]
    allowed = snapshot.limit(ID, "share_percent") / 100
    if not users or len(dormant) / len(users) <= allowed:
        return
    facts: dict[str, Any] = {
        "count": len(dormant),
        "of": len(users),
        "ratio": round(len(dormant) / len(users), 4),
        "limit": allowed,
    }
    for account in dormant:
        yield account_found(
            snapshot,
            account,
            level=1,
            wording=f"Dormant account, one of {len(dormant)} among {len(users)} enabled accounts.",
            never_logged_on=account.last_logon is None,
            **facts,
        )
