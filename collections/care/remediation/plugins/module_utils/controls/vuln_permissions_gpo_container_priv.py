# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on an OU, container or site with privileged objects.

Through the access list of an OU its objects inherit rights; through its links (gPLink) policies reach them. On the
head of the domain only the latter counts here: the rest is ``vuln_permissions_naming_context``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import permissions, privileged_objects
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    OBJECT_DESCRIPTORS,
    POLICY_LINKS,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    Snapshot,
)

ID: Final = "vuln_permissions_gpo_container_priv"
LEVELS: Final = (2,)
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP, OBJECT_DESCRIPTORS, POLICY_LINKS})


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
    return privileged_objects.containers(snapshot)
