# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An external domain is trusted without SID filtering (quarantine; MS-ADTS 6.1.6.7.9, MS-PAC 4.1.2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.forest_objects import trust_found
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.trusts import (
    FOREST_TRANSITIVE,
    QUARANTINED,
    TRUSTS,
    WITHIN_FOREST,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_trusts_domain_notfiltered"
NEEDS: Final = frozenset({TRUSTS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each outbound trust to a domain outside the forest that is not quarantined."""
    for trust in snapshot.trusts:
        if trust.outbound and trust.windows and not trust.has(WITHIN_FOREST | FOREST_TRANSITIVE | QUARANTINED):
            yield trust_found(
                trust, level=1, wording=f"The external domain {trust.partner} is trusted without SID filtering."
            )
