"""vuln_spn_priv, vuln_privileged_members, vuln_protected_users, mie_ad_smartcard."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import uac

from controls.domain import (
    BASE,
    DC1,
    GUEST,
    KRBTGT,
    RID_500,
    computer,
    domain,
    group,
    group_dn,
    labels,
    outcome,
    sid,
    unreadable,
    user,
)

SPN, MEMBERS, PROTECTED, CARD = "vuln_spn_priv", "vuln_privileged_members", "vuln_protected_users", "mie_ad_smartcard"
OFF = uac.ACCOUNTDISABLE
SERVICE = user(1201, "svc-sauvegarde", spns=["MSSQLSvc/sql1.chu-valmont.test:1433", "HTTP/sql1"])
PERSON = user(1202, "adm.benoît")


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(SERVICE, ["svc-sauvegarde"], id="service account"),
        pytest.param(PERSON, [], id="no SPN"),
        pytest.param(SERVICE | {"uac": SERVICE["uac"] | OFF}, [], id="disabled"),
        pytest.param(SERVICE | {"kind": "msa"}, [], id="gMSA"),
        pytest.param(computer(1203, "SRV$", spns=["HOST/srv"]), [], id="computer"),
    ],
)
def test_spn(account: dict, expected: list[str]) -> None:
    assert labels(SPN, domain([account], admins=[account])) == expected
    assert labels(SPN, domain([account])) == []


def test_spn_evidence_is_what_the_role_takes() -> None:
    (found,) = outcome(SPN, domain([SERVICE], admins=[SERVICE])).found
    assert found.evidence["spns"] == ["HTTP/sql1", "MSSQLSvc/sql1.chu-valmont.test:1433"]


def test_spn_tolerance() -> None:
    pso = {
        "dn": f"CN=PSO,{BASE}",
        "guid": "1" * 8,
        "precedence": 1,
        "minimum_length": 40,
        "maximum_age_days": 365,
        "changed": "2026-01-01T00:00:00+00:00",
        "applies_to": [SERVICE["dn"]],
    }
    account = SERVICE | {"encryption_types": 0x10}
    assert labels(SPN, domain([account], admins=[account], psos=[pso])) == []
    blind = outcome(SPN, domain([account], admins=[account], unreadable={"password settings objects": "refused"}))
    assert [found.label for found in blind.found] == ["svc-sauvegarde"]
    assert "refused" in (blind.reason or "")


def many(count: int, first: int = 2000) -> list[dict]:
    return [user(first + n, f"adm{n:02d}") for n in range(count)]


@pytest.mark.parametrize(
    ("count", "domains", "found"),
    [
        pytest.param(50, 1, 0, id="50, without RID 500 and the DC"),
        pytest.param(51, 1, 51, id="51"),
        pytest.param(51, 17, 0, id="17 domains: 51"),
        pytest.param(52, 17, 52, id="17 domains: 52"),
    ],
)
def test_members(count: int, domains: int, found: int) -> None:
    admins = many(count)
    result = outcome(MEMBERS, domain(admins, admins=admins, domain_count=domains))
    assert len(result.found) == found
    assert {each.level for each in result.found} <= {1}
    assert "Administrateur" not in {each.label for each in result.found}
    assert (result.reason is not None) == (domains > 1)


def test_members_count_each_account_once() -> None:
    admins = many(50)
    snapshot = domain(admins, admins=admins, groups=[group("S-1-5-32-551", "Opérateurs de sauvegarde", *admins)])
    assert labels(MEMBERS, snapshot) == []


def test_members_disabled_ones_count() -> None:
    admins = [each | {"uac": each["uac"] | OFF} for each in many(51)]
    assert len(labels(MEMBERS, domain(admins, admins=admins))) == 51


def test_members_of_another_domain_count_and_are_named() -> None:
    foreign = "CN=S-1-5-21-9-9-9-1105,CN=ForeignSecurityPrincipals," + BASE
    admins = many(50)
    result = outcome(MEMBERS, domain(admins, admins=[*admins, foreign]))
    assert len(result.found) == 51
    (outside,) = [found for found in result.found if found.evidence.get("foreign")]
    assert (outside.id, outside.sid) == ("S-1-5-21-9-9-9-1105", "S-1-5-21-9-9-9-1105")


def test_members_level_2_when_only_names_repeat() -> None:
    admins = [user(2000 + n, f"adm{n % 50:02d}") | {"dn": f"CN=adm{n},{BASE}"} for n in range(51)]
    assert {found.level for found in outcome(MEMBERS, domain(admins, admins=admins)).found} == {2}


def test_members_evidence_names_the_group_to_leave() -> None:
    admins = many(50)
    late = user(3000, "stagiaire")
    inner = group(sid(1301), "Équipe d'astreinte", late)
    by_primary = user(3001, "caché", primary_group_id=512)
    snapshot = domain([*admins, late, by_primary], admins=[*admins, inner], groups=[inner])
    found = {each.label: each.evidence for each in outcome(MEMBERS, snapshot).found}
    assert found["stagiaire"]["memberships"] == [{"group_sid": sid(1301), "group": "Équipe d'astreinte"}]
    assert found["adm00"]["memberships"] == [{"group_sid": sid(512), "group": "Admins du domaine"}]
    assert (found["caché"]["memberships"], found["caché"]["primary_group"]) == ([], sid(512))


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(PERSON, ["adm.benoît"], id="outside"),
        pytest.param(PERSON | {"uac": PERSON["uac"] | OFF}, [], id="disabled"),
        pytest.param(SERVICE | {"kind": "msa"}, [], id="gMSA"),
        pytest.param(computer(1203, "SRV$"), [], id="computer"),
        pytest.param(SERVICE, ["svc-sauvegarde"], id="service account: named, and said to be one"),
    ],
)
def test_protected_users(account: dict, expected: list[str]) -> None:
    assert labels(PROTECTED, domain([account], admins=[account])) == expected
    assert labels(PROTECTED, domain([account], admins=[account], protected_users=[account])) == []


def test_protected_users_through_a_nested_group() -> None:
    inner = group(sid(1301), "Administrateurs protégés", PERSON)
    snapshot = domain([PERSON], admins=[PERSON], protected_users=[inner], groups=[inner])
    assert labels(PROTECTED, snapshot) == []


def test_protected_users_leaves_the_built_in_administrator_out() -> None:
    assert labels(PROTECTED, domain(builtin=[RID_500, GUEST, KRBTGT, DC1])) == []


def test_protected_users_unreadable() -> None:
    snapshot = domain([PERSON], admins=[PERSON])
    del snapshot.groups[group_dn("Utilisateurs protégés").casefold()]
    assert "525" in unreadable(PROTECTED, snapshot)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(PERSON, ["adm.benoît"], id="password only"),
        pytest.param(PERSON | {"uac": PERSON["uac"] | uac.SMARTCARD_REQUIRED}, [], id="card required"),
        pytest.param(PERSON | {"uac": PERSON["uac"] | OFF}, [], id="disabled"),
        pytest.param(SERVICE, ["svc-sauvegarde"], id="a service is found and said to be one"),
    ],
)
def test_smartcard(account: dict, expected: list[str]) -> None:
    snapshot = domain([account], admins=[account])
    assert labels(CARD, snapshot) == expected
    assert labels(CARD, domain([account])) == []
    for found in outcome(CARD, snapshot).found:
        assert (found.severity, found.level) == ("high", None)


@pytest.mark.parametrize("control", [SPN, MEMBERS, PROTECTED, CARD])
def test_unreadable(control: str) -> None:
    assert unreadable(control, domain(unreadable={"privileged groups": "hidden"})) == "hidden"
    assert unreadable(control, domain(unreadable={"accounts": "refused"})) == "refused"


def test_members_unreadable_forest() -> None:
    assert unreadable(MEMBERS, domain(unreadable={"forest partitions": "refused"})) == "refused"


@pytest.mark.parametrize("rid", [512, 518, 519, 526, 527])
def test_each_group_of_the_domain_that_anssi_calls_privileged_counts(rid: int) -> None:
    one = user(1300, "adm.un", spns=["HTTP/un"])
    there = {"admins": [one]} if rid == 512 else {"groups": [group(sid(rid), f"groupe {rid}", one)]}
    assert labels(SPN, domain([one], **there)) == ["adm.un"]


@pytest.mark.parametrize("rid", [544, 548, 549, 550, 551])
def test_each_built_in_group_that_anssi_calls_privileged_counts(rid: int) -> None:
    one = user(1300, "adm.un", spns=["HTTP/un"])
    groups = [group(f"S-1-5-32-{rid}", f"groupe {rid}", one)]
    if rid == 544:  # the fixture has one already
        groups = [group("S-1-5-32-544", "Administrateurs", one, RID_500, group_dn("Admins du domaine"))]
    assert labels(SPN, domain([one], groups=groups)) == ["adm.un"]


def test_other_groups_are_not_privileged() -> None:
    one = user(1300, "p.un", spns=["HTTP/un"])
    others = [513, 514, 515, 517, 520, 521, 522, 553, 571, 572, 1600]
    groups = [group(sid(rid), f"groupe {rid}", one) for rid in others]
    groups += [group(f"S-1-5-32-{rid}", f"groupe {rid}", one) for rid in (545, 546, 552, 554, 555, 580)]
    assert labels(SPN, domain([one], groups=groups)) == []
