"""vuln_delegation_a2d2, …_t2a4d and …_sourcedeleg: whose service is it, and who may act there."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl

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

A2D2, T2A4D, SOURCE = "vuln_delegation_a2d2", "vuln_delegation_t2a4d", "vuln_delegation_sourcedeleg"
TRANSITION = uac.TRUSTED_TO_AUTH_FOR_DELEGATION
CONTROLLER = DC1 | {
    "spns": [
        "HOST/dc1.chu-valmont.test",
        "ldap/dc1.chu-valmont.test/chu-valmont.test",
        "RPC/8d1d._msdcs.chu-valmont.test",
    ],
    "host_name": "dc1.chu-valmont.test",
}
TICKETS = KRBTGT | {"spns": ["kadmin/changepw"]}
BUILTIN = (RID_500, GUEST, TICKETS, CONTROLLER)


@pytest.mark.parametrize(
    ("target", "privileged"),
    [
        pytest.param("ldap/dc1.chu-valmont.test/chu-valmont.test", True, id="a name of the controller"),
        pytest.param("LDAP/DC1.CHU-VALMONT.TEST", True, id="case does not matter"),
        pytest.param("cifs/dc1.chu-valmont.test", True, id="a service that HOST stands for"),
        pytest.param("cifs/DC1", True, id="NetBIOS name"),
        pytest.param("MSSQLSvc/dc1.chu-valmont.test:1433", True, id="with a port"),
        pytest.param("ldap/8d1d._msdcs.chu-valmont.test", True, id="the name for replication"),
        pytest.param("kadmin/changepw", True, id="krbtgt by its name"),
        pytest.param("krbtgt/CHU-VALMONT.TEST", True, id="the ticket-granting service"),
        pytest.param("HTTP/console", True, id="service of a privileged account"),
        pytest.param("HTTP/console:8443", False, id="another service of the same host is not that account's"),
        pytest.param("cifs/srv1.chu-valmont.test", False, id="a server"),
        pytest.param("cifs/dc10.chu-valmont.test", False, id="a name that only begins alike"),
        pytest.param("ldap/dc1.other.test", False, id="a controller of somewhere else"),
        pytest.param("dc1", False, id="no service name at all"),
        pytest.param("", False, id="empty"),
    ],
)
def test_target_is_resolved_to_its_carrier(target: str, privileged: bool) -> None:
    admin = user(1201, "adm.web", spns=["HTTP/console"])
    portal = user(1301, "svc-portail", delegates_to=[target, "HTTP/intranet"])
    result = outcome(A2D2, domain([admin, portal], admins=[admin], builtin=BUILTIN))
    assert result.state == "evaluated", result.reason
    assert [each.evidence["targets"] for each in result.found] == ([[target]] if privileged else [])


@pytest.mark.parametrize(
    ("flags", "target", "expected"),
    [
        pytest.param(TRANSITION, "cifs/dc1", (0, 1), id="transition to a controller"),
        pytest.param(0, "cifs/dc1", (1, 0), id="no transition"),
        pytest.param(TRANSITION, "HTTP/console", (1, 0), id="transition to a privileged account is not t2a4d"),
        pytest.param(TRANSITION, "krbtgt/chu-valmont.test", (0, 1), id="transition to krbtgt"),
        pytest.param(TRANSITION | uac.ACCOUNTDISABLE, "cifs/dc1", (0, 0), id="disabled"),
        pytest.param(TRANSITION, "HTTP/intranet", (0, 0), id="an ordinary target"),
    ],
)
def test_each_target_is_of_one_control(flags: int, target: str, expected: tuple[int, int]) -> None:
    admin = user(1201, "adm.web", spns=["HTTP/console"])
    portal = user(1301, "svc-portail", flags=flags, delegates_to=[target])
    snapshot = domain([admin, portal], admins=[admin], builtin=BUILTIN)
    assert (len(outcome(A2D2, snapshot).found), len(outcome(T2A4D, snapshot).found)) == expected


def test_evidence_says_which_targets_go_and_which_stay() -> None:
    portal = computer(
        1301,
        "PORTAIL$",
        uac=uac.WORKSTATION_TRUST_ACCOUNT | TRANSITION,
        delegates_to=["cifs/dc1", "HTTP/intranet", "ldap/dc1"],
    )
    (found,) = outcome(T2A4D, domain([portal], builtin=BUILTIN)).found
    assert (found.level, found.type, found.id) == (1, "computer", sid(1301))
    assert found.evidence["targets"] == ["cifs/dc1", "ldap/dc1"]
    assert found.evidence["carriers"] == {"cifs/dc1": "DC1$", "ldap/dc1": "DC1$"}
    assert found.evidence["other_targets"] == ["HTTP/intranet"]


def test_a_privileged_computer_answers_for_its_host() -> None:
    backup = computer(1302, "SAUVEGARDE$", spns=["HOST/SAUVEGARDE"])
    portal = user(1301, "svc-portail", delegates_to=["cifs/sauvegarde"])
    assert labels(A2D2, domain([backup, portal], admins=[backup], builtin=BUILTIN)) == ["svc-portail"]
    assert labels(A2D2, domain([backup, portal], builtin=BUILTIN)) == []


@pytest.mark.parametrize("control", [A2D2, T2A4D])
def test_unreadable(control: str) -> None:
    services = {"service names of domain controllers": "hidden"}
    assert unreadable(control, domain(unreadable=services)) == "hidden"
    assert "userAccountControl" in unreadable(control, domain([user(1201, "é", uac=None)], builtin=BUILTIN))


def allowing(*trustees: str) -> str:
    """The attribute as Windows writes it: full rights for each trustee, owned by Administrators."""
    aces = tuple(from_sddl(f"(A;;0xf01ff;;;{trustee})", DOMAIN) for trustee in trustees)
    owner = sids.to_bytes(sids.BUILTIN_ADMINISTRATORS)
    control = 0x8004
    acl = b"".join(each.raw for each in aces)
    header = (2).to_bytes(1, "little") + b"\0" + (8 + len(acl)).to_bytes(2, "little") + len(aces).to_bytes(4, "little")
    parts = (20).to_bytes(4, "little") + bytes(8) + (20 + len(owner)).to_bytes(4, "little")
    return base64.b64encode(b"\1\0" + control.to_bytes(2, "little") + parts + owner + header + acl).decode()


@pytest.mark.parametrize(
    ("who", "found"),
    [
        pytest.param(CONTROLLER, True, id="controller"),
        pytest.param(TICKETS, True, id="krbtgt"),
        pytest.param(RID_500, True, id="privileged"),
        pytest.param(computer(1302, "SRV1$"), False, id="a server among others"),
        pytest.param(
            computer(1003, "RODC1$", uac=uac.PARTIAL_SECRETS_ACCOUNT, primary_group_id=521),
            True,
            id="read-only controller",
        ),
    ],
)
def test_resource_delegation(who: dict[str, Any], found: bool) -> None:
    attacker = computer(1303, "PC-INTRUS$")
    changed = who | {"resource_delegation": allowing(sid(1303))}
    accounts = [attacker] if any(each["sid"] == who["sid"] for each in BUILTIN) else [attacker, changed]
    builtin = [changed if each["sid"] == who["sid"] else each for each in BUILTIN]
    result = outcome(SOURCE, domain(accounts, builtin=builtin))
    assert [each.label for each in result.found] == ([who["label"]] if found else [])
    for each in result.found:
        assert each.evidence["allowed"] == [sid(1303)]
        assert each.evidence["allowed_names"] == ["PC-INTRUS$"]


@pytest.mark.parametrize("raw", [b"", b"\1\0broken"])
def test_a_descriptor_that_cannot_be_read_is_still_there(raw: bytes) -> None:
    broken = CONTROLLER | {"resource_delegation": raw}
    (found,) = outcome(SOURCE, domain(builtin=[RID_500, GUEST, TICKETS, broken])).found
    assert found.evidence["allowed"] == []
