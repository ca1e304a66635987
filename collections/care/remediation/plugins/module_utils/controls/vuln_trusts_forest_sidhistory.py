# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Another forest is trusted, and SID history is let through its filter (TREAT_AS_EXTERNAL; MS-ADTS 6.1.6.7.9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.forest_objects import trust_found
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.trusts import (
    FOREST_TRANSITIVE,
    TREAT_AS_EXTERNAL,
    TRUSTS,
    WITHIN_FOREST,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_trusts_forest_sidhistory"
NEEDS: Final = frozenset({TRUSTS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each outbound forest trust whose filter is weakened."""
    for trust in snapshot.trusts:
        weakened = trust.has(FOREST_TRANSITIVE) and trust.has(TREAT_AS_EXTERNAL)
        if trust.outbound and trust.windows and weakened and not trust.has(WITHIN_FOREST):
            yield trust_found(
                trust, level=1, wording=f"The forest {trust.partner} is trusted with SID history let through."
            )
