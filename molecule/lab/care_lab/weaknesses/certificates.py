# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A certification authority, its templates, and certificates that are too weak.

The certificates of ``certificates.json`` were made once, and their private keys thrown away: no library of today makes
most of them.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from care_lab.generator.model import rdn
from care_lab.weaknesses.making import CONFIGURATION, FULL_CONTROL, Making

SERVICES = f"CN=Public Key Services,CN=Services,{CONFIGURATION}"
ENROL = "0e10c968-78fb-11d2-90d4-00c04f79dc55"
CLIENT_AUTHENTICATION = "1.3.6.1.5.5.7.3.2"
SUBJECT_SUPPLIED = 1
# level, and what is wrong with it
WEAK = {
    "AC Cartes de l'établissement (DSA)": (1, "clé DSA"),
    "AC Imprimantes 2003": (1, "RSA de 512 bits"),
    "AC Badges (ROCA)": (1, "clé ROCA"),
    "AC illisible": (2, "certificat illisible"),
    "AC Valmont 2009 (RSA 1024, SHA-1)": (3, "RSA de 1024 bits, SHA-1"),
    "AC d'imagerie (exposant 3)": (3, "exposant 3"),
}


def _template(making: Making, name: str, flags: int) -> str:
    return making.add(
        f"CN={rdn(name)},CN=Certificate Templates,{SERVICES}", "pKICertificateTemplate", displayName=name, flags=131680,
        revision=100, pKIDefaultKeySpec=1, pKIMaxIssuingDepth=0, pKICriticalExtensions=["2.5.29.15"],
        pKIExtendedKeyUsage=[CLIENT_AUTHENTICATION], msPKI_RA_Signature=0, msPKI_Enrollment_Flag=9,
        msPKI_Private_Key_Flag=16, msPKI_Certificate_Name_Flag=flags, msPKI_Minimal_Key_Size=2048,
        msPKI_Template_Schema_Version=2, msPKI_Template_Minor_Revision=1,
        msPKI_Cert_Template_OID=f"1.3.6.1.4.1.311.21.8.1.{len(name)}",
        msPKI_Certificate_Application_Policy=[CLIENT_AUTHENTICATION],
        pKIExpirationPeriod=bytes.fromhex("0040399216b1ffff".rjust(16, "0")),
        pKIOverlapPeriod=bytes.fromhex("0080a60affdeffff"), pKIKeyUsage=b"\xa0\x00",
    )  # fmt: skip


def make(making: Making) -> None:
    """All of them."""
    made = {
        name: base64.b64decode(text)
        for name, text in json.loads(Path(__file__).with_name("certificates.json").read_text(encoding="utf-8")).items()
    }
    for name, (level, why) in WEAK.items():
        dn = making.add(
            f"CN={rdn(name)},CN=Certification Authorities,{SERVICES}", "certificationAuthority",
            cACertificate=made[name], authorityRevocationList=b"\0", certificateRevocationList=b"\0",
        )  # fmt: skip
        making.note("certificates_vuln", dn, level, why, with_sid=False, seen="(cACertificate=*)")
    sound = made["AC saine"]
    making.add(f"CN=NTAuthCertificates,{SERVICES}", "certificationAuthority", cACertificate=sound,
               authorityRevocationList=b"\0", certificateRevocationList=b"\0")  # fmt: skip
    portal = _template(making, "Accès à l'intranet", SUBJECT_SUPPLIED)
    making.right("adcs_template_auth_enroll_with_name", portal, 1, making.rid(513), "CR",
                 "tout utilisateur, au nom qu'il veut", ENROL)  # fmt: skip
    cards = _template(making, "Carte d'établissement", 0)
    making.right("adcs_template_control", cards, 1, making.sid("GG Support de niveau 2"), FULL_CONTROL,
                 "modèle publié, contrôle total")  # fmt: skip
    unused = _template(making, "Modèle oublié", 0)
    making.right("adcs_template_control", unused, 2, making.sid("svc-telephonie"), "WD", "modèle non publié")
    making.add(
        f"CN=AC Valmont,CN=Enrollment Services,{SERVICES}", "pKIEnrollmentService", cACertificate=sound, flags=10,
        dNSHostName="srv-certificats.chu-valmont.test", cACertificateDN="CN=AC Valmont",
        certificateTemplates=["Accès à l'intranet", "Carte d'établissement"],
    )  # fmt: skip
    making.right("adcs_control", f"CN=Certification Authorities,{SERVICES}", 1, making.sid("svc-telephonie"),
                 FULL_CONTROL, "contrôle total des autorités de confiance")  # fmt: skip


