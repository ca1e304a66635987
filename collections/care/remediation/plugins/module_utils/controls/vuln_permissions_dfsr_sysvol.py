# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on the settings of SYSVOL's replication (DFSR).

Whoever changes them makes domain controllers take the policies and scripts of SYSVOL from a place of his own, or none.
Judged are CN=DFSR-GlobalSettings and the subscriptions of domain controllers; any write counts.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import privileged_objects
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


def targets(snapshot: Snapshot) -> list[Target]:
    """The objects that are judged; ``permissions`` says what of them."""
    own = frozenset(account.sid for account in privileged_objects.controllers(snapshot))
    found = privileged_objects.settings(snapshot, DFSR)
    for target in found:
        target.exempt = own
    return found
