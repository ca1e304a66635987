"""dSHeuristics by its positions, and the machine account quota."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_domain
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_domain import with_positions
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from hypothesis import given
from hypothesis import strategies as st

from .conftest import BASE, CONFIGURATION, make_entry

POSITIONS = [position for position in range(1, 32) if position % 10]
wishes = st.dictionaries(st.sampled_from(POSITIONS), st.sampled_from("0123456789abcdef"), max_size=8)


@st.composite
def heuristics(draw: st.DrawFn) -> str:
    """A string that a directory accepts: control characters in their places."""
    length = draw(st.integers(0, 35))
    return "".join(str(p // 10) if p % 10 == 0 else draw(st.sampled_from("0123f")) for p in range(1, length + 1))


@pytest.mark.parametrize(
    ("present", "wish", "expected"),
    [
        pytest.param("", {7: "0"}, "", id="absent-means-default"),
        pytest.param("0000002", {7: "0"}, "0000000", id="anonymous-binds-off"),
        pytest.param("0010002", {7: "0"}, "0010000", id="others-kept"),
        pytest.param("00000020010000010", {7: "0", 16: "0"}, "00000000010000000", id="two-at-once"),
        pytest.param("", {16: "f"}, "000000000100000f", id="padding-writes-the-tenth"),
        pytest.param("001", {28: "1", 29: "1"}, "00100000010000000002000000011", id="padding-writes-the-twentieth"),
        pytest.param("", {31: "2"}, "0000000001000000000200000000032", id="padding-writes-the-thirtieth"),
        pytest.param("000000000100000F", {16: "f"}, "000000000100000F", id="same-hex-digit"),
        pytest.param("0000002", {8: "0"}, "0000002", id="default-beyond-the-end"),
        pytest.param("00000000050000012", {16: "0"}, "00000000050000002", id="a-wrong-control-character-is-not-ours"),
    ],
)
def test_positions(present: str, wish: dict[int, str], expected: str) -> None:
    assert with_positions(present, wish) == expected


@given(present=heuristics(), wish=wishes)
def test_only_asked_positions_change_and_the_result_is_one_a_directory_accepts(
    present: str, wish: dict[int, str]
) -> None:
    after = with_positions(present, wish)
    assert len(after) >= len(present)
    for position in range(1, max(len(after), 35) + 1):
        old = present[position - 1] if position <= len(present) else "0"
        new = after[position - 1] if position <= len(after) else "0"
        if position in wish:
            assert new == wish[position]
        elif position % 10 == 0 and position <= len(after):
            assert new == str(position // 10)
        else:
            assert new == old
    assert with_positions(after, wish) == after


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"0": "1"}, "no position"),
        ({"100": "1"}, "no position"),
        ({"sept": "1"}, "no position"),
        ({"7": "12"}, "not one digit"),
        ({"7": ""}, "not one digit"),
        ({"7": "{{"}, "not one digit"),
        ({"7": "g"}, "not one digit"),
        ({"7": "0\n"}, "not one digit"),
        ({"10": "1"}, "control character"),
    ],
)
def test_wrong_wishes_are_named(wish: dict[str, str], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        plan_domain.wanted_positions(wish)


def test_change_of_heuristics_says_what_it_means() -> None:
    plan = Plan()
    service = make_entry(
        "Directory Service",
        None,
        dn=plan_domain.heuristics_dn(CONFIGURATION),
        classes=("nTDSService",),
        dSHeuristics="0000002",
    )
    plan_domain.plan_heuristics(plan, service, {"7": "0"})
    (change,) = plan.changes
    assert (change["kind"], change["before"], change["after"]) == ("replace", ["0000002"], ["0000000"])
    assert change["display"]["before"] == "0000002\n7: fLDAPBlockAnonOps = 2"
    assert change["display"]["after"] == "0000000\n7: fLDAPBlockAnonOps = 0"


def test_absent_heuristics_are_the_defaults() -> None:
    plan = Plan()
    service = make_entry("Directory Service", None, dn=plan_domain.heuristics_dn(CONFIGURATION))
    plan_domain.plan_heuristics(plan, service, {"7": "0", "16": "0"})
    assert plan.changes == []
    plan_domain.plan_heuristics(plan, service, {"3": "1"})
    assert (plan.changes[0]["before"], plan.changes[0]["after"]) == ([], ["001"])


@pytest.mark.parametrize(
    ("present", "wanted", "expected"),
    [
        ("10", 0, (["10"], ["0"])),
        ("0", 0, None),
        (None, 0, ([], ["0"])),
        (None, 5, ([], ["5"])),
        ("0", 10, (["0"], ["10"])),
    ],
)
def test_quota(present: str | None, wanted: int, expected: tuple[list[str], list[str]] | None) -> None:
    plan = Plan()
    extra = {} if present is None else {"ms_DS_MachineAccountQuota": present}
    plan_domain.plan_quota(
        plan, make_entry("chu-valmont", None, dn=BASE, classes=("domain", "domainDNS"), **extra), wanted
    )
    assert [(c["before"], c["after"]) for c in plan.changes] == ([expected] if expected else [])
    assert all(c["object"]["type"] == "domain" for c in plan.changes)


def test_negative_quota() -> None:
    with pytest.raises(PlanError, match="negative"):
        plan_domain.plan_quota(Plan(), make_entry("d", None), -1)


# --- password settings and menus of the whole domain -------------------------------------------------------------


@pytest.mark.parametrize(("properties", "before"), [("17", 16), ("16", 16), ("1", None), ("-2147483631", 16)])
def test_reversible_passwords_are_one_bit(properties: str, before: int | None) -> None:
    plan = Plan()
    plan_domain.plan_no_reversible_passwords(plan, make_entry("d", None, dn=BASE, pwdProperties=properties))
    assert [(each["mask"], each["before"], each["after"]) for each in plan.changes] == (
        [] if before is None else [(16, before, 0)]
    )
    assert bool(plan.notices) is (before is not None)


def test_hidden_password_properties_are_not_zero() -> None:
    with pytest.raises(PlanError, match="unverified"):
        plan_domain.plan_no_reversible_passwords(Plan(), make_entry("d", None, dn=BASE))


EXPIRE = "msDS_ExpirePasswordsOnSmartCardOnlyAccounts"


@pytest.mark.parametrize(
    ("facts", "known", "before", "notices"),
    [
        ({"msDS_Behavior_Version": 7}, True, [], 0),
        ({"msDS_Behavior_Version": 7, EXPIRE: "FALSE"}, True, ["FALSE"], 0),
        ({"msDS_Behavior_Version": 6}, True, [], 1),
        ({"msDS_Behavior_Version": 6}, False, None, 1),
        ({"msDS_Behavior_Version": 7, EXPIRE: "TRUE"}, True, None, 0),
    ],
)
def test_smartcard_secrets(facts: dict[str, object], known: bool, before: list[str] | None, notices: int) -> None:
    plan = Plan()
    plan_domain.plan_expire_smartcard_passwords(plan, make_entry("d", None, dn=BASE, **facts), known)
    wanted = [] if before is None else [(before, ["TRUE"])]
    assert [(each["before"], each["after"]) for each in plan.changes] == wanted
    assert len(plan.notices) == notices


MENU = r"9,&Aide,\\srv1\outils\aide.exe"


def test_menu_entries_are_removed_one_by_one() -> None:
    classes = ("top", "displaySpecifier")
    other = "1,{08eb4fa6-6ffd-11d1-b0e0-00c04fd8dca6}"
    entry = make_entry("user-Display", None, classes=classes, adminContextMenu=[other, MENU, "8,x,y.exe"])
    plan = Plan()
    asked = [("ADMINCONTEXTMENU", MENU), ("adminContextMenu", "gone"), ("adminContextMenu", MENU)]
    plan_domain.plan_menu_entries(plan, [(entry, name, value) for name, value in asked])
    assert [(each["attribute"], each["before"], each["after"]) for each in plan.changes] == [
        ("adminContextMenu", [MENU], [])
    ]
    with pytest.raises(PlanError, match="holds no menus"):
        plan_domain.plan_menu_entries(Plan(), [(entry, "objectClass", "top")])
    with pytest.raises(PlanError, match="no display specifier"):
        plan_domain.plan_menu_entries(Plan(), [(make_entry("benoît"), "adminContextMenu", MENU)])
