# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ANSSI's way of taking an account out of use without deleting it ("neutraliser").

Disabled, in no group but its primary one, a random password through SMARTCARD_REQUIRED, and the reason in its
description. In this order, so that undoing, which goes backwards, enables the account last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_account import (
    SMARTCARD_EFFECTS,
    AccountWish,
    refusals,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_members import (
    MEMBER_ATTRIBUTES,
    is_privileged,
    plan_members,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    Plan,
    PlanError,
    flags_changes,
    label_of,
    password_change,
    replace_change,
    type_of,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_rodc import (
    KRBTGT_LINK,
    KRBTGT_NUMBER,
    orphan_refusal,
)

ATTRIBUTES: Final = (
    *MEMBER_ATTRIBUTES,
    "userAccountControl",
    "description",
    "servicePrincipalName",
    "pwdLastSet",
    KRBTGT_NUMBER,
    KRBTGT_LINK,
)
MARK: Final = "[care.remediation]"
# rangeUpper of description in the AD schema (MS-ADA1, attribute description).
DESCRIPTION_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Reason:
    """Why and when (ISO date) an account is neutralised, as its description will say."""

    text: str
    date: str

    def sentence(self) -> str:
        """The text that is put in front of the description."""
        return f"{MARK} {self.date} : {self.text}"


def described(old: str | None, reason: Reason) -> str | None:
    """The description with the reason in front of the old text, which is kept whole; None when there is no room.

    A description that already says it is left as it is: the date is that of the first time.
    """
    if old and MARK in old:
        return old
    sentence = reason.sentence()
    new = f"{sentence} | {old}" if old else sentence
    return new if len(new) <= DESCRIPTION_MAX else None


def plan_neutralise(
    plan: Plan,
    entry: Entry,
    groups: Mapping[str, Entry],
    reason: Reason,
    *,
    protected: Protected,
    count: Callable[[Entry], int],
) -> None:
    """Add the changes that neutralise ``entry`` (read with ATTRIBUTES).

    ``groups``: its groups, by the DN in lower case as ``memberOf`` writes it. Raises PlanError for what is not the
    account of a person or a service, and for a group that could not be read.
    """
    who = f"{label_of(entry)} ({entry.dn})"
    if type_of(entry) != "user":
        raise PlanError(f"{who} is a {type_of(entry)}; only accounts of people and services are neutralised.")
    reasons = refusals(entry, AccountWish(set_mask=uac.ACCOUNTDISABLE | uac.SMARTCARD_REQUIRED))
    if entry.int(KRBTGT_NUMBER) is not None and (in_use := orphan_refusal(entry)) is not None:
        reasons.append(in_use)  # a read-only domain controller signs its tickets with it
    if reasons:
        raise PlanError(" ".join(reasons))
    hazards = protected.hazards(entry.sid())

    plan.changes += flags_changes(entry, "userAccountControl", set_mask=uac.ACCOUNTDISABLE, hazards=hazards)
    missing = [dn for dn in entry.texts("memberOf") if dn.casefold() not in groups]
    if missing:
        raise PlanError(f"{who} is in groups that cannot be read: {'; '.join(missing)}. Nothing is planned for it.")
    plan_members(
        plan,
        ((groups[dn.casefold()], entry) for dn in entry.texts("memberOf")),
        present=False,
        protected=protected,
        count=count,
    )
    if entry.int(KRBTGT_NUMBER) is None:
        plan.changes += flags_changes(
            entry,
            "userAccountControl",
            set_mask=uac.SMARTCARD_REQUIRED,
            side_effects={uac.SMARTCARD_REQUIRED: SMARTCARD_EFFECTS},
            hazards=hazards,
        )
    elif MARK not in (entry.text("description") or ""):
        # A krbtgt account never logs on: its secret is renewed by itself, once; the description says that it was
        plan.changes.append(
            password_change(entry, reason="password_lost", side_effects=SMARTCARD_EFFECTS, hazards=hazards)
        )
    _describe(plan, entry, reason, hazards)

    primary = primary_group_sid(entry)
    if is_privileged(primary):
        plan.notice(
            label_of(entry),
            "privileged_primary_group",
            f"The primary group of {who} is the privileged group {primary}, which cannot be removed. "
            "Give it another primary group (Domain Users, RID 513), then run this again.",
        )


def primary_group_sid(entry: Entry) -> str | None:
    """The SID of the primary group of an account, None when it cannot be told."""
    own, primary = entry.sid(), entry.int("primaryGroupID")
    domain = sids.domain_of(own) if own else None
    return f"{domain}-{primary}" if domain and primary is not None else None


def _describe(plan: Plan, entry: Entry, reason: Reason, hazards: list[dict[str, str]]) -> None:
    new = described(entry.text("description"), reason)
    if new is None:
        plan.notice(
            label_of(entry),
            "description_full",
            f"The description of {label_of(entry)} has no room for the reason and is left as it is.",
        )
        return
    change = replace_change(entry, "description", [new], hazards=hazards)
    if change is not None:
        plan.changes.append(change)
