# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controls of groups: loops, Pre-Windows 2000 Compatible Access, administrators of DNS, authentication silos."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls.vuln_group_loop import back_edges, loops
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Acl,
    SecurityDescriptor,
)
from hypothesis import given
from hypothesis import strategies as st

from controls.domain import BASE, DOMAIN, DOMAIN_ADMINS, domain, group, group_dn, labels, outcome, sid, unreadable, user

LOOP = "vuln_group_loop"


def nested(rid: int | str, name: str, *parents: str) -> dict[str, Any]:
    identity = rid if isinstance(rid, str) else sid(rid)
    return {"dn": group_dn(name), "sid": identity, "label": name, "parents": [group_dn(each) for each in parents]}


def test_no_loop() -> None:
    tree = [nested(2001, "a", "b", "c"), nested(2002, "b", "c"), nested(2003, "c", "Administrateurs")]
    assert labels(LOOP, domain(nested_groups=tree)) == []
    assert unreadable(LOOP, domain(unreadable={"groups in groups": "hidden"})) == "hidden"


def test_loops_are_found_once_each() -> None:
    groups = [
        nested(2001, "Été", "Pôle"),
        nested(2002, "Pôle", "Été", "Autre"),
        nested(2003, "Autre", "Domaine"),
        nested(2004, "x", "x"),
    ]
    result = outcome(LOOP, domain(nested_groups=groups))
    assert {tuple(each["label"] for each in found.evidence["groups"]) for found in result.found} == {
        ("Été", "Pôle"),
        ("x",),
    }
    pair = next(found for found in result.found if found.id == sid(2001))
    assert sorted(pair.evidence["memberships"]) == ["Pôle ∈ Été", "Été ∈ Pôle"]
    assert pair.evidence["cuts"] == [
        {"group_sid": sid(2002), "group": "Pôle", "member_sid": sid(2001), "member": "Été"}
    ]
    assert (pair.level, pair.type) == (4, "group")


def test_the_privileged_group_loses_the_membership_that_gave_it_nothing() -> None:
    groups = [
        nested(2001, "Support", "Admins du domaine"),
        nested(DOMAIN_ADMINS, "Admins du domaine", "Support", "Administrateurs"),
    ]
    (found,) = outcome(LOOP, domain(nested_groups=groups)).found
    assert found.evidence["privileged"] is True
    assert [(cut["member"], cut["group"]) for cut in found.evidence["cuts"]] == [("Admins du domaine", "Support")]


Graph = st.integers(1, 9).flatmap(
    lambda n: st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=25).map(
        lambda edges: {str(i): sorted({str(b) for a, b in edges if a == i}) for i in range(n)}
    )
)


def reaches(graph: dict[str, list[str]], start: str, goal: str) -> bool:
    seen, pending = set(), list(graph[start])
    while pending:
        node = pending.pop()
        if node == goal:
            return True
        if node not in seen:
            seen.add(node)
            pending.extend(graph[node])
    return False


@given(Graph)
def test_knots_are_exactly_what_reaches_itself_and_cuts_open_them_all(graph: dict[str, list[str]]) -> None:
    knots = loops(graph)
    inside = {node for node in graph if reaches(graph, node, node)}
    assert {node for knot in knots for node in knot} == inside
    for knot in knots:
        for one in knot:
            assert all(reaches(graph, one, other) for other in knot)
        for parent, child in back_edges(sorted(knot), graph):
            graph[child] = [each for each in graph[child] if each != parent]
    assert not any(reaches(graph, node, node) for node in graph)


def test_a_chain_of_100000_groups_costs_no_recursion_and_no_square() -> None:
    size = 100_000
    graph = {str(i): [str(i + 1)] for i in range(size)} | {str(size): ["0"]}
    started = time.process_time()
    (knot,) = loops(graph)
    assert len(knot) == size + 1
    assert len(back_edges(sorted(knot), graph)) == 1
    assert time.process_time() - started < 5


# --- Pre-Windows 2000 Compatible Access -------------------------------------------------------------------------

