# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A read-only domain controller keeps the secret of a privileged account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found, day
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    CONTROLLERS,
    RODC_LISTS,
    Controller,
    Revealed,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    Account,
    Snapshot,
)

ID: Final = "vuln_rodc_priv_revealed"
NEEDS: Final = frozenset({ACCOUNTS, CONTROLLERS, FLAGS, MEMBERSHIP, RODC_LISTS})
# The secret's own date is in whole seconds, pwdLastSet is finer: the same moment may differ by one
ROUNDING: Final = timedelta(seconds=1)


def must_not_be_kept(snapshot: Snapshot, account: Account) -> bool:
    """Privileged accounts, krbtgt, and the writable domain controllers, which ANSSI's privileged groups hold too."""
    return (
        account.sid == sids.in_domain(snapshot.domain_sid, sids.RID_KRBTGT)
        or account.has(uac.SERVER_TRUST_ACCOUNT)
        or snapshot.is_privileged(account)
    )


def still_valid(account: Account, kept: Revealed) -> bool:
    """Whether the secret that was kept is the present one: a password that was changed since is worth nothing."""
    if account.pwd_last_set is None or kept.changed is None:
        return True
    return account.pwd_last_set <= kept.changed + ROUNDING


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each such account whose present secret is kept, with the read-only domain controllers that keep it."""
    holders: dict[str, list[tuple[Controller, Revealed]]] = {}
    for controller in snapshot.controllers:
        for kept in controller.revealed:
            holders.setdefault(dn_key(kept.dn), []).append((controller, kept))
    if not holders:
        return
    for account in snapshot.accounts:
        held = [
            (controller, kept)
            for controller, kept in holders.get(dn_key(account.dn), ())
            if still_valid(account, kept)
        ]
        if held and must_not_be_kept(snapshot, account):
            yield account_found(
                snapshot,
                account,
                level=2,
                wording=f"The secret of a privileged account is kept by {len(held)} read-only domain controllers.",
                kept_by=[
                    {"sid": controller.sid, "label": controller.label, "secret_of": day(kept.changed)}
                    for controller, kept in held
                ],
            )
