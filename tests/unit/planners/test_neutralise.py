"""ANSSI's neutralising: order, what stays, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_neutralise import (
    MARK,
    Reason,
    described,
    plan_neutralise,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected
from hypothesis import given
from hypothesis import strategies as st

from .conftest import BASE, DOMAIN, make_entry

WHY = Reason("compte dormant depuis 412 jours", "2026-11-22")
ADMINS = make_entry("Admins du domaine", 512, dn=f"CN=Admins du domaine,CN=Users,{BASE}", classes=("group",))
NURSES = make_entry("Infirmières", 1500, dn=f"CN=Infirmières,OU=L'hôpital,{BASE}", classes=("group",))


def neutralised(entry: Entry, protected: Protected | None = None, groups: tuple[Entry, ...] = (ADMINS, NURSES)) -> Plan:
    plan = Plan()
    plan_neutralise(
        plan, entry, {g.dn.casefold(): g for g in groups}, WHY, protected=protected or Protected(), count=lambda _g: 4
    )
    return plan


def dormant(**more: Any) -> Entry:
    return make_entry("f.martin", 1104, **{"userAccountControl": 0x200, "primaryGroupID": 513, **more})


def test_whole_way_in_order() -> None:
    changes = neutralised(dormant(memberOf=[NURSES.dn, ADMINS.dn], description="Stagiaire d'été")).changes
    assert [(c["object"]["label"], c["attribute"], c["mask"]) for c in changes] == [
        ("f.martin", "userAccountControl", 0x2),
        ("Infirmières", "member", None),
        ("Admins du domaine", "member", None),
        ("f.martin", "userAccountControl", 0x40000),
        ("f.martin", "description", None),
    ]
    assert changes[2]["context"]["members_before"] == 4
    assert changes[3]["side_effects"]
    assert changes[4]["before"] == ["Stagiaire d'été"]
    assert changes[4]["after"] == [f"{MARK} 2026-11-22 : {WHY.text} | Stagiaire d'été"]


def test_already_neutralised_changes_nothing_even_on_another_day() -> None:
    done = dormant(userAccountControl=0x40202, description=f"{MARK} 2025-01-01 : autre raison | Stagiaire")
    assert neutralised(done).changes == []


def test_a_description_without_room_is_left_and_said() -> None:
    plan = neutralised(dormant(userAccountControl=0x40202, description="x" * 1000))
    assert plan.changes == []
    assert [n["code"] for n in plan.notices] == ["description_full"]


@given(old=st.text(max_size=1100))
def test_the_old_description_is_kept_whole(old: str) -> None:
    new = described(old, WHY)
    assert new is None or (new.endswith(old) and MARK in new and len(new) <= 1024) or (new == old and MARK in old)


def test_a_privileged_primary_group_is_said() -> None:
    plan = neutralised(dormant(primaryGroupID=512))
    assert "privileged_primary_group" in [n["code"] for n in plan.notices]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (make_entry("PC$", 1300, classes=("user", "computer"), userAccountControl=0x1000), "is a computer"),
        (make_entry("Infirmières", 1500, classes=("group",)), "is a group"),
        (make_entry("krbtgt", 502, userAccountControl=0x202), "krbtgt"),
    ],
)
def test_refused(entry: Entry, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        neutralised(entry)


def test_a_group_that_cannot_be_read_stops() -> None:
    with pytest.raises(PlanError, match="cannot be read: CN=Infirmières"):
        neutralised(dormant(memberOf=[NURSES.dn]), groups=(ADMINS,))


def test_protected_account_has_a_hazard_on_each_change() -> None:
    protected = Protected([Account("automation", f"{DOMAIN}-1104", "f.martin")])
    changes = neutralised(dormant(memberOf=[ADMINS.dn]), protected).changes
    assert len(changes) == 4
    assert all(c["hazards"] for c in changes)