ANONYMOUS, OTHERS = "vuln_compatible_2000_anonymous", "vuln_compatible_2000_not_default"


def foreign(identity: str) -> dict[str, Any]:
    return {"dn": f"CN={identity},CN=ForeignSecurityPrincipals,{BASE}", "sid": identity, "label": identity}


def compatible(*members: dict[str, Any]) -> dict[str, Any]:
    return {
        "dn": f"CN=Accès compatible pré-Windows 2000,CN=Builtin,{BASE}",
        "sid": "S-1-5-32-554",
        "label": "Accès compatible pré-Windows 2000",
        "members": list(members),
    }


@pytest.mark.parametrize(
    ("members", "anonymous", "others"),
    [
        ([], 0, 0),
        (["S-1-5-11"], 0, 0),
        (["S-1-5-7", "S-1-5-11"], 1, 0),
        (["S-1-1-0", "S-1-5-11"], 0, 1),
        (["S-1-1-0", "S-1-5-7", sid(1204)], 1, 2),
    ],
)
def test_compatible_access(members: list[str], anonymous: int, others: int) -> None:
    snapshot = domain(pre_windows_2000=compatible(*map(foreign, members)))
    found = outcome(ANONYMOUS, snapshot).found
    assert [each.level for each in found] == [2] * anonymous
    for each in found:
        assert (each.id, each.evidence["group_sid"], each.evidence["member"]) == ("S-1-5-7", "S-1-5-32-554", "S-1-5-7")
    assert [each.level for each in outcome(OTHERS, snapshot).found] == [3] * others


def test_a_member_whose_sid_is_hidden_is_found_by_its_dn() -> None:
    member = {"dn": f"CN=caché,CN=Users,{BASE}", "sid": None, "label": "caché"}
    (found,) = outcome(OTHERS, domain(pre_windows_2000=compatible(member))).found
    assert found.id == found.evidence["member"] == member["dn"]


def test_compatible_access_unreadable() -> None:
    part = {"Pre-Windows 2000 Compatible Access": "hidden"}
    assert unreadable(ANONYMOUS, domain(unreadable=part)) == unreadable(OTHERS, domain(unreadable=part)) == "hidden"


# --- administrators of DNS --------------------------------------------------------------------------------------

DNS = "vuln_dnsadmins"
CHIEF, CLERK = user(1201, "adm.chef"), user(1202, "agent")
SAFE = (f"(A;;GA;;;{DOMAIN}-512)", "(A;;GA;;;S-1-5-18)", "(A;;GA;;;S-1-5-32-548)", "(A;;RPLCRC;;;S-1-5-11)")


def dns_admins(*members: dict[str, Any], aces: tuple[str, ...] = SAFE, owner: str = DOMAIN_ADMINS) -> dict[str, Any]:
    raw = SecurityDescriptor(0x8004, owner=owner, dacl=Acl(tuple(map(from_sddl, aces)))).to_bytes()
    return {
        "dn": group_dn("Équipe réseau"),
        "sid": sid(1101),
        "label": "Équipe réseau",
        "members": [
            {"dn": each["dn"], "sid": each["sid"], "label": each["label"], "group": "members" in each}
            for each in members
        ],
        "descriptor": raw,
        "found_by": "its rights over CN=MicrosoftDNS",
    }


def test_dns_admins_empty_or_privileged() -> None:
    snapshot = domain([CHIEF, CLERK], admins=[CHIEF], dns_admins=[dns_admins(CHIEF)])
    assert labels(DNS, snapshot) == []
    assert "its rights over CN=MicrosoftDNS" in (outcome(DNS, snapshot).reason or "")
    admins = {"dn": group_dn("Admins du domaine"), "sid": DOMAIN_ADMINS, "label": "Admins du domaine", "members": []}
    assert labels(DNS, domain(dns_admins=[dns_admins(admins)])) == []


