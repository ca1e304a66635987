# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificate services, owners and lists out of order in a real domain: audited, corrected, undone to the same LDIF."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import ldap
import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import Outcome, evaluate, select
from ansible_collections.care.remediation.plugins.module_utils.directory import identity, writer
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_plan import AclWish, plan_acls
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.owner_plan import owner_wish, plan_owners
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import protected_accounts
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_templates import (
    TemplateWish,
    plan_nt_auth,
    plan_templates,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import (
    DACL,
    OWNER,
    ConnectionOptions,
    Session,
    sd_flags_control,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import read_snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from conftest import ROOT, Domain

sys.path.insert(0, str(ROOT / "molecule" / "shared"))

import certificate_scene as scene
import ldif_equal

ENROL = "vuln_adcs_template_auth_enroll_with_name"
CONTROLS = ("vuln_adcs_control", ENROL, "vuln_adcs_template_control")
MANAGER = "svc.pki d'été"
MANAGER_PASSWORD = "Motdepasse-2026!"


@pytest.fixture(scope="module")
def session(domain: Domain) -> Iterator[Session]:
    options = ConnectionOptions.from_params(domain.options(server=domain.address, auth_protocol="ntlm"))
    with Session.connect(options) as opened:
        yield opened


@pytest.fixture(scope="module")
def manager(session: Session, domain: Domain) -> Iterator[str]:
    """The SID of somebody who managed the authority."""
    domain.must("samba-tool", "user", "create", MANAGER, MANAGER_PASSWORD)
    (entry,) = identity.resolve_many(session, [MANAGER]).values()
    yield str(entry.sid())
    domain.must("samba-tool", "user", "delete", MANAGER)


@pytest.fixture
def pki(session: Session, domain: Domain, manager: str) -> Iterator[str]:
    """An authority that publishes dangerous templates; gives the DN of the Configuration partition."""
    where = session.configuration_dn
    enroll = f"(OA;;CR;{scene.ENROLL};;DU)"
    ldif = "".join(
        [
            scene.authority(where, b"0\x82\x01\x00hopital\xff", [scene.STRANGE, "Agent", "Vieux", "Parti"], "pki.test"),
            scene.template(where, scene.STRANGE, enroll, names=scene.FROM_DIRECTORY | 1, enrolment=0x80029),
            scene.template(where, "Agent", f"{enroll}(A;;WD;;;{manager})", ekus=(scene.AGENT,), owner=manager),
            scene.template(where, "Vieux", enroll, ekus=(), version=1, names=1),
            scene.template(where, "Attente", f"{enroll}(A;;WP;;;{manager})", names=1),
        ]
    )
    domain.must("ldbadd", "-H", ldif_equal.DATABASE, "--controls=relax:0", given=ldif)
    yield where
    for name in (scene.STRANGE, "Agent", "Vieux", "Attente"):
        session._ldap.delete_s(scene.template_dn(where, name))
    for dn in (scene.service_dn(where), scene.nt_auth_dn(where)):
        session._ldap.delete_s(dn)


def audit(session: Session) -> dict[str, Outcome]:
    snapshot = read_snapshot(session).snapshot
    snapshot.thresholds = catalogue.thresholds(catalogue.load())
    outcomes = {one.control: one for one in evaluate(snapshot, select(CONTROLS))}
    assert {one.state for one in outcomes.values()} == {"evaluated"}, outcomes
    return outcomes


def dump(domain: Domain) -> ldif_equal.Dump:
    return ldif_equal.parse(ldif_equal.dump(f"care-{domain.name}-dc1").splitlines())


def protected(session: Session) -> Any:
    return protected_accounts(session, {}, {})


def planned(session: Session, outcomes: dict[str, Outcome]) -> list[model.Change]:
    """What the role's variables, filled as the catalogue says, make of the findings."""
    plan = Plan()
    known = catalogue.load()
    wishes: list[AclWish] = []
    owners = []
    templates = []
    for control, one in outcomes.items():
        fix = known[control].remediation
        assert fix is not None
        for found in one.found:
            finding = {"control": control, "object": {"label": found.label}, "evidence": found.evidence}
            for entry in fix.entries(finding):
                if fix.variable == "care_certificate_templates_correct":
                    templates.append(TemplateWish(entry["template"], tuple(entry["corrections"]), control))
                elif (owner := owner_wish(entry["object"], entry["trustee"], entry["ace"], control)) is not None:
                    owners.append(owner)
                else:
                    wishes.append(AclWish(entry["object"], entry["trustee"], entry["ace"], control))
    plan_templates(session, plan, templates, "fail")
    names = [*IDENTITY_ATTRIBUTES, "adminCount", "nTSecurityDescriptor"]
    entries = identity.resolve_many(session, [wish.object for wish in wishes], names, sd_flags=DACL)
    plan_acls(session, plan, entries, wishes, protected(session))
    entries = identity.resolve_many(session, [wish.object for wish in owners], names, sd_flags=OWNER)
    plan_owners(session, plan, entries, owners, protected(session))
    return model.merged(model.completed(change, "chu-valmont.test") for change in plan.changes)


def statuses(session: Session, operation: str, changes: list[model.Change], check: bool = False) -> set[str]:
    results = writer.write(session, operation, changes, check)["results"]
    return {one["status"] if one["status"] != "failed" else str(one) for one in results}


def test_audit_correction_and_undo(session: Session, domain: Domain, pki: str, manager: str) -> None:
    before = dump(domain)
    outcomes = audit(session)
    ways = {(each.evidence["template"], each.evidence["way"]) for each in outcomes[ENROL].found}
    assert ways == {
        (scene.STRANGE, "supplied_subject"),
        (scene.STRANGE, "no_security_extension"),
        ("Agent", "request_agent"),
        ("Vieux", "any_purpose"),
        ("Vieux", "supplied_subject"),
    }
    assert {tuple(each.evidence["in_nt_auth"]) for each in outcomes[ENROL].found} == {(scene.AUTHORITY,)}
    assert "Parti" in str(outcomes[ENROL].reason)
    control = {(each.evidence["template"], each.level, *each.evidence["rights"]) for each in
               outcomes["vuln_adcs_template_control"].found}  # fmt: skip
    assert control == {("Agent", 1, "WriteDacl"), ("Agent", 1, "Owner"), ("Attente", 2, "WriteAllProperties")}
    assert {each.evidence["trustee"] for each in outcomes["vuln_adcs_template_control"].found} == {MANAGER}
    assert outcomes["vuln_adcs_control"].found == []

    changes = planned(session, outcomes)
    assert sorted({change["kind"] for change in changes}) == ["aces", "flags", "owner", "values"]
    assert statuses(session, "apply", changes, check=True) == {"applied"}
    assert ldif_equal.differences(before, dump(domain)) == []
    assert statuses(session, "apply", changes) == {"applied"}
    assert statuses(session, "apply", changes) == {"already"}

    # Another program sees it, and only it
    seen = {line.split(": ", 1)[0] + ": " + line.split(": ", 2)[1] for line in
            ldif_equal.differences(before, dump(domain))}  # fmt: skip
    agent = scene.template_dn(pki, "Agent").lower()
    assert f"{agent}: mspki-enrollment-flag" in seen
    assert f"{agent}: ntsecuritydescriptor" in seen
    assert len(seen) == 7, seen
    said = domain.must("samba-tool", "dsacl", "get", f"--objectdn={scene.template_dn(pki, 'Agent')}")
    assert manager not in said
    assert "O:DA" in said
    assert {name.rpartition(" ")[2] for name in seen if name.startswith("cn=poste d'été")} == {
        "mspki-certificate-name-flag",
        "mspki-enrollment-flag",
    }
    assert all(not one.found for one in audit(session).values())

    assert statuses(session, "undo", changes) == {"undone"}
    assert ldif_equal.differences(before, dump(domain)) == []
    assert statuses(session, "undo", changes) == {"nothing_to_undo"}


def test_nt_auth(session: Session, domain: Domain, pki: str) -> None:
    before = dump(domain)
    plan = Plan()
    (found,) = (each for each in audit(session)[ENROL].found if each.evidence["way"] == "request_agent")
    snapshot = read_snapshot(session).snapshot
    (thumbprint,) = snapshot.enrolment.services[0].certificates
    plan_nt_auth(session, plan, [thumbprint], "fail")
    changes = [model.completed(change, "chu-valmont.test") for change in plan.changes]
    assert statuses(session, "apply", changes) == {"applied"}
    (after,) = (each for each in audit(session)[ENROL].found if each.id == found.id)
    assert (found.evidence["in_nt_auth"], after.evidence["in_nt_auth"]) == ([scene.AUTHORITY], [])
    assert statuses(session, "undo", changes) == {"undone"}
    assert ldif_equal.differences(before, dump(domain)) == []


def test_rights_over_containers_and_where_they_come_from(
    session: Session, domain: Domain, pki: str, manager: str
) -> None:
    before = dump(domain)
    services = f"CN=Services,{pki}"
    raw = session.read(services, ["nTSecurityDescriptor"], sd_flags=DACL)
    assert raw is not None
    descriptor = sd.SecurityDescriptor.parse(raw.raw("nTSecurityDescriptor") or b"")
    assert descriptor.dacl is not None
    given = from_sddl(f"(A;CI;WD;;;{manager})")
    put(session, services, (*descriptor.dacl.explicit, given))
    outcomes = audit(session)
    found = outcomes["vuln_adcs_control"].found
    # the authority's own object and the templates of the scene take nothing from above
    assert len(found) == 9
    assert {each.evidence["object"] for each in found} == {services}
    changes = [change for change in planned(session, outcomes) if change["object"]["dn"] == services]
    assert [one["sddl"] for change in changes for one in change["before"]] == [f"(A;CI;WD;;;{manager})"]
    assert statuses(session, "apply", changes) == {"applied"}
    assert ldif_equal.differences(before, dump(domain)) == []
    assert audit(session)["vuln_adcs_control"].found == []


def put(session: Session, dn: str, aces: tuple[sd.Ace, ...]) -> None:
    entry = session.read(dn, ["nTSecurityDescriptor"], sd_flags=DACL)
    assert entry is not None
    present = sd.SecurityDescriptor.parse(entry.raw("nTSecurityDescriptor") or b"")
    assert present.dacl is not None
    new = present.with_dacl((*aces, *(ace for ace in present.dacl.aces if ace.inherited))).dacl_only().to_bytes()
    session._ldap.modify_ext_s(dn, [(2, "nTSecurityDescriptor", [new])], serverctrls=[sd_flags_control(DACL)])


@pytest.fixture
def unit(session: Session) -> Iterator[str]:
    dn = f"OU={scene.escaped(scene.STRANGE)},{session.domain_dn}"
    session._ldap.add_s(dn, [("objectClass", b"organizationalUnit")])
    yield dn
    session._ldap.delete_s(dn)


def removal(session: Session, dn: str, ace: str, **options: Any) -> list[model.Change]:
    plan = Plan()
    names = [*IDENTITY_ATTRIBUTES, "adminCount", "nTSecurityDescriptor"]
    entries = identity.resolve_many(session, [dn], names, sd_flags=DACL)
    wish = AclWish(dn, from_sddl(ace).sid or "", ace)
    plan_acls(session, plan, entries, [wish], protected(session), **options)
    return [model.completed(change, "chu-valmont.test") for change in plan.changes]


def test_a_list_out_of_order(session: Session, domain: Domain, unit: str, manager: str) -> None:
    gone = f"(A;;WD;;;{manager})"
    mixed = (gone, f"(OA;;WP;f30e3bbe-9ff0-11d1-b603-0000f80367c1;;{manager})", "(D;;WP;;;S-1-5-11)")
    put(session, unit, tuple(map(from_sddl, mixed)))
    before = dump(domain)
    with pytest.raises(PlanError) as refusal:
        removal(session, unit, gone)
    assert "newly DENY whoever is both" in str(refusal.value)
    assert "write properties [attribute gPLink]" in str(refusal.value)
    assert ldif_equal.differences(before, dump(domain)) == []

    changes = removal(session, unit, gone, reorder=True)
    assert statuses(session, "apply", changes) == {"applied"}
    ou = scene.STRANGE.replace("\\", "\\5c")
    said = domain.must("ldbsearch", "-H", ldif_equal.DATABASE, f"(ou={ou})", "nTSecurityDescriptor").replace("\n ", "")
    assert 0 < said.index("(D;;WP;;;AU)") < said.index(f"(OA;;WP;f30e3bbe-9ff0-11d1-b603-0000f80367c1;;{manager})")
    assert statuses(session, "undo", changes) == {"undone"}
    assert ldif_equal.differences(before, dump(domain)) == []


def test_entries_that_are_not_understood_stay_and_a_long_list_is_written(
    session: Session, domain: Domain, unit: str, manager: str
) -> None:
    gone = f"(A;;WD;;;{manager})"
    conditional = sd.Ace.build(sd.ACCESS_ALLOWED_CALLBACK, 0, sd.WRITE_PROPERTY, manager, data=b"artx\x00\x00\x00\x00")
    # a SID that resolves to nothing, a thousand and more times
    many = tuple(from_sddl(f"(A;;RP;;;S-1-5-21-9-8-7-{number})") for number in range(10000, 11700))
    put(session, unit, (conditional, from_sddl(gone), *many))
    before = dump(domain)
    changes = removal(session, unit, gone)
    assert statuses(session, "apply", changes) == {"applied"}
    entry = session.read(unit, ["nTSecurityDescriptor"], sd_flags=DACL)
    assert entry is not None
    raw = entry.raw("nTSecurityDescriptor") or b""
    assert len(raw) > 60000
    dacl = sd.SecurityDescriptor.parse(raw).dacl
    assert dacl is not None
    assert [ace.raw for ace in dacl.explicit] == [conditional.raw, *(ace.raw for ace in many)]
    assert statuses(session, "undo", changes) == {"undone"}
    assert ldif_equal.differences(before, dump(domain)) == []


def test_an_object_that_is_deleted_between_plan_and_apply(session: Session, manager: str) -> None:
    dn = f"OU=Éphémère,{session.domain_dn}"
    session._ldap.add_s(dn, [("objectClass", b"organizationalUnit")])
    put(session, dn, (from_sddl(f"(A;;WD;;;{manager})"),))
    changes = removal(session, dn, f"(A;;WD;;;{manager})")
    session._ldap.delete_s(dn)
    assert statuses(session, "apply", changes) == {"conflict"}
    with pytest.raises(ldap.NO_SUCH_OBJECT):
        session._ldap.search_s(dn, ldap.SCOPE_BASE)


