# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A krbtgt account of a read-only domain controller that no longer exists can still sign tickets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    CONTROLLERS,
    RODC_LISTS,
    SECONDARY_KRBTGT,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_rodc_orphan_krbtgt"
NEEDS: Final = frozenset({CONTROLLERS, RODC_LISTS, SECONDARY_KRBTGT})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each krbtgt account with a number of its own (msDS-SecondaryKrbTgtNumber) that no domain controller names."""
    for account in snapshot.secondary_krbtgt:
        if account.controllers:
            continue
        yield Found(
            type="user",
            id=account.sid,
            label=account.label,
            dn=account.dn,
            sid=account.sid,
            level=3,
            wording="A krbtgt account of a read-only domain controller belongs to none any more.",
            evidence={"number": account.number, "enabled": account.enabled},
        )
