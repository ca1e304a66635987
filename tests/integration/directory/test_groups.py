# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the audit to the correction and back: a loop of groups, the DNS administrators, what a faulty adprep granted."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import ldap
import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.controls import audit
from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import evaluate, select
from ansible_collections.care.remediation.plugins.module_utils.directory import (
    acl_plan,
    identity,
    plan_members,
    writer,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import (
    DACL,
    ConnectionOptions,
    Session,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import read_snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from conftest import Domain

HOST = "chu-valmont.test"
LOOP = ("Boucle d'été", "Boucle, deux")


@pytest.fixture(scope="module")
def session(domain: Domain) -> Iterator[Session]:
    options = ConnectionOptions.from_params(domain.options(server=domain.address, auth_protocol="ntlm"))
    with Session.connect(options) as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def _weak(session: Session, domain: Domain) -> Iterator[None]:
    """Two groups that contain each other; somebody in the group of the DNS administrators, which has another name."""
    raw = session._ldap
    dns = session.read(f"CN=DnsAdmins,CN=Users,{session.domain_dn}", ["objectGUID"])
    assert dns is not None
    dns_dn = f"<GUID={dns.guid()}>"
    user = f"CN=agent.dns,CN=Users,{session.domain_dn}"
    names = [f"CN={ldap.dn.escape_dn_chars(name)},CN=Users,{session.domain_dn}" for name in LOOP]
    for dn in [*names, user]:
        with contextlib.suppress(ldap.NO_SUCH_OBJECT):
            raw.delete_s(dn)
    for number, dn in enumerate(names):
        raw.add_s(dn, [("objectClass", [b"group"]), ("sAMAccountName", [f"boucle{number}".encode()])])
    raw.add_s(user, [("objectClass", [b"user"]), ("sAMAccountName", [b"agent.dns"])])
    for group, member in ((names[0], names[1]), (names[1], names[0]), (dns_dn, user)):
        raw.modify_s(group, [(ldap.MOD_ADD, "member", [member.encode()])])
    raw.modify_s(dns_dn, [(ldap.MOD_REPLACE, "sAMAccountName", ["Équipe réseau".encode()])])
    yield
    raw.modify_s(dns_dn, [(ldap.MOD_REPLACE, "sAMAccountName", [b"DnsAdmins"])])
    for dn in [*names, user]:
        raw.delete_s(dn)


def findings(session: Session, control: str) -> list[dict[str, Any]]:
    snapshot = read_snapshot(session, thresholds=catalogue.for_audit()["thresholds"]).snapshot
    (outcome,) = evaluate(snapshot, select([control]))
    assert outcome.state == "evaluated", outcome.reason
    return [audit.finding(HOST, control, found, snapshot) for found in outcome.found]


def entries(control: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    fix = catalogue.load()[control].remediation
    assert fix is not None
    return [dict(entry) for each in found for entry in fix.entries(each)]


def removals(session: Session, wanted: list[dict[str, Any]]) -> list[model.Change]:
    groups = identity.resolve_many(session, [each["group"] for each in wanted], plan_members.GROUP_ATTRIBUTES)
    members = identity.resolve_many(session, [each["member"] for each in wanted], plan_members.MEMBER_ATTRIBUTES)
    plan = Plan()
    plan_members.plan_members(
        plan,
        [(groups[each["group"]], members[each["member"]]) for each in wanted],
        present=False,
        protected=Protected(),
        count=lambda group: plan_members.count_members(session, group),
    )
    return [model.completed(change, HOST) for change in plan.changes]


def statuses(session: Session, operation: str, changes: list[model.Change]) -> set[str]:
    return {each["status"] for each in writer.write(session, operation, changes)["results"]}


@pytest.mark.parametrize("control", ["vuln_group_loop", "vuln_dnsadmins"])
def test_found_corrected_and_undone(session: Session, domain: Domain, control: str) -> None:
    found = findings(session, control)
    mine = [each for each in found if {"boucle0", "boucle1", "agent.dns"} & set(str(each).replace("'", " ").split())]
    assert len(mine) == 1, found
    if control == "vuln_dnsadmins":
        assert mine[0]["evidence"]["group"] == "Équipe réseau"  # known by its rights, whatever it is called
    wanted = entries(control, mine)
    assert len(wanted) == 1
    changes = removals(session, wanted)
    assert statuses(session, "apply", changes) == {"applied"}
    assert mine[0]["id"] not in {each["id"] for each in findings(session, control)}
    said = domain.must("samba-tool", "group", "listmembers", "Équipe réseau")
    assert ("agent.dns" in said) is (control != "vuln_dnsadmins")
    assert statuses(session, "undo", changes) == {"undone"}
    assert mine[0]["id"] in {each["id"] for each in findings(session, control)}


def test_what_a_faulty_adprep_granted(session: Session, domain: Domain) -> None:
    ace = f"(A;CI;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;{session.domain_sid}-527)"
    domain.must("samba-tool", "dsacl", "set", "--action=allow", f"--objectdn={session.domain_dn}", f"--sddl={ace}")
    control = "vuln_adupdate_bad"
    found = [each for each in findings(session, control) if each["object"]["type"] == "ace"]
    assert len(found) == 1, found
    (wanted,) = entries(control, found)
    attributes = ["objectClass", "adminCount", "nTSecurityDescriptor"]
    head = identity.resolve_many(session, [wanted["object"]], attributes, sd_flags=DACL)
    wish = acl_plan.AclWish(wanted["object"], wanted["trustee"], wanted["ace"])
    with pytest.raises(PlanError, match="allow_default_holders"):
        acl_plan.plan_acls(session, Plan(), head, [wish], Protected())
    plan = Plan()
    acl_plan.plan_acls(session, plan, head, [wish], Protected(), allow_default_holders=True)
    changes = [model.completed(change, HOST) for change in plan.changes]
    assert statuses(session, "apply", changes) == {"applied"}
    assert [each for each in findings(session, control) if each["object"]["type"] == "ace"] == []
    # what both groups are meant to have is still there
    said = domain.must("samba-tool", "dsacl", "get", f"--objectdn={session.domain_dn}")
    assert re.search(r"5b47d60f-6090-40b2-9f37-2a4de88f3063;;(EK|S-1-5-21-[0-9-]+-527)\)", said)
    assert statuses(session, "undo", changes) == {"undone"}
    assert [each["id"] for each in findings(session, control)] == [each["id"] for each in found]
    assert statuses(session, "apply", changes) == {"applied"}
