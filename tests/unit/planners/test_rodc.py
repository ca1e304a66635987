"""Read-only domain controllers: lists and groups only ever narrow, krbtgt accounts in use are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_neutralise, plan_rodc, uac
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected

from .conftest import BASE, DOMAIN, make_entry

COMPUTER = ("top", "person", "user", "computer")
FLAGS = uac.PARTIAL_SECRETS_ACCOUNT | uac.WORKSTATION_TRUST_ACCOUNT | uac.TRUSTED_TO_AUTH_FOR_DELEGATION
ADMINS = make_entry("Administrateurs", None, sid="S-1-5-32-544", classes=("top", "group"))
SITE = make_entry("Équipe (site) d'été", 1301, classes=("top", "group"))
PERSON = make_entry("hélène.d'aubigné", 1201)


def rodc(**facts: Any) -> Any:
    return make_entry("RODC1$", 1500, classes=COMPUTER, userAccountControl=FLAGS, primaryGroupID=521, **facts)


def listed(entry: Any, attribute: str, *principals: Any, protected: Protected | None = None) -> list[dict[str, Any]]:
    plan = Plan()
    present = attribute == plan_rodc.NEVER_REVEAL
    plan_rodc.plan_list(plan, entry, attribute, principals, present=present, protected=protected or Protected())
    return plan.changes


def test_added_to_what_is_never_revealed() -> None:
    changes = listed(rodc(msDS_NeverRevealGroup=[SITE.dn.upper()]), plan_rodc.NEVER_REVEAL, ADMINS, SITE, ADMINS)
    (change,) = changes
    assert (change["attribute"], change["before"], change["after"]) == (plan_rodc.NEVER_REVEAL, [], [ADMINS.dn])
    assert change["display"] == {"before": "–", "after": "Administrateurs"}
    assert change["context"]["member_sid"] == "S-1-5-32-544"


def test_removed_from_what_may_be_revealed() -> None:
    entry = rodc(msDS_RevealOnDemandGroup=[ADMINS.dn.upper(), SITE.dn])
    (change,) = listed(entry, plan_rodc.REVEAL, ADMINS, PERSON)
    assert (change["before"], change["after"]) == ([ADMINS.dn.upper()], [])


@pytest.mark.parametrize(
    "entry",
    [
        make_entry("DC1$", 1000, classes=COMPUTER, userAccountControl=uac.SERVER_TRUST_ACCOUNT, primaryGroupID=516),
        make_entry("PC1$", 1001, classes=COMPUTER, userAccountControl=uac.WORKSTATION_TRUST_ACCOUNT),
        ADMINS,
    ],
)
def test_only_read_only_domain_controllers(entry: Any) -> None:
    with pytest.raises(PlanError, match="no read-only domain controller"):
        listed(entry, plan_rodc.NEVER_REVEAL, ADMINS)


def test_a_protected_account_that_is_named_itself_stops_the_run() -> None:
    protected = Protected([Account("break_glass", f"{DOMAIN}-1201", "bris", frozenset({"S-1-5-32-544"}))])
    (change,) = listed(rodc(msDS_RevealOnDemandGroup=[PERSON.dn]), plan_rodc.REVEAL, PERSON, protected=protected)
    assert [each["kind"] for each in change["hazards"]] == ["break_glass"]
    # the group of administrators holds it, and belongs into the deny list all the same
    (change,) = listed(rodc(), plan_rodc.NEVER_REVEAL, ADMINS, protected=protected)
    assert change["hazards"] == []


def test_groups() -> None:
    group = make_entry("RODC refusé", 572, classes=("top", "group"), member=[PERSON.dn])
    plan = Plan()
    plan_rodc.plan_group(plan, group, [PERSON, ADMINS], present=True, protected=Protected())
    plan_rodc.plan_group(plan, group, [PERSON, SITE], present=False, protected=Protected())
    assert [(each["before"], each["after"]) for each in plan.changes] == [([], [ADMINS.dn]), ([PERSON.dn], [])]


def krbtgt(**facts: Any) -> Any:
    return make_entry("krbtgt_4711", 1502, userAccountControl=514, **facts)


USED = krbtgt(msDS_SecondaryKrbTgtNumber=4711, msDS_KrbTgtLinkBl=[f"CN=RODC1,OU=Domain Controllers,{BASE}"])
LEFT = krbtgt(msDS_SecondaryKrbTgtNumber=4711)


@pytest.mark.parametrize(("entry", "said"), [(USED, "is in use"), (PERSON, "no krbtgt account")])
def test_what_is_no_orphan_is_not_deleted(entry: Any, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        plan_rodc.plan_orphans(Plan(), [LEFT, entry], protected=Protected())


def test_an_orphan_is_deleted_irreversibly() -> None:
    plan = Plan()
    plan_rodc.plan_orphans(plan, [LEFT], protected=Protected())
    (change,) = plan.changes
    assert (change["kind"], change["after"], change["reversible"]) == ("object", None, False)


def test_neutralise_leaves_a_krbtgt_account_in_use_alone() -> None:
    def neutralised(entry: Any) -> Plan:
        plan = Plan()
        reason = plan_neutralise.Reason("RODC disparu", "2026-11-22")
        plan_neutralise.plan_neutralise(plan, entry, {}, reason, protected=Protected(), count=lambda _: 1)
        return plan

    with pytest.raises(PlanError, match="is in use"):
        neutralised(USED)
    kinds = [(each["kind"], each["attribute"]) for each in neutralised(LEFT).changes]
    assert kinds == [("password", "unicodePwd"), ("replace", "description")]  # it is disabled already
    assert neutralised(krbtgt(msDS_SecondaryKrbTgtNumber=4711, description="[care.remediation] x")).changes == []
    enabled = make_entry("krbtgt_4711", 1502, userAccountControl=512, msDS_SecondaryKrbTgtNumber=4711)
    assert neutralised(enabled).changes[0]["attribute"] == "userAccountControl"
