# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SIDs removed from sIDHistory.

LDAP takes values out of that attribute but lets nobody put one in: that is IDL_DRSAddSidHistory (MS-DRSR), from the
domain that the SID is of. So each change is irreversible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
    binary_removal,
    label_of,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected

HISTORY: Final = "sIDHistory"
ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, HISTORY)
REASON: Final = "sid_history_lost"


def checked(values: Sequence[str]) -> tuple[str, ...]:
    """The SIDs, each once; PlanError for what is none. An empty list is refused: "all" must be said one by one."""
    wrong = [value for value in values if not sids.is_sid(value)]
    if wrong or not values:
        raise PlanError(f"sids: {', '.join(map(repr, wrong)) or 'nothing'} is no SID. Name each SID to remove.")
    return tuple(dict.fromkeys(values))


def plan_sid_history(plan: Plan, entry: Entry, values: Sequence[str], protected: Protected) -> None:
    """Add one change for each of ``values`` that the history of ``entry`` (read with ATTRIBUTES) holds.

    One a SID, so that the same SID named by two controls is the same change.
    """
    if entry.sid() is None:
        raise PlanError(f"{label_of(entry)} ({entry.dn}) has no SID: it is neither an account nor a group.")
    hazards = protected.hazards_of_member(entry.sid())
    try:
        present = {sids.from_bytes(raw): raw for raw in entry.attributes.get(HISTORY) or []}
    except ValueError as error:
        raise PlanError(f"{label_of(entry)} ({entry.dn}): its history holds what is no SID: {error}") from error
    for value in sorted(set(values) & present.keys()):
        plan.changes.append(
            binary_removal(entry, HISTORY, present[value], shown=value, reason=REASON, hazards=hazards)
        )
