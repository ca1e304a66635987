# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone else than Authenticated Users (S-1-5-11) is in Pre-Windows 2000 Compatible Access."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, watched_member
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.groups import PRE_WINDOWS_2000
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import MEMBERSHIP, Snapshot

ID: Final = "vuln_compatible_2000_not_default"
NEEDS: Final = frozenset({MEMBERSHIP, PRE_WINDOWS_2000})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each member but the default one; Anonymous is vuln_compatible_2000_anonymous, at a worse level."""
    group = snapshot.pre_windows_2000
    for member in group.members if group is not None else ():
        if group is not None and member.sid not in (sids.AUTHENTICATED_USERS, sids.ANONYMOUS):
            yield watched_member(
                group, member, level=3, wording=f"{member.label} is in Pre-Windows 2000 Compatible Access."
            )
