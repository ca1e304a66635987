"""The controls vuln_password_change_*: whose password is too old, who has not been heard of."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import uac

from controls.domain import DC1, GUEST, KRBTGT, RID_500, computer, domain, labels, outcome, unreadable, user

DC, LOST_DC = "vuln_password_change_dc_no_change", "vuln_password_change_inactive_dc"
SERVER_45, SERVER_90 = "vuln_password_change_server_no_change_45", "vuln_password_change_server_no_change_90"
LOST_SERVER, CLUSTER = "vuln_password_change_inactive_servers", "vuln_password_change_cluster_no_change_3years"
MANAGED, PRIV = "vuln_password_change_msa_no_change_90", "vuln_password_change_priv"
SERVER = "Windows Server 2019 Standard"
FRESH, OLD_45, OLD_90 = "2026-11-01T00:00:00+00:00", "2026-10-01T00:00:00+00:00", "2026-08-01T00:00:00+00:00"
EXACTLY_45, EXACTLY_90 = "2026-10-08T02:00:00+00:00", "2026-08-24T02:00:00+00:00"


def controller(**facts: Any) -> dict[str, Any]:
    return DC1 | facts


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        pytest.param({"pwd_last_set": FRESH}, False, id="fresh"),
        pytest.param({"pwd_last_set": EXACTLY_45}, False, id="45 days exactly"),
        pytest.param({"pwd_last_set": "2026-10-08T01:59:59+00:00"}, True, id="a second more"),
        pytest.param({"pwd_last_set": None}, True, id="no date, an old account"),
        pytest.param({"pwd_last_set": None, "created": FRESH}, False, id="no date, a new account"),
        pytest.param({"pwd_last_set": None, "created": None}, True, id="no date at all"),
        pytest.param({"pwd_last_set": OLD_90, "uac": DC1["uac"] | uac.ACCOUNTDISABLE}, False, id="disabled"),
    ],
)
def test_controllers(facts: dict[str, Any], found: bool) -> None:
    assert labels(DC, domain(builtin=[RID_500, GUEST, KRBTGT, controller(**facts)])) == (["DC1$"] if found else [])


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        pytest.param({"last_logon": EXACTLY_45}, False, id="45 days exactly"),
        pytest.param({"last_logon": "2026-10-08T01:59:59+00:00"}, True, id="a second more"),
        pytest.param({"last_logon": None}, True, id="never, made in 2020"),
        pytest.param({"last_logon": None, "created": FRESH}, False, id="made lately"),
        pytest.param({"last_logon": OLD_90, "uac": DC1["uac"] | uac.ACCOUNTDISABLE}, True, id="a disabled one counts"),
    ],
)
def test_lost_controllers(facts: dict[str, Any], found: bool) -> None:
    # RID 500 and the others have logon dates, so the part is readable
    assert labels(LOST_DC, domain(builtin=[RID_500, GUEST, KRBTGT, controller(**facts)])) == (["DC1$"] if found else [])


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"pwd_last_set": FRESH}, (0, 0), id="fresh"),
        pytest.param({"pwd_last_set": EXACTLY_45}, (0, 0), id="45 days exactly"),
        pytest.param({"pwd_last_set": OLD_45}, (1, 0), id="older than 45 days"),
        pytest.param({"pwd_last_set": EXACTLY_90}, (1, 0), id="90 days exactly"),
        pytest.param({"pwd_last_set": OLD_90}, (1, 1), id="older than 90 days"),
        pytest.param({"pwd_last_set": OLD_90, "operating_system": "Windows 11 Entreprise"}, (0, 0), id="a workstation"),
        pytest.param({"pwd_last_set": OLD_90, "operating_system": "Samba"}, (1, 1), id="a Samba server"),
        pytest.param({"pwd_last_set": OLD_90, "operating_system": None}, (0, 0), id="does not say"),
        pytest.param({"pwd_last_set": OLD_90, "uac": 0x1002}, (0, 0), id="disabled"),
        pytest.param({"pwd_last_set": OLD_90, "spns": ["MSServerCluster/grappe"]}, (0, 0), id="a cluster"),
        pytest.param({"pwd_last_set": OLD_90, "kind": "msa"}, (0, 0), id="a managed service account"),
        pytest.param({"pwd_last_set": OLD_90, "uac": DC1["uac"], "primary_group_id": 516}, (0, 0), id="a controller"),
    ],
)
def test_servers(facts: dict[str, Any], expected: tuple[int, int]) -> None:
    server = computer(1301, "SRV1$") | {"operating_system": SERVER} | facts
    snapshot = domain([server], builtin=[RID_500, GUEST, KRBTGT, controller(operating_system=SERVER)])
    assert (len(labels(SERVER_45, snapshot)), len(labels(SERVER_90, snapshot))) == expected


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        pytest.param({"last_logon": EXACTLY_90}, False, id="90 days exactly"),
        pytest.param({"last_logon": OLD_90}, True, id="older"),
        pytest.param({"last_logon": None}, True, id="never"),
        pytest.param({"last_logon": None, "created": FRESH}, False, id="made lately"),
        pytest.param({"last_logon": OLD_90, "uac": 0x1002}, False, id="disabled"),
        pytest.param({"last_logon": OLD_90, "operating_system": "Windows 10"}, False, id="a workstation"),
    ],
)
def test_lost_servers(facts: dict[str, Any], found: bool) -> None:
    server = computer(1301, "SRV1$") | {"operating_system": SERVER} | facts
    snapshot = domain([server], builtin=[RID_500, GUEST, KRBTGT, controller(operating_system=SERVER)])
    assert labels(LOST_SERVER, snapshot) == (["SRV1$"] if found else [])


def test_computers_without_a_system_are_said() -> None:
    silent = [computer(1301, "A$"), computer(1302, "B$"), computer(1303, "C$", uac=0x1002)]
    snapshot = domain(silent, builtin=[RID_500, GUEST, KRBTGT, controller(operating_system=SERVER)])
    for control in (SERVER_45, SERVER_90, LOST_SERVER):
        assert "2 enabled computers" in (outcome(control, snapshot).reason or "")


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        pytest.param({"spns": ["MSServerCluster/g"], "pwd_last_set": "2023-11-22T02:00:00+00:00"}, False, id="3 years"),
        pytest.param({"spns": ["MSServerCluster/g"], "pwd_last_set": "2023-11-22T01:59:59+00:00"}, True, id="more"),
        pytest.param({"spns": ["msclustervirtualserver/g"], "pwd_last_set": "2020-01-01"}, True, id="a role, any case"),
        pytest.param({"spns": ["MSServerClusterMgmtAPI/n"], "pwd_last_set": "2020-01-01"}, False, id="only a node"),
        pytest.param({"spns": ["MSServerCluster/g"], "pwd_last_set": "2020-01-01", "uac": 0x1002}, False, id="off"),
    ],
)
def test_clusters(facts: dict[str, Any], found: bool) -> None:
    assert labels(CLUSTER, domain([computer(1301, "GRAPPE$") | facts])) == (["GRAPPE$"] if found else [])


@pytest.mark.parametrize(
    ("facts", "found", "unused"),
    [
        pytest.param({"pwd_last_set": EXACTLY_90}, False, False, id="90 days exactly"),
        pytest.param({"pwd_last_set": OLD_90}, True, False, id="older, still used"),
        pytest.param({"pwd_last_set": OLD_90, "last_logon": OLD_90}, True, True, id="older, unused"),
        pytest.param({"pwd_last_set": OLD_90, "last_logon": None}, True, True, id="never used"),
        pytest.param({"pwd_last_set": OLD_90, "uac": 0x1002}, False, False, id="disabled"),
        pytest.param({"pwd_last_set": OLD_90, "kind": "computer"}, False, False, id="a computer"),
    ],
)
def test_managed_service_accounts(facts: dict[str, Any], found: bool, unused: bool) -> None:
    result = outcome(MANAGED, domain([computer(1301, "gmsa$") | {"kind": "msa"} | facts]))
    assert [each.label for each in result.found] == (["gmsa$"] if found else [])
    for each in result.found:
        assert each.evidence["unused"] == (each.sid if unused else None)


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        pytest.param({"pwd_last_set": "2023-11-22T02:00:00+00:00"}, False, id="3 years exactly"),
        pytest.param({"pwd_last_set": "2023-11-22T01:59:59+00:00"}, True, id="a second more"),
        pytest.param({"pwd_last_set": None}, True, id="to be changed at next logon, but not changed yet"),
        pytest.param({"pwd_last_set": None, "created": FRESH}, False, id="a new account that never had one"),
        pytest.param({"pwd_last_set": "2020-01-01", "uac": 0x202}, False, id="disabled"),
        pytest.param({"pwd_last_set": "2020-01-01", "kind": "msa"}, False, id="managed service account"),
        pytest.param({"pwd_last_set": "2020-01-01", "kind": "computer", "uac": 0x1000}, True, id="a computer"),
    ],
)
def test_privileged(facts: dict[str, Any], found: bool) -> None:
    admin = user(1201, "adm.é") | facts
    assert labels(PRIV, domain([admin], admins=[admin])) == (["adm.é"] if found else [])
    assert labels(PRIV, domain([admin])) == []


def test_the_built_in_administrator_counts_too() -> None:
    old = RID_500 | {"pwd_last_set": "2020-01-01"}
    (found,) = outcome(PRIV, domain(builtin=[old, GUEST, KRBTGT, DC1])).found
    assert found.id.endswith("-500")
    assert found.evidence["must_change_at_next_logon"] is False


@pytest.mark.parametrize(
    ("facts", "asked"),
    [
        pytest.param({}, True, id="a person"),
        pytest.param({"spns": ["HTTP/x"]}, False, id="a service"),
        pytest.param({"uac": 0x10200}, False, id="never expires: clear that first"),
        pytest.param({"uac": 0x40200}, False, id="smart card"),
        pytest.param({"kind": "computer", "uac": 0x1000}, False, id="a computer"),
        pytest.param({"sid": RID_500["sid"]}, False, id="built-in administrator"),
    ],
)
def test_only_people_are_asked_for_a_new_password(facts: dict[str, Any], asked: bool) -> None:
    admin = user(1201, "adm.é", pwd_last_set="2020-01-01") | facts
    (found,) = outcome(PRIV, domain([admin], admins=[admin], builtin=[GUEST, KRBTGT, DC1])).found
    assert found.evidence["can_choose"] == (admin["sid"] if asked else None)


@pytest.mark.parametrize("control", [DC, SERVER_45, SERVER_90, CLUSTER, MANAGED, PRIV])
def test_hidden_dates(control: str) -> None:
    assert "pwdLastSet" in unreadable(control, domain([user(1201, "é", pwd_known=False)]))


@pytest.mark.parametrize("control", [LOST_DC, LOST_SERVER])
def test_hidden_logons(control: str) -> None:
    assert "hidden" in unreadable(control, domain(unreadable={"logon dates": "hidden"}))


@pytest.mark.parametrize("control", [SERVER_45, SERVER_90, LOST_SERVER])
def test_hidden_systems(control: str) -> None:
    assert "operatingSystem" in unreadable(control, domain([computer(1301, "SRV1$")]))


def test_thresholds_are_those_of_the_catalogue() -> None:
    strict = {DC: {"age_days": 1}, PRIV: {"password_years": 1}, CLUSTER: {"password_years": 1}}
    recent = controller(pwd_last_set="2026-11-20T00:00:00+00:00")
    snapshot = domain(builtin=[RID_500, GUEST, KRBTGT, recent], thresholds=strict)
    assert labels(DC, snapshot) == ["DC1$"]
