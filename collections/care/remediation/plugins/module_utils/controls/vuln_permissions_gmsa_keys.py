# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on the KDS root keys.

From a root key follow the passwords of all group managed service accounts, for good (MS-GKDI 3.1.4.1.2): reading one is
enough. Its attribute is confidential, which takes Read property and an extended right together.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import permissions, privileged_objects, rights
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_inheritance import parent_of
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    OBJECT_DESCRIPTORS,
    ROOT_KEY,
    ROOT_KEYS,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, MEMBERSHIP, Snapshot

ID: Final = "vuln_permissions_gmsa_keys"
LEVELS: Final = (1, 2)
NEEDS: Final = frozenset({ACCOUNTS, MEMBERSHIP, OBJECT_DESCRIPTORS, ROOT_KEYS})


def remark(snapshot: Snapshot) -> str | None:
    """Who holds rights there as additional Tier 0. Nothing to judge is said: it is no check that was made."""
    judged = targets(snapshot)
    if not any(_is_key(target.item.dn) for target in judged):
        return "this forest has no KDS root key"
    return permissions.remark(snapshot, judged)


def targets(snapshot: Snapshot) -> list[Target]:
    """The objects that are judged; ``permissions`` says what of them."""
    found = privileged_objects.settings(snapshot, ROOT_KEY)
    for target in found:
        if not _is_key(target.item.dn):
            target.kind = rights.CONTAINER
    return found


def _is_key(dn: str) -> bool:
    return dn_key(parent_of(dn) or "").startswith("cn=master root keys,")
