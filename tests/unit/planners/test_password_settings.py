# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Password settings for privileged accounts: whom they name, never looser, never an expiry that locks someone out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time, plan_password_settings, uac
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_members import escape_filter
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_names import child_dn, rdn_value
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected
from hypothesis import given
from hypothesis import strategies as st

from .conftest import BASE, DOMAIN, FakeDirectory, make_entry

DAY = 86400 * 10_000_000
NOW = datetime(2026, 11, 22, tzinfo=UTC)
CONTAINER = f"CN=Password Settings Container,CN=System,{BASE}"
WISH = plan_password_settings.Wish("Comptes privilégiés", 12, 1095)
OWN = child_dn(WISH.name, CONTAINER)
ADMINS = make_entry("Admins du domaine", 512, classes=("top", "group"), dn=f"CN=Admins du domaine,CN=Users,{BASE}")
BUILTIN = make_entry(
    "Administrateurs", None, sid="S-1-5-32-544", classes=("top", "group"), dn=f"CN=Administrateurs,CN=Builtin,{BASE}"
)


def since(days: int) -> int:
    return ad_time.to_filetime(NOW - timedelta(days=days))


def user(name: str, rid: int, days: int = 100, flags: int = 0, pso: str | None = None) -> Entry:
    more = {"msDS_ResultantPSO": pso} if pso else {}
    return make_entry(name, rid, userAccountControl=512 | flags, pwdLastSet=since(days), **more)


def pso(name: str, length: int, age: int, precedence: int = 20, *targets: str) -> Entry:
    return make_entry(
        name, None, classes=("top", "msDS-PasswordSettings"), dn=f"CN={name},{CONTAINER}",
        msDS_MinimumPasswordLength=length, msDS_MaximumPasswordAge=age, msDS_PasswordSettingsPrecedence=precedence,
        msDS_PSOAppliesTo=list(targets),
    )  # fmt: skip


def world(
    admins: list[Entry], builtin: list[Entry] = [], psos: list[Entry] = [], length: int = 7, age: int = -42 * DAY  # noqa: B006
) -> FakeDirectory:
    head = make_entry(
        "d", None, dn=BASE, minPwdLength=length, maxPwdAge=age, minPwdAge=-DAY, pwdHistoryLength=24,
        lockoutThreshold=10, lockoutDuration=-1800, lockOutObservationWindow=-1800,
    )  # fmt: skip
    directory = FakeDirectory([head, make_entry("c", None, dn=CONTAINER), ADMINS, BUILTIN])
    directory.answers["(objectClass=msDS-PasswordSettings)"] = psos
    for group, inside, primary in ((ADMINS, admins, "(primaryGroupID=512)"), (BUILTIN, [*builtin, *admins], "")):
        chain = f"(memberOf:1.2.840.113556.1.4.1941:={escape_filter(group.dn)})"
        directory.answers[f"(&(sAMAccountType=805306368)(|{chain}{primary}))"] = inside
    return directory


def planned(
    directory: FakeDirectory,
    wish: plan_password_settings.Wish = WISH,
    protected: Protected | None = None,
    accept: set[str] = frozenset(),  # type: ignore[assignment]
) -> tuple[Plan, list[str]]:
    plan = Plan()
    not_ready = plan_password_settings.plan_settings(
        plan,
        plan_password_settings.read(directory),
        wish,
        protected=protected or Protected(),
        accepted=lambda entry: entry.text("sAMAccountName") in accept,
        now=NOW,
    )
    return plan, not_ready


def test_created_for_the_global_group_and_for_others_one_by_one() -> None:
    chief, lonely = user("adm.chef", 1201), user("adm.seul", 1202)
    plan, not_ready = planned(world([chief], [lonely]))
    (change,) = plan.changes
    assert not_ready == []
    assert (change["kind"], change["object"]["id"], change["before"]) == ("object", OWN, None)
    made: dict[str, Any] = change["after"]["attributes"]
    assert made["msDS-PSOAppliesTo"] == [ADMINS.dn, lonely.dn]
    assert made["objectClass"] == ["msDS-PasswordSettings"]
    assert (made["msDS-MinimumPasswordLength"], made["msDS-PasswordReversibleEncryptionEnabled"]) == (["12"], ["FALSE"])
    # what was not asked for is as strict as the domain: 42 days are stricter than three years
    assert made["msDS-MaximumPasswordAge"] == [str(-42 * DAY)]
    assert (made["msDS-LockoutThreshold"], made["msDS-PasswordHistoryLength"]) == (["10"], ["24"])
    assert (made["msDS-MinimumPasswordAge"], made["msDS-PasswordSettingsPrecedence"]) == ([str(-DAY)], ["10"])


def test_a_strong_domain_needs_none() -> None:
    assert planned(world([user("adm.chef", 1201)], length=12)) == (Plan(), [])
    assert planned(world([], length=1))[0].changes == []


def test_disabled_accounts_do_not_count() -> None:
    assert planned(world([user("adm.parti", 1201, flags=uac.ACCOUNTDISABLE)]))[0].changes == []


