# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the controls of read-only domain controllers share."""

from __future__ import annotations

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import ReplicationGroup
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

# msDS-Behavior-Version of Windows Server 2008 (MS-ADTS 6.1.4.2), which brought the two groups
_BROUGHT_BY: int = 3


def replication_group(snapshot: Snapshot, rid: int) -> ReplicationGroup | None:
    """The group of RID 571 or 572, None when it was not shown."""
    wanted = sids.in_domain(snapshot.domain_sid, rid)
    return next((each for each in snapshot.replication_groups if each.sid == wanted), None)


def group_blind(snapshot: Snapshot, rid: int) -> str | None:
    """Why the group cannot be judged: it must exist since Windows Server 2008, and is not shown."""
    if replication_group(snapshot, rid) is not None:
        return None
    older = [each.behavior_version is not None and each.behavior_version < _BROUGHT_BY for each in snapshot.controllers]
    if all(older) and older:
        return None  # a domain older than the group
    return f"the group {sids.in_domain(snapshot.domain_sid, rid)} (RID {rid}) is not visible to the account in use"
