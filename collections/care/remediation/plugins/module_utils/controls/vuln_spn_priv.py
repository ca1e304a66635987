# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A privileged account has a service principal name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import tolerance
from ansible_collections.care.remediation.plugins.module_utils.controls.model import (
    Found,
    account_found,
    enabled_privileged,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    USER,
    Snapshot,
)

ID: Final = "vuln_spn_priv"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP})
remark = tolerance.remark


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled privileged user account with an SPN that ANSSI's tolerance does not cover.

    sMSA and gMSA are tolerated; a computer's password is random too, and its SPNs are its nature.
    """
    for account in enabled_privileged(snapshot):
        if account.kind != USER or not account.spns:
            continue
        refusal = tolerance.refusal(snapshot, account, ID)
        if refusal is not None:
            yield account_found(
                snapshot,
                account,
                level=1,
                wording="Privileged account with a service principal name.",
                spns=sorted(account.spns),
                tolerance=refusal,
            )
