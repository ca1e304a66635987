# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An object has a SID history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import sid_histories
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.sid_history import SID_HISTORY
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, Snapshot

ID: Final = "vuln_sidhistory_present"
NEEDS: Final = frozenset({ACCOUNTS, SID_HISTORY})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each account and group with a SID in its history, whichever it is."""
    yield from sid_histories.histories(snapshot, wanted=lambda _value: True, level=3, what="SID history")
