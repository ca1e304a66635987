"""Reading certificate services: what is asked for, what comes out, and what silence of the server means."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import enrolment
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

from controls.domain import BASE, DOMAIN, sid
from controls.test_snapshot_reader import CONFIG, FakeSession

SERVICES = f"CN=Services,{CONFIG}"
PKS = f"CN=Public Key Services,{SERVICES}"
FOLDER = f"CN=Certificate Templates,{PKS}"
STRANGE = "Modèle d'été, 2\\+ \"x\" <y>;#"
DESCRIPTOR = (
    sd.SecurityDescriptor(owner=sid(512)).with_dacl((from_sddl(f"(A;;GA;;;{sid(1201)})"),)).to_bytes()
)


def thing(dn: str, *classes: str, **facts: Any) -> tuple[str, dict[str, Any]]:
    return dn, {
        "objectGUID": uuid.uuid5(uuid.NAMESPACE_X500, dn).bytes_le,
        "objectClass": ["top", *classes],
        "nTSecurityDescriptor": DESCRIPTOR,
        "cn": dn.partition("=")[2].partition(",CN=")[0],
        **{key.replace("_", "-"): value for key, value in facts.items()},
    }


def template(name: str, **facts: Any) -> tuple[str, dict[str, Any]]:
    values = {"flags": "131642", "msPKI_Certificate_Name_Flag": "-2147483647", **facts}
    return thing(f"CN={name},{FOLDER}", "pKICertificateTemplate", cn=name, **values)


def world() -> dict[str, dict[str, Any]]:
    return dict(
        [
            thing(CONFIG, "configuration"),
            thing(SERVICES, "container"),
            thing(PKS, "container"),
            thing(FOLDER, "container"),
            thing(f"CN=NTAuthCertificates,{PKS}", "certificationAuthority", cACertificate=[b"abc"]),
            thing(
                f"CN=AC,CN=Enrollment Services,{PKS}",
                "pKIEnrollmentService",
                certificateTemplates=["poste", "Parti"],
                dNSHostName="pki.chu-valmont.test",
                cACertificate=[b"abc", b"abd"],
            ),
            template(
                "Poste",
                displayName="Poste de travail",
                msPKI_Template_Schema_Version="2",
                msPKI_Enrollment_Flag="524290",
                msPKI_RA_Signature="1",
                pKIExtendedKeyUsage=["1.3.6.1.5.5.7.3.2"],
                msPKI_Certificate_Application_Policy=["1.3.6.1.5.5.7.3.2"],
            ),
            (
                f"CN=PKI,CN=Computers,{BASE}",
                {
                    "objectSid": sids.to_bytes(sid(1300)),
                    "objectClass": ["top", "computer"],
                    "sAMAccountName": "PKI$",
                    "dNSHostName": "pki.chu-valmont.test",
                },
            ),
            (
                f"CN=svc,CN=Users,{BASE}",
                {"objectSid": sids.to_bytes(sid(1201)), "objectClass": ["top", "user"], "sAMAccountName": "svc-pki"},
            ),
        ]
    )


def read(objects: dict[str, dict[str, Any]], heuristics: str = "", **refuse: Any) -> Snapshot:
    snapshot = Snapshot(DOMAIN, BASE, "chu-valmont.test", datetime(2026, 11, 22, tzinfo=UTC), ds_heuristics=heuristics)
    enrolment.read(FakeSession(objects, **refuse), snapshot)  # type: ignore[arg-type]
    return snapshot


def test_everything_is_read() -> None:
    snapshot = read(world())
    found = snapshot.enrolment
    assert snapshot.unreadable == {}
    (template,) = found.templates
    assert (template.name, template.display_name, template.schema_version) == ("Poste", "Poste de travail", 2)
    assert (template.name_flag, template.enrollment_flag, template.ra_signatures) == (0x80000001, 0x80002, 1)
    assert template.ekus == template.application_policies == ("1.3.6.1.5.5.7.3.2",)
    (service,) = found.services
    assert service.host_sid == sid(1300)
    assert found.publishers(template) == [service]
    assert found.nt_auth == (enrolment.thumbprint(b"abc"),)
    assert found.nt_auth[0] == "a9993e364706816aba3e25717850c26c9cd0d89d"  # FIPS 180: SHA-1 of "abc"
    assert sorted(each.name for each in found.others) == [
        "Certificate Templates",
        "NTAuthCertificates",
        "Public Key Services",
    ]
    assert [each.dn for each in found.above] == [SERVICES, CONFIG]
    assert found.absent_templates == ("Parti",)
    assert snapshot.names == {sid(1201): "svc-pki"}


def test_a_plain_dictionary_holds_the_same() -> None:
    plain = {
        "domain_sid": DOMAIN,
        "domain_dn": BASE,
        "dns_name": "x",
        "taken": "2026-11-22T00:00:00Z",
        "enrolment": {"present": True, "templates": [{"dn": "CN=a", "guid": "g", "name": "a", "ekus": ["1"]}]},
    }
    assert Snapshot.from_dict(plain).enrolment.templates[0].name == "a"
    plain["enrolment"]["templates"][0]["colour"] = "red"  # type: ignore[index]
    with pytest.raises(ValueError, match="colour"):
        Snapshot.from_dict(plain)


def without(dn: str, *names: str) -> dict[str, dict[str, Any]]:
    objects = world()
    objects[dn] = {name: value for name, value in objects[dn].items() if name not in names}
    return objects


def test_no_container_at_all() -> None:
    objects = {dn: values for dn, values in world().items() if not dn.endswith(PKS)}
    snapshot = read(objects)
    assert (snapshot.enrolment.present, snapshot.unreadable) == (False, {})
    # in List Object mode nobody can tell what is hidden from what is not there
    assert set(read(objects, heuristics="001").unreadable) == {"certificate services", "certificate templates"}
    del objects[SERVICES]
    assert "neither" in read(objects).unreadable["certificate templates"]


@pytest.mark.parametrize(
    ("dn", "hidden"),
    [
        (f"CN=Poste,{FOLDER}", "nTSecurityDescriptor"),
        (f"CN=Poste,{FOLDER}", "msPKI-Certificate-Name-Flag"),
        (f"CN=Poste,{FOLDER}", "flags"),
        (f"CN=NTAuthCertificates,{PKS}", "nTSecurityDescriptor"),
        (PKS, "nTSecurityDescriptor"),
    ],
)
def test_hidden_attributes_are_unreadable(dn: str, hidden: str) -> None:
    unreadable = read(without(dn, hidden)).unreadable
    assert dn in unreadable["certificate services"]
    assert dn in unreadable["certificate templates"]


def test_a_published_template_that_is_hidden_is_not_one_that_is_gone() -> None:
    objects = world()
    dn, _values = template("Parti")
    objects[dn] = {}  # the name is shown, nothing else is
    assert "Parti" in read(objects).unreadable["certificate templates"]
    assert "Parti" in read(world(), heuristics="001").unreadable["certificate templates"]


def test_names_with_every_special_character() -> None:
    objects = world()
    objects[f"CN=AC,CN=Enrollment Services,{PKS}"]["certificateTemplates"] = [STRANGE, " #deb ", "fin "]
    asked: list[str] = []

    class Listening(FakeSession):
        def read(self, dn: str, *args: Any, **kwargs: Any) -> Any:
            asked.append(dn)
            return super().read(dn, *args, **kwargs)

    snapshot = Snapshot(DOMAIN, BASE, "x", datetime(2026, 11, 22, tzinfo=UTC))
    enrolment.read(Listening(objects), snapshot)  # type: ignore[arg-type]
    assert snapshot.enrolment.absent_templates == tuple(sorted([STRANGE, " #deb ", "fin "], key=str.casefold))
    assert f"CN=Modèle d'été\\, 2\\\\\\+ \\\"x\\\" \\<y\\>\\;#,{FOLDER}" in asked
    assert f"CN=\\ #deb\\ ,{FOLDER}" in asked


@pytest.mark.parametrize(
    ("account", "host"),
    [
        pytest.param({"sAMAccountName": "AUTRE$"}, "pki.chu-valmont.test", id="a name that someone wrote"),
        pytest.param({}, "autre.chu-valmont.test", id="not of this domain"),
        pytest.param({}, "", id="no host"),
        pytest.param({}, "*)(objectClass=*", id="a filter"),
    ],
)
def test_the_authority_is_recognised_without_doubt_or_not_at_all(account: dict[str, Any], host: str) -> None:
    objects = world()
    objects[f"CN=PKI,CN=Computers,{BASE}"] |= account
    objects[f"CN=AC,CN=Enrollment Services,{PKS}"]["dNSHostName"] = host
    assert read(objects).enrolment.services[0].host_sid is None


def test_two_accounts_of_one_host_name_are_a_doubt() -> None:
    objects = world()
    twin = {"objectSid": sids.to_bytes(sid(1301)), "sAMAccountName": "VOLEUR$"}
    objects[f"CN=VOLEUR,CN=Computers,{BASE}"] = objects[f"CN=PKI,CN=Computers,{BASE}"] | twin
    assert read(objects).enrolment.services[0].host_sid is None


def test_refused_is_unreadable_and_a_lost_connection_is_an_error() -> None:
    assert "not readable" in read(world(), refuse={PKS: 50}).unreadable["certificate services"]
    with pytest.raises(DirectoryError):
        read(world(), refuse={PKS: 81})
