# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on the domain's DPAPI backup keys (BCKUPKEY_* secrets).

Their private key opens everything that users ever protected with DPAPI (MS-BKRP 3.1.1.1): saved passwords, keys of
certificates.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import permissions, privileged_objects
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


def remark(snapshot: Snapshot) -> str | None:
    """Who holds rights there as additional Tier 0. Nothing to judge is said: it is no check that was made."""
    judged = targets(snapshot)
    return permissions.remark(snapshot, judged) if judged else "this domain has no DPAPI backup key in the directory"


def targets(snapshot: Snapshot) -> list[Target]:
    """The objects that are judged; ``permissions`` says what of them."""
    return privileged_objects.settings(snapshot, DPAPI)
