"""Primary groups, adminCount, SID histories and AES of service accounts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import uac

from controls.domain import (
    DC1,
    DOMAIN,
    GUEST,
    KRBTGT,
    RID_500,
    computer,
    domain,
    labels,
    outcome,
    sid,
    unreadable,
    user,
)

BUILT_IN, CHANGED = "vuln_primary_group_id_1000", "vuln_primary_group_id_nochange"
NO_MARK = "vuln_privileged_members_no_admincount"
DANGEROUS, PRESENT = "vuln_sidhistory_dangerous", "vuln_sidhistory_present"
AES = "vuln_kerberos_properties_encryption"
RODC = uac.PARTIAL_SECRETS_ACCOUNT | uac.WORKSTATION_TRUST_ACCOUNT


@pytest.mark.parametrize(
    ("account", "expected", "back_to"),
    [
        pytest.param(user(1201, "é"), (0, 0), None, id="user"),
        pytest.param(user(1201, "é", primary_group_id=514), (0, 0), None, id="guests"),
        pytest.param(user(1201, "é", primary_group_id=512), (1, 1), 513, id="Domain Admins"),
        pytest.param(user(1201, "é", primary_group_id=515), (1, 1), 513, id="user in the computers' group"),
        pytest.param(user(1201, "é", primary_group_id=999), (1, 1), 513, id="the last below the threshold"),
        pytest.param(user(1201, "é", primary_group_id=1000), (0, 1), 513, id="the first that is not"),
        pytest.param(user(1201, "é", primary_group_id=512, flags=uac.ACCOUNTDISABLE), (1, 1), 513, id="disabled"),
        pytest.param(computer(1202, "PC$"), (0, 0), None, id="computer"),
        pytest.param(computer(1202, "PC$", primary_group_id=516), (1, 1), 515, id="computer posing as a controller"),
        pytest.param(computer(1202, "PC$", primary_group_id=513), (1, 1), 515, id="computer among users"),
        pytest.param(computer(1202, "DC2$", uac=DC1["uac"], primary_group_id=515), (1, 1), 516, id="controller"),
        pytest.param(computer(1202, "RODC$", uac=RODC, primary_group_id=521), (0, 0), None, id="read-only controller"),
        pytest.param(computer(1202, "gmsa$", primary_group_id=513) | {"kind": "msa"}, (1, 1), 515, id="managed"),
        pytest.param(user(1203, "PARTENAIRE$", kind="trust", primary_group_id=512), (0, 0), None, id="a trust"),
    ],
)
def test_primary_group(account: dict[str, Any], expected: tuple[int, int], back_to: int | None) -> None:
    snapshot = domain([account])
    assert (len(labels(BUILT_IN, snapshot)), len(labels(CHANGED, snapshot))) == expected
    for found in outcome(CHANGED, snapshot).found:
        assert found.evidence["expected"] == back_to


def test_the_guest_goes_back_to_guests() -> None:
    snapshot = domain(builtin=[RID_500, GUEST | {"primary_group_id": 512}, KRBTGT, DC1])
    (found,) = outcome(BUILT_IN, snapshot).found
    assert (found.evidence["expected"], found.evidence["primary_group"]) == (514, "Admins du domaine")


@pytest.mark.parametrize("control", [BUILT_IN, CHANGED])
def test_primary_group_hidden(control: str) -> None:
    assert "primaryGroupID" in unreadable(control, domain([user(1201, "é", primary_group_id=None)]))


MARKED = RID_500 | {"admin_count": 1}


@pytest.mark.parametrize(
    ("count", "found"), [(None, True), (0, True), (2, True), (1, False)], ids=["absent", "zero", "odd", "marked"]
)
def test_admin_count(count: int | None, found: bool) -> None:
    admin = user(1201, "adm.é", admin_count=count)
    snapshot = domain([admin], admins=[admin], builtin=[MARKED, GUEST, KRBTGT, DC1])
    assert labels(NO_MARK, snapshot) == (["adm.é"] if found else [])
    assert labels(NO_MARK, domain([admin], builtin=[MARKED, GUEST, KRBTGT, DC1])) == []


def test_admin_count_of_disabled_and_not_of_controllers() -> None:
    gone = user(1201, "ancien", flags=uac.ACCOUNTDISABLE)
    snapshot = domain([gone], admins=[gone, DC1], builtin=[MARKED, GUEST, KRBTGT, DC1])
    assert labels(NO_MARK, snapshot) == ["ancien"]


def test_the_opposite_population_is_not_this_control() -> None:
    stale = user(1201, "ancien.admin", admin_count=1)
    assert labels(NO_MARK, domain([stale], builtin=[MARKED, GUEST, KRBTGT, DC1])) == []


def test_admin_count_hidden() -> None:
    assert "adminCount" in unreadable(NO_MARK, domain())


def history(*values: str, **facts: Any) -> dict[str, Any]:
    known = {"dn": "CN=é,DC=chu-valmont,DC=test", "sid": sid(1201), "label": "é", "type": "user"}
    return known | {"values": list(values)} | facts


@pytest.mark.parametrize(
    ("value", "dangerous"),
    [
        ("S-1-5-21-1-2-3-1104", False),
        ("S-1-5-21-1-2-3-1000", False),
        ("S-1-5-21-1-2-3-999", True),
        ("S-1-5-21-1-2-3-512", True),
        (f"{DOMAIN}-500", True),
        (f"{DOMAIN}-1404", False),
        ("S-1-5-32-544", True),
        ("S-1-5-18", True),
        ("S-1-1-0", True),
    ],
)
def test_sid_history(value: str, dangerous: bool) -> None:
    snapshot = domain(sid_histories=[history(value, "S-1-5-21-4-5-6-2000")])
    assert labels(PRESENT, snapshot) == ["é"]
    found = outcome(DANGEROUS, snapshot).found
    assert [each.evidence["sids"] for each in found] == ([[value]] if dangerous else [])


def test_sid_history_evidence() -> None:
    own = f"{DOMAIN}-1404"
    (found,) = outcome(PRESENT, domain(sid_histories=[history("S-1-5-32-544", own, type="group")])).found
    assert (found.type, found.level) == ("group", 3)
    assert found.evidence["own_domain"] == [own]
    assert found.evidence["domains"] == [DOMAIN]
    assert found.evidence["names"]["S-1-5-32-544"] == "BUILTIN\\Administrators"


def test_no_sid_history() -> None:
    assert labels(PRESENT, domain()) == labels(DANGEROUS, domain()) == []


@pytest.mark.parametrize("control", [DANGEROUS, PRESENT])
def test_sid_history_hidden(control: str) -> None:
    assert unreadable(control, domain(unreadable={"SID histories": "hidden"})) == "hidden"


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        pytest.param({"encryption_types": None}, True, id="says nothing"),
        pytest.param({"encryption_types": 0}, True, id="zero"),
        pytest.param({"encryption_types": 0x4}, True, id="RC4"),
        pytest.param({"encryption_types": 0x7}, True, id="RC4 and DES"),
        pytest.param({"encryption_types": 0x1C}, False, id="28"),
        pytest.param({"encryption_types": 0x18}, False, id="AES only"),
        pytest.param({"encryption_types": 0x10}, False, id="AES256 only"),
        pytest.param({"flags": uac.ACCOUNTDISABLE}, False, id="disabled"),
        pytest.param({"spns": []}, False, id="no service"),
        pytest.param({"kind": "msa"}, False, id="managed"),
    ],
)
def test_aes(facts: dict[str, Any], found: bool) -> None:
    service = user(1201, "svc-sql", **{"spns": ["MSSQLSvc/sql1:1433"], **facts})
    assert labels(AES, domain([service])) == (["svc-sql"] if found else [])


def test_aes_leaves_krbtgt_to_its_functional_level() -> None:
    assert labels(AES, domain(builtin=[RID_500, GUEST, KRBTGT | {"spns": ["kadmin/changepw"]}, DC1])) == []


def test_aes_hidden() -> None:
    assert "userAccountControl" in unreadable(AES, domain([user(1201, "é", uac=None)]))
