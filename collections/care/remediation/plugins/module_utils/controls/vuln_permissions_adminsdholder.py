# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on AdminSDHolder.

Its access list is copied every hour to every protected user, group and computer (MS-ADTS 3.1.1.6.1.1), so that a right
counts here that is dangerous on any of these: resetting a password, adding a member.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import privileged_objects
from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import COPIED, ControlGraph, Hop
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


def targets(snapshot: Snapshot) -> list[Target]:
    """The objects that are judged; ``permissions`` says what of them."""
    graph = ControlGraph.of(snapshot)
    admins = sids.in_domain(snapshot.domain_sid, sids.RID_DOMAIN_ADMINS)
    protected = [each.label for each in privileged_objects.members(snapshot) if each.sid == admins]
    found = privileged_objects.settings(snapshot, ADMINSDHOLDER)
    for target in found:
        target.kind = graph.kind(target.item)
        target.then = tuple(Hop(target.item.dn, name, COPIED, object=target.item.dn) for name in protected)
    return found
