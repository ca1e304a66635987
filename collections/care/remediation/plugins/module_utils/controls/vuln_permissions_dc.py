# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on the account of a domain controller.

Whoever resets its password, writes its keys or says who may act for others on it (resource-based constrained
delegation) becomes that domain controller and reads every secret of the domain.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import privileged_objects, rights
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import OBJECT_DESCRIPTORS
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    Snapshot,
)

ID: Final = "vuln_permissions_dc"
LEVELS: Final = (1, 2)
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP, OBJECT_DESCRIPTORS})


def targets(snapshot: Snapshot) -> list[Target]:
    """The objects that are judged; ``permissions`` says what of them."""
    return [Target(account, rights.COMPUTER) for account in privileged_objects.controllers(snapshot)]
