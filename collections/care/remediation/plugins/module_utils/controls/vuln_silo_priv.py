# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A privileged account may log on anywhere: it is in no enforced authentication policy silo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import (
    Found,
    account_found,
    enabled_privileged,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.silos import SILOS
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    USER,
    Account,
    Snapshot,
)

ID: Final = "vuln_silo_priv"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP, SILOS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled privileged user account outside an enforced silo. Computers and managed accounts have others."""
    silos = {dn_key(silo.dn): (silo.enforced, {dn_key(dn) for dn in silo.members}) for silo in snapshot.silos}
    for account in enabled_privileged(snapshot):
        if account.kind != USER:
            continue
        why = refusal(snapshot, account, silos)
        if why is not None:
            yield account_found(
                snapshot,
                account,
                level=4,
                wording=f"Privileged account outside an enforced authentication silo: {why}.",
                silo=snapshot.silo_of.get(account.sid),
                reason=why,
            )


def refusal(snapshot: Snapshot, account: Account, silos: dict[str, tuple[bool, set[str]]]) -> str | None:
    """Why an account is not held by a silo, None when it is. Assignment and membership are both needed (MS-KILE)."""
    silo = snapshot.silo_of.get(account.sid)
    if silo is None:
        return "it is assigned to none"
    enforced, members = silos.get(dn_key(silo), (False, set()))
    if dn_key(account.dn) not in members:
        return "it is assigned to a silo of which it is no member"
    return None if enforced else "its silo only audits"
