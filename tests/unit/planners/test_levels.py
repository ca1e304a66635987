# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Functional levels are raised once, at the right domain controller, and never while something is older."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_levels
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError

from .conftest import BASE, CONFIGURATION, FakeDirectory, make_entry

SITES = f"CN=Sites,{CONFIGURATION}"


def settings_of(server: str) -> str:
    return f"CN=NTDS Settings,CN={server},CN=Servers,CN=Site,{SITES}"


class Forest(FakeDirectory):
    """Domain controllers as ``{name: version}``; levels of domain, forest and another domain."""

    schema_dn = f"CN=Schema,{CONFIGURATION}"

    def __init__(
        self,
        controllers: dict[str, int],
        domain: int = 6,
        forest: int = 6,
        other: int | None = None,
        pdc: str = "DC1",
        schema: str = "DC1",
        connected: str = "DC1",
    ) -> None:
        head = make_entry("d", None, dn=BASE, msDS_Behavior_Version=domain, fSMORoleOwner=settings_of(pdc))
        parts = make_entry("p", None, dn=f"CN=Partitions,{CONFIGURATION}", msDS_Behavior_Version=forest)
        schema_head = make_entry("s", None, dn=self.schema_dn, fSMORoleOwner=settings_of(schema))
        super().__init__([head, parts, schema_head])
        self.root_dse: dict[str, list[str]] = {"dsServiceName": [settings_of(connected)]}
        self.answers["(objectClass=nTDSDSA)"] = [
            make_entry(name, None, dn=settings_of(name), msDS_Behavior_Version=version)
            for name, version in controllers.items()
        ]
        own = make_entry("own", None, dn=f"CN=CHU,CN=Partitions,{CONFIGURATION}", nCName=BASE)
        self.answers[plan_levels._DOMAINS] = [own]
        if other is not None:
            self.answers[plan_levels._DOMAINS].append(
                make_entry("o", None, dn=f"CN=EHPAD,CN=Partitions,{CONFIGURATION}", nCName="DC=ehpad,DC=test",
                           msDS_Behavior_Version=other)
            )  # fmt: skip


def planned(directory: Forest, wanted: str = "2016", enforce: bool = True) -> Plan:
    plan = Plan()
    plan_levels.plan_level(plan, plan_levels.read(directory), wanted, enforce=enforce)
    return plan


def test_domain_then_forest_and_never_back() -> None:
    plan = planned(Forest({"DC1": 7, "DC2": 7}))
    assert [(each["object"]["dn"], each["before"], each["after"]) for each in plan.changes] == [
        (BASE, ["6"], ["7"]),
        (f"CN=Partitions,{CONFIGURATION}", ["6"], ["7"]),
    ]
    assert {(each["reversible"], each["irreversible_reason"]) for each in plan.changes} == {(False, "functional_level")}
    assert planned(Forest({"DC1": 7}, domain=7, forest=7)).changes == []
    assert planned(Forest({"DC1": 7}, domain=7, forest=7), "2012R2").changes == []
    assert planned(Forest({"DC1": 10}, domain=10, forest=10)).changes == []
    assert [each["object"]["dn"] for each in planned(Forest({"DC1": 7}, domain=7)).changes] == [
        f"CN=Partitions,{CONFIGURATION}"
    ]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"controllers": {"DC1": 7, "VIEUX": 6}}, "VIEUX (2012 R2)"),
        ({"controllers": {"DC1": 7}, "other": 6}, "DC=ehpad,DC=test"),
        ({"controllers": {"DC1": 7, "DC2": 7}, "pdc": "DC2"}, "PDC emulator, DC2"),
        ({"controllers": {}}, "unverified"),
    ],
)
def test_refused(facts: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError) as raised:
        planned(Forest(**facts))
    assert says in str(raised.value)


def test_observing_says_what_is_in_the_way_and_plans_nothing() -> None:
    plan = planned(Forest({"DC1": 7, "VIEUX": 4}, other=3), enforce=False)
    assert plan.changes == []
    assert [notice["code"] for notice in plan.notices] == ["functional_level"] * 2
    assert "VIEUX (2008 R2)" in plan.notices[0]["text"]
    ready = planned(Forest({"DC1": 7}), enforce=False)
    assert (ready.changes, "ready" in ready.notices[0]["text"]) == ([], True)


def test_the_forest_waits_for_the_schema_master() -> None:
    plan = planned(Forest({"DC1": 7, "DC2": 7}, schema="DC2"))
    assert [each["object"]["dn"] for each in plan.changes] == [BASE]
    assert "DC2" in plan.notices[0]["text"]


def test_unreadable_is_never_raised() -> None:
    directory = Forest({"DC1": 7})
    directory.entries = directory.entries[:1]
    with pytest.raises(PlanError, match="Partitions"):
        planned(directory)
