# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A read-only domain controller may keep secrets that it never should: its own deny list lacks default groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.forest_objects import controller_found
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    CONTROLLERS,
    RID_DENIED_REPLICATION,
    RODC_LISTS,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_rodc_never_reveal"
NEEDS: Final = frozenset({CONTROLLERS, RODC_LISTS})
# Source: ANSSI checklist, vuln_rodc_never_reveal
DEFAULTS: Final = (
    sids.BUILTIN_ADMINISTRATORS,
    sids.BUILTIN_ACCOUNT_OPERATORS,
    sids.BUILTIN_SERVER_OPERATORS,
    sids.BUILTIN_BACKUP_OPERATORS,
)


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each read-only domain controller whose msDS-NeverRevealGroup lacks one of the groups, with those it lacks."""
    if snapshot.why_unreadable(RODC_LISTS) is not None:
        return
    wanted = (*DEFAULTS, sids.in_domain(snapshot.domain_sid, RID_DENIED_REPLICATION))
    labels = {each.sid: each.label for each in snapshot.groups.values()}
    labels |= {each.sid: each.label for each in snapshot.replication_groups}
    for controller in snapshot.controllers:
        present = {each.sid for each in controller.never_reveal}
        missing = [sid for sid in wanted if sid not in present]
        if controller.read_only and missing:
            yield controller_found(
                controller,
                level=3,
                wording=f"The deny list of a read-only domain controller lacks {len(missing)} of its default groups.",
                missing=[
                    {"sid": sid, "label": labels.get(sid) or sids.WELL_KNOWN_NAMES.get(sid) or sid} for sid in missing
                ],
            )
