# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An authentication policy and a silo for privileged accounts: in audit mode first, then enforced.

An account is in a silo when the silo names it (msDS-AuthNPolicySiloMembers) and it names the silo
(msDS-AssignedAuthNPolicySilo; MS-KILE 3.3.5.5). The policy made here limits the life of tickets only: from which
computers somebody may log on is for a person to add to it, once the events of the audit mode have been read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
    creation,
    label_of,
    replace_change,
    type_of,
    values_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_names import child_dn
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.domain import LEVEL_2012_R2
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.silos import container_dn

ASSIGNED: Final = "msDS-AssignedAuthNPolicySilo"
MEMBERS: Final = "msDS-AuthNPolicySiloMembers"
SILO_ENFORCED: Final = "msDS-AuthNPolicySiloEnforced"
POLICY_ENFORCED: Final = "msDS-AuthNPolicyEnforced"
USER_POLICY: Final = "msDS-UserAuthNPolicy"
LIFETIME: Final = "msDS-UserTGTLifetime"  # 100 ns
MEMBER_ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, ASSIGNED)
SILO_ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, SILO_ENFORCED, MEMBERS, USER_POLICY)
POLICY_ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, POLICY_ENFORCED, LIFETIME)
_MINUTE: Final = 60 * 10_000_000


class Reader(Protocol):
    """The part of a directory session that is needed here."""

    configuration_dn: str
    domain_dn: str

    def read(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """One object."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The silo, its policy, and how long a ticket lasts."""

    silo: str
    policy: str
    lifetime_minutes: int
    enforce: bool

    def checked(self) -> Wish:
        """Itself; PlanError when it makes no sense."""
        if not self.silo.strip() or not self.policy.strip():
            raise PlanError("The silo and its policy need a name each.")
        # The directory takes 45 minutes at least; more than the domain's usual 10 hours would protect nothing
        if not 45 <= self.lifetime_minutes <= 600:
            raise PlanError(f"ticket_lifetime_minutes: {self.lifetime_minutes} is not between 45 and 600.")
        return self


@dataclass(slots=True)
class Found:
    """What is there."""

    silos_dn: str
    policies_dn: str
    silo: Entry | None
    policy: Entry | None


def read(session: Reader, wish: Wish) -> Found:
    """Read the silo and the policy, if they exist. PlanError below functional level 2012 R2, or when hidden."""
    base = container_dn(session.configuration_dn)
    head = session.read(session.domain_dn, [*IDENTITY_ATTRIBUTES, "msDS-Behavior-Version"])
    level = head.int("msDS-Behavior-Version") if head is not None else None
    if (level or 0) < LEVEL_2012_R2:
        raise PlanError(
            f"{session.domain_dn} has the functional level {level}; authentication silos need that of Windows Server"
            " 2012 R2 (6)."
        )
    if session.read(base, ["objectGUID"]) is None:
        raise PlanError(f"{base} cannot be read: unverified, so nothing is planned.")
    silos, policies = f"CN=AuthN Silos,{base}", f"CN=AuthN Policies,{base}"
    return Found(
        silos,
        policies,
        session.read(child_dn(wish.silo, silos), list(SILO_ATTRIBUTES)),
        session.read(child_dn(wish.policy, policies), list(POLICY_ATTRIBUTES)),
    )


def plan_silo(plan: Plan, found: Found, wish: Wish, accounts: Iterable[Entry], *, protected: Protected) -> None:
    """Add the changes, in the order in which they must be made: the policy, the silo, then the accounts.

    A protected account is written into the changes as a hazard, which stops the run. Nothing is loosened: what is
    enforced stays enforced, and a shorter life of tickets stays. All refusals are in one PlanError.
    """
    wish = wish.checked()
    members = list({entry.dn.casefold(): entry for entry in accounts}.values())
    silo_dn = found.silo.dn if found.silo is not None else child_dn(wish.silo, found.silos_dn)
    policy_dn = found.policy.dn if found.policy is not None else child_dn(wish.policy, found.policies_dn)
    refused = [text for entry in members if (text := _refusal(entry, silo_dn))]
    other = found.silo.text(USER_POLICY) if found.silo is not None else None
    if other is not None and other.casefold() != policy_dn.casefold():
        refused.append(f"The silo {silo_dn} has another policy for users, {other}: name that one.")
    if refused:
        raise PlanError(" ".join(refused))
    _policy(plan, found.policy, wish, policy_dn)
    hazards = [each for entry in members for each in protected.hazards(entry.sid())]
    if found.silo is None:
        plan.changes.append(
            creation(
                silo_dn,
                {
                    "objectClass": ["msDS-AuthNPolicySilo"],
                    SILO_ENFORCED: [_truth(wish.enforce)],
                    USER_POLICY: [policy_dn],
                    MEMBERS: [entry.dn for entry in members],
                },
                label=wish.silo,
                object_type="authentication_silo",
                hazards=hazards,
            )
        )
    else:
        _silo(plan, found.silo, wish, policy_dn, members, protected)
    for entry in members:
        change = None
        if (entry.text(ASSIGNED) or "").casefold() != silo_dn.casefold():
            change = replace_change(entry, ASSIGNED, [silo_dn], hazards=protected.hazards(entry.sid()))
        if change is not None:
            plan.changes.append(change)


def _refusal(entry: Entry, silo_dn: str) -> str | None:
    if type_of(entry) != "user":
        return f"{label_of(entry)} ({entry.dn}) is no user account."
    present = entry.text(ASSIGNED)
    if present is not None and present.casefold() != silo_dn.casefold():
        return f"{label_of(entry)} is assigned to another silo, {present}: take it out there first, or leave it."
    return None


def _policy(plan: Plan, policy: Entry | None, wish: Wish, dn: str) -> None:
    lifetime = wish.lifetime_minutes * _MINUTE
    if policy is None:
        plan.changes.append(
            creation(
                dn,
                {
                    "objectClass": ["msDS-AuthNPolicy"],
                    POLICY_ENFORCED: [_truth(wish.enforce)],
                    LIFETIME: [str(lifetime)],
                },
                label=wish.policy,
                object_type="authentication_policy",
            )
        )
        return
    present = policy.int(LIFETIME) or 0
    if present == 0 or present > lifetime:
        shown = (f"{present // _MINUTE} min" if present else "–", f"{wish.lifetime_minutes} min")
        change = replace_change(policy, LIFETIME, [str(lifetime)], display=shown)
        plan.changes += [change] if change is not None else []
    _enforce(plan, policy, POLICY_ENFORCED, wish)


def _silo(
    plan: Plan, silo: Entry, wish: Wish, policy_dn: str, members: Sequence[Entry], protected: Protected
) -> None:
    named = {dn.casefold() for dn in silo.texts(MEMBERS)}
    for entry in members:
        if entry.dn.casefold() not in named:
            change = values_change(silo, MEMBERS, add=[entry.dn], hazards=protected.hazards(entry.sid()))
            plan.changes += [change] if change is not None else []
    if silo.text(USER_POLICY) is None:
        change = replace_change(silo, USER_POLICY, [policy_dn])
        plan.changes += [change] if change is not None else []
    # everyone who is in the silo is held from then on, not only those that this plan names
    hazards = [
        {"kind": account.kind, "object": f"{account.label} ({account.sid})"}
        for account in protected.accounts
        if account.dn.casefold() in named
    ]
    _enforce(plan, silo, SILO_ENFORCED, wish, hazards)


def _enforce(
    plan: Plan, entry: Entry, attribute: str, wish: Wish, hazards: Sequence[dict[str, str]] = ()
) -> None:
    if wish.enforce and not entry.bool(attribute):
        change = replace_change(entry, attribute, ["TRUE"], hazards=hazards)
        plan.changes += [change] if change is not None else []


def _truth(value: bool) -> str:
    return "TRUE" if value else "FALSE"
