# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Silos: created in audit mode, in order, extended, enforced; never loosened, never with a protected account."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_silos
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected

from .conftest import BASE, CONFIGURATION, DOMAIN, FakeDirectory, make_entry

CONTAINER = f"CN=AuthN Policy Configuration,CN=Services,{CONFIGURATION}"
SILO = f"CN=Tier 0,CN=AuthN Silos,{CONTAINER}"
POLICY = f"CN=Tickets courts,CN=AuthN Policies,{CONTAINER}"
CHIEF, DEPUTY = make_entry("adm.chef", 1201), make_entry("adm.adjoint", 1202)


def silo(enforced: str = "FALSE", members: tuple[str, ...] = (), policy: str | None = POLICY) -> Entry:
    more = {"msDS_UserAuthNPolicy": policy} if policy else {}
    return make_entry(
        "Tier 0", None, dn=SILO, classes=("top", "msDS-AuthNPolicySilo"), msDS_AuthNPolicySiloEnforced=enforced,
        msDS_AuthNPolicySiloMembers=list(members), **more,
    )  # fmt: skip


def policy(enforced: str = "FALSE", minutes: int = 240) -> Entry:
    return make_entry(
        "Tickets courts", None, dn=POLICY, classes=("top", "msDS-AuthNPolicy"), msDS_AuthNPolicyEnforced=enforced,
        msDS_UserTGTLifetime=minutes * 600_000_000,
    )  # fmt: skip


def planned(
    entries: list[Entry],
    accounts: list[Entry],
    enforce: bool = False,
    protected: Protected | None = None,
    level: int = 7,
    minutes: int = 240,
) -> list[dict[str, Any]]:
    head = make_entry("d", None, dn=BASE, msDS_Behavior_Version=level)
    directory = FakeDirectory([head, make_entry("c", None, dn=CONTAINER), *entries])
    wish = plan_silos.Wish("Tier 0", "Tickets courts", minutes, enforce)
    plan = Plan()
    found = plan_silos.read(directory, wish)
    plan_silos.plan_silo(plan, found, wish, accounts, protected=protected or Protected())
    return plan.changes


def shown(changes: list[dict[str, Any]]) -> list[tuple[str, str | None, Any]]:
    return [(each["object"]["dn"].partition(",")[0], each["attribute"], each["after"]) for each in changes]


def test_created_in_audit_mode_policy_first_accounts_last() -> None:
    changes = planned([], [CHIEF, DEPUTY, CHIEF])
    assert [each["kind"] for each in changes] == ["object", "object", "replace", "replace"]
    made, house, first, second = changes
    assert made["object"]["id"] == POLICY
    assert made["after"]["attributes"] == {
        "objectClass": ["msDS-AuthNPolicy"],
        "msDS-AuthNPolicyEnforced": ["FALSE"],
        "msDS-UserTGTLifetime": ["144000000000"],
    }
    assert house["object"]["id"] == SILO
    assert house["after"]["attributes"]["msDS-AuthNPolicySiloMembers"] == [CHIEF.dn, DEPUTY.dn]
    assert house["after"]["attributes"]["msDS-AuthNPolicySiloEnforced"] == ["FALSE"]
    assert house["after"]["attributes"]["msDS-UserAuthNPolicy"] == [POLICY]
    assert shown([first, second]) == [
        ("CN=adm.chef", "msDS-AssignedAuthNPolicySilo", [SILO]),
        ("CN=adm.adjoint", "msDS-AssignedAuthNPolicySilo", [SILO]),
    ]
    assert all(each["reversible"] for each in changes)


def test_nothing_to_do_twice() -> None:
    inside = make_entry("adm.chef", 1201, msDS_AssignedAuthNPolicySilo=SILO.upper())
    assert planned([silo(members=(CHIEF.dn.lower(),)), policy()], [inside]) == []
    assert planned([silo("TRUE", (CHIEF.dn,)), policy("TRUE")], [inside], enforce=True) == []


def test_enforced_afterwards_touches_the_two_switches_only() -> None:
    inside = make_entry("adm.chef", 1201, msDS_AssignedAuthNPolicySilo=SILO)
    assert shown(planned([silo(members=(CHIEF.dn,)), policy()], [inside], enforce=True)) == [
        ("CN=Tickets courts", "msDS-AuthNPolicyEnforced", ["TRUE"]),
        ("CN=Tier 0", "msDS-AuthNPolicySiloEnforced", ["TRUE"]),
    ]


def test_observing_never_loosens() -> None:
    inside = make_entry("adm.chef", 1201, msDS_AssignedAuthNPolicySilo=SILO)
    assert planned([silo("TRUE", (CHIEF.dn,)), policy("TRUE", 60)], [inside]) == []
    longer = planned([silo("TRUE", (CHIEF.dn,)), policy("TRUE", 600)], [inside])
    assert shown(longer) == [("CN=Tickets courts", "msDS-UserTGTLifetime", ["144000000000"])]
    assert longer[0]["display"] == {"before": "600 min", "after": "240 min"}


def test_another_account_joins() -> None:
    changes = planned([silo(members=(CHIEF.dn,)), policy()], [DEPUTY])
    assert shown(changes) == [
        ("CN=Tier 0", "msDS-AuthNPolicySiloMembers", [DEPUTY.dn]),
        ("CN=adm.adjoint", "msDS-AssignedAuthNPolicySilo", [SILO]),
    ]


def test_refusals_name_everyone() -> None:
    elsewhere = make_entry("adm.ailleurs", 1203, msDS_AssignedAuthNPolicySilo="CN=Autre,DC=x")
    machine = make_entry("PC1$", 1204, classes=("top", "user", "computer"))
    with pytest.raises(PlanError) as raised:
        planned([silo(policy="CN=Autre politique,DC=x")], [elsewhere, machine])
    for name in ("adm.ailleurs", "PC1$", "Autre politique"):
        assert name in str(raised.value)


@pytest.mark.parametrize(("level", "minutes", "says"), [(5, 240, "2012 R2"), (7, 30, "45"), (7, 601, "600")])
def test_refused(level: int, minutes: int, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        planned([], [CHIEF], level=level, minutes=minutes)


def test_hidden_container() -> None:
    head = make_entry("d", None, dn=BASE, msDS_Behavior_Version=7)
    with pytest.raises(PlanError, match="unverified"):
        plan_silos.read(FakeDirectory([head]), plan_silos.Wish("a", "b", 240, enforce=False))


def test_protected_accounts_stop_the_run() -> None:
    glass = Account("break_glass", f"{DOMAIN}-1201", "bris-de-glace-1", dn=CHIEF.dn)
    changes = planned([], [CHIEF, DEPUTY], protected=Protected([glass]))
    by_kind = {shown([each])[0][0]: [hazard["kind"] for hazard in each["hazards"]] for each in changes}
    assert by_kind == {
        "CN=Tickets courts": [],
        "CN=Tier 0": ["break_glass"],
        "CN=adm.chef": ["break_glass"],
        "CN=adm.adjoint": [],
    }
    # somebody put it into the silo by hand: enforcing would hold it
    inside = make_entry("adm.adjoint", 1202, msDS_AssignedAuthNPolicySilo=SILO)
    there = silo(members=(CHIEF.dn.upper(), DEPUTY.dn))
    enforced = planned([there, policy()], [inside], enforce=True, protected=Protected([glass]))
    assert [hazard["kind"] for each in enforced for hazard in each["hazards"]] == ["break_glass"]
