# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An account, privileged or not, does not require Kerberos pre-authentication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import tolerance
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found, flagged
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, FLAGS, Snapshot

ID: Final = "vuln_kerberos_properties_preauth"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS})
remark = tolerance.remark


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled account with DONT_REQ_PREAUTH that ANSSI's tolerance does not cover."""
    for account in flagged(snapshot, snapshot.accounts, uac.DONT_REQ_PREAUTH):
        refusal = tolerance.refusal(snapshot, account, ID)
        if refusal is not None:
            yield account_found(
                snapshot,
                account,
                level=2,
                wording="Account that does not require Kerberos pre-authentication.",
                tolerance=refusal,
            )
