# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The group whose members' secrets every read-only domain controller may keep (RID 571) is not empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.rodc import group_blind, replication_group
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    CONTROLLERS,
    REPLICATION_GROUPS,
    RID_ALLOWED_REPLICATION,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import COMPUTER, MSA, Snapshot

ID: Final = "vuln_rodc_allowed_group"
NEEDS: Final = frozenset({CONTROLLERS, REPLICATION_GROUPS})


def blind(snapshot: Snapshot) -> str | None:
    """The group exists and is not shown."""
    return group_blind(snapshot, RID_ALLOWED_REPLICATION)


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each member of the group."""
    group = replication_group(snapshot, RID_ALLOWED_REPLICATION)
    if group is None or not group.members:
        return
    kinds = {each.sid: each.kind for each in snapshot.accounts}
    for member in group.members:
        kind = kinds.get(member.sid or "")
        yield Found(
            type="group" if kind is None else "computer" if kind in (COMPUTER, MSA) else "user",
            id=member.sid or member.dn,
            label=member.label,
            dn=member.dn,
            sid=member.sid,
            level=3,
            wording=f"One of {len(group.members)} members of the group whose secrets every RODC may keep (RID 571).",
            evidence={
                "group_sid": group.sid,
                "group": group.label,
                "count": len(group.members),
                "read_only_controllers": sum(1 for each in snapshot.controllers if each.read_only),
            },
        )
