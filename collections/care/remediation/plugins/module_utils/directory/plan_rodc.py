# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose secrets read-only domain controllers may keep: their own lists, the two groups, krbtgt accounts left behind.

Everything here takes away: a principal is added to what denies, or removed from what allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    NOTHING,
    Plan,
    PlanError,
    deletion,
    label_of,
    type_of,
    values_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected

NEVER_REVEAL: Final = "msDS-NeverRevealGroup"
REVEAL: Final = "msDS-RevealOnDemandGroup"
KRBTGT_NUMBER: Final = "msDS-SecondaryKrbTgtNumber"
KRBTGT_LINK: Final = "msDS-KrbTgtLinkBl"
RODC_ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, "userAccountControl", "primaryGroupID", NEVER_REVEAL, REVEAL)
GROUP_ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, "member")
KRBTGT_ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, "userAccountControl", KRBTGT_NUMBER, KRBTGT_LINK)


def _is_read_only(entry: Entry) -> bool:
    return bool((entry.int("userAccountControl") or 0) & uac.PARTIAL_SECRETS_ACCOUNT) or (
        entry.int("primaryGroupID") == sids.RID_READ_ONLY_DOMAIN_CONTROLLERS
    )


def _there(entry: Entry, attribute: str, principal: Entry) -> str | None:
    """The value that names ``principal``, as the directory writes it, or None."""
    wanted = principal.dn.casefold()
    return next((dn for dn in entry.texts(attribute) if dn.casefold() == wanted), None)


def plan_list(
    plan: Plan, rodc: Entry, attribute: str, principals: Iterable[Entry], *, present: bool, protected: Protected
) -> None:
    """Add principals to, or remove them from, one list of one read-only domain controller; a change each.

    ``present`` is true for NEVER_REVEAL and false for REVEAL. Raises PlanError for another kind of computer.
    """
    if type_of(rodc) != "computer" or not _is_read_only(rodc):
        raise PlanError(f"{label_of(rodc)} ({rodc.dn}) is no read-only domain controller.")
    _plan(plan, rodc, attribute, principals, present=present, protected=protected)


def plan_group(plan: Plan, group: Entry, members: Iterable[Entry], *, present: bool, protected: Protected) -> None:
    """Add members to the denied group (RID 572), or remove them from the allowed one (RID 571)."""
    _plan(plan, group, "member", members, present=present, protected=protected)


def _plan(
    plan: Plan, owner: Entry, attribute: str, principals: Iterable[Entry], *, present: bool, protected: Protected
) -> None:
    for principal in {each.dn.casefold(): each for each in principals}.values():
        value = _there(owner, attribute, principal)
        if (value is not None) == present:
            continue
        # An account that is named itself may be what logs on where only this controller answers. The groups of
        # administrators hold break-glass accounts and belong into these lists all the same: a writable domain
        # controller still answers for them.
        hazards = protected.hazards(principal.sid())
        change = values_change(
            owner,
            attribute,
            remove=[] if present else [value or principal.dn],
            add=[principal.dn] if present else [],
            hazards=hazards,
            context={"member_sid": principal.sid(), "member": label_of(principal)},
        )
        if change is not None:
            name = label_of(principal)
            change["display"] = {"before": NOTHING if present else name, "after": name if present else NOTHING}
            plan.changes.append(change)


def orphan_refusal(entry: Entry) -> str | None:
    """Why an account is not a krbtgt account that was left behind, or None when it is one."""
    who = f"{label_of(entry)} ({entry.dn})"
    if entry.int(KRBTGT_NUMBER) is None:
        return f"{who} is no krbtgt account of a read-only domain controller: it has no {KRBTGT_NUMBER}."
    used_by = entry.texts(KRBTGT_LINK)
    if used_by:
        return f"{who} is in use: {'; '.join(used_by)} signs its tickets with it."
    return None


def plan_orphans(plan: Plan, accounts: Iterable[Entry], *, protected: Protected) -> None:
    """Delete krbtgt accounts (read with KRBTGT_ATTRIBUTES) that belong to no read-only domain controller any more."""
    entries = list(accounts)
    refused = [why for entry in entries if (why := orphan_refusal(entry)) is not None]
    if refused:
        raise PlanError(" ".join(refused))
    plan.changes += [
        deletion(entry, ["objectClass", "sAMAccountName", KRBTGT_NUMBER], hazards=protected.hazards(entry.sid()))
        for entry in entries
    ]
