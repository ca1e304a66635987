# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator may change a policy that applies to privileged members or domain controllers.

Which policies apply follows links of sites, domain and OUs, their order, blocked inheritance and enforcement (MS-GPOL
3.2.5.1.5). Judged are the policy's object in the directory and, of a live domain, its files in SYSVOL, which have
access lists of their own: whoever may write them changes the policy as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import (
    permissions,
    policy_files,
    privileged_objects,
)
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    OBJECT_DESCRIPTORS,
    POLICY_LINKS,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.policy_files import POLICY_FILES
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    Snapshot,
)

ID: Final = "vuln_permissions_gpo_priv"
LEVELS: Final = (1,)
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP, OBJECT_DESCRIPTORS, POLICY_LINKS})


def blind(snapshot: Snapshot) -> str | None:
    """A descriptor that is not shown, or not understood, hides who holds which right; so does a closed SYSVOL."""
    targets = _targets(snapshot)
    reasons = [permissions.blind(targets), snapshot.unreadable.get(POLICY_FILES), policy_files.blind(snapshot)]
    return "; ".join(reason for reason in reasons if reason) or None


def remark(snapshot: Snapshot) -> str | None:
    """Who holds rights there as additional Tier 0, and what a collector's dump does not hold."""
    said = [permissions.remark(snapshot, _targets(snapshot))]
    if snapshot.policy_files is None:
        said.append("access lists of files in SYSVOL were not looked at, only those of the policies' objects")
    return "; ".join(filter(None, said)) or None


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding for each entry that gives someone else a dangerous right there, with the path that leads to it."""
    targets = _targets(snapshot)
    yield from permissions.detect(snapshot, targets, LEVELS)
    yield from policy_files.detect(snapshot, targets)


def policies(snapshot: Snapshot) -> list[str]:
    """DNs of the policies whose files must be looked at; none where the snapshot does not tell."""
    return [] if NEEDS & snapshot.unreadable.keys() else [target.item.dn for target in _targets(snapshot)]


def _targets(snapshot: Snapshot) -> list[Target]:
    return privileged_objects.policies(snapshot)
