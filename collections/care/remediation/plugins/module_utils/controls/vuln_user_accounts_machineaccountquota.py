# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Any user may join computers to the domain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import DOMAIN, Snapshot

ID: Final = "vuln_user_accounts_machineaccountquota"
NEEDS: Final = frozenset({DOMAIN})


def blind(snapshot: Snapshot) -> str | None:
    """The attribute was not shown; every domain has it."""
    if snapshot.machine_account_quota is None:
        return f"ms-DS-MachineAccountQuota of {snapshot.domain_dn} is not readable"
    return None


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """The domain, when ms-DS-MachineAccountQuota is above what is allowed."""
    allowed = int(snapshot.limit(ID, "computers"))
    quota = snapshot.machine_account_quota
    if quota is not None and quota > allowed:
        yield Found(
            type="domain",
            id=snapshot.dns_name,
            label=snapshot.dns_name,
            dn=snapshot.domain_dn,
            sid=snapshot.domain_sid,
            level=4,
            wording=f"Any user may join {quota} computers to the domain.",
            evidence={"quota": quota, "expected": allowed},
        )
