# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""krbtgt's password, in two steps that are apart in time: ANSSI's vuln_krbtgt.

The domain keeps the key before the present one, so one reset breaks nothing and two resets end every ticket issued
before the first. The second one, made before every domain controller has the first, cuts those off: it needs proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    Plan,
    PlanError,
    password_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_replicas import (
    Inventory,
    KeyState,
    Proof,
    prove,
)

# A ticket lives 10 hours unless the domain says otherwise; MS-KILE allows 5 minutes of skew on each side. ANSSI
# asks for 24 hours between two resets made by hand.
SHORTEST_INTERVAL_HOURS: Final = 11
STEPS: Final = ("first", "second")

SIDE_EFFECTS: Final = tuple(
    {"attribute": name, "irreversible": True}
    for name in (
        "unicodePwd",
        "dBCSPwd",
        "supplementalCredentials",
        "ntPwdHistory",
        "lmPwdHistory",
        "pwdLastSet",
        "msDS-KeyVersionNumber",
    )
)
# Codes; changes/texts.py has the sentences.
REASON: Final = {"first": "krbtgt_first_reset", "second": "krbtgt_second_reset"}


@dataclass(frozen=True, slots=True)
class Step:
    """Which reset is asked for, when, and how long the last one must be ago."""

    name: str
    now: datetime
    interval: timedelta

    def __post_init__(self) -> None:
        if self.name not in STEPS:
            raise PlanError(f"step: {self.name!r} is neither first nor second.")
        if self.interval < timedelta(hours=SHORTEST_INTERVAL_HOURS):
            raise PlanError(
                f"minimum_interval_hours: {self.interval.total_seconds() / 3600:g} is less than "
                f"{SHORTEST_INTERVAL_HOURS}, the life of a ticket: valid tickets would be refused in the middle of "
                "their work. ANSSI asks for 24."
            )


def key_state(entry: Entry) -> KeyState:
    """krbtgt's state from its entry; PlanError when pwdLastSet is not readable."""
    last_set = entry.int("pwdLastSet")
    if last_set is None:
        raise PlanError(f"pwdLastSet of {entry.dn} cannot be read: unverified, so nothing is planned.")
    return KeyState(last_set, entry.int("msDS-KeyVersionNumber"))


def plan_krbtgt(
    plan: Plan, entry: Entry, step: Step, inventory: Inventory, ask: Callable[[str], KeyState]
) -> dict[str, Any]:
    """Add the reset, when it may be made; returns the facts that led there, for the module's result.

    ``status``: ``planned``, or ``waiting`` when the last reset is younger than the interval (no change: the same call
    made twice resets once). Raises PlanError, naming each domain controller, when the second step lacks its proof.
    """
    present = key_state(entry)
    last_set = ad_time.from_filetime(present.password_set)
    facts: dict[str, Any] = {
        "step": step.name,
        "password_last_set": last_set.isoformat() if last_set else None,
        "key_version": present.key_version,
        "earliest": (last_set + step.interval).isoformat() if last_set else None,
        "left_alone": inventory.left_alone,
        "remnants": inventory.remnants,
    }
    if last_set is not None and step.now - last_set < step.interval:
        hours = (step.now - last_set).total_seconds() / 3600
        text = (
            f"The {step.name} reset of krbtgt is refused: the last one is {hours:.1f} hours old, and "
            f"{step.interval.total_seconds() / 3600:g} must pass. Nothing is changed. "
            f"Earliest moment: {facts['earliest']}."
        )
        plan.notice("krbtgt", "interval", text)
        return {**facts, "status": "waiting", "refused": text, "domain_controllers": []}

    proof = prove(inventory, present, ask)
    facts["domain_controllers"] = proof.rows
    if step.name == "second":
        if last_set is None:
            raise PlanError("The second reset of krbtgt is refused: pwdLastSet says that there was no first one.")
        _demand(proof)
    else:
        for row in proof.unproven:
            plan.notice(
                row["name"],
                "domain_controller_unproven",
                f"{row['name']}: {row['reason']}. The first reset does not need it, the second will be refused.",
            )
    plan.changes.append(
        password_change(
            entry,
            reason=REASON[step.name],
            side_effects=SIDE_EFFECTS,
            context={"step": step.name, "key_version": present.key_version},
        )
    )
    return {**facts, "status": "planned"}


def _demand(proof: Proof) -> None:
    if not proof.rows:
        raise PlanError(
            "The second reset of krbtgt is refused (unverified): not one domain controller was found in "
            "CN=Sites or among the accounts. Check the rights of the account in use."
        )
    if proof.unproven:
        named = "; ".join(f"{row['name']} ({row['state']}): {row['reason']}" for row in proof.unproven)
        raise PlanError(
            "The second reset of krbtgt is refused: there is no proof that every domain controller has the first one. "
            f"{named}. Bring these back or let replication finish; for one that is gone for good, clean its metadata "
            "up, then run this again."
        )
