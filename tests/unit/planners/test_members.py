"""Members added and removed, primary groups, privileged groups by SID, protected accounts behind nested groups."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_members
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import (
    Account,
    Protected,
    protected_accounts,
)

from .conftest import BASE, DOMAIN, FakeDirectory, make_entry

GROUP = {"classes": ("top", "group")}
ADMINS = make_entry("Admins du domaine", 512, dn=f"CN=Admins du domaine,CN=Users,{BASE}", **GROUP)
NURSES = make_entry("Infirmières (été)", 1500, dn=f"CN=Infirmières \\(été\\)*,OU=L'hôpital,{BASE}", **GROUP)


def members(pairs: list, present: bool = False, protected: Protected | None = None, count: int = 3) -> Plan:
    plan = Plan()
    plan_members.plan_members(plan, pairs, present=present, protected=protected or Protected(), count=lambda _g: count)
    return plan


def test_remove_names_the_group_as_object_and_the_member_as_value() -> None:
    user = make_entry("alice", 1104, memberOf=[ADMINS.dn.lower()], primaryGroupID=513)
    (change,) = members([(ADMINS, user)]).changes
    assert change["object"]["dn"] == ADMINS.dn
    assert (change["kind"], change["attribute"], change["before"], change["after"]) == (
        "values",
        "member",
        [user.dn],
        [],
    )
    assert change["context"] == {
        "group_sid": f"{DOMAIN}-512",
        "privileged": True,
        "members_before": 3,
        "member_sid": f"{DOMAIN}-1104",
        "member": "alice",
    }
    assert change["display"] == {"before": "alice", "after": "–"}


def test_add() -> None:
    (change,) = members([(NURSES, make_entry("alice", primaryGroupID=513))], present=True).changes
    assert (change["before"], change["after"]) == ([], [make_entry("alice").dn])
    assert change["context"]["privileged"] is False


@pytest.mark.parametrize(("present", "member_of"), [(False, []), (True, [ADMINS.dn])])
def test_nothing_to_do(present: bool, member_of: list[str]) -> None:
    assert members([(ADMINS, make_entry("alice", memberOf=member_of, primaryGroupID=513))], present).changes == []


def test_primary_group_is_membership_and_cannot_be_removed_by_a_value() -> None:
    user = make_entry("alice", 1104, primaryGroupID=512)
    assert members([(ADMINS, user)], present=True).changes == []
    with pytest.raises(PlanError, match="primaryGroupID 512"):
        members([(ADMINS, user)])


def test_primary_group_of_another_domain_is_no_membership() -> None:
    foreign = make_entry("bob", sid="S-1-5-21-1-2-3-1104", primaryGroupID=512, memberOf=[ADMINS.dn])
    assert len(members([(ADMINS, foreign)]).changes) == 1


def test_all_refusals_are_named_at_once() -> None:
    pairs = [(ADMINS, make_entry(name, 1104 + n, primaryGroupID=512)) for n, name in enumerate(("alice", "bob"))]
    with pytest.raises(PlanError, match=r"alice.*bob"):
        members([*pairs, (ADMINS, make_entry("carol", 1200, memberOf=[ADMINS.dn]))])


def test_not_a_group() -> None:
    with pytest.raises(PlanError, match="is no group"):
        members([(make_entry("alice"), make_entry("bob", 1105))])


@pytest.mark.parametrize(
    ("sid", "privileged"),
    [
        *((f"S-1-5-32-{rid}", True) for rid in (544, 548, 549, 550, 551)),
        *((f"{DOMAIN}-{rid}", True) for rid in (512, 516, 518, 519, 526, 527)),
        ("S-1-5-32-545", False),
        (f"{DOMAIN}-513", False),
        (f"{DOMAIN}-525", False),
        (f"{DOMAIN}-1512", False),
        ("S-1-5-32-512", False),
        (f"{DOMAIN}-544", False),
        (None, False),
    ],
)
def test_privileged_groups_are_known_by_sid(sid: str | None, privileged: bool) -> None:
    assert plan_members.is_privileged(sid) is privileged


@pytest.mark.parametrize(
    ("sid", "may"),
    [
        *((f"S-1-5-32-{rid}", True) for rid in (548, 549, 550, 551)),
        *((f"{DOMAIN}-{rid}", True) for rid in (518, 519)),
        *((f"{DOMAIN}-{rid}", None) for rid in (512, 516, 526, 527, 548)),
        ("S-1-5-32-544", None),
        ("S-1-5-32-519", None),
        (None, None),
    ],
)
def test_operators_and_forest_groups_are_meant_to_be_empty(sid: str | None, may: bool | None) -> None:
    assert plan_members.group_context(make_entry("g", None, sid=sid, **GROUP), lambda _g: 1).get("may_be_empty") is may


def test_counting_asks_for_both_kinds_of_members_and_escapes_the_name() -> None:
    directory = FakeDirectory()
    expected = (
        "(|(memberOf=CN=Infirmières \\5c\\28été\\5c\\29\\2a,OU=L'hôpital,DC=chu-valmont,DC=test)(primaryGroupID=1500))"
    )
    directory.answers[expected] = [make_entry("a"), make_entry("b")]
    assert plan_members.count_members(directory, NURSES) == 2  # type: ignore[arg-type]


def test_a_group_that_holds_a_protected_account_is_a_hazard() -> None:
    nested = make_entry("Équipe secours", 1600, memberOf=[ADMINS.dn], **GROUP)
    account = Account(
        "break_glass", f"{DOMAIN}-1107", "bris-de-glace-1", frozenset({nested.sid() or "", f"{DOMAIN}-512"})
    )
    (change,) = members([(ADMINS, nested)], protected=Protected([account])).changes
    assert [hazard["kind"] for hazard in change["hazards"]] == ["break_glass"]
    assert "bris-de-glace-1" in change["hazards"][0]["object"]


def test_protected_accounts_are_resolved_with_their_nested_groups() -> None:
    token = [sids.to_bytes(f"{DOMAIN}-512"), sids.to_bytes(f"{DOMAIN}-1600")]
    glass = make_entry("bris-de-glace-1", 1107, tokenGroups=token)
    robot = make_entry("svc-care", 1108, tokenGroups=token)
    directory = FakeDirectory([glass, robot], connected_sid=f"{DOMAIN}-1108")
    protected = protected_accounts(directory, {"bris-de-glace-1": glass}, {})
    assert [(a.kind, a.label) for a in protected.accounts] == [
        ("break_glass", "bris-de-glace-1"),
        ("connected_account", "svc-care"),
    ]
    assert protected.hazards(f"{DOMAIN}-1108")[0]["kind"] == "connected_account"
    assert len(protected.hazards_of_member(f"{DOMAIN}-1600")) == 2
    assert protected.hazards(f"{DOMAIN}-1600") == []


def test_a_protected_account_without_readable_sid_stops() -> None:
    with pytest.raises(PlanError, match="no readable SID"):
        protected_accounts(FakeDirectory(), {"x": make_entry("x", None)}, {})


def test_a_protected_account_whose_groups_cannot_be_read_stops() -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        protected_accounts(FakeDirectory(), {"x": make_entry("x")}, {})
