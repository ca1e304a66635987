# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The password of a trust is older than a year: the trust is broken, or gone and its account was left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found, years_before
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.trusts import TRUSTS
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    COMPUTER,
    FLAGS,
    PASSWORDS,
    TRUST,
    Account,
    Snapshot,
)

ID: Final = "vuln_trusts_accounts"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, PASSWORDS, TRUSTS})
# The account that Entra Connect makes for single sign-on; Microsoft's name, the same in every language
ENTRA_SSO: Final = "azureadssoacc$"


def accounts(snapshot: Snapshot) -> Iterator[Account]:
    """The accounts of inbound trusts, and the one by which Entra is trusted to issue tickets."""
    for account in snapshot.accounts:
        entra = account.kind == COMPUTER and account.label.casefold() == ENTRA_SSO
        if account.kind == TRUST or (entra and account.enabled):
            yield account


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each such account whose password is older than allowed, or was never changed."""
    oldest = years_before(snapshot.taken, int(snapshot.limit(ID, "password_years")))
    partners = {each.flat_name.casefold() for each in snapshot.trusts if each.flat_name}
    for account in accounts(snapshot):
        changed = account.pwd_last_set
        if changed is not None and changed >= oldest:
            continue
        entra = account.kind == COMPUTER
        orphan = not entra and account.label.rstrip("$").casefold() not in partners
        what = "Entra single sign-on" if entra else "a trust that no longer exists" if orphan else "a trust"
        age = None if changed is None else (snapshot.taken - changed).days
        yield account_found(
            snapshot,
            account,
            level=2,
            wording=f"The password of the account of {what} "
            + ("has no date." if age is None else f"is {age} days old."),
            age_days=age,
            entra_sso=entra,
            trust_exists=None if entra else not orphan,
        )
