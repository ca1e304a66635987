# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The secret of accounts that log on with a smart card only is never renewed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.domain import (
    FUNCTIONAL_LEVELS,
    LEVEL_2016,
    PASSWORD_POLICY,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_smartcard_expire_passwords"
# The head of the domain shows the attribute to whoever sees the rest of the policy
NEEDS: Final = frozenset({FUNCTIONAL_LEVELS, PASSWORD_POLICY})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """msDS-ExpirePasswordsOnSmartCardOnlyAccounts of the domain's head is not TRUE."""
    if snapshot.settings.expire_smartcard_passwords or PASSWORD_POLICY in snapshot.unreadable:
        return
    level = snapshot.settings.domain_level or 0
    needs = "" if level >= LEVEL_2016 else " (it needs the domain functional level of Windows Server 2016)"
    yield Found(
        type="domain",
        id=snapshot.dns_name,
        label=snapshot.dns_name,
        dn=snapshot.domain_dn,
        level=4,
        wording=f"Secrets of smart-card-only accounts are not renewed{needs}.",
        evidence={"domain_level": level, "possible": level >= LEVEL_2016},
    )
