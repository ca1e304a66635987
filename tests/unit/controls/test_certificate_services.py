"""Certificate services: who may change their objects, and which templates make someone else of their holder."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls import certificates as pki
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from controls.domain import BASE, DOMAIN, domain, outcome, sid, unreadable, user

CONTAINERS = "vuln_adcs_control"
TEMPLATES = "vuln_adcs_template_control"
ENROL = "vuln_adcs_template_auth_enroll_with_name"
CONFIG = f"CN=Configuration,{BASE}"
PKS = f"CN=Public Key Services,CN=Services,{CONFIG}"
FOLDER = f"CN=Certificate Templates,{PKS}"
SVC, CA, USERS = sid(1201), sid(1300), sid(513)
ADMINS = f"(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;{sid(512)})"
READ = "(A;;RPLCLORC;;;S-1-5-11)"
ENROLL = f"(OA;;CR;{pki.ENROLL};;{USERS})"
CLIENT, AGENT, ANY = pki.CLIENT_AUTHENTICATION, pki.REQUEST_AGENT, pki.ANY_PURPOSE


def descriptor(*sddl: str, owner: str | None = None) -> str:
    aces = tuple(map(from_sddl, (ADMINS, READ, *sddl)))
    raw = sd.SecurityDescriptor(owner=owner or sid(519)).with_dacl(aces).to_bytes()
    return base64.b64encode(raw).decode()


def other(name: str, *sddl: str, kind: str = "container", owner: str | None = None, above: str = PKS) -> dict[str, Any]:
    dn = f"CN={name},{above}" if name else PKS
    return {"dn": dn, "guid": f"guid-{name}", "kind": kind, "descriptor": descriptor(*sddl, owner=owner)}


def template(name: str = "Poste", *sddl: str, owner: str | None = None, **facts: Any) -> dict[str, Any]:
    return {
        "dn": f"CN={name},{FOLDER}",
        "guid": f"guid-{name}",
        "name": name,
        "display_name": f"Modèle {name}",
        "schema_version": 2,
        "flags": 0x20241,
        "name_flag": 0,
        "enrollment_flag": 0,
        "ekus": (CLIENT,),
        "descriptor": descriptor(*sddl, owner=owner),
        **facts,
    }


def service(*templates: str, **facts: Any) -> dict[str, Any]:
    return {
        "dn": f"CN=AC de l'hôpital,CN=Enrollment Services,{PKS}",
        "guid": "guid-ca",
        "name": "AC de l'hôpital",
        "host": "pki.chu-valmont.test",
        "host_sid": CA,
        "templates": templates,
        "certificates": ("aa",),
        "descriptor": descriptor(f"(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;{CA})"),
        **facts,
    }


def snapshot(
    *templates: dict[str, Any],
    others: tuple[dict[str, Any], ...] = (),
    published: tuple[str, ...] = ("Poste",),
    above: tuple[dict[str, Any], ...] = (),
    ca: dict[str, Any] | None = None,
    **facts: Any,
) -> Snapshot:
    enrolment = {
        "present": True,
        "templates": templates,
        "services": [service(*published) if ca is None else ca],
        "others": [other(""), other("Certificate Templates"), *others],
        "above": above,
        "nt_auth": ("aa",),
    }
    names = {SVC: "svc-pki", USERS: "Utilisateurs du domaine"}
    return domain(
        [user(1201, "svc-pki"), *facts.pop("accounts", ())],
        enrolment=enrolment,
        names=names,
        root_domain_sid=DOMAIN,
        **facts,
    )


# --- containers -------------------------------------------------------------------------------------------------------


def test_containers_as_windows_makes_them_are_compliant() -> None:
    publishers = f"(A;CI;RPWPCRCCDCLCLORCWOWDSDDTSW;;;{sid(517)})"
    seen = snapshot(
        others=(
            other("AIA", publishers),
            other("CDP", publishers, f"(A;;GA;;;{CA})"),
            other("NTAuthCertificates", kind="certificationAuthority", owner="S-1-5-32-544"),
        )
    )
    assert outcome(CONTAINERS, seen).found == []


@pytest.mark.parametrize(
    ("ace", "right"),
    [
        (f"(A;;GA;;;{SVC})", "GenericAll"),
        (f"(A;;WD;;;{SVC})", "WriteDacl"),
        (f"(A;;WO;;;{SVC})", "WriteOwner"),
        (f"(A;CI;CC;;;{SVC})", "CreateChild"),
        (f"(OA;;WP;bf967932-0de6-11d0-a285-00aa003049e2;;{SVC})", "WriteProperty"),
        ("(A;;GW;;;S-1-5-11)", "GenericWrite"),
    ],
)
def test_rights_over_a_container(ace: str, right: str) -> None:
    (found,) = outcome(CONTAINERS, snapshot(others=(other("NTAuthCertificates", ace),))).found
    assert found.level == 1
    assert right in found.evidence["rights"]
    assert found.evidence["ace"] == ace
    assert found.evidence["object"] == f"CN=NTAuthCertificates,{PKS}"


@pytest.mark.parametrize(
    "ace",
    [
        pytest.param(f"(A;CIIO;GA;;;{SVC})", id="children only"),
        pytest.param(f"(OD;;WP;bf967932-0de6-11d0-a285-00aa003049e2;;{SVC})", id="denied"),
        pytest.param(f"(A;;SD;;;{SVC})", id="deleting gives nothing"),
        pytest.param(f"(A;;RPLCLORC;;;{SVC})", id="reading"),
        pytest.param(f"(OA;;CR;{pki.ENROLL};;S-1-5-11)", id="enrolling at a service"),
        pytest.param("(A;;GA;;;S-1-5-18)", id="system"),
        pytest.param(f"(A;;GA;;;{sid(519)})", id="administrators of the forest"),
    ],
)
def test_harmless_rights_over_a_service(ace: str) -> None:
    assert outcome(CONTAINERS, snapshot(ca=service("Poste", descriptor=descriptor(ace)))).found == []


def test_owner_of_a_container_is_a_finding_that_the_role_takes() -> None:
    (found,) = outcome(CONTAINERS, snapshot(others=(other("OID", owner=SVC),))).found
    assert found.evidence["rights"] == ["Owner"]
    assert found.label == "svc-pki : Owner (OID)"
    fix = catalogue.load()[CONTAINERS].remediation
    assert fix is not None
    finding = {"control": CONTAINERS, "object": {"label": found.label}, "evidence": found.evidence}
    assert fix.entries(finding) == [
        {"object": f"CN=OID,{PKS}", "trustee": SVC, "ace": f"O:{SVC}", "control": CONTAINERS, "label": found.label}
    ]


def test_an_inherited_right_is_taken_away_where_it_is_given() -> None:
    there = f"(A;CI;WD;;;{SVC})"
    seen = snapshot(
        template("Poste", f"(A;CIID;WD;;;{SVC})"),
        others=(other("OID", f"(A;CIID;WD;;;{SVC})"),),
        above=(other("Services", there, above=CONFIG) | {"dn": f"CN=Services,{CONFIG}"},),
    )
    (found,) = outcome(CONTAINERS, seen).found
    assert (found.dn, found.evidence["object"]) == (f"CN=OID,{PKS}", f"CN=Services,{CONFIG}")
    assert (found.evidence["ace"], found.evidence["inherited"]) == (there, True)
    (below,) = outcome(TEMPLATES, seen).found
    assert below.evidence["object"] == f"CN=Services,{CONFIG}"
    assert "inherited from" in below.wording


def test_privileged_accounts_and_the_authority_itself_are_expected() -> None:
    admin = user(1202, "adm.pki")
    seen = snapshot(
        others=(other("OID", f"(A;;GA;;;{sid(1202)})", f"(A;;GA;;;{CA})"),), accounts=(admin,), admins=(admin,)
    )
    assert outcome(CONTAINERS, seen).found == []
    assert [each.sid for each in outcome(TEMPLATES, snapshot(template("Poste", f"(A;;GA;;;{CA})"))).found] == [CA]


def test_a_forest_without_an_authority_is_not_an_error() -> None:
    for control in (CONTAINERS, TEMPLATES, ENROL):
        result = outcome(control, domain())
        assert (result.state, result.found) == ("evaluated", [])
        assert "not applicable" in (result.reason or "")
    bare = domain(enrolment={"present": True, "others": [other("", f"(A;;WD;;;{SVC})")]})
    assert len(outcome(CONTAINERS, bare).found) == 1
    assert "no certification authority" in (outcome(CONTAINERS, bare).reason or "")


# --- rights over templates --------------------------------------------------------------------------------------------


def test_level_of_a_template_depends_on_its_publication() -> None:
    seen = snapshot(template("Poste", f"(A;;WD;;;{SVC})"), template("Vieux", f"(A;;WP;;;{SVC})"), published=("POSTE",))
    found = {each.evidence["template"]: each for each in outcome(TEMPLATES, seen).found}
    assert {name: each.level for name, each in found.items()} == {"Poste": 1, "Vieux": 2}
    assert found["Poste"].evidence["published_by"] == ["AC de l'hôpital"]


def test_enrolling_is_not_changing() -> None:
    seen = snapshot(template("Poste", ENROLL, f"(A;;CR;;;{SVC})", f"(OA;;CR;{pki.AUTO_ENROLL};;{SVC})"))
    assert outcome(TEMPLATES, seen).found == []


def test_owner_of_a_template() -> None:
    (found,) = outcome(TEMPLATES, snapshot(template(owner=SVC))).found
    assert (found.evidence["ace"], found.level) == (f"O:{SVC}", 1)


def test_owner_rights_that_are_limited_give_no_control() -> None:
    assert outcome(TEMPLATES, snapshot(template("Poste", "(A;;RC;;;S-1-3-4)", owner=SVC))).found == []


# --- templates that make someone else of their holder -----------------------------------------------------------------


def ways(*templates: dict[str, Any], **facts: Any) -> list[str]:
    result = outcome(ENROL, snapshot(*templates, **facts))
    assert result.state == "evaluated", result.reason
    assert {each.level for each in result.found} <= {1}
    return sorted(each.evidence["way"] for each in result.found)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="subject from the directory"),
        pytest.param({"name_flag": 0x1}, ["supplied_subject"], id="subject"),
        pytest.param({"name_flag": 0x10000}, ["supplied_subject"], id="alternative name"),
        pytest.param({"name_flag": 0x8}, [], id="subject of the old certificate"),
        pytest.param({"name_flag": 0x1, "ekus": ("1.3.6.1.5.5.7.3.1",)}, [], id="web server"),
        pytest.param({"name_flag": 0x1, "ekus": (pki.SMART_CARD_LOGON,)}, ["supplied_subject"], id="smart card"),
        pytest.param({"name_flag": 0x1, "ekus": (pki.PKINIT_CLIENT,)}, ["supplied_subject"], id="PKINIT"),
        pytest.param(
            {"name_flag": 0x1, "ekus": ("1.3.6.1.5.5.7.3.1",), "application_policies": (CLIENT,)},
            ["supplied_subject"],
            id="application policy",
        ),
        pytest.param({"name_flag": 0x1, "enrollment_flag": 0x2}, [], id="a manager approves"),
        pytest.param({"name_flag": 0x1, "ra_signatures": 1}, [], id="another certificate signs"),
        pytest.param({"ekus": (ANY,)}, ["any_purpose"], id="any purpose"),
        pytest.param({"ekus": ()}, ["any_purpose"], id="no purpose"),
        pytest.param({"ekus": (), "name_flag": 0x1}, ["any_purpose", "supplied_subject"], id="no purpose, any subject"),
        pytest.param({"ekus": (AGENT,)}, ["request_agent"], id="agent"),
        pytest.param({"ekus": (AGENT,), "enrollment_flag": 0x2}, [], id="agent, approved"),
        pytest.param({"enrollment_flag": 0x80000}, ["no_security_extension"], id="without SID"),
        pytest.param({"enrollment_flag": 0x80000, "ekus": (AGENT,)}, ["request_agent"], id="agent without SID"),
        pytest.param({"name_flag": 0x1, "schema_version": 1}, ["supplied_subject"], id="version 1"),
        pytest.param(
            {"name_flag": 0x1, "schema_version": 1, "enrollment_flag": 2}, ["supplied_subject"], id="no approval"
        ),
    ],
)
def test_ways(facts: dict[str, Any], expected: list[str]) -> None:
    assert ways(template("Poste", ENROLL, **facts)) == expected


@pytest.mark.parametrize(
    ("ace", "expected"),
    [
        (ENROLL, True),
        (f"(OA;;CR;{pki.AUTO_ENROLL};;S-1-5-11)", True),
        (f"(A;;CR;;;{SVC})", True),
        (f"(A;;GA;;;{SVC})", True),
        (f"(A;CIIO;CR;;;{SVC})", False),
        (f"(OD;;CR;{pki.ENROLL};;{USERS})", False),
        (f"(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;{USERS})", False),
        (f"(OA;;CR;{pki.ENROLL};;{sid(512)})", False),
        (f"(OA;;CR;{pki.ENROLL};;{sid(516)})", False),
        (f"(OA;;RP;{pki.ENROLL};;{USERS})", False),
    ],
)
def test_who_may_enrol(ace: str, expected: bool) -> None:
    assert ways(template("Poste", ace, name_flag=1)) == (["supplied_subject"] if expected else [])


def test_a_template_that_nearly_everyone_may_change() -> None:
    (found,) = outcome(ENROL, snapshot(template("Poste", "(A;;WP;;;S-1-5-11)"))).found
    assert (found.evidence["way"], found.evidence["corrections"]) == ("editable", [])
    assert ways(template("Poste", f"(A;;WP;;;{SVC})")) == []


def test_only_published_templates_and_a_word_on_the_others() -> None:
    result = outcome(ENROL, snapshot(template("Poste", ENROLL, name_flag=1), published=()))
    assert (result.state, result.found) == ("evaluated", [])
    assert result.reason == "dangerous as soon as an authority publishes it: Poste"


def test_evidence_is_what_a_person_and_the_role_need() -> None:
    (found,) = outcome(ENROL, snapshot(template("Poste", ENROLL, name_flag=1))).found
    assert found.evidence["in_nt_auth"] == ["AC de l'hôpital"]
    assert found.evidence["who"] == [f"Utilisateurs du domaine ({USERS})"]
    assert found.evidence["broad"] is True
    assert found.evidence["entries"] == [{"trustee_sid": USERS, "rights": ["Enroll"], "ace": ENROLL}]
    fix = catalogue.load()[ENROL].remediation
    assert fix is not None
    assert fix.entries({"control": ENROL, "object": {"label": found.label}, "evidence": found.evidence}) == [
        {"template": "guid-Poste", "corrections": ["no_supplied_subject"], "label": "Modèle Poste : supplied_subject"}
    ]


def test_version_1_has_no_approval_to_propose() -> None:
    (found,) = outcome(ENROL, snapshot(template("Poste", ENROLL, ekus=(AGENT,), schema_version=1))).found
    assert found.evidence["corrections"] == ["unpublish"]


def test_two_ways_are_two_findings() -> None:
    found = outcome(ENROL, snapshot(template("Poste", ENROLL, name_flag=1, enrollment_flag=0x80000))).found
    assert len({each.id for each in found}) == 2


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("control", [CONTAINERS, TEMPLATES, ENROL])
def test_unreadable_parts(control: str) -> None:
    part = "certificate services" if control == CONTAINERS else "certificate templates"
    assert "refused" in unreadable(control, snapshot(template(), unreadable={part: "refused"}))


def test_descriptors_that_say_nothing() -> None:
    hidden = template() | {"descriptor": None}
    assert "not readable" in unreadable(TEMPLATES, snapshot(hidden))
    assert "not readable" in unreadable(ENROL, snapshot(hidden))
    assert outcome(ENROL, snapshot(hidden, published=())).state == "evaluated"
    strange = sd.Ace.parse(b"\x7f\x00\x08\x00\x00\x00\x00\x00")
    odd = sd.SecurityDescriptor(owner=sid(512)).with_dacl((strange,)).to_bytes()
    item = other("OID") | {"descriptor": base64.b64encode(odd).decode()}
    assert "unknown type 0x7f" in unreadable(CONTAINERS, snapshot(others=(item,)))
    cut = template() | {"descriptor": base64.b64encode(b"\x01\x00\x04\x80").decode()}
    assert "cut short" in unreadable(TEMPLATES, snapshot(cut))


def test_a_conditional_entry_counts_as_if_its_condition_held() -> None:
    ace = sd.Ace.build(sd.ACCESS_ALLOWED_CALLBACK, 0, sd.WRITE_DAC, SVC, data=b"artx\x00\x00\x00\x00")
    raw = sd.SecurityDescriptor(owner=sid(512)).with_dacl((ace,)).to_bytes()
    (found,) = outcome(TEMPLATES, snapshot(template() | {"descriptor": base64.b64encode(raw).decode()})).found
    assert from_sddl(found.evidence["ace"]).raw == ace.raw


def test_no_access_list_means_everyone() -> None:
    raw = sd.SecurityDescriptor(owner=sid(512)).to_bytes()
    (found,) = outcome(TEMPLATES, snapshot(template() | {"descriptor": base64.b64encode(raw).decode()})).found
    assert (found.sid, found.evidence["ace"]) == ("S-1-1-0", None)
    fix = catalogue.load()[TEMPLATES].remediation
    assert fix is not None
    assert fix.entries({"control": TEMPLATES, "object": {"label": "x"}, "evidence": found.evidence}) == []
