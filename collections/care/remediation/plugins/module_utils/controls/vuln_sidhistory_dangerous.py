# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The SID history of an object holds a SID that gives great rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import sid_histories
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.sid_history import SID_HISTORY
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, Snapshot

ID: Final = "vuln_sidhistory_dangerous"
NEEDS: Final = frozenset({ACCOUNTS, SID_HISTORY})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each account and group with a well-known SID, or one whose RID is below the threshold, in its history."""
    below = snapshot.limit(ID, "sid_rid")
    yield from sid_histories.histories(
        snapshot,
        wanted=lambda value: sid_histories.is_dangerous(value, below),
        level=2,
        what="SID history with privileged or well-known SIDs",
    )
