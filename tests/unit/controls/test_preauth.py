"""vuln_kerberos_properties_preauth_priv and vuln_kerberos_properties_preauth."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import uac

from controls.domain import BASE, DC1, GUEST, KRBTGT, domain, group, labels, outcome, sid, unreadable, user

PRIVILEGED = "vuln_kerberos_properties_preauth_priv"
ALL = "vuln_kerberos_properties_preauth"
FLAG = uac.DONT_REQ_PREAUTH
BAD = user(1201, "hélène.d'aubigné", flags=FLAG)
GOOD = user(1202, "jean.dupré")
DISABLED = user(1203, "ancien.interne", flags=FLAG | uac.ACCOUNTDISABLE)


@pytest.mark.parametrize(
    ("accounts", "admins", "privileged", "everyone"),
    [
        pytest.param([GOOD], [GOOD], [], [], id="compliant"),
        pytest.param([BAD, GOOD], [], [], ["hélène.d'aubigné"], id="ordinary account"),
        pytest.param([BAD, GOOD], [BAD], ["hélène.d'aubigné"], ["hélène.d'aubigné"], id="privileged account"),
        pytest.param([DISABLED], [DISABLED], [], [], id="disabled"),
    ],
)
def test_preauth(accounts: list, admins: list, privileged: list[str], everyone: list[str]) -> None:
    snapshot = domain(accounts, admins=admins)
    assert labels(PRIVILEGED, snapshot) == privileged
    assert labels(ALL, snapshot) == everyone


def test_the_built_in_administrator_counts() -> None:
    snapshot = domain(builtin=[user(500, "Administrateur", flags=FLAG), GUEST, KRBTGT, DC1])
    assert labels(PRIVILEGED, snapshot) == ["Administrateur"]


@pytest.mark.parametrize("via", ["nested", "primary", "loop", "operators"])
def test_privileged_by_other_ways(via: str) -> None:
    account = dict(BAD)
    admins, groups = [], []
    if via == "nested":
        groups = [group(sid(1301), "Équipe d'astreinte", account)]
        admins = [groups[0]]
    elif via == "primary":
        account["primary_group_id"] = 512
    elif via == "loop":
        first, second = group(sid(1301), "Boucle A"), group(sid(1302), "Boucle B", account)
        first["members"].append(second["dn"])
        second["members"].append(first["dn"])
        groups, admins = [first, second], [first]
    else:
        groups = [group("S-1-5-32-551", "Opérateurs de sauvegarde", account)]
    assert labels(PRIVILEGED, domain([account], admins=admins, groups=groups)) == ["hélène.d'aubigné"]


def test_a_group_that_only_has_a_privileged_name_is_not_privileged() -> None:
    snapshot = domain([BAD], groups=[group(sid(1399), "Domain Admins", BAD)])
    assert labels(PRIVILEGED, snapshot) == []


def test_names_compare_without_case() -> None:
    snapshot = domain([BAD], admins=[BAD["dn"].upper()])
    assert labels(PRIVILEGED, snapshot) == ["hélène.d'aubigné"]


PSO = {
    "dn": f"CN=PSO comptes de service,CN=Password Settings Container,CN=System,{BASE}",
    "guid": "11111111-2222-3333-4444-555555555555",
    "precedence": 10,
    "minimum_length": 33,
    "maximum_age_days": 1095,
    "changed": "2026-01-01T00:00:00+00:00",
    "applies_to": [BAD["dn"]],
}
TOLERATED = BAD | {"encryption_types": 0x18}


@pytest.mark.parametrize(
    ("account", "pso", "expected"),
    [
        pytest.param({}, {}, None, id="all met"),
        pytest.param({}, {"minimum_length": 32}, "32 characters", id="length 32 is not above 32"),
        pytest.param({}, {"maximum_age_days": None}, "does not expire", id="no maximum age"),
        pytest.param({}, {"maximum_age_days": 1200}, "does not expire", id="more than 3 years"),
        pytest.param({"uac": BAD["uac"] | uac.DONT_EXPIRE_PASSWORD}, {}, "does not expire", id="flag beats the PSO"),
        pytest.param({"pwd_last_set": "2025-12-31T00:00:00+00:00"}, {}, "not been changed", id="older than the PSO"),
        pytest.param({"encryption_types": 0x1C}, {}, "limited to AES", id="RC4 as well"),
        pytest.param({"encryption_types": None}, {}, "limited to AES", id="encryption types unset"),
        pytest.param({}, {"applies_to": [GOOD["dn"]]}, "no password settings", id="PSO of someone else"),
    ],
)
def test_tolerance(account: dict, pso: dict, expected: str | None) -> None:
    result = outcome(ALL, domain([TOLERATED | account, GOOD], psos=[PSO | pso]))
    if expected is None:
        assert result.found == []
    else:
        (found,) = result.found
        assert expected in found.evidence["tolerance"]


def test_no_tolerance_for_a_privileged_account() -> None:
    assert labels(PRIVILEGED, domain([TOLERATED], admins=[TOLERATED], psos=[PSO])) == ["hélène.d'aubigné"]


def test_pso_through_a_nested_group_and_precedence() -> None:
    inner = group(sid(1402), "Services Kerberos", TOLERATED)
    outer = group(sid(1401), "Comptes de service", inner)
    strict = PSO | {"applies_to": [outer["dn"]]}
    assert labels(ALL, domain([TOLERATED], groups=[outer, inner], psos=[strict])) == []
    weaker = PSO | {
        "guid": "9" * 8 + PSO["guid"][8:],
        "precedence": 5,
        "minimum_length": 8,
        "applies_to": [outer["dn"]],
    }
    assert labels(ALL, domain([TOLERATED], groups=[outer, inner], psos=[strict, weaker])) == ["hélène.d'aubigné"]
    # a PSO named on the user itself wins over a group's, whatever the precedence
    direct = PSO | {"precedence": 99}
    assert labels(ALL, domain([TOLERATED], groups=[outer, inner], psos=[weaker, direct])) == []


def test_unreadable_psos_grant_nothing_and_are_said() -> None:
    snapshot = domain([TOLERATED], psos=[], unreadable={"password settings objects": "refused"})
    result = outcome(ALL, snapshot)
    assert result.state == "evaluated"
    assert "refused" in (result.reason or "")
    assert "refused" in result.found[0].evidence["tolerance"]


def test_unreadable() -> None:
    assert "userAccountControl" in unreadable(ALL, domain([GOOD | {"uac": None}]))
    assert "1 of 5" in unreadable(PRIVILEGED, domain([GOOD | {"uac": None}]))
    assert unreadable(PRIVILEGED, domain(unreadable={"privileged groups": "hidden"})) == "hidden"
    snapshot = domain([BAD])
    snapshot.groups = {key: each for key, each in snapshot.groups.items() if not str(each.sid).endswith("-512")}
    assert "512" in unreadable(PRIVILEGED, snapshot)


def test_what_was_found_in_an_unreadable_domain_is_kept() -> None:
    result = outcome(ALL, domain([BAD, GOOD | {"uac": None}]))
    assert (result.state, [found.label for found in result.found]) == ("unreadable", ["hélène.d'aubigné"])