def test_ordinary_members_of_dns_admins() -> None:
    team = {"dn": group_dn("Équipe"), "sid": sid(1301), "label": "Équipe", "members": []}
    inside = {"dn": group_dn("Tier 0"), "sid": sid(1302), "label": "Tier 0", "members": []}
    snapshot = domain(
        [CHIEF, CLERK],
        admins=[CHIEF, group_dn("Tier 0")],
        groups=[group(sid(1302), "Tier 0", CHIEF)],
        dns_admins=[dns_admins(CHIEF, CLERK, team, inside, foreign("S-1-5-21-7-7-7-1104"))],
    )
    result = outcome(DNS, snapshot)
    assert sorted(found.label for found in result.found) == ["S-1-5-21-7-7-7-1104", "agent", "Équipe"]
    assert {found.level for found in result.found} == {1}
    assert {found.evidence["group_sid"] for found in result.found} == {sid(1101)}


@pytest.mark.parametrize(
    ("ace", "right"),
    [
        (f"(A;;GA;;;{sid(1202)})", "GenericAll"),
        (f"(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;{sid(1202)})", "AddMember"),
        (f"(A;;WD;;;{sid(1202)})", "WriteDacl"),
    ],
)
def test_rights_over_dns_admins(ace: str, right: str) -> None:
    (found,) = outcome(DNS, domain([CLERK], dns_admins=[dns_admins(aces=(*SAFE, ace))])).found
    assert (found.type, found.sid, found.evidence["rights"]) == ("ace", sid(1202), [right])
    assert "group_sid" not in found.evidence  # no membership to end


def test_owner_of_dns_admins() -> None:
    (found,) = outcome(DNS, domain([CLERK], dns_admins=[dns_admins(owner=sid(1202))])).found
    assert (found.sid, found.evidence["rights"], found.evidence["ace"]) == (sid(1202), ["Owner"], None)


def test_dns_admins_unreadable_or_not_there() -> None:
    assert unreadable(DNS, domain(unreadable={"administrators of DNS": "hidden"})) == "hidden"
    broken = {**dns_admins(), "descriptor": b"xx"}
    assert "Équipe réseau" in unreadable(DNS, domain(dns_admins=[broken]))
    assert "no group administers DNS" in (outcome(DNS, domain()).reason or "")


# --- authentication silos ---------------------------------------------------------------------------------------

SILO = "vuln_silo_priv"
SILO_DN = f"CN=Tier 0,CN=AuthN Silos,CN=AuthN Policy Configuration,CN=Services,CN=Configuration,{BASE}"
ADMIN = user(500, "Administrateur")


def silo(*members: dict[str, Any], enforced: bool = True) -> dict[str, Any]:
    return {"dn": SILO_DN, "enforced": enforced, "members": [each["dn"].upper() for each in members]}


@pytest.mark.parametrize(
    ("silos", "assigned", "reason"),
    [
        ([silo(CHIEF, ADMIN)], SILO_DN, None),
        ([silo(CHIEF, ADMIN)], None, "assigned to none"),
        ([silo(ADMIN)], SILO_DN, "no member"),
        ([silo(CHIEF, ADMIN, enforced=False)], SILO_DN, "only audits"),
        ([], None, "assigned to none"),
    ],
)
def test_silos(silos: list[dict[str, Any]], assigned: str | None, reason: str | None) -> None:
    of = {sid(500): SILO_DN, **({} if assigned is None else {CHIEF["sid"]: assigned.lower()})}
    result = outcome(SILO, domain([CHIEF, CLERK], admins=[CHIEF], silos=silos, silo_of=of))
    assert result.state == "evaluated", result.reason
    mine = [found for found in result.found if found.sid == CHIEF["sid"]]
    assert [found.level for found in mine] == ([] if reason is None else [4])
    for found in mine:
        assert reason is not None
        assert reason in found.wording


def test_disabled_and_managed_accounts_need_no_silo() -> None:
    off = user(1203, "parti", flags=uac.ACCOUNTDISABLE)
    managed = user(1204, "gmsa$", kind="msa")
    found = labels(SILO, domain([off, managed], admins=[off, managed]))
    assert found == ["Administrateur"]


def test_silos_unreadable() -> None:
    assert unreadable(SILO, domain(unreadable={"authentication silos": "hidden"})) == "hidden"
