"""Access lists and owners of any object: what is planned, what is refused and why, what is said besides."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_plan import AclWish, plan_acls
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.owner_plan import (
    OwnerWish,
    owner_wish,
    plan_owners,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected

from planners.conftest import BASE, DOMAIN, FakeDirectory, make_entry

SVC, OTHER, CARE = f"{DOMAIN}-1201", f"{DOMAIN}-1202", f"{DOMAIN}-1105"
USERS, ADMINS = f"{DOMAIN}-513", f"{DOMAIN}-512"
SYSTEM = "(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;S-1-5-18)"
HOLDER_DN = f"CN=AdminSDHolder,CN=System,{BASE}"
DOMAIN_ADMINS = make_entry("Admins du domaine", 512, classes=("top", "group"))
PROTECTED = Protected([Account("automation", CARE, "svc-care", frozenset({USERS, f"{DOMAIN}-1300"}))])


def thing(*sddl: str, name: str = "Équipe d'imagerie, 2e étage", owner: str = ADMINS, **facts: Any) -> Entry:
    raw = sd.SecurityDescriptor(owner=owner).with_dacl(tuple(map(from_sddl, sddl))).to_bytes()
    return make_entry(name, None, classes=("top", "organizationalUnit"), nTSecurityDescriptor=raw, **facts)


def directory(*entries: Entry) -> FakeDirectory:
    known = FakeDirectory([DOMAIN_ADMINS, *entries])
    known.root_dse = {}  # type: ignore[attr-defined]
    return known


def planned(entry: Entry, *aces: str, session: FakeDirectory | None = None, **options: Any) -> Plan:
    plan = Plan()
    wishes = [AclWish("x", from_sddl(ace).sid or "", ace, options.pop("control", None)) for ace in aces]
    plan_acls(session or directory(), plan, {"x": entry}, wishes, PROTECTED, **options)  # type: ignore[arg-type]
    return plan


def owned(entry: Entry, *wishes: OwnerWish, session: FakeDirectory | None = None) -> Plan:
    plan = Plan()
    wanted = list(wishes) or [OwnerWish("x")]
    plan_owners(session or directory(), plan, {"x": entry}, wanted, PROTECTED)  # type: ignore[arg-type]
    return plan


# --- entries ----------------------------------------------------------------------------------------------------------


def test_an_entry_goes_from_its_place_and_nothing_else_moves() -> None:
    ace = f"(A;;WD;;;{SVC})"
    (change,) = planned(thing(SYSTEM, ace, "(A;;RP;;;S-1-5-11)"), ace, control="vuln_adcs_control").changes
    assert (change["kind"], change["before"][0]["index"], change["after"]) == ("aces", 1, [])
    assert (change["controls"], change["hazards"], change["object"]["type"]) == (["vuln_adcs_control"], [], "object")


def test_the_same_entry_asked_for_by_two_controls_is_one_change() -> None:
    ace = f"(A;;WD;;;{SVC})"
    plan = Plan()
    wishes = [AclWish("x", SVC, ace, control) for control in ("vuln_b", "vuln_a")]
    plan_acls(directory(), plan, {"x": thing(ace)}, wishes, PROTECTED)  # type: ignore[arg-type]
    assert [change["controls"] for change in plan.changes] == [["vuln_a", "vuln_b"]]


def test_what_a_protected_account_holds_like_everyone_is_said() -> None:
    plan = planned(thing(f"(A;;WP;;;{USERS})"), f"(A;;WP;;;{USERS})")
    assert plan.changes[0]["hazards"] == []
    assert [notice["code"] for notice in plan.notices] == ["everyone"]
    assert "svc-care" in plan.notices[0]["text"]


def test_what_it_holds_by_a_group_of_its_own_is_a_hazard() -> None:
    ace = f"(A;;WP;;;{DOMAIN}-1300)"
    assert [one["kind"] for one in planned(thing(ace), ace).changes[0]["hazards"]] == ["automation"]


def test_a_sid_that_resolves_to_nothing_goes_like_any_other() -> None:
    ace = "(A;;GA;;;S-1-5-21-9-9-9-4242)"
    (change,) = planned(thing(ace), ace).changes
    assert "S-1-5-21-9-9-9-4242" in change["display"]["before"]


def test_entries_that_are_not_understood_stay_as_they_are() -> None:
    unknown = sd.Ace.parse(b"\x7f\x00\x0c\x00\x01\x02\x03\x04\x05\x06\x07\x08")
    conditional = sd.Ace.build(sd.ACCESS_ALLOWED_CALLBACK, 0, sd.WRITE_DAC, OTHER, data=b"artx\x00\x01")
    gone = from_sddl(f"(A;;WD;;;{SVC})")
    raw = sd.SecurityDescriptor(owner=ADMINS).with_dacl((conditional, gone, unknown)).to_bytes()
    entry = make_entry("x", None, classes=("top", "container"), nTSecurityDescriptor=raw)
    (change,) = planned(entry, f"(A;;WD;;;{SVC})").changes
    left = acl_changes.apply((conditional, gone, unknown), [(change["before"], change["after"])])
    assert [ace.raw for ace in left] == [conditional.raw, unknown.raw]


# --- order ------------------------------------------------------------------------------------------------------------


MIXED = (f"(A;;WD;;;{SVC})", f"(A;;WP;;;{OTHER})", "(D;;WP;;;S-1-5-11)", f"(D;ID;CR;;;{OTHER})", f"(A;;CR;;;{OTHER})")


def test_a_list_out_of_order_is_left_alone_and_what_order_would_do_is_said() -> None:
    with pytest.raises(PlanError) as refusal:
        planned(thing(*MIXED), MIXED[0])
    said = str(refusal.value)
    assert "not in canonical order" in said
    assert f"newly DENY whoever is both Authenticated Users (S-1-5-11) and also {OTHER}: write properties." in said
    assert f"newly ALLOW {OTHER}: extended right." in said
    assert "reorder: true" in said


def test_order_is_made_when_it_is_asked_for_in_one_change_that_can_be_undone() -> None:
    (change,) = planned(thing(*MIXED), MIXED[0], reorder=True, control="vuln_x").changes
    assert change["context"]["whole_list"] is True
    assert [one["sddl"] for one in change["before"]] == [MIXED[0], MIXED[1], MIXED[2], MIXED[4]]
    assert [one["sddl"] for one in change["after"]] == [MIXED[2], MIXED[1], MIXED[4]]
    assert "newly DENY" in change["display"]["after"]
    assert change["controls"] == ["vuln_x"]
    # the place of an own entry behind an inherited one is the server's to choose
    assert [one["irreversible"] for one in change["side_effects"]] == [True]


def test_order_that_takes_something_from_a_protected_account_is_a_hazard() -> None:
    mixed = (f"(A;;WD;;;{SVC})", f"(A;;WP;;;{DOMAIN}-1300)", "(D;;WP;;;S-1-5-11)")
    (change,) = planned(thing(*mixed), mixed[0], reorder=True).changes
    assert [one["kind"] for one in change["hazards"]] == ["automation"]


def test_order_that_cannot_be_judged_is_always_refused() -> None:
    conditional = sd.Ace.build(sd.ACCESS_ALLOWED_CALLBACK, 0, sd.WRITE_DAC, OTHER, data=b"artx")
    aces = (conditional, from_sddl(f"(D;;WD;;;{OTHER})"), from_sddl(f"(A;;WD;;;{SVC})"))
    raw = sd.SecurityDescriptor(owner=ADMINS).with_dacl(aces).to_bytes()
    entry = make_entry("x", None, classes=("top", "container"), nTSecurityDescriptor=raw)
    with pytest.raises(PlanError, match="with a condition"):
        planned(entry, f"(A;;WD;;;{SVC})", reorder=True)


def test_nothing_to_remove_means_nothing_to_order() -> None:
    assert planned(thing(*MIXED), f"(A;;GA;;;{SVC})").changes == []


# --- AdminSDHolder ----------------------------------------------------------------------------------------------------


def holder(*sddl: str, owner: str = ADMINS) -> Entry:
    raw = sd.SecurityDescriptor(owner=owner).with_dacl(tuple(map(from_sddl, sddl))).to_bytes()
    return make_entry("AdminSDHolder", None, dn=HOLDER_DN, classes=("top", "container"), nTSecurityDescriptor=raw)


def test_an_entry_that_adminsdholder_brings_back_is_said() -> None:
    ace = f"(A;;WD;;;{SVC})"
    plan = planned(thing(ace, adminCount=1), ace, session=directory(holder(ace)))
    assert [notice["code"] for notice in plan.notices] == ["adminsdholder"]
    assert HOLDER_DN in plan.notices[0]["text"]
    assert "within the hour" in plan.notices[0]["text"]
    assert plan.changes[0]["display"]["after"] == "–\n(AdminSDHolder holds the same: back within the hour)"
    assert planned(thing(ace, adminCount=1), ace, session=directory(holder())).notices == []
    assert planned(thing(ace, adminCount=0), ace, session=directory(holder(ace))).notices == []
    assert "could not be read" in planned(thing(ace, adminCount=1), ace).notices[0]["text"]


def test_not_when_it_goes_there_too() -> None:
    ace = f"(A;;WD;;;{SVC})"
    above = holder(ace)
    plan = Plan()
    entries = {"x": thing(ace, adminCount=1), "y": above}
    wishes = [AclWish("x", SVC, ace), AclWish("y", SVC, ace)]
    plan_acls(directory(above), plan, entries, wishes, PROTECTED)  # type: ignore[arg-type]
    assert (len(plan.changes), plan.notices) == (2, [])


# --- owners -----------------------------------------------------------------------------------------------------------


def test_an_owner_who_is_no_administrator_is_replaced() -> None:
    (change,) = owned(thing(owner=SVC), OwnerWish("x", control="vuln_owner")).changes
    assert (change["kind"], change["before"], change["after"]) == ("owner", SVC, ADMINS)
    assert (change["reversible"], change["controls"], change["hazards"]) == (True, ["vuln_owner"], [])
    assert change["display"]["before"] == f"owner {SVC}"


@pytest.mark.parametrize("owner", [ADMINS, f"{DOMAIN}-519", "S-1-5-32-544", "S-1-5-18"])
def test_administrators_may_own(owner: str) -> None:
    assert owned(thing(owner=owner)).changes == []


def test_one_owner_in_particular() -> None:
    assert owned(thing(owner=SVC), OwnerWish("x", not_owner=OTHER)).changes == []
    assert len(owned(thing(owner=SVC), OwnerWish("x", not_owner=SVC), OwnerWish("x")).changes) == 1
    assert owned(thing(owner=ADMINS), OwnerWish("x", not_owner=ADMINS)).changes == []
    assert owner_wish("x", SVC, f"(A;;WD;;;{SVC})") is None
    assert owner_wish("x", SVC, f"O:{SVC}") == OwnerWish("x", SVC)
    for ace in ("O:", f"O:{OTHER}", f"O:{SVC}G:{SVC}", "O:DA"):
        with pytest.raises(PlanError, match="does not say"):
            owner_wish("x", SVC, ace)


def test_the_owner_of_a_protected_account_is_not_touched() -> None:
    raw = sd.SecurityDescriptor(owner=SVC).to_bytes()
    entry = make_entry("svc-care", 1105, nTSecurityDescriptor=raw)
    assert [one["kind"] for one in owned(entry).changes[0]["hazards"]] == ["automation"]


def test_a_protected_account_that_owns_something_is_said() -> None:
    plan = owned(thing(owner=CARE))
    assert (plan.changes[0]["hazards"], [one["code"] for one in plan.notices]) == ([], ["protected_owner"])


def test_unreadable_owners_and_an_unreadable_group_stop_everything() -> None:
    bare = make_entry("x", None, classes=("top", "container"))
    with pytest.raises(PlanError, match="owner cannot be read"):
        owned(bare)
    cut = make_entry("x", None, classes=("top", "container"), nTSecurityDescriptor=b"\x01\x00")
    with pytest.raises(PlanError, match="not understood"):
        owned(cut)
    nobody = FakeDirectory()
    nobody.root_dse = {}  # type: ignore[attr-defined]
    with pytest.raises(PlanError, match="RID 512"):
        owned(thing(owner=SVC), session=nobody)


def test_an_owner_that_adminsdholder_brings_back_is_said() -> None:
    plan = owned(thing(owner=SVC, adminCount=1), session=directory(holder(owner=SVC)))
    assert [notice["code"] for notice in plan.notices] == ["adminsdholder"]
    assert "back within the hour" in plan.changes[0]["display"]["after"]
    assert owned(thing(owner=SVC, adminCount=1), session=directory(holder())).notices == []
