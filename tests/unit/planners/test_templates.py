"""Certificate templates: single bits, what is refused and why, what authorities publish and what logging on trusts."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_templates import (
    TemplateWish,
    plan_nt_auth,
    plan_templates,
)

from planners.conftest import CONFIGURATION, FakeDirectory, make_entry

PKS = f"CN=Public Key Services,CN=Services,{CONFIGURATION}"
FOLDER = f"CN=Certificate Templates,{PKS}"
SERVICES = f"CN=Enrollment Services,{PKS}"
NT_AUTH = f"CN=NTAuthCertificates,{PKS}"
SIGNED = str(0x82000001 - 2**32)  # as the directory writes an integer whose highest bit is set


def template(name: str = "Poste", **facts: Any) -> Entry:
    values = {
        "cn": name,
        "displayName": f"Modèle {name}",
        "msPKI-Certificate-Name-Flag": SIGNED,
        "msPKI-Enrollment-Flag": "524329",
        "msPKI-RA-Signature": "0",
        "msPKI-Template-Schema-Version": "2",
        **{key.replace("_", "-"): value for key, value in facts.items()},
    }
    dn = f"CN={name.replace(',', chr(92) + ',')},{FOLDER}"
    return make_entry(name, None, dn=dn, classes=("top", "pKICertificateTemplate"), **values)


def service(*published: str) -> Entry:
    classes = ("top", "pKIEnrollmentService")
    return make_entry("AC", None, dn=f"CN=AC,{SERVICES}", classes=classes, cn="AC", certificateTemplates=[*published])


def forest(
    *templates: Entry, services: tuple[Entry, ...] = (), store: tuple[bytes, ...] | None = None
) -> FakeDirectory:
    folders = [make_entry(dn, None, dn=dn, classes=("top", "container")) for dn in (FOLDER, SERVICES)]
    stores = []
    if store is not None:
        classes = ("top", "certificationAuthority")
        stores = [make_entry("NTAuth", None, dn=NT_AUTH, classes=classes, cACertificate=[*store])]
    known = FakeDirectory([*folders, *templates, *services, *stores])
    known.answers["(objectClass=pKICertificateTemplate)"] = list(templates)
    known.answers["(objectClass=pKIEnrollmentService)"] = list(services)
    return known


def planned(session: FakeDirectory, wanted: str, *corrections: str, missing: str = "fail", **more: Any) -> Plan:
    plan = Plan()
    plan_templates(session, plan, [TemplateWish(wanted, corrections, **more)], missing)  # type: ignore[arg-type]
    return plan


def bits(plan: Plan) -> list[tuple[str, int, int, int]]:
    return [(one["attribute"], one["mask"], one["before"], one["after"]) for one in plan.changes]


def test_single_bits_and_nothing_else() -> None:
    plan = planned(forest(template()), "poste", "no_supplied_subject", "manager_approval", "security_extension")
    assert bits(plan) == [
        ("msPKI-Certificate-Name-Flag", 0x1, 0x1, 0),
        ("msPKI-Enrollment-Flag", 0x2, 0, 0x2),
        ("msPKI-Enrollment-Flag", 0x80000, 0x80000, 0),
    ]
    assert [one["display"]["before"] for one in plan.changes] == [
        "CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT",
        "–",
        "CT_FLAG_NO_SECURITY_EXTENSION",
    ]
    assert {one["object"]["label"] for one in plan.changes} == {"Modèle Poste"}
    assert plan.notices == []


def test_what_is_corrected_already_is_no_change() -> None:
    good = template(
        msPKI_Certificate_Name_Flag="-2113929216", msPKI_Enrollment_Flag="2", msPKI_RA_Signature="1"
    )
    every = ("no_supplied_subject", "manager_approval", "security_extension", "ra_signature", "unpublish")
    assert planned(forest(good), "Poste", *every).changes == []


def test_both_names_that_a_requester_can_supply() -> None:
    plan = planned(forest(template(msPKI_Certificate_Name_Flag=str(0x10001))), "Poste", "no_supplied_subject")
    assert [one["mask"] for one in plan.changes] == [0x1, 0x10000]
    assert [one["code"] for one in plan.notices] == ["no_name_left"]


def test_found_by_name_dn_and_guid() -> None:
    one = template("Poste, 2e étage")
    for wanted in ("POSTE, 2E ÉTAGE", one.dn.upper(), one.guid(), f"{{{one.guid()}}}"):
        assert len(planned(forest(one), str(wanted), "no_supplied_subject").changes) == 1


def test_what_is_not_a_template() -> None:
    user = make_entry("Poste")
    with pytest.raises(PlanError, match="not a certificate template"):
        planned(FakeDirectory([*forest().entries, user]), user.dn, "no_supplied_subject")
    with pytest.raises(PlanError, match="no certificate template 'Absent'"):
        planned(forest(template()), "Absent", "no_supplied_subject")
    assert planned(forest(), "Absent", "no_supplied_subject", missing="ignore").unresolved == ["Absent"]
    assert planned(FakeDirectory(), "Absent", "unpublish", missing="ignore").unresolved == ["Absent"]


def test_version_1_knows_no_approval() -> None:
    old = template(msPKI_Template_Schema_Version=[])
    for correction in ("manager_approval", "ra_signature"):
        with pytest.raises(PlanError, match="version 1"):
            planned(forest(old), "Poste", correction)
    assert len(planned(forest(old), "Poste", "no_supplied_subject").changes) == 1


def test_a_signature_by_anybody_is_refused() -> None:
    with pytest.raises(PlanError, match="any would do"):
        planned(forest(template()), "Poste", "ra_signature")
    agent = template(msPKI_RA_Application_Policies=["1.3.6.1.4.1.311.20.2.1"])
    (change,) = planned(forest(agent), "Poste", "ra_signature").changes
    assert (change["kind"], change["before"], change["after"]) == ("replace", ["0"], ["1"])


def test_hidden_settings_are_not_guessed() -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        planned(forest(template(msPKI_Certificate_Name_Flag=[])), "Poste", "no_supplied_subject")


def test_a_template_that_is_no_longer_published() -> None:
    plan = planned(forest(template(), services=(service("User", "POSTE"), service("User"))), "Poste", "unpublish")
    (change,) = plan.changes
    assert (change["kind"], change["attribute"], change["before"]) == ("values", "certificateTemplates", ["POSTE"])
    assert change["object"]["label"] == "AC"


def test_controls_and_every_refusal_at_once() -> None:
    plan = planned(forest(template()), "Poste", "no_supplied_subject", control="vuln_a")
    assert plan.changes[0]["controls"] == ["vuln_a"]
    with pytest.raises(PlanError) as refusal:
        plan_templates(
            forest(template()),  # type: ignore[arg-type]
            Plan(),
            [TemplateWish("A", ("unpublish",)), TemplateWish("B", ("unpublish",))],
            "fail",
        )
    assert "'A'" in str(refusal.value)
    assert "'B'" in str(refusal.value)


# --- NTAuth -----------------------------------------------------------------------------------------------------------

FIRST, SECOND = b"0\x82abc\xff", b"0\x82abd\xff"
SHA1 = hashlib.sha1(FIRST, usedforsecurity=False).hexdigest()


def trusted(*wanted: str, session: FakeDirectory | None = None, missing: str = "fail") -> Plan:
    plan = Plan()
    known = session if session is not None else forest(store=(FIRST, SECOND))
    plan_nt_auth(known, plan, wanted, missing)  # type: ignore[arg-type]
    return plan


@pytest.mark.parametrize(
    "wanted",
    [SHA1, SHA1.upper(), ":".join(SHA1[n : n + 2] for n in range(0, 40, 2)), hashlib.sha256(FIRST).hexdigest()],
)
def test_a_certificate_by_its_thumbprint(wanted: str) -> None:
    plan = trusted(wanted)
    (change,) = plan.changes
    assert (change["kind"], change["attribute"], change["after"]) == ("values", "cACertificate", [])
    assert change["before"] == [{"base64": "MIJhYmP/"}]
    assert [one["code"] for one in plan.notices] == ["nt_auth"]


def test_certificates_that_are_not_there_and_what_is_none() -> None:
    assert trusted("00" * 20).changes == []
    for wrong in ("", "zz" * 20, "00" * 21, "*"):
        with pytest.raises(PlanError, match="neither the SHA-1"):
            trusted(wrong)
    with pytest.raises(PlanError, match="unverified"):
        trusted(SHA1, session=forest())
    assert trusted(SHA1, session=forest(), missing="ignore").unresolved == [NT_AUTH]
