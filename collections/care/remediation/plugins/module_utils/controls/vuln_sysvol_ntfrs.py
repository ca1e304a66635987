# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""SYSVOL, which holds every group policy, is still replicated by FRS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.domain import (
    ELIMINATED,
    MIGRATION_STATES,
    SYSVOL_REPLICATION,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_sysvol_ntfrs"
NEEDS: Final = frozenset({SYSVOL_REPLICATION})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """The domain, as long as FRS has members for SYSVOL and the migration to DFSR is not finished."""
    settings = snapshot.settings
    if settings.migration == ELIMINATED or not settings.frs_members:
        return
    state = MIGRATION_STATES.get(settings.migration or 0, "start")
    yield Found(
        type="domain",
        id=snapshot.dns_name,
        label=snapshot.dns_name,
        dn=snapshot.domain_dn,
        level=2,
        wording=f"SYSVOL is replicated by FRS between {settings.frs_members} domain controllers (migration: {state}).",
        evidence={
            "frs_members": settings.frs_members,
            "dfsr_members": settings.dfsr_members,
            "migration_state": state,
        },
    )
