"""The controls of read-only domain controllers."""

from __future__ import annotations

from typing import Any

import pytest

from controls.domain import BASE, DC1, KRBTGT, computer, domain, labels, outcome, sid, unreadable, user
from controls.test_domain_controllers import ENTRA, dc, rodc

ALLOWED, DENIED = "vuln_rodc_allowed_group", "vuln_rodc_denied_group"
NEVER, REVEAL = "vuln_rodc_never_reveal", "vuln_rodc_reveal"
ORPHAN, REVEALED = "vuln_rodc_orphan_krbtgt", "vuln_rodc_priv_revealed"
DEFAULT_DENIED = [502, 512, 516, 517, 518, 519, 520, 521]
DEFAULT_NEVER = ["S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-549", "S-1-5-32-551", sid(572)]


def principal(identity: str | None, name: str = "") -> dict[str, Any]:
    return {"dn": f"CN={name or identity},CN=Users,{BASE}", "sid": identity, "label": name or identity}


def replication(rid: int, *members: dict[str, Any]) -> dict[str, Any]:
    return {"dn": f"CN=RODC {rid},CN=Users,{BASE}", "sid": sid(rid), "label": f"RODC {rid}", "members": list(members)}


def groups(*allowed: dict[str, Any], denied: list[int] = DEFAULT_DENIED) -> list[dict[str, Any]]:
    return [replication(571, *allowed), replication(572, *(principal(sid(rid)) for rid in denied))]


@pytest.mark.parametrize("controllers", [[dc()], [dc(), rodc()]], ids=["without RODC", "with RODC"])
def test_allowed_group(controllers: list[dict[str, Any]]) -> None:
    person = user(1201, "hélène.d'aubigné")
    members = [principal(person["sid"], "hélène.d'aubigné"), principal(sid(1301), "Équipe du site")]
    assert labels(ALLOWED, domain(controllers=controllers, replication_groups=groups())) == []
    result = outcome(ALLOWED, domain([person], controllers=controllers, replication_groups=groups(*members)))
    assert [(each.type, each.id, each.level) for each in result.found] == [
        ("user", sid(1201), 3),
        ("group", sid(1301), 3),
    ]
    assert {each.evidence["group_sid"] for each in result.found} == {sid(571)}


@pytest.mark.parametrize("control", [ALLOWED, DENIED])
def test_replication_group_hidden(control: str) -> None:
    rid = "571" if control == ALLOWED else "572"
    assert rid in unreadable(control, domain(controllers=[dc()], root_domain_sid=sid(1).rpartition("-")[0]))
    older = dc(behavior_version=2, version="5.2 (3790)")
    assert labels(control, domain(controllers=[older])) == []  # a domain older than the groups
    assert rid in unreadable(control, domain(controllers=[older, dc("DC2$", 1001, behavior_version=None)]))


ROOT = sid(1).rpartition("-")[0]


@pytest.mark.parametrize(
    ("denied", "missing"),
    [
        pytest.param(DEFAULT_DENIED, [], id="default"),
        pytest.param([*DEFAULT_DENIED, 1301], [], id="more than default"),
        pytest.param([502, 516, 517, 518, 519, 520, 521], [512], id="without Domain Admins"),
        pytest.param([], DEFAULT_DENIED, id="empty"),
    ],
)
def test_denied_group(denied: list[int], missing: list[int]) -> None:
    snapshot = domain(controllers=[dc()], replication_groups=groups(denied=denied), root_domain_sid=ROOT)
    result = outcome(DENIED, snapshot)
    assert result.state == "evaluated"
    lacks = sorted(each["sid"] for found in result.found for each in found.evidence["missing"])
    assert lacks == sorted(sid(rid) for rid in missing)
    assert [found.id for found in result.found] == ([sid(572)] if missing else [])


def test_denied_group_of_a_child_domain() -> None:
    root = "S-1-5-21-1-2-3"
    ours = [principal(sid(rid)) for rid in (502, 512, 516, 517, 520, 521)]
    theirs = [principal(f"{root}-518"), principal(f"{root}-519")]

    def snapshot(*members: dict[str, Any], above: str | None = root) -> Any:
        both = [replication(571), replication(572, *members)]
        return domain(controllers=[dc()], replication_groups=both, root_domain_sid=above)

    assert labels(DENIED, snapshot(*ours, *theirs)) == []
    assert outcome(DENIED, snapshot(*ours)).found[0].evidence["missing"][0]["sid"] == f"{root}-518"
    assert "do not show their SID" in unreadable(DENIED, snapshot(*ours, principal(None, "Enterprise Admins")))
    assert "root domain" in unreadable(DENIED, snapshot(*ours, *theirs, above=None))


