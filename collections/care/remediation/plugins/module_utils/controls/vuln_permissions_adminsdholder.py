# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on AdminSDHolder.

Its access list is copied every hour to every protected user, group and computer (MS-ADTS 3.1.1.6.1.1), so that a right
counts here that is dangerous on any of these: resetting a password, adding a member.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import permissions, privileged_objects
from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import COPIED, ControlGraph, Hop
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    ADMINSDHOLDER,
    OBJECT_DESCRIPTORS,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, MEMBERSHIP, Snapshot

ID: Final = "vuln_permissions_adminsdholder"
LEVELS: Final = (1, 2)
NEEDS: Final = frozenset({ACCOUNTS, MEMBERSHIP, OBJECT_DESCRIPTORS})


def blind(snapshot: Snapshot) -> str | None:
    """A descriptor that is not shown, or not understood, hides who holds which right."""
    return permissions.blind(_targets(snapshot))


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding for each entry that gives someone else a dangerous right there, with the path that leads to it."""
    return permissions.detect(snapshot, _targets(snapshot), LEVELS)


def remark(snapshot: Snapshot) -> str | None:
    """Who holds rights there as additional Tier 0."""
    return permissions.remark(snapshot, _targets(snapshot))


def _targets(snapshot: Snapshot) -> list[Target]:
    graph = ControlGraph.of(snapshot)
    admins = sids.in_domain(snapshot.domain_sid, sids.RID_DOMAIN_ADMINS)
    protected = [each.label for each in privileged_objects.members(snapshot) if each.sid == admins]
    targets = privileged_objects.settings(snapshot, ADMINSDHOLDER)
    for target in targets:
        target.kind = graph.kind(target.item)
        target.then = tuple(Hop(target.item.dn, name, COPIED, object=target.item.dn) for name in protected)
    return targets
