# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A privileged account does not require Kerberos pre-authentication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import (
    Found,
    account_found,
    enabled_privileged,
    flagged,
)
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    Snapshot,
)

ID: Final = "vuln_kerberos_properties_preauth_priv"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled privileged account with DONT_REQ_PREAUTH. ANSSI grants no tolerance here."""
    for account in flagged(snapshot, enabled_privileged(snapshot), uac.DONT_REQ_PREAUTH):
        yield account_found(
            snapshot, account, level=1, wording="Privileged account that does not require Kerberos pre-authentication."
        )
