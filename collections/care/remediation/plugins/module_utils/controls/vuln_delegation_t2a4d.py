# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An account may act as anyone at a domain controller (constrained delegation with protocol transition)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import delegations
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found, flagged
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.services import SERVICES
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, FLAGS, Snapshot

ID: Final = "vuln_delegation_t2a4d"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, SERVICES})


def worse(snapshot: Snapshot) -> dict[str, dict[str, str]]:
    """SID of each account concerned, to its targets at domain controllers and krbtgt and who carries them."""
    services = None
    found: dict[str, dict[str, str]] = {}
    for account in flagged(snapshot, snapshot.accounts, uac.TRUSTED_TO_AUTH_FOR_DELEGATION):
        if account.delegates_to:
            services = services or delegations.controllers(snapshot)
            carriers = delegations.targets(account, services)
            if carriers:
                found[account.sid] = carriers
    return found


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled account with TRUSTED_TO_AUTH_FOR_DELEGATION and a target at a domain controller or krbtgt.

    A read-only domain controller carries the flag by nature, but has no targets.
    """
    found = worse(snapshot)
    for account in snapshot.accounts:
        carriers = found.get(account.sid)
        if carriers:
            yield account_found(
                snapshot,
                account,
                level=1,
                wording=f"Account that may act as anyone at a service of {', '.join(sorted(set(carriers.values())))}.",
                targets=sorted(carriers),
                carriers=carriers,
                other_targets=sorted(set(account.delegates_to) - set(carriers)),
            )
