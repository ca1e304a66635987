"""krbtgt's two steps: when each is refused, which proof the second one has, who is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_krbtgt import Step, plan_krbtgt
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_replicas import (
    Controller,
    Inventory,
    KeyState,
    list_controllers,
    prove,
)

from .conftest import BASE, CONFIGURATION, FakeDirectory, make_entry

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
SITES = f"CN=Servers,CN=Premier-Site,CN=Sites,{CONFIGURATION}"
ACCOUNTS = "(&(objectClass=computer)(|(primaryGroupID=516)(primaryGroupID=521)))"
SECONDARY = "(&(objectClass=user)(msDS-SecondaryKrbTgtNumber=*))"


def krbtgt(hours: float | None, version: int = 3) -> object:
    last = 0 if hours is None else ad_time.to_filetime(NOW - timedelta(hours=hours))
    return make_entry("krbtgt", 502, userAccountControl=0x202, pwdLastSet=last, msDS_KeyVersionNumber=version)


def step(name: str, hours: float = 24) -> Step:
    return Step(name, NOW, timedelta(hours=hours))


def controllers(*names: str) -> Inventory:
    return Inventory({name: Controller(name, settings=True, account=True) for name in names})


def answers(states: dict[str, KeyState]) -> Callable[[str], KeyState]:
    def ask(name: str) -> KeyState:
        if name not in states:
            raise TimeoutError("no answer in 5 s")
        return states[name]

    return ask


def state(hours: float, version: int = 3) -> KeyState:
    return KeyState(ad_time.to_filetime(NOW - timedelta(hours=hours)), version)


@pytest.mark.parametrize(
    ("name", "hours", "status"),
    [
        ("first", 9000, "planned"),
        ("first", 24, "planned"),
        ("first", 23.9, "waiting"),
        ("first", 0, "waiting"),
        ("second", 25, "planned"),
        ("second", 23.9, "waiting"),
    ],
)
def test_interval(name: str, hours: float, status: str) -> None:
    plan = Plan()
    facts = plan_krbtgt(plan, krbtgt(hours), step(name), controllers("dc1"), answers({"dc1": state(hours)}))  # type: ignore[arg-type]
    assert facts["status"] == status
    assert len(plan.changes) == (status == "planned")
    if status == "waiting":
        assert "refused" in facts["refused"]
        assert plan.notices[0]["code"] == "interval"


def test_the_change_is_irreversible_and_holds_no_secret() -> None:
    plan = Plan()
    plan_krbtgt(plan, krbtgt(100), step("second"), controllers("dc1"), answers({"dc1": state(100)}))  # type: ignore[arg-type]
    (change,) = plan.changes
    assert (change["kind"], change["attribute"], change["after"]) == ("password", "unicodePwd", "random")
    assert change["before"] == str(state(100).password_set)
    assert change["reversible"] is False
    assert change["irreversible_reason"]
    assert change["context"]["step"] == "second"


def test_second_needs_every_domain_controller() -> None:
    plan = Plan()
    with pytest.raises(PlanError, match=r"dc2 \(unverified\): cannot be read: no answer.*dc3 \(behind\)"):
        plan_krbtgt(
            plan,
            krbtgt(100),
            step("second"),
            controllers("dc1", "dc2", "dc3"),  # type: ignore[arg-type]
            answers({"dc1": state(100), "dc3": state(9000, 2)}),
        )
    assert plan.changes == []


def test_first_does_not_need_them_and_says_so() -> None:
    plan = Plan()
    plan_krbtgt(plan, krbtgt(100), step("first"), controllers("dc1", "dc2"), answers({"dc1": state(100)}))  # type: ignore[arg-type]
    assert len(plan.changes) == 1
    assert [(n["object"], n["code"]) for n in plan.notices] == [("dc2", "domain_controller_unproven")]


@pytest.mark.parametrize("inventory", [Inventory(), Inventory(nameless=["CN=NTDS Settings,CN=DC9"])])
def test_second_without_a_full_list_is_refused(inventory: Inventory) -> None:
    with pytest.raises(PlanError, match="unverified"):
        plan_krbtgt(Plan(), krbtgt(100), step("second"), inventory, answers({}))  # type: ignore[arg-type]


def test_second_without_a_first_is_refused() -> None:
    with pytest.raises(PlanError, match="no first one"):
        plan_krbtgt(Plan(), krbtgt(None), step("second"), controllers("dc1"), answers({"dc1": KeyState(0, 3)}))  # type: ignore[arg-type]


def test_unreadable_pwdlastset_is_unverified() -> None:
    with pytest.raises(PlanError, match="unverified"):
        plan_krbtgt(Plan(), make_entry("krbtgt", 502), step("first"), controllers("dc1"), answers({}))


def test_an_interval_shorter_than_a_ticket_is_refused() -> None:
    with pytest.raises(PlanError, match="ANSSI asks for 24"):
        step("first", 10)


@pytest.mark.parametrize(
    ("answer", "read_only", "expected"),
    [
        pytest.param(state(100), False, "known", id="same"),
        pytest.param(state(100, 2), False, "behind", id="older-key"),
        pytest.param(KeyState(state(100).password_set, None), False, "behind", id="key-version-hidden"),
        pytest.param(KeyState(state(100).password_set, None), True, "known", id="rodc-does-not-hold-the-key"),
        pytest.param(state(101), True, "behind", id="rodc-behind"),
        pytest.param(state(99, 4), False, "behind", id="somebody-reset-elsewhere"),
    ],
)
def test_proof(answer: KeyState, read_only: bool, expected: str) -> None:
    inventory = Inventory({"dc2": Controller("dc2", read_only=read_only)})
    assert [row["state"] for row in prove(inventory, state(100), lambda _n: answer).rows] == [expected]


def directory() -> FakeDirectory:
    """dc1 everywhere; dc2 in CN=Sites only; dc3 as an account only; a RODC; Entra's account; another domain's DC."""
    fake = FakeDirectory()
    fake.answers[SECONDARY] = [
        make_entry("krbtgt_30123", 1700, dn=f"CN=krbtgt_30123,CN=Users,{BASE}"),
        make_entry("krbtgt_AzureAD", 1701, dn=f"CN=krbtgt_AzureAD,CN=Users,{BASE}"),
    ]
    computer = ("user", "computer")
    fake.answers[ACCOUNTS] = [
        make_entry("DC1$", 1000, classes=computer, primaryGroupID=516, dNSHostName="DC1.chu-valmont.test"),
        make_entry("DC3$", 1003, classes=computer, primaryGroupID=516, dNSHostName="dc3.chu-valmont.test"),
        make_entry(
            "RODC$",
            1004,
            classes=computer,
            primaryGroupID=521,
            dNSHostName="rodc.chu-valmont.test",
            msDS_KrbTgtLink=f"CN=krbtgt_30123,CN=Users,{BASE}",
        ),
        make_entry(
            "AzureADKerberos$",
            1005,
            classes=computer,
            primaryGroupID=521,
            msDS_KrbTgtLink=f"CN=krbtgt_AzureAD,CN=Users,{BASE}",
        ),
    ]
    servers, settings = [], []
    for name, domain in (("dc1", BASE), ("dc2", BASE), ("rodc", BASE), ("other", "DC=autre,DC=test")):
        dn = f"CN={name},{SITES}"
        servers.append(make_entry(name, None, dn=dn, classes=("server",), dNSHostName=f"{name}.chu-valmont.test"))
        settings.append(
            make_entry(
                "NTDS Settings",
                None,
                dn=f"CN=NTDS Settings,{dn}",
                classes=("nTDSDSA", "nTDSDSARO") if name == "rodc" else ("nTDSDSA",),
                msDS_HasDomainNCs=domain,
            )
        )
    fake.answers["(objectClass=server)"] = servers
    fake.answers["(objectClass=nTDSDSA)"] = settings
    return fake


def test_every_registration_counts_but_other_domains_and_entra() -> None:
    inventory = list_controllers(directory())  # type: ignore[arg-type]
    found = {
        c.name.split(".")[0].lower(): (c.settings, c.account, c.read_only, c.krbtgt)
        for c in inventory.controllers.values()
    }
    assert found == {
        "dc1": (True, True, False, None),
        "dc2": (True, False, False, None),
        "dc3": (False, True, False, None),
        "rodc": (True, True, True, "krbtgt_30123"),
    }
    assert inventory.left_alone == ["krbtgt_AzureAD"]
    assert inventory.nameless == []


@pytest.mark.parametrize(
    ("attributes", "asked", "remnant"),
    [
        pytest.param({"dNSHostName": "vieux.chu-valmont.test"}, True, False, id="named-so-asked"),
        pytest.param(
            {"dNSHostName": "vieux.chu-valmont.test", "serverReference": f"CN=VIEUX,OU=DC,{BASE}"},
            True,
            False,
            id="of-this-domain",
        ),
        pytest.param(
            {"dNSHostName": "vieux.autre.test", "serverReference": "CN=VIEUX,OU=DC,DC=autre,DC=test"},
            False,
            True,
            id="of-another-domain",
        ),
        pytest.param({}, False, True, id="nameless"),
    ],
)
def test_server_objects_without_readable_settings(attributes: dict[str, str], asked: bool, remnant: bool) -> None:
    fake = directory()
    fake.answers["(objectClass=server)"].append(make_entry("vieux", None, dn=f"CN=vieux,{SITES}", **attributes))
    inventory = list_controllers(fake)  # type: ignore[arg-type]
    assert any(name.startswith("vieux") for name in inventory.controllers) is asked
    assert bool(inventory.remnants) is remnant


def test_a_domain_controller_without_a_name_cannot_be_asked() -> None:
    fake = directory()
    fake.answers[ACCOUNTS].append(make_entry("DC9$", 1009, classes=("computer",), primaryGroupID=516))
    inventory = list_controllers(fake)  # type: ignore[arg-type]
    assert inventory.nameless == [make_entry("DC9$", 1009).dn]
