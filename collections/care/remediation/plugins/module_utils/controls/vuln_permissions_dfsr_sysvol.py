# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on the settings of SYSVOL's replication (DFSR).

Whoever changes them makes domain controllers take the policies and scripts of SYSVOL from a place of his own, or none.
Judged are CN=DFSR-GlobalSettings and the subscriptions of domain controllers; any write counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import permissions, privileged_objects
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    DFSR,
    OBJECT_DESCRIPTORS,
    SYSVOL_REPLICATION,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, MEMBERSHIP, Snapshot

ID: Final = "vuln_permissions_dfsr_sysvol"
LEVELS: Final = (1, 2)
NEEDS: Final = frozenset({ACCOUNTS, MEMBERSHIP, OBJECT_DESCRIPTORS, SYSVOL_REPLICATION})


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
    own = frozenset(account.sid for account in privileged_objects.controllers(snapshot))
    targets = privileged_objects.settings(snapshot, DFSR)
    for target in targets:
        target.exempt = own
    return targets
