# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The group whose members' secrets no read-only domain controller may keep (RID 572) lost members it has by default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.rodc import group_blind, replication_group
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    CONTROLLERS,
    REPLICATION_GROUPS,
    RID_DENIED_REPLICATION,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_rodc_denied_group"
NEEDS: Final = frozenset({CONTROLLERS, REPLICATION_GROUPS})
# Source: ANSSI checklist, vuln_rodc_denied_group: the members that the group is made with
DEFAULTS: Final = (
    sids.RID_KRBTGT,
    sids.RID_DOMAIN_ADMINS,
    sids.RID_DOMAIN_CONTROLLERS,
    sids.RID_CERT_PUBLISHERS,
    sids.RID_GROUP_POLICY_CREATOR_OWNERS,
    sids.RID_READ_ONLY_DOMAIN_CONTROLLERS,
)
FOREST_DEFAULTS: Final = (sids.RID_SCHEMA_ADMINS, sids.RID_ENTERPRISE_ADMINS)


def blind(snapshot: Snapshot) -> str | None:
    """The group exists and is not shown, or what it holds of the forest's root domain cannot be told."""
    hidden = group_blind(snapshot, RID_DENIED_REPLICATION)
    group = replication_group(snapshot, RID_DENIED_REPLICATION)
    if hidden is not None or group is None:
        return hidden
    if snapshot.root_domain_sid is None:
        return "the SID of the forest's root domain is unknown, so are its Enterprise Admins and Schema Admins"
    unknown = [each for each in group.members if each.sid is None]
    if unknown and snapshot.root_domain_sid != snapshot.domain_sid:
        return f"members of {group.label} from other domains do not show their SID, for instance {unknown[0].dn}"
    return None


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """The group, with the default members that are missing."""
    group = replication_group(snapshot, RID_DENIED_REPLICATION)
    if group is None or blind(snapshot) is not None:
        return
    root = snapshot.root_domain_sid or snapshot.domain_sid
    wanted = [sids.in_domain(snapshot.domain_sid, rid) for rid in DEFAULTS]
    wanted += [sids.in_domain(root, rid) for rid in FOREST_DEFAULTS]
    present = {each.sid for each in group.members}
    missing = [sid for sid in wanted if sid not in present]
    if not missing:
        return
    labels = {each.sid: each.label for each in snapshot.groups.values()}
    labels |= {each.sid: each.label for each in snapshot.accounts if each.sid in missing}
    yield Found(
        type="group",
        id=group.sid,
        label=group.label,
        dn=group.dn,
        sid=group.sid,
        level=3,
        wording=f"The group whose secrets no RODC may keep (RID 572) lacks {len(missing)} of its default members.",
        evidence={"missing": [{"sid": sid, "label": labels.get(sid, sid)} for sid in missing]},
    )
