# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on the domain's DPAPI backup keys (BCKUPKEY_* secrets).

Their private key opens everything that users ever protected with DPAPI (MS-BKRP 3.1.1.1): saved passwords, keys of
certificates.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import permissions, privileged_objects
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    BACKUP_KEYS,
    DPAPI,
    OBJECT_DESCRIPTORS,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, MEMBERSHIP, Snapshot

ID: Final = "vuln_permissions_dpapi"
LEVELS: Final = (1, 2)
NEEDS: Final = frozenset({ACCOUNTS, BACKUP_KEYS, MEMBERSHIP, OBJECT_DESCRIPTORS})


def blind(snapshot: Snapshot) -> str | None:
    """A descriptor that is not shown, or not understood, hides who holds which right."""
    return permissions.blind(_targets(snapshot))


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding for each entry that gives someone else a dangerous right there, with the path that leads to it."""
    return permissions.detect(snapshot, _targets(snapshot), LEVELS)


def remark(snapshot: Snapshot) -> str | None:
    """Who holds rights there as additional Tier 0. Nothing to judge is said: it is no check that was made."""
    targets = _targets(snapshot)
    return permissions.remark(snapshot, targets) if targets else "this domain has no DPAPI backup key in the directory"


def _targets(snapshot: Snapshot) -> list[Target]:
    return privileged_objects.settings(snapshot, DPAPI)
