# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The password of krbtgt is too old."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found, years_before
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, Snapshot

ID: Final = "vuln_krbtgt"
NEEDS: Final = frozenset({ACCOUNTS})


def blind(snapshot: Snapshot) -> str | None:
    """The account, or the date of its password, were not shown."""
    krbtgt = snapshot.by_rid(sids.RID_KRBTGT)
    if krbtgt is None:
        return "the account krbtgt (RID 502) is not visible to the account in use"
    return None if krbtgt.pwd_known else "pwdLastSet of krbtgt (RID 502) is not readable"


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """krbtgt (RID 502), when its password is older than allowed, or was never changed."""
    krbtgt = snapshot.by_rid(sids.RID_KRBTGT)
    if krbtgt is None:
        return
    changed = krbtgt.pwd_last_set
    if changed is not None and changed >= years_before(snapshot.taken, snapshot.limit(ID, "password_years")):
        return
    age = (snapshot.taken - changed).days if changed is not None else None
    yield account_found(
        snapshot,
        krbtgt,
        level=2,
        wording="The password of krbtgt has no date." if age is None else f"The password of krbtgt is {age} days old.",
        age_days=age,
    )
