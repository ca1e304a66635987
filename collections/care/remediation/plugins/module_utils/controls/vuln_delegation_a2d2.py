# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An account may act for others at a privileged service (constrained delegation)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import (
    delegations,
    vuln_delegation_t2a4d,
)
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.services import SERVICES
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    Snapshot,
)

ID: Final = "vuln_delegation_a2d2"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP, SERVICES})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled account with a target carried by a privileged object, unless vuln_delegation_t2a4d names it."""
    delegating = [account for account in snapshot.accounts if account.delegates_to and account.enabled]
    if not delegating:
        return
    services = delegations.privileged(snapshot)
    others = vuln_delegation_t2a4d.worse(snapshot)
    for account in delegating:
        carriers = delegations.targets(account, services)
        for target in others.get(account.sid, ()):
            carriers.pop(target, None)
        if carriers:
            yield account_found(
                snapshot,
                account,
                level=1,
                wording=f"Account that may delegate to a service of {', '.join(sorted(set(carriers.values())))}.",
                targets=sorted(carriers),
                carriers=carriers,
            )
