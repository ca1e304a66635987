# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The functional level of the forest keeps protections switched off that its domain controllers could offer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.domain import (
    FUNCTIONAL_LEVELS,
    LEVEL_NAMES,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_functional_level"
NEEDS: Final = frozenset({FUNCTIONAL_LEVELS})
_BOUNDS: Final = ((1, "level_1_below"), (3, "level_3_below"), (4, "level_4_below"))


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """The forest, at the level that the worst bound it stays below gives."""
    present = snapshot.settings.forest_level
    if present is None:
        return
    for level, name in _BOUNDS:
        if present < snapshot.limit(ID, name):
            shown = LEVEL_NAMES.get(present, str(present))
            yield Found(
                type="domain",
                id=snapshot.dns_name,
                label=snapshot.dns_name,
                dn=snapshot.domain_dn,
                level=level,
                wording=f"The functional level of the forest is that of Windows {shown}.",
                evidence={
                    "forest_level": present,
                    "domain_level": snapshot.settings.domain_level,
                    "forest_level_name": shown,
                    "wanted": LEVEL_NAMES.get(int(snapshot.limit(ID, "level_4_below"))),
                },
            )
            return
