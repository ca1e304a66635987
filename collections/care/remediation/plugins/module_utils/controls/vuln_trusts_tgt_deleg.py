# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tickets of this forest's accounts may be handed on, whole, to services of a forest that trusts it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.forest_objects import trust_found
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.trusts import (
    ENABLE_TGT_DELEGATION,
    TRUSTS,
    WITHIN_FOREST,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_trusts_tgt_deleg"
NEEDS: Final = frozenset({TRUSTS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each inbound trust, from outside the forest, that explicitly allows the delegation of tickets."""
    for trust in snapshot.trusts:
        if trust.inbound and trust.has(ENABLE_TGT_DELEGATION) and not trust.has(WITHIN_FOREST):
            yield trust_found(
                trust, level=3, wording=f"Delegation of tickets to services of {trust.partner} is allowed by the trust."
            )
