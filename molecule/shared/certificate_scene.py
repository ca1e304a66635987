# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificate services as LDIF for ldbadd: Samba's schema holds their classes, though it has no authority of its own.

For the tests of the directory and the scenario of the role directory_certificate_services.
"""

from __future__ import annotations

import base64

ENROLL = "0e10c968-78fb-11d2-90d4-00c04f79dc55"
AUTO_ENROLL = "a05b8cc2-17bc-4802-a710-e7c15ab866a2"
CLIENT = "1.3.6.1.5.5.7.3.2"
AGENT = "1.3.6.1.4.1.311.20.2.1"
# Every character that a DN treats as special, French ones besides
STRANGE = "Poste d'été, 2e + \"nuit\" <a>;=\\#"
AUTHORITY = "AC de l'hôpital"
# What CT_FLAG_SUBJECT_ALT_REQUIRE_UPN and CT_FLAG_SUBJECT_REQUIRE_DIRECTORY_PATH are as a signed integer
FROM_DIRECTORY = 0x82000000


def escaped(name: str) -> str:
    """A name as the value of a DN's component (RFC 4514)."""
    return "".join(f"\\{char}" if char in '\\,+"<>;=#' else char for char in name)


def signed(value: int) -> str:
    """INTEGER of the directory is signed."""
    return str(value - 2**32 if value & 0x80000000 else value)


def folder(configuration: str) -> str:
    """The container of the templates."""
    return f"CN=Certificate Templates,CN=Public Key Services,CN=Services,{configuration}"


def template_dn(configuration: str, name: str) -> str:
    """The DN of a template."""
    return f"CN={escaped(name)},{folder(configuration)}"


def service_dn(configuration: str) -> str:
    """The DN of the authority's enrolment service."""
    return f"CN={escaped(AUTHORITY)},CN=Enrollment Services,CN=Public Key Services,CN=Services,{configuration}"


def nt_auth_dn(configuration: str) -> str:
    """The DN of the store of authorities that logging on trusts."""
    return f"CN=NTAuthCertificates,CN=Public Key Services,CN=Services,{configuration}"


def record(dn: str, *classes: str, **values: str | bytes | list[str] | list[bytes]) -> str:
    """One object as LDIF, every text in base64: nothing in a name can end a line."""
    lines = [f"dn:: {base64.b64encode(dn.encode()).decode()}", *(f"objectClass: {name}" for name in ("top", *classes))]
    for key, value in values.items():
        for item in value if isinstance(value, list) else [value]:
            raw = item if isinstance(item, bytes) else item.encode()
            lines.append(f"{key.replace('_', '-')}:: {base64.b64encode(raw).decode()}")
    return "\n".join(lines) + "\n\n"


def template(
    configuration: str,
    name: str,
    sddl: str,
    *,
    names: int = FROM_DIRECTORY,
    enrolment: int = 0x29,
    version: int = 2,
    ekus: tuple[str, ...] = (CLIENT,),
    owner: str = "DA",
) -> str:
    """A template whose list, besides the administrators' full control, is ``sddl``."""
    values: dict[str, str | bytes | list[str] | list[bytes]] = {
        "displayName": f"Modèle {name}",
        "flags": "131642",
        "revision": "100",
        "msPKI_Certificate_Name_Flag": signed(names),
        "msPKI_Enrollment_Flag": signed(enrolment),
        "msPKI_Private_Key_Flag": "16842752",
        "msPKI_RA_Signature": "0",
        "msPKI_Minimal_Key_Size": "2048",
        "msPKI_Template_Minor_Revision": "1",
        "msPKI_Cert_Template_OID": "1.3.6.1.4.1.311.21.8.1.2.3." + str(sum(name.encode())),
        "pKIDefaultKeySpec": "1",
        "pKIMaxIssuingDepth": "0",
        "pKIExpirationPeriod": b"\x00@9\x87.\xe1\xfe\xff",
        "pKIOverlapPeriod": b"\x00\x80\xa6\n\xff\xde\xff\xff",
        "nTSecurityDescriptor": f"O:{owner}G:DAD:PAI{sddl}(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPLCLORC;;;AU)",
    }
    if version > 1:
        values["msPKI_Template_Schema_Version"] = str(version)
    if ekus:
        values["pKIExtendedKeyUsage"] = list(ekus)
        values["msPKI_Certificate_Application_Policy"] = list(ekus)
    return record(template_dn(configuration, name), "pKICertificateTemplate", **values)


def authority(configuration: str, certificate: bytes, published: list[str], host: str) -> str:
    """The enrolment service of one authority, and the store that trusts it for logging on."""
    service = record(
        service_dn(configuration),
        "pKIEnrollmentService",
        displayName=AUTHORITY,
        dNSHostName=host,
        cACertificate=certificate,
        cACertificateDN=f"CN={AUTHORITY}",
        certificateTemplates=published,
        flags="10",
        nTSecurityDescriptor=f"O:DAG:DAD:PAI(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPLCLORC;;;AU)(OA;;CR;{ENROLL};;AU)",
    )
    store = record(
        nt_auth_dn(configuration),
        "certificationAuthority",
        cACertificate=[certificate, b"0\x82\x01\x00autre\xff"],
        authorityRevocationList=b"\x00",
        certificateRevocationList=b"\x00",
    )
    return service + store
