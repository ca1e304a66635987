# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A position of dSHeuristics has a dangerous value (MS-ADTS 6.1.1.2.4.1.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import DSHEURISTICS, Snapshot

ID: Final = "vuln_dsheuristics_bad"
NEEDS: Final = frozenset({DSHEURISTICS})
OBJECT: Final = "CN=Directory Service,CN=Windows NT,CN=Services"


@dataclass(frozen=True, slots=True)
class Position:
    """One position (from 1), the value it must have, and the ANSSI level of each wrong value."""

    number: int
    name: str
    expected: str
    bad: dict[str, int]  # value to level
    otherwise: int | None  # level of any other value that is not expected; None: tolerated


# Source: ANSSI checklist, vuln_dsheuristics_bad; the level of KB5008383's two positions is 4 when they are not 1, and
# 2 when they say 2 (protection off).
POSITIONS: Final = (
    Position(7, "fLDAPBlockAnonOps", "0", {"2": 2}, None),
    Position(8, "fAllowAnonNSPI", "0", {}, 1),
    Position(16, "dwAdminSDExMask", "0", {}, 1),
    Position(21, "DoNotVerifyUPNAndOrSPNUniqueness", "0", {}, 2),
    Position(28, "AttributeAuthorizationOnLDAPAdd", "1", {"2": 2}, 4),
    Position(29, "BlockOwnerImplicitRights", "1", {"2": 2}, 4),
    Position(31, "DisableConfidentialAttributeEncryptionRequirements", "0", {}, 2),
)


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding a wrong position; a position beyond the end of the value counts as 0."""
    value = snapshot.ds_heuristics
    for position in POSITIONS:
        present = value[position.number - 1] if len(value) >= position.number else "0"
        if present == position.expected:
            continue
        level = position.bad.get(present, position.otherwise)
        if level is None:
            continue
        yield Found(
            type="setting",
            id=f"dSHeuristics/{position.number}",
            label=f"dSHeuristics, {position.number}: {position.name}",
            dn=OBJECT,
            level=level,
            wording=f"dSHeuristics position {position.number} ({position.name}): {present}, not {position.expected}.",
            evidence={
                "position": str(position.number),
                "name": position.name,
                "present": present,
                "expected": position.expected,
                "value": value,
            },
        )
