"""Flags, encryption types and SPNs: which changes, in which form, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time, plan_account, uac
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_account import (
    AccountWish,
    Surroundings,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_account import (
    plan_account as plan,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    Plan,
    PlanError,
    flags_changes,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected
from hypothesis import given
from hypothesis import strategies as st

from .conftest import DOMAIN, make_entry

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
AROUND = Surroundings(NOW)
UAC = "userAccountControl"


@pytest.mark.parametrize(
    ("present", "wish", "expected"),
    [
        pytest.param(0x200, AccountWish(clear_mask=uac.DONT_REQ_PREAUTH), [], id="already-clear"),
        pytest.param(0x400200, AccountWish(clear_mask=uac.DONT_REQ_PREAUTH), [(0x400000, 0x400000, 0)], id="clear"),
        pytest.param(0x200, AccountWish(set_mask=uac.ACCOUNTDISABLE), [(2, 0, 2)], id="set"),
        pytest.param(0x202, AccountWish(set_mask=uac.ACCOUNTDISABLE), [], id="already-set"),
        pytest.param(
            0x410280,
            AccountWish(set_mask=2, clear_mask=0x410080),
            [(2, 0, 2), (0x80, 0x80, 0), (0x10000, 0x10000, 0), (0x400000, 0x400000, 0)],
            id="one-change-a-bit",
        ),
    ],
)
def test_flags(present: int, wish: AccountWish, expected: list[tuple[int, int, int]]) -> None:
    result = Plan()
    plan(result, make_entry("é.dupont", userAccountControl=present), wish, AROUND)
    assert [(c["mask"], c["before"], c["after"]) for c in result.changes] == expected
    assert {c["attribute"] for c in result.changes} <= {UAC}
    assert {c["kind"] for c in result.changes} <= {"flags"}
    assert result.result()["changed"] is bool(expected)


@given(value=st.integers(0, 2**32 - 1), set_mask=st.integers(0, 2**32 - 1), clear_mask=st.integers(0, 2**32 - 1))
def test_flag_changes_touch_asked_bits_only_and_reach_the_wish(value: int, set_mask: int, clear_mask: int) -> None:
    clear_mask &= ~set_mask
    signed = value - 2**32 if value >= 2**31 else value  # as LDAP writes a 32-bit INTEGER
    changes = flags_changes(make_entry("a", **{UAC: signed}), UAC, set_mask=set_mask, clear_mask=clear_mask)
    now = value
    for change in changes:
        assert now & change["mask"] == change["before"]
        assert change["mask"] & (set_mask | clear_mask)
        now = now & ~change["mask"] | change["after"]
    assert now == (value | set_mask) & ~clear_mask
    for change in reversed(changes):
        now = now & ~change["mask"] | change["before"]
    assert now == value
    assert not flags_changes(
        make_entry("a", **{UAC: (value | set_mask) & ~clear_mask}), UAC, set_mask=set_mask, clear_mask=clear_mask
    )


def test_des_types_are_cleared_and_others_kept() -> None:
    result = Plan()
    plan(
        result,
        make_entry("svc", userAccountControl=0x200, msDS_SupportedEncryptionTypes=0x1F),
        plan_account.wish([], [], ["DES_CBC_CRC", "DES_CBC_MD5"], []),
        AROUND,
    )
    assert [(c["attribute"], c["mask"], c["before"], c["after"]) for c in result.changes] == [
        ("msDS-SupportedEncryptionTypes", 1, 1, 0),
        ("msDS-SupportedEncryptionTypes", 2, 2, 0),
    ]
    assert result.changes[0]["display"] == {"before": "DES_CBC_CRC", "after": "–"}


def test_spns_match_without_regard_to_case_and_are_named_as_stored() -> None:
    result = Plan()
    entry = make_entry("adm", userAccountControl=0x200, servicePrincipalName=["MSSQLSvc/Sql1:1433", "HTTP/intranet"])
    plan(result, entry, AccountWish(spns_absent=("mssqlsvc/SQL1:1433", "http/absent")), AROUND)
    (change,) = result.changes
    assert (change["kind"], change["before"], change["after"]) == ("values", ["MSSQLSvc/Sql1:1433"], [])


DC = {"classes": ("top", "user", "computer"), "userAccountControl": 0x82000, "primaryGroupID": 516}


@pytest.mark.parametrize(
    ("entry", "wish", "says"),
    [
        pytest.param(
            make_entry("DC1$", 1000, **DC),
            AccountWish(clear_mask=uac.TRUSTED_FOR_DELEGATION),
            "domain controller",
            id="delegation-of-dc",
        ),
        pytest.param(
            make_entry("DC1$", 1000, **DC), AccountWish(set_mask=uac.ACCOUNTDISABLE), "Demote", id="disable-dc"
        ),
        pytest.param(
            make_entry("RODC$", 1001, classes=("computer",), userAccountControl=0x5001000, primaryGroupID=521),
            AccountWish(clear_mask=uac.TRUSTED_FOR_DELEGATION),
            "domain controller",
            id="rodc",
        ),
        pytest.param(
            make_entry("krbtgt", 502, userAccountControl=0x202),
            AccountWish(clear_mask=uac.ACCOUNTDISABLE),
            "ad_krbtgt",
            id="krbtgt",
        ),
        pytest.param(make_entry("T$", 1200, userAccountControl=0x820), AccountWish(set_mask=2), "trust", id="trust"),
        pytest.param(
            make_entry("PC$", 1201, classes=("user", "computer"), userAccountControl=0x1000),
            AccountWish(set_mask=uac.SMARTCARD_REQUIRED),
            "people",
            id="smartcard-of-computer",
        ),
        pytest.param(
            make_entry("groupe", 1202, classes=("group",)), AccountWish(set_mask=2), "cannot be read", id="no-account"
        ),
    ],
)
def test_refused(entry: object, wish: AccountWish, says: str) -> None:
    result = Plan()
    with pytest.raises(PlanError, match=says):
        plan(result, entry, wish, AROUND)  # type: ignore[arg-type]
    assert result.changes == []


def test_delegation_is_cleared_on_a_member_server() -> None:
    result = Plan()
    plan(
        result,
        make_entry("SRV$", 1300, classes=("user", "computer"), userAccountControl=0x81000, primaryGroupID=515),
        AccountWish(clear_mask=uac.TRUSTED_FOR_DELEGATION),
        AROUND,
    )
    assert [c["mask"] for c in result.changes] == [0x80000]


@pytest.mark.parametrize(
    ("flags_set", "flags_clear", "types", "says"),
    [
        (["NO_SUCH"], [], [], "is no flag"),
        (["NORMAL_ACCOUNT"], [], [], "kind of account"),
        ([], ["LOCKOUT"], [], "computed"),
        (["ACCOUNTDISABLE"], ["accountdisable"], [], "both"),
        ([], [], ["RC4_HMAC"], "only DES"),
    ],
)
def test_senseless_wishes_are_named(flags_set: list[str], flags_clear: list[str], types: list[str], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        plan_account.wish(flags_set, flags_clear, types, [])


def test_protected_account_gets_a_hazard_on_each_change() -> None:
    sid = f"{DOMAIN}-1104"
    around = Surroundings(NOW, protected=Protected([Account("break_glass", sid, "bris-de-glace-1")]))
    result = Plan()
    plan(
        result,
        make_entry("bris-de-glace-1", userAccountControl=0x410200, msDS_SupportedEncryptionTypes=3),
        AccountWish(clear_mask=0x410000, encryption_clear_mask=3),
        around,
    )
    assert len(result.changes) == 4
    assert all(c["hazards"] == [{"kind": "break_glass", "object": f"bris-de-glace-1 ({sid})"}] for c in result.changes)


@pytest.mark.parametrize(("age", "noticed"), [(41, False), (43, True), (None, True)])
def test_a_password_that_expires_at_once_is_announced(age: int | None, noticed: bool) -> None:
    last_set = 0 if age is None else ad_time.to_filetime(NOW - timedelta(days=age))
    result = Plan()
    plan(
        result,
        make_entry("svc", userAccountControl=0x10200, pwdLastSet=last_set),
        AccountWish(clear_mask=uac.DONT_EXPIRE_PASSWORD),
        Surroundings(NOW, timedelta(days=42)),
    )
    assert [n["code"] for n in result.notices] == (["password_expires_now"] if noticed else [])


def test_smartcard_declares_what_the_server_changes() -> None:
    result = Plan()
    plan(result, make_entry("a", userAccountControl=0x200), AccountWish(set_mask=uac.SMARTCARD_REQUIRED), AROUND)
    (change,) = result.changes
    assert change["reversible"] is True
    assert {"attribute": "unicodePwd", "irreversible": True} in change["side_effects"]
    assert all(effect["irreversible"] for effect in change["side_effects"])


def test_changes_carry_what_the_contract_asks() -> None:
    result = Plan()
    plan(result, make_entry("éloïse d'été", userAccountControl=0x400200), AccountWish(clear_mask=0x400000), AROUND)
    change = model.completed(result.changes[0], "chu-valmont.test", ["vuln_kerberos_properties_preauth"])
    assert change["id"].startswith("c-")
    assert change["object"]["type"] == "user"
    assert change["object"]["sid"] == f"{DOMAIN}-1104"
    assert change["display"] == {"before": "DONT_REQ_PREAUTH", "after": "–"}
    assert result.result()["diff"][0]["before"] == "DONT_REQ_PREAUTH\n"
