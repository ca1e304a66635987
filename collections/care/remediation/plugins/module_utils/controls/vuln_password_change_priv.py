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
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    MSA,
    PASSWORDS,
    TRUST,
    USER,
    Account,
    Snapshot,
)

ID: Final = "vuln_password_change_priv"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP, PASSWORDS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled privileged account with a password older than the threshold; the built-in administrator too.

    pwdLastSet 0 (to be changed at next logon) hides the date: the account counts by its creation, because the old
    password stays good for the one logon at which it is changed. Managed service accounts are another control.
    ``can_choose`` names the account where asking for a new password at its next logon does; the rest is manual.
    """
    oldest = years_before(snapshot.taken, snapshot.limit(ID, "password_years"))
    holders = {account.sid: account for account in enabled_privileged(snapshot) if account.kind not in (MSA, TRUST)}
    for found in ages.old_passwords(snapshot, holders.values(), oldest=oldest, level=1, what="Privileged account"):
        account = holders[found.id]
        found.evidence.update(
            must_change_at_next_logon=account.pwd_last_set is None,
            service_account=bool(account.spns) or account.kind != USER,
            unused_since=day(ages.seen(account)),
            can_choose=account.sid if _can_choose(account) else None,
        )
        yield found


def _can_choose(account: Account) -> bool:
    """A person's account that would be asked: no service, not built-in, no smart card, a password that may expire."""
    return (
        account.kind == USER
        and not account.spns
        and account.rid != sids.RID_ADMINISTRATOR
        and not account.has(uac.DONT_EXPIRE_PASSWORD | uac.SMARTCARD_REQUIRED)
    )