def test_a_weak_object_is_made_stricter_and_a_strong_one_left() -> None:
    weak, strong = pso("Faible", 6, 0), pso("Forte", 40, -365 * DAY, 5)
    chief = user("adm.chef", 1201, pso=weak.dn.upper())
    other = user("svc", 1202, pso=strong.dn)
    plan, _ = planned(world([chief, other], psos=[weak, strong]))
    assert [(each["object"]["dn"], each["attribute"], each["before"], each["after"]) for each in plan.changes] == [
        (weak.dn, "msDS-MinimumPasswordLength", ["6"], ["12"]),
        (weak.dn, "msDS-MaximumPasswordAge", ["0"], [str(-1095 * DAY)]),
    ]
    assert plan.notices[0]["code"] == "shared"
    assert plan.changes[1]["display"] == {"before": "never", "after": "1095 days"}


def test_a_new_object_gives_way_to_those_that_are_there() -> None:
    strong = pso("Forte", 40, -365 * DAY, 30)
    plan, _ = planned(world([user("adm.chef", 1201), user("svc", 1202, pso=strong.dn)], psos=[strong]))
    assert plan.changes[0]["after"]["attributes"]["msDS-PasswordSettingsPrecedence"] == ["40"]


def test_the_object_of_an_earlier_run_is_extended() -> None:
    own = pso(WISH.name, 12, -365 * DAY, 10, ADMINS.dn.upper())
    lonely = user("adm.seul", 1202)
    plan, _ = planned(world([], [lonely], psos=[own]))
    assert [(each["kind"], each["attribute"], each["after"]) for each in plan.changes] == [
        ("values", "msDS-PSOAppliesTo", [lonely.dn])
    ]
    assert planned(world([user("adm.chef", 1201, pso=own.dn)], psos=[own]))[0].changes == []


@given(length=st.integers(0, 60), age=st.one_of(st.just(0), st.just(-(2**63)), st.integers(-4000 * DAY, -DAY)))
def test_never_looser(length: int, age: int) -> None:
    there = pso("Là", length, age)
    plan, _ = planned(world([user("adm.chef", 1201, pso=there.dn)], psos=[there]), accept={"adm.chef"})
    now = {change["attribute"]: int(change["after"][0]) for change in plan.changes}
    assert now.get("msDS-MinimumPasswordLength", length) >= max(length, 12)
    after = now.get("msDS-MaximumPasswordAge", age)
    assert -1095 * DAY <= after < 0
    assert age in (0, -(2**63)) or after >= age
    made, _ = planned(world([user("adm.chef", 1201)], length=length, age=age), accept={"adm.chef"})
    for change in made.changes:
        facts = change["after"]["attributes"]
        assert int(facts["msDS-MinimumPasswordLength"][0]) >= max(length, 12)
        assert -1095 * DAY <= int(facts["msDS-MaximumPasswordAge"][0]) < 0
        assert age in (0, -(2**63)) or int(facts["msDS-MaximumPasswordAge"][0]) >= age


def test_who_would_have_to_change_at_once_is_named_first() -> None:
    old, young = user("adm.vieux", 1201, days=1200), user("adm.chef", 1202, days=10)
    ageless = user("svc", 1203, days=4000, flags=uac.DONT_EXPIRE_PASSWORD)
    directory = world([old, young, ageless], age=0)
    _plan, not_ready = planned(directory)
    assert len(not_ready) == 1
    assert "adm.vieux" in not_ready[0]
    assert "2023-08-10" in not_ready[0]
    assert planned(directory, accept={"adm.vieux"})[1] == []
    # the domain already lets it expire: nothing new happens to it
    assert planned(world([old]))[1] == []


def test_a_protected_account_stops_the_run() -> None:
    glass = user("bris-de-glace-1", 1201, days=1200)
    protected = Protected([Account("break_glass", f"{DOMAIN}-1201", "bris-de-glace-1")])
    plan, not_ready = planned(world([glass], age=0), protected=protected, accept={"bris-de-glace-1"})
    assert not_ready == []
    assert [hazard["kind"] for hazard in plan.changes[0]["hazards"]] == ["break_glass"]
    fresh = user("bris-de-glace-1", 1201, days=10)
    assert planned(world([fresh], age=0), protected=protected)[0].changes[0]["hazards"] == []


def test_unreadable_is_refused() -> None:
    hidden = user("adm.chef", 1201, pso=f"CN=Cachée,{CONTAINER}")
    with pytest.raises(PlanError, match="Cachée"):
        planned(world([hidden]))
    directory = world([])
    directory.entries = [each for each in directory.entries if each.dn != CONTAINER]
    with pytest.raises(PlanError, match="Domain Admins"):
        planned(directory)


@pytest.mark.parametrize(("length", "age"), [(0, 100), (256, 100), (12, 0), (12, 4000)])
def test_wishes_that_make_no_sense(length: int, age: int) -> None:
    with pytest.raises(PlanError):
        planned(world([]), plan_password_settings.Wish("x", length, age))


def test_names_are_escaped() -> None:
    ldap_dn = pytest.importorskip("ldap.dn")
    for name in ("a, b", " x", "#x", "x ", "a+b=c;d<e>f\"g\\h", " ", "Été, d'accord"):
        assert ldap_dn.explode_dn(f"CN={rdn_value(name)},{BASE}", notypes=True)[0]
        parsed = ldap_dn.str2dn(child_dn(name, BASE))
        assert (parsed[0][0][0], parsed[0][0][1], len(parsed)) == ("CN", name, 3)
