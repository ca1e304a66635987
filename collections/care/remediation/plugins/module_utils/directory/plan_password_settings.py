# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Password settings objects (PSO) for privileged accounts: created or extended, only ever stricter.

A PSO holds for the users and the *global* groups that it names (MS-ADTS 3.1.1.4.5.36): not through a built-in,
universal or domain local group. So it names Domain Admins and Key Admins where they hold uncovered accounts, and every
other uncovered account by itself. Its precedence gives way to every PSO that is there: those are made stricter where
they are too weak, never pushed aside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time, uac
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_members import escape_filter
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
    creation,
    label_of,
    replace_change,
    values_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_names import child_dn
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import privileged_group_sids

LENGTH: Final = "msDS-MinimumPasswordLength"
AGE: Final = "msDS-MaximumPasswordAge"
PRECEDENCE: Final = "msDS-PasswordSettingsPrecedence"
TARGETS: Final = "msDS-PSOAppliesTo"
RESULTANT: Final = "msDS-ResultantPSO"
PSO_ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, LENGTH, AGE, PRECEDENCE, TARGETS)
USER_ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, "userAccountControl", "pwdLastSet", RESULTANT)
POLICY_ATTRIBUTES: Final = (
    *IDENTITY_ATTRIBUTES,
    "minPwdLength",
    "maxPwdAge",
    "minPwdAge",
    "pwdHistoryLength",
    "lockoutThreshold",
    "lockoutDuration",
    "lockOutObservationWindow",
)
# Global groups among ANSSI's privileged ones; the others carry no PSO
GLOBAL_RIDS: Final = (sids.RID_DOMAIN_ADMINS, sids.RID_KEY_ADMINS)
# LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS 3.1.1.3.4.4.3): members of members
_IN_CHAIN: Final = "1.2.840.113556.1.4.1941"
_USER_TYPE: Final = 805306368
_DAY: Final = 86400 * 10_000_000
_NEVER: Final = -0x8000000000000000
_STEP: Final = 10
# An account with one of these has no password that a person must change in time
_AGELESS: Final = uac.DONT_EXPIRE_PASSWORD | uac.SMARTCARD_REQUIRED | uac.ACCOUNTDISABLE


