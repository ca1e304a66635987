"""Delegations, primary groups, SID histories, marks and AES: which changes, in which form, and what is refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model, texts
from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time, plan_account, uac
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_account import AccountWish, Surroundings
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_delegation import (
    DelegationWish,
    plan_delegation,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_primary_group import plan_primary_group
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_readiness import Facts, report
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_sid_history import (
    checked,
    plan_sid_history,
)

from .conftest import BASE, DOMAIN, make_entry

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TRANSITION = uac.TRUSTED_TO_AUTH_FOR_DELEGATION
NOBODY = Protected()
BREAK_GLASS = Protected([Account("break_glass", f"{DOMAIN}-1104", "bris-de-glace-1")])


def made(change: dict[str, Any]) -> tuple[Any, ...]:
    return change["kind"], change["attribute"], change["before"], change["after"]


# --- delegation

PORTAL = {"userAccountControl": 0x200 | TRANSITION, "msDS_AllowedToDelegateTo": ["cifs/DC1", "HTTP/intranet"]}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param(
            DelegationWish(("CIFS/dc1",)),
            [("values", "msDS-AllowedToDelegateTo", ["cifs/DC1"], [])],
            id="one target, any case",
        ),
        pytest.param(DelegationWish(("cifs/other",)), [], id="not there"),
        pytest.param(
            DelegationWish(("cifs/dc1",), "clear_unused"),
            [("values", "msDS-AllowedToDelegateTo", ["cifs/DC1"], [])],
            id="the transition is still used",
        ),
        pytest.param(
            DelegationWish(("cifs/dc1", "http/intranet"), "clear_unused"),
            [
                ("values", "msDS-AllowedToDelegateTo", ["HTTP/intranet", "cifs/DC1"], []),
                ("flags", "userAccountControl", TRANSITION, 0),
            ],
            id="no target is left",
        ),
        pytest.param(
            DelegationWish(transition="clear"), [("flags", "userAccountControl", TRANSITION, 0)], id="transition alone"
        ),
        pytest.param(DelegationWish(clear_resource_delegation=True), [], id="nothing to clear"),
    ],
)
def test_delegation(wish: DelegationWish, expected: list[tuple[Any, ...]]) -> None:
    plan = Plan()
    plan_delegation(plan, make_entry("svc-portail", **PORTAL), wish, NOBODY)
    assert [made(change) for change in plan.changes] == expected


def test_resource_delegation_is_cleared_whole_and_can_be_put_back() -> None:
    raw = b"\x01\x00text-like"
    entry = make_entry("DC1$", 1000, userAccountControl=0x82000, primaryGroupID=516,
                       msDS_AllowedToActOnBehalfOfOtherIdentity=raw)  # fmt: skip
    plan = Plan()
    plan_delegation(plan, entry, DelegationWish(clear_resource_delegation=True), NOBODY)
    (change,) = plan.changes
    encoded = {"base64": base64.b64encode(raw).decode()}
    assert made(change) == ("replace", "msDS-AllowedToActOnBehalfOfOtherIdentity", [encoded], [])
    assert change["reversible"] is True
    assert "unreadable descriptor" in change["display"]["before"]


@pytest.mark.parametrize(
    ("entry", "wish", "says"),
    [
        (make_entry("groupe", classes=("group",)), DelegationWish(("a/b",)), "cannot be read"),
        (make_entry("T$", userAccountControl=0x820), DelegationWish(("a/b",)), "trust"),
        (
            make_entry("RODC$", userAccountControl=0x5001000, primaryGroupID=521),
            DelegationWish(transition="clear"),
            "domain controller",
        ),
    ],
)
def test_delegation_refused(entry: Any, wish: DelegationWish, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        plan_delegation(Plan(), entry, wish, NOBODY)


def test_a_read_only_controller_keeps_its_transition() -> None:
    plan = Plan()
    rodc = make_entry("RODC$", userAccountControl=0x5001000, primaryGroupID=521)
    plan_delegation(plan, rodc, DelegationWish(transition="clear_unused"), NOBODY)
    assert plan.changes == []


def test_a_protected_account_keeps_its_hazard() -> None:
    plan = Plan()
    entry = make_entry("bris-de-glace-1", **PORTAL, msDS_AllowedToActOnBehalfOfOtherIdentity=b"x")
    plan_delegation(plan, entry, DelegationWish(("cifs/dc1",), "clear", True), BREAK_GLASS)
    assert len(plan.changes) == 3
    assert all(change["hazards"] for change in plan.changes)


# --- primary groups


def group(rid: int, name: str) -> Any:
    return make_entry(name, rid, classes=("top", "group"), dn=f"CN={name},CN=Users,{BASE}")


GROUPS = {
    513: group(513, "Utilisateurs du domaine"),
    514: group(514, "Invités du domaine"),
    515: group(515, "Ordinateurs du domaine"),
    516: group(516, "Contrôleurs de domaine"),
    521: group(521, "Contrôleurs de domaine en lecture seule"),
}
COMPUTER = ("top", "user", "computer")


@pytest.mark.parametrize(
    ("entry", "rid"),
    [
        pytest.param({"userAccountControl": 0x200, "primaryGroupID": 512}, 513, id="user"),
        pytest.param({"userAccountControl": 0x200, "primaryGroupID": 513}, None, id="user, default"),
        pytest.param({"userAccountControl": 0x200, "primaryGroupID": 514}, None, id="user, a guest by choice"),
        pytest.param({"rid": 501, "userAccountControl": 0x202, "primaryGroupID": 512}, 514, id="the Guest account"),
        pytest.param({"classes": COMPUTER, "userAccountControl": 0x1000, "primaryGroupID": 516}, 515, id="computer"),
        pytest.param({"classes": COMPUTER, "userAccountControl": 0x82000, "primaryGroupID": 515}, 516, id="controller"),
        pytest.param({"classes": COMPUTER, "userAccountControl": 0x5001000, "primaryGroupID": 515}, 521, id="RODC"),
    ],
)
def test_primary_group(entry: dict[str, Any], rid: int | None) -> None:
    facts = dict(entry)
    number = facts.pop("rid", 1104)
    member = [group.dn.upper() for group in GROUPS.values()]
    plan = Plan()
    plan_primary_group(plan, make_entry("é", number, memberOf=member, **facts), GROUPS, join=False, protected=NOBODY)
    before = [str(facts["primaryGroupID"])]
    expected = [] if rid is None else [("replace", "primaryGroupID", before, [str(rid)])]
    assert [made(change) for change in plan.changes] == expected
    assert [notice["code"] for notice in plan.notices] == ([] if rid is None else ["former_group_stays"])


def test_joining_the_default_group_must_be_allowed() -> None:
    entry = make_entry("externe", userAccountControl=0x200, primaryGroupID=1600)
    plan = Plan()
    with pytest.raises(PlanError, match="join_default_group"):
        plan_primary_group(plan, entry, GROUPS, join=False, protected=NOBODY)
    assert plan.changes == []
    plan_primary_group(plan, entry, GROUPS, join=True, protected=NOBODY)
    assert [made(change) for change in plan.changes] == [
        ("values", "member", [], [entry.dn]),
        ("replace", "primaryGroupID", ["1600"], ["513"]),
    ]
    assert plan.changes[0]["object"]["sid"] == f"{DOMAIN}-513"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (make_entry("T$", userAccountControl=0x820, primaryGroupID=513), "trust"),
        (group(1500, "GG"), "no account"),
        (make_entry("é", userAccountControl=0x200), "cannot be read"),
    ],
)
def test_primary_group_refused(entry: Any, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        plan_primary_group(Plan(), entry, GROUPS, join=True, protected=NOBODY)


def test_a_default_group_that_cannot_be_read_stops_it() -> None:
    entry = make_entry("é", userAccountControl=0x200, primaryGroupID=512)
    with pytest.raises(PlanError, match="513"):
        plan_primary_group(Plan(), entry, {}, join=True, protected=NOBODY)


# --- SID histories

FIRST, SECOND = "S-1-5-21-1-2-3-512", "S-1-5-21-1-2-3-1400"


def test_each_sid_is_a_change_of_its_own_and_irreversible() -> None:
    entry = make_entry("c.moreau", sIDHistory=[sids.to_bytes(SECOND), sids.to_bytes(FIRST)])
    plan = Plan()
    plan_sid_history(plan, entry, [FIRST, SECOND, "S-1-5-32-544"], NOBODY)
    one = Plan()
    plan_sid_history(one, entry, [FIRST], NOBODY)
    ids = [model.completed(change, "chu-valmont.test")["id"] for change in (*plan.changes, *one.changes)]
    assert len(plan.changes) == 2
    assert len(set(ids)) == 2  # the same change for both controls that may ask for it
    for change, value in zip(plan.changes, sorted((FIRST, SECOND)), strict=True):
        encoded = {"base64": base64.b64encode(sids.to_bytes(value)).decode()}
        assert made(change) == ("values", "sIDHistory", [encoded], [])
        assert (change["reversible"], change["irreversible_reason"]) == (False, "sid_history_lost")
        assert change["display"]["before"] == value


def test_a_history_that_cannot_be_read_stops_it() -> None:
    with pytest.raises(PlanError, match="no SID"):
        plan_sid_history(Plan(), make_entry("x", sIDHistory=b"\x01cut"), [FIRST], NOBODY)


def test_a_group_that_holds_a_protected_account_is_a_hazard() -> None:
    protected = Protected([Account("break_glass", f"{DOMAIN}-1105", "b", frozenset({f"{DOMAIN}-1700"}))])
    entry = make_entry("GG", 1700, classes=("group",), sIDHistory=sids.to_bytes(FIRST))
    plan = Plan()
    plan_sid_history(plan, entry, [FIRST], protected)
    assert plan.changes[0]["hazards"]


@pytest.mark.parametrize("values", [[], ["tous"], ["S-1-5-21-1-2-3-512", "*"]])
def test_sids_must_be_named(values: list[str]) -> None:
    with pytest.raises(PlanError, match="SID"):
        checked(values)


@pytest.mark.parametrize("reason", ["sid_history_lost", "password_date_lost"])
def test_reasons_have_sentences_in_both_languages(reason: str) -> None:
    said = {language: texts._TEXTS[language][f"irreversible.{reason}"] for language in texts.LANGUAGES}
    assert said["fr"] != said["en"]


# --- marks, new passwords, AES


def planned(entry: Any, wish: AccountWish) -> Plan:
    plan = Plan()
    plan_account.plan_account(plan, entry, wish, Surroundings(NOW))
    return plan


@pytest.mark.parametrize(("present", "before"), [({}, []), ({"adminCount": 0}, ["0"]), ({"adminCount": 1}, None)])
def test_admin_count(present: dict[str, int], before: list[str] | None) -> None:
    changes = planned(make_entry("adm", userAccountControl=0x200, **present), AccountWish(admin_count=True)).changes
    assert [made(c) for c in changes] == ([] if before is None else [("replace", "adminCount", before, ["1"])])
    assert all(change["reversible"] for change in changes)


LAST = ad_time.to_filetime(datetime(2020, 5, 4, tzinfo=UTC))


def test_a_new_password_is_asked_for() -> None:
    entry = make_entry("adm", userAccountControl=0x200, pwdLastSet=LAST)
    plan = planned(entry, AccountWish(password_must_change=True))
    (change,) = plan.changes
    assert made(change) == ("replace", "pwdLastSet", [str(LAST)], ["0"])
    assert (change["reversible"], change["irreversible_reason"]) == (False, "password_date_lost")
    assert change["display"]["before"] == "2020-05-04"
    assert "NLA" in plan.notices[0]["text"]
    again = make_entry("adm", userAccountControl=0x200, pwdLastSet=0)
    assert planned(again, AccountWish(password_must_change=True)).changes == []


LOCKED_OUT = [
    pytest.param({"servicePrincipalName": "HTTP/x"}, "service", id="service"),
    pytest.param({"rid": 500}, "built-in", id="RID 500"),
    pytest.param({"userAccountControl": 0x202}, "disabled", id="disabled"),
    pytest.param({"userAccountControl": 0x10200}, "DONT_EXPIRE", id="never expires"),
    pytest.param({"userAccountControl": 0x40200}, "smart card", id="smart card"),
    pytest.param({"classes": COMPUTER, "userAccountControl": 0x1000}, "no person", id="computer"),
]


@pytest.mark.parametrize(("facts", "says"), LOCKED_OUT)
def test_who_cannot_choose_one_is_refused_and_not_ready(facts: dict[str, Any], says: str) -> None:
    known = {"userAccountControl": 0x200, "pwdLastSet": LAST} | facts
    entry = make_entry("x", known.pop("rid", 1104), **known)
    with pytest.raises(PlanError, match=says):
        planned(entry, AccountWish(password_must_change=True))
    row = report(entry, "password_change", Facts(NOW, NOBODY))
    assert not row["ready"]
    assert says in " ".join(blocker["text"] for blocker in row["blockers"])


def test_a_person_is_ready_for_a_new_password_but_not_break_glass() -> None:
    entry = make_entry("adm", userAccountControl=0x200, pwdLastSet=LAST)
    assert report(entry, "password_change", Facts(NOW, NOBODY))["ready"]
    assert not report(entry, "password_change", Facts(NOW, BREAK_GLASS), accepted=True)["accepted"]
    assert report(make_entry("adm", userAccountControl=0x200, pwdLastSet=0), "password_change", Facts(NOW, NOBODY))[
        "enforced"
    ]


BOTH = ("AES128_CTS_HMAC_SHA1_96", "AES256_CTS_HMAC_SHA1_96")


@pytest.mark.parametrize(
    ("present", "after"),
    [
        pytest.param(None, 0x1C, id="absent: RC4 is what it uses"),
        pytest.param(0, 0x1C, id="zero"),
        pytest.param(0x4, 0x1C, id="RC4"),
        pytest.param(0x3, 0x1C, id="DES goes"),
        pytest.param(0x8, 0x18, id="RC4 does not come back"),
        pytest.param(0x18, 0x18, id="AES already"),
        pytest.param(0x80000010, 0x80000018, id="other bits stay"),
    ],
)
def test_aes(present: int | None, after: int) -> None:
    signed = present - 2**32 if present is not None and present >= 2**31 else present
    known = {} if present is None else {"msDS_SupportedEncryptionTypes": signed}
    wish = plan_account.wish([], [], ["DES_CBC_CRC", "DES_CBC_MD5"], [], BOTH)
    value = present or 0
    for change in planned(make_entry("svc", userAccountControl=0x200, **known), wish).changes:
        assert change["context"].get("absent", False) is (present is None)
        assert value & change["mask"] == change["before"]
        value = value & ~change["mask"] | change["after"]
    assert value == after


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"classes": COMPUTER, "userAccountControl": 0x1000}, "by itself"),
        ({"classes": COMPUTER, "userAccountControl": 0x82000, "primaryGroupID": 516}, "GPO"),
    ],
)
def test_aes_refused(facts: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        planned(make_entry("x", **facts), AccountWish(encryption_set_mask=0x18))


@pytest.mark.parametrize("name", ["RC4_HMAC", "DES_CBC_CRC", "AES"])
def test_only_aes_can_be_announced(name: str) -> None:
    with pytest.raises(PlanError, match="only the AES"):
        plan_account.wish([], [], [], [], [name])


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        pytest.param({"pwdLastSet": LAST}, [], id="ready"),
        pytest.param({"pwdLastSet": 0}, ["password_never_set"], id="password of unknown age"),
        pytest.param({"pwdLastSet": LAST, "userAccountControl": 0x200200}, ["des_only"], id="DES only"),
        pytest.param(
            {"pwdLastSet": ad_time.to_filetime(datetime(2005, 1, 1, tzinfo=UTC))}, ["password_before_aes"], id="old"
        ),
    ],
)
def test_readiness_for_aes(facts: dict[str, Any], codes: list[str]) -> None:
    entry = make_entry("svc", **{"userAccountControl": 0x200, **facts})
    row = report(entry, "aes", Facts(NOW, NOBODY, aes_since=datetime(2010, 1, 1, tzinfo=UTC)))
    assert [blocker["code"] for blocker in row["blockers"]] == codes
    assert [notice["code"] for notice in row["notices"]] == ["keytabs"]
