# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Trusts: bits of trustAttributes (MS-ADTS 6.1.6.7.9), set and cleared only in the direction that trusts less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    NOTHING,
    Plan,
    PlanError,
    flags_changes,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import CONNECTED
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import trusts

ATTRIBUTES: Final = (
    "objectGUID",
    "objectClass",
    "trustPartner",
    "flatName",
    "securityIdentifier",
    "trustDirection",
    "trustType",
    "trustAttributes",
)


@dataclass(frozen=True, slots=True)
class Restriction:
    """One way to trust less: bits to set and clear, the direction in which it means something, and what may stop."""

    direction: int
    loses: str
    set_mask: int = 0
    clear_mask: int = 0
    needs: int = 0  # a bit without which it means nothing
    excludes: int = trusts.WITHIN_FOREST  # bits with which it means nothing, or does harm


RESTRICTIONS: Final[Mapping[str, Restriction]] = {
    "quarantine": Restriction(
        direction=trusts.OUTBOUND,
        set_mask=trusts.QUARANTINED,
        excludes=trusts.WITHIN_FOREST | trusts.FOREST_TRANSITIVE,
        loses="accounts of {partner} that have access here by their SID history only, and accounts of other domains "
        "that come through this trust, lose that access at their next logon",
    ),
    "no_sid_history": Restriction(
        direction=trusts.OUTBOUND,
        clear_mask=trusts.TREAT_AS_EXTERNAL,
        needs=trusts.FOREST_TRANSITIVE,
        loses="migrated accounts of {partner} that have access here by their SID history only lose it at their next "
        "logon",
    ),
    "no_tgt_delegation": Restriction(
        direction=trusts.INBOUND,
        clear_mask=trusts.ENABLE_TGT_DELEGATION,
        loses="services of {partner} with unconstrained delegation can no longer act in the name of users from here",
    ),
}


def plan_trust(plan: Plan, trust: Entry, wish: str, *, domain_sid: str, connected_sid: str) -> None:
    """Add the changes that restrict ``trust`` (read with ATTRIBUTES), and the notice of what may stop.

    Raises PlanError when ``trust`` is no trust, cannot be read, or the restriction makes no sense for it.
    """
    partner = trust.text("trustPartner") or trust.dn
    direction = trust.int("trustDirection")
    if "trusteddomain" not in [each.lower() for each in trust.texts("objectClass")]:
        raise PlanError(f"{trust.dn} is no trust.")
    if direction is None:
        raise PlanError(f"{partner} ({trust.dn}): trustDirection cannot be read, so nothing is planned for this trust.")
    restriction = RESTRICTIONS[wish]
    present = (trust.int("trustAttributes") or 0) & 0xFFFFFFFF
    if present & restriction.set_mask == restriction.set_mask and not present & restriction.clear_mask:
        return
    if not direction & restriction.direction:
        outbound = restriction.direction == trusts.OUTBOUND
        way = "let accounts of its partner in" if outbound else "let our accounts into its partner's domain"
        raise PlanError(f"{partner}: {wish} makes no sense, this trust does not {way}.")
    if present & restriction.needs != restriction.needs or present & restriction.excludes:
        raise PlanError(
            f"{partner}: {wish} is not for a trust of this kind ({', '.join(trusts.names(present)) or 'external'}); in "
            "the wrong place it breaks the trust."
        )
    changes = flags_changes(
        trust,
        "trustAttributes",
        set_mask=restriction.set_mask,
        clear_mask=restriction.clear_mask,
        hazards=_hazards(restriction, domain_sid, connected_sid),
    )
    for change in changes:
        change["object"]["label"] = partner
        change["display"] = {side: _text(int(change[side])) for side in ("before", "after")}
    plan.changes += changes
    if changes:
        plan.notice(partner, wish, f"{partner}: {restriction.loses.format(partner=partner)}. Ask them first.")


def _hazards(restriction: Restriction, domain_sid: str, connected_sid: str) -> list[dict[str, str]]:
    """An account in use that is of another domain comes through a trust, perhaps this one."""
    own = sids.domain_of(connected_sid) if connected_sid else None
    if own is None or own == domain_sid or restriction.direction != trusts.OUTBOUND:
        return []
    return [{"kind": CONNECTED, "object": f"{connected_sid}, an account of another domain"}]


def _text(value: int) -> str:
    return " | ".join(trusts.names(value)) or NOTHING
