# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A privileged person can log on without a smart card."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import (
    Found,
    account_found,
    enabled_privileged,
)
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    USER,
    Snapshot,
)

ID: Final = "mie_ad_smartcard"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP})
SEVERITY: Final = "high"


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled privileged user account without SMARTCARD_REQUIRED; RID 500 is left out (break-glass by nature).

    An account with a service principal name may be a service's: it is found all the same, and said to be one, so that a
    name taken away does not make a finding appear; a person decides.
    """
    for account in enabled_privileged(snapshot):
        if account.kind != USER or account.rid == sids.RID_ADMINISTRATOR:
            continue
        if not account.has(uac.SMARTCARD_REQUIRED):
            yield account_found(
                snapshot,
                account,
                level=None,
                severity=SEVERITY,
                wording="Privileged user who may log on without a smart card.",
                service_account=bool(account.spns),
            )