@pytest.mark.parametrize(
    ("never", "missing"),
    [
        pytest.param(DEFAULT_NEVER, [], id="default"),
        pytest.param([*DEFAULT_NEVER, sid(512)], [], id="more than default"),
        pytest.param(DEFAULT_NEVER[:-1], [sid(572)], id="without the denied group"),
        pytest.param([], DEFAULT_NEVER, id="empty"),
    ],
)
def test_never_reveal(never: list[str], missing: list[str]) -> None:
    controller = rodc(never_reveal=[principal(each) for each in never])
    result = outcome(NEVER, domain(controllers=[dc(), controller]))
    assert result.state == "evaluated"
    assert [each["sid"] for found in result.found for each in found.evidence["missing"]] == missing


@pytest.mark.parametrize("control", [NEVER, REVEAL, ORPHAN, REVEALED])
def test_a_domain_without_rodc_is_compliant(control: str) -> None:
    assert labels(control, domain(controllers=[dc()])) == []


@pytest.mark.parametrize("control", [NEVER, REVEAL, ORPHAN, REVEALED])
def test_lists_unreadable(control: str) -> None:
    snapshot = domain(controllers=[rodc()], unreadable={"lists of the read-only domain controllers": "hidden"})
    assert unreadable(control, snapshot) == "hidden"
    assert outcome(control, snapshot).found == []


@pytest.mark.parametrize(
    ("allowed", "wrong"),
    [
        pytest.param([sid(571)], [], id="default"),
        pytest.param([sid(571), sid(1301)], [], id="a group of the site"),
        pytest.param([sid(999)], [sid(999)], id="RID 999"),
        pytest.param([sid(1000)], [], id="RID 1000"),
        pytest.param(["S-1-5-32-551", sid(1301)], ["S-1-5-32-551"], id="Backup Operators"),
        pytest.param([sid(513), sid(512)], [sid(512), sid(513)], id="two"),
    ],
)
def test_reveal(allowed: list[str], wrong: list[str]) -> None:
    controller = rodc(reveal_on_demand=[principal(each) for each in allowed])
    result = outcome(REVEAL, domain(controllers=[controller]))
    assert result.state == "evaluated"
    assert [each["sid"] for found in result.found for each in found.evidence["principals"]] == wrong


def test_what_entra_kerberos_allows_is_found_and_left_to_a_person() -> None:
    snapshot = domain(controllers=[ENTRA | {"reveal_on_demand": [principal(sid(513))]}])
    (found,) = outcome(REVEAL, snapshot).found
    assert "principals" not in found.evidence and found.evidence["entra_principals"][0]["sid"] == sid(513)


def krbtgt(number: int, *controllers: str) -> dict[str, Any]:
    return {
        "dn": f"CN=krbtgt_{number},CN=Users,{BASE}", "sid": sid(2000 + number), "label": f"krbtgt_{number}",
        "number": number, "enabled": False, "controllers": list(controllers),
    }  # fmt: skip


def test_orphan_krbtgt() -> None:
    snapshot = domain(controllers=[rodc()], secondary_krbtgt=[krbtgt(1, rodc()["dn"]), krbtgt(2)])
    assert labels(ORPHAN, snapshot) == ["krbtgt_2"]
    hidden = domain(unreadable={"krbtgt accounts of read-only domain controllers": "hidden"})
    assert unreadable(ORPHAN, hidden) == "hidden"


ADMIN = user(1201, "adm.benoît", pwd_last_set="2026-06-01T08:00:00.5+00:00")


def kept(dn: str, changed: str | None = "2026-06-01T08:00:00+00:00") -> dict[str, Any]:
    return {"dn": dn, "changed": changed}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        pytest.param("2026-06-01T08:00:00+00:00", True, id="the present secret, rounded"),
        pytest.param("2026-06-01T08:00:01+00:00", True, id="later"),
        pytest.param("2026-06-01T07:59:59+00:00", False, id="changed since"),
        pytest.param(None, True, id="of unknown age"),
    ],
)
def test_privileged_secret_kept(changed: str | None, found: bool) -> None:
    snapshot = domain([ADMIN], admins=[ADMIN], controllers=[dc(), rodc(revealed=[kept(ADMIN["dn"].upper(), changed)])])
    assert labels(REVEALED, snapshot) == (["adm.benoît"] if found else [])
    if found:
        assert [each["label"] for each in outcome(REVEALED, snapshot).found[0].evidence["kept_by"]] == ["RODC1$"]


def test_which_secrets_may_be_kept() -> None:
    person = user(1202, "person")
    own = computer(1500, "RODC1$", uac=rodc()["uac"], primary_group_id=521)
    late = "2026-12-01T00:00:00+00:00"
    held = [kept(each["dn"], late) for each in (person, own, KRBTGT, DC1, ADMIN)]
    snapshot = domain([ADMIN, person, own], controllers=[dc(), rodc(revealed=held)])
    assert labels(REVEALED, snapshot) == ["DC1$", "krbtgt"]  # the other account is not privileged here
