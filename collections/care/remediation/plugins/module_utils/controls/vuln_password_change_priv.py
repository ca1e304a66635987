# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The password of a privileged account is very old."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import ages
from ansible_collections.care.remediation.plugins.module_utils.controls.model import (
    Found,
    day,
    enabled_privileged,
    years_before,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    MSA,
    PASSWORDS,
    TRUST,
    USER,
    Snapshot,
)

ID: Final = "vuln_password_change_priv"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP, PASSWORDS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled privileged account with a password older than the threshold; the built-in administrator too.

    pwdLastSet 0 (to be changed at next logon) hides the date: the account counts by its creation, because the old
    password stays good for the one logon at which it is changed. Managed service accounts are another control.
    """
    oldest = years_before(snapshot.taken, snapshot.limit(ID, "password_years"))
    holders = {account.sid: account for account in enabled_privileged(snapshot) if account.kind not in (MSA, TRUST)}
    for found in ages.old_passwords(snapshot, holders.values(), oldest=oldest, level=1, what="Privileged account"):
        account = holders[found.id]
        found.evidence.update(
            must_change_at_next_logon=account.pwd_last_set is None,
            service_account=bool(account.spns) or account.kind != USER,
            unused_since=day(ages.seen(account)),
        )
        yield found