class Reader(Protocol):
    """The part of a directory session that is needed here."""

    domain_dn: str
    domain_sid: str

    def read(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """One object."""

    def search(self, base: str, ldap_filter: str, attributes: Sequence[str], scope: str = "subtree") -> Iterable[Entry]:
        """Entries, streamed."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The policy that privileged accounts must have at least."""

    name: str  # of the PSO to create or extend
    minimum_length: int
    maximum_age_days: int

    @property
    def maximum_age(self) -> int:
        """As the directory writes it: negative, in 100 ns."""
        return -self.maximum_age_days * _DAY

    def checked(self) -> Wish:
        """Itself; PlanError when it makes no sense."""
        if not self.name.strip():
            raise PlanError("The password settings object needs a name.")
        if not 1 <= self.minimum_length <= 255:
            raise PlanError(f"minimum_length: {self.minimum_length} is not between 1 and 255.")
        if not 1 <= self.maximum_age_days <= 3650:
            raise PlanError(f"maximum_age_days: {self.maximum_age_days} is not between 1 and 3650.")
        return self


@dataclass(slots=True)
class Domain:
    """What is there."""

    container_dn: str
    policy: Entry
    psos: dict[str, Entry] = field(default_factory=dict)  # by lower-case DN
    users: dict[str, Entry] = field(default_factory=dict)  # enabled privileged users by lower-case DN
    groups: list[tuple[Entry, set[str]]] = field(default_factory=list)  # global ones, with DNs of users inside


def container_dn(domain_dn: str) -> str:
    """Where PSOs are."""
    return f"CN=Password Settings Container,CN=System,{domain_dn}"


def read(session: Reader) -> Domain:
    """Read it. Raises PlanError when the container or the policy cannot be seen: a hidden PSO may be in force."""
    container = container_dn(session.domain_dn)
    if session.read(container, ["objectGUID"]) is None:
        raise PlanError(
            f"{container} cannot be read: unverified, so nothing is planned. The account in use needs the right to read"
            " it (Domain Admins have it)."
        )
    policy = session.read(session.domain_dn, list(POLICY_ATTRIBUTES))
    if policy is None or policy.int("minPwdLength") is None or policy.int("maxPwdAge") is None:
        raise PlanError(f"The policy of {session.domain_dn} cannot be read: unverified, so nothing is planned.")
    domain = Domain(container, policy)
    for pso in session.search(container, "(objectClass=msDS-PasswordSettings)", PSO_ATTRIBUTES, scope="onelevel"):
        domain.psos[pso.dn.casefold()] = pso
    for sid in sorted(privileged_group_sids(session.domain_sid)):
        if sid == sids.in_domain(session.domain_sid, sids.RID_DOMAIN_CONTROLLERS):
            continue
        group = session.read(f"<SID={sid}>", [*IDENTITY_ATTRIBUTES])
        if group is None:
            continue
        inside = set()
        for user in _members(session, group, sid):
            inside.add(user.dn.casefold())
            if not (user.int("userAccountControl") or 0) & uac.ACCOUNTDISABLE:
                domain.users[user.dn.casefold()] = user
        if sids.domain_of(sid) and sids.rid(sid) in GLOBAL_RIDS:
            domain.groups.append((group, inside))
    return domain


def _members(session: Reader, group: Entry, sid: str) -> Iterator[Entry]:
    """Users in a group, through others and by primary group too."""
    parts = [f"(memberOf:{_IN_CHAIN}:={escape_filter(group.dn)})"]
    if sids.domain_of(sid):
        parts.append(f"(primaryGroupID={sids.rid(sid)})")
    wanted = f"(&(sAMAccountType={_USER_TYPE})(|{''.join(parts)}))"
    yield from session.search(session.domain_dn, wanted, USER_ATTRIBUTES)


def plan_settings(
    plan: Plan, domain: Domain, wish: Wish, *, protected: Protected, accepted: Callable[[Entry], bool], now: datetime
) -> list[str]:
    """Add the changes after which ``wish`` holds for every privileged account.

    Gives one sentence for each account whose password would expire at once and that nobody accepted: an enforcement
    must stop there. A protected account among them is written into the changes as a hazard, which stops the whole run.
    """
    wish = wish.checked()
    uncovered: list[Entry] = []
    weak: dict[str, list[Entry]] = {}
    for user in domain.users.values():
        pso = domain.psos.get((user.text(RESULTANT) or "").casefold())
        if pso is None:
            if user.text(RESULTANT):
                raise PlanError(f"{user.text(RESULTANT)}, in force for {label_of(user)}, cannot be read: unverified.")
            uncovered.append(user)
        elif _weak(wish, pso.int(LENGTH), pso.int(AGE)):
            weak.setdefault(pso.dn.casefold(), []).append(user)
    if not _weak(wish, domain.policy.int("minPwdLength"), domain.policy.int("maxPwdAge")):
        uncovered = []
    own_dn = child_dn(wish.name, domain.container_dn)
    not_ready: dict[str, str] = {}
    for key, users in sorted(weak.items()):
        pso = domain.psos[key]
        hazards, sentences = _expiring(users, pso.int(AGE), wish, protected, accepted, now)
        not_ready |= sentences
        plan.changes += _stricter(pso, wish, hazards)
        if key != own_dn.casefold():
            plan.notice(pso.dn, "shared", f"{pso.dn} holds for everyone it names; all of them get the stricter policy.")
    if uncovered:
        hazards, sentences = _expiring(uncovered, domain.policy.int("maxPwdAge"), wish, protected, accepted, now)
        not_ready |= sentences
        _cover(plan, domain, wish, own_dn, uncovered, hazards, already=own_dn.casefold() in weak)
    return [not_ready[key] for key in sorted(not_ready)]


def _weak(wish: Wish, length: int | None, age: int | None) -> bool:
    return (length or 0) < wish.minimum_length or _longer(age, wish.maximum_age)


def _longer(age: int | None, limit: int) -> bool:
    """Whether a maximum age allows more than ``limit`` (both negative; 0 and the smallest number mean never)."""
    return age in (None, 0, _NEVER) or (age or 0) < limit


def _stricter(pso: Entry, wish: Wish, hazards: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    changes = []
    if (pso.int(LENGTH) or 0) < wish.minimum_length:
        changes.append(replace_change(pso, LENGTH, [str(wish.minimum_length)], hazards=hazards))
    if _longer(pso.int(AGE), wish.maximum_age):
        shown = (_days(pso.int(AGE)), _days(wish.maximum_age))
        changes.append(replace_change(pso, AGE, [str(wish.maximum_age)], display=shown, hazards=hazards))
    return [change for change in changes if change is not None]


def _days(age: int | None) -> str:
    return "never" if age in (None, 0, _NEVER) else f"{-(age or 0) // _DAY} days"


def _cover(
    plan: Plan,
    domain: Domain,
    wish: Wish,
    own_dn: str,
    uncovered: Sequence[Entry],
    hazards: Sequence[Mapping[str, str]],
    *,
    already: bool,
) -> None:
    """Name the accounts that no PSO holds for in the PSO of the wished name: create it, or add to it."""
    left = {user.dn.casefold(): user for user in uncovered}
    targets: list[str] = []
    for group, inside in domain.groups:
        if inside & left.keys():
            targets.append(group.dn)
            left = {key: user for key, user in left.items() if key not in inside}
    targets += sorted(user.dn for user in left.values())
    own = domain.psos.get(own_dn.casefold())
    if own is None:
        highest = max((pso.int(PRECEDENCE) or 0 for pso in domain.psos.values()), default=0)
        attributes = _attributes(domain.policy, wish, highest + _STEP, targets)
        plan.changes.append(
            creation(own_dn, attributes, label=wish.name, object_type="password_settings", hazards=hazards)
        )
        return
    if not already:
        plan.changes += _stricter(own, wish, hazards)
    named = {dn.casefold() for dn in own.texts(TARGETS)}
    for target in targets:
        if target.casefold() not in named:
            change = values_change(own, TARGETS, add=[target], hazards=hazards)
            if change is not None:
                plan.changes.append(change)


def _attributes(policy: Entry, wish: Wish, precedence: int, targets: Sequence[str]) -> dict[str, list[str]]:
    """A PSO needs all of these; what was not asked for is as strict as the domain's policy."""
    age = max(wish.maximum_age, policy.int("maxPwdAge") or _NEVER)
    least = policy.int("minPwdAge") or 0
    return {
        "objectClass": ["msDS-PasswordSettings"],
        PRECEDENCE: [str(precedence)],
        "msDS-PasswordReversibleEncryptionEnabled": ["FALSE"],
        "msDS-PasswordComplexityEnabled": ["TRUE"],
        "msDS-PasswordHistoryLength": [str(policy.int("pwdHistoryLength") or 0)],
        LENGTH: [str(max(wish.minimum_length, policy.int("minPwdLength") or 0))],
        # a password must be allowed to change before it has to
        "msDS-MinimumPasswordAge": [str(least if least > age else 0)],
        AGE: [str(age)],
        "msDS-LockoutThreshold": [str(policy.int("lockoutThreshold") or 0)],
        "msDS-LockoutObservationWindow": [str(policy.int("lockOutObservationWindow") or 0)],
        "msDS-LockoutDuration": [str(policy.int("lockoutDuration") or 0)],
        TARGETS: list(targets),
    }


def _expiring(
    users: Iterable[Entry],
    present: int | None,
    wish: Wish,
    protected: Protected,
    accepted: Callable[[Entry], bool],
    now: datetime,
) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Hazards (protected accounts) and sentences (others) about passwords that would expire at once."""
    hazards: list[dict[str, str]] = []
    sentences: dict[str, str] = {}
    if not _longer(present, wish.maximum_age):
        return hazards, sentences
    limit = now - timedelta(days=wish.maximum_age_days)
    for user in users:
        flags = user.int("userAccountControl")
        if flags is not None and flags & _AGELESS:
            continue
        changed = ad_time.from_filetime(user.int("pwdLastSet") or 0)
        if user.int("pwdLastSet") == 0 or (changed is not None and changed >= limit):
            continue  # must be changed at the next logon anyway, or is young enough
        found = protected.hazards(user.sid())
        hazards += [each for each in found if each not in hazards]
        if not found and not accepted(user):
            when = "at an unknown date" if changed is None else f"on {changed:%Y-%m-%d}"
            sentences[user.dn.casefold()] = (
                f"{label_of(user)}: its password, last changed {when}, would expire at once. Change it first."
            )
    return hazards, sentences
