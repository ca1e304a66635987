# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator controls a privileged group, a member of one, or krbtgt.

An object that AdminSDHolder protects is judged as ANSSI says: it inherits nothing, and an entry that it has in common
with AdminSDHolder is a matter of ``vuln_permissions_adminsdholder`` and not repeated here. Domain controllers have
``vuln_permissions_dc``.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import permissions, privileged_objects, rights
from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import ControlGraph
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    OBJECT_DESCRIPTORS,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    MANAGED_PASSWORDS,
    MEMBERSHIP,
    Snapshot,
)

ID: Final = "vuln_privileged_members_perm"
LEVELS: Final = (1, 2)
NEEDS: Final = frozenset({ACCOUNTS, MEMBERSHIP, OBJECT_DESCRIPTORS})


def blind(snapshot: Snapshot) -> str | None:
    """A descriptor that is not shown, or not understood, hides who holds which right."""
    why = snapshot.unreadable.get(MANAGED_PASSWORDS)
    judged = targets(snapshot)
    if why is not None and any(target.kind == rights.MSA for target in judged):
        return f"who reads the password of privileged managed service accounts is not known: {why}"
    return permissions.blind(judged)


def targets(snapshot: Snapshot) -> list[Target]:
    """The objects that are judged; ``permissions`` says what of them."""
    graph = ControlGraph.of(snapshot)
    found = []
    for item in privileged_objects.members(snapshot):
        like = item.descriptor is not None and item.descriptor.protected
        found.append(Target(item, graph.kind(item), known=graph.common if like else frozenset()))
    return found
