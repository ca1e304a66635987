# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on the account of a domain controller.

Whoever resets its password, writes its keys or says who may act for others on it (resource-based constrained
delegation) becomes that domain controller and reads every secret of the domain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import permissions, privileged_objects, rights
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
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
    return [Target(account, rights.COMPUTER) for account in privileged_objects.controllers(snapshot)]
