# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delegations of accounts: targets taken away, protocol transition ended, resource-based delegation cleared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_account import is_domain_controller
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    NOTHING,
    Plan,
    PlanError,
    flags_changes,
    label_of,
    replace_change,
    values_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    SecurityDescriptor,
)

TARGETS: Final = "msDS-AllowedToDelegateTo"
RESOURCE: Final = "msDS-AllowedToActOnBehalfOfOtherIdentity"
ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, "userAccountControl", "primaryGroupID", TARGETS, RESOURCE)
KEEP, CLEAR_UNUSED, CLEAR = "keep", "clear_unused", "clear"


@dataclass(frozen=True, slots=True)
class DelegationWish:
    """What goes. ``transition``: keep, clear, or clear_unused (when no target is left)."""

    targets_absent: tuple[str, ...] = ()
    transition: str = KEEP
    clear_resource_delegation: bool = False


def plan_delegation(plan: Plan, entry: Entry, wanted: DelegationWish, protected: Protected) -> None:
    """Add the changes for ``entry`` (read with ATTRIBUTES); PlanError when it is no account or may not be changed."""
    who = f"{label_of(entry)} ({entry.dn})"
    flags = entry.int("userAccountControl")
    if flags is None:
        raise PlanError(f"{who}: userAccountControl cannot be read: no account, or the account in use may not read it.")
    if flags & uac.INTERDOMAIN_TRUST_ACCOUNT:
        raise PlanError(f"{who} is the account of a trust; its delegation belongs to the trust.")
    if wanted.transition == CLEAR and is_domain_controller(entry):
        raise PlanError(f"{who} is a domain controller: read-only ones need TRUSTED_TO_AUTH_FOR_DELEGATION.")
    hazards = protected.hazards(entry.sid())
    gone = _present(entry, wanted.targets_absent)
    change = values_change(entry, TARGETS, remove=gone, hazards=hazards)
    if change is not None:
        plan.changes.append(change)
    _transition(plan, entry, wanted, left=sorted(set(entry.texts(TARGETS)) - set(gone)), hazards=hazards)
    if wanted.clear_resource_delegation:
        cleared = replace_change(
            entry, RESOURCE, [], binary=True, display=(_trustees(entry.raw(RESOURCE)), NOTHING), hazards=hazards
        )
        if cleared is not None:
            plan.changes.append(cleared)


def _transition(
    plan: Plan, entry: Entry, wanted: DelegationWish, *, left: Sequence[str], hazards: list[dict[str, str]]
) -> None:
    if wanted.transition == KEEP or (wanted.transition == CLEAR_UNUSED and is_domain_controller(entry)):
        return
    if wanted.transition == CLEAR_UNUSED and left:
        plan.notice(
            label_of(entry),
            "transition_kept",
            f"{label_of(entry)} keeps protocol transition: it still delegates to {', '.join(left)}.",
        )
        return
    plan.changes += flags_changes(
        entry, "userAccountControl", clear_mask=uac.TRUSTED_TO_AUTH_FOR_DELEGATION, hazards=hazards
    )


def _present(entry: Entry, targets: Sequence[str]) -> list[str]:
    """Those of ``targets`` that the entry has, as the directory spells them (they match without regard to case)."""
    wanted = {target.casefold() for target in targets}
    return [target for target in entry.texts(TARGETS) if target.casefold() in wanted]


def _trustees(raw: bytes | None) -> str:
    """Who may act for others, for ``display``."""
    if raw is None:
        return NOTHING
    try:
        dacl = SecurityDescriptor.parse(raw).dacl
    except ValueError:
        return f"unreadable descriptor ({len(raw)} bytes)"
    if dacl is None:
        return sids.EVERYONE
    return ", ".join(sorted({ace.sid for ace in dacl.aces if ace.sid})) or "descriptor without entries"
