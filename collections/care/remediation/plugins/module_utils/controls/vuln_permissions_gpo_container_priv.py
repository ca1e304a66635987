# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on an OU, container or site with privileged objects.

Through the access list of an OU its objects inherit rights; through its links (gPLink) policies reach them. On the
head of the domain only the latter counts here: the rest is ``vuln_permissions_naming_context``.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import privileged_objects
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


def targets(snapshot: Snapshot) -> list[Target]:
    """The objects that are judged; ``permissions`` says what of them."""
    return privileged_objects.containers(snapshot)
