# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The security descriptor of a privileged object is not readable: nobody can tell who controls it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import privileged_objects
from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import Securable
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import GROUP
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    COMPUTER,
    MEMBERSHIP,
    MSA,
    Account,
    Snapshot,
)

ID: Final = "vuln_sd_failed_sd_read_on_priv"
LEVEL: Final = 3
NEEDS: Final = frozenset({ACCOUNTS, MEMBERSHIP})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding for each privileged object whose descriptor was not shown, or is not understood."""
    for item in privileged_objects.everything(snapshot):
        descriptor = item.descriptor
        if descriptor is not None and descriptor.why is None:
            continue
        why = "the server does not show it" if descriptor is None else descriptor.why
        missing = "Read permissions (READ_CONTROL)" if descriptor is None else None
        yield Found(
            type=_type(item),
            id=item.sid or item.guid or item.dn,
            label=item.label,
            dn=item.dn,
            sid=item.sid,
            level=LEVEL,
            wording=f"The security descriptor of {item.dn} cannot be read: {why}.",
            evidence={"object": item.dn, "object_guid": item.guid, "reason": why, "missing_right": missing},
        )


def _type(item: Securable) -> str:
    if isinstance(item, Account):
        return "computer" if item.kind in (COMPUTER, MSA) else "user"
    return "group" if item.role == GROUP else "object"
