# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A read-only domain controller is allowed to keep the secrets of a built-in, privileged group or account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.forest_objects import (
    controller_found,
    listed,
)
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    CONTROLLERS,
    RID_ALLOWED_REPLICATION,
    RODC_LISTS,
    Principal,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_rodc_reveal"
NEEDS: Final = frozenset({CONTROLLERS, RODC_LISTS})


def is_built_in(snapshot: Snapshot, principal: Principal) -> bool:
    """A RID that Windows gives itself, but for the group that is in this list by default (RID 571)."""
    if principal.sid is None or sids.rid(principal.sid) == RID_ALLOWED_REPLICATION:
        return False
    return sids.rid(principal.sid) < snapshot.limit(ID, "rid_below")


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each read-only domain controller with such a principal in msDS-RevealOnDemandGroup.

    For the object of Entra Kerberos they stand in ``entra_principals``: taking them away ends passwordless sign-in for
    all of them, so no role does it.
    """
    for controller in snapshot.controllers:
        wrong = [each for each in controller.reveal_on_demand if is_built_in(snapshot, each)]
        if wrong:
            yield controller_found(
                controller,
                level=3,
                wording=f"A read-only domain controller may keep the secrets of {len(wrong)} built-in principals.",
                **{"entra_principals" if controller.entra else "principals": listed(wrong)},
            )
