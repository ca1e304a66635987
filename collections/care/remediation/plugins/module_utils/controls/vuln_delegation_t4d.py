# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An account that is not a domain controller is trusted for unconstrained delegation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found, flagged
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, FLAGS, Snapshot

ID: Final = "vuln_delegation_t4d"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled account with TRUSTED_FOR_DELEGATION that is not a domain controller."""
    for account in flagged(snapshot, snapshot.accounts, uac.TRUSTED_FOR_DELEGATION):
        if not account.is_dc:
            yield account_found(
                snapshot,
                account,
                level=1,
                wording="Account trusted for unconstrained delegation that is not a domain controller.",
            )
