# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Domain controllers that should not be, a read-only one with bad lists, trusts, DNS zones."""

from __future__ import annotations

import struct
import time

import ldb
from samba.dcerpc import security
from samba.ndr import ndr_pack

from care_lab.constants import DOMAIN, DOMAIN_DN
from care_lab.weaknesses.accounts import DC1
from care_lab.weaknesses.making import CONFIGURATION, SYSTEM, Making, guid

CONTROLLERS = f"OU=Domain Controllers,{DOMAIN_DN}"
SITE = f"CN=Servers,CN=Default-First-Site-Name,CN=Sites,{CONFIGURATION}"
SERVER_TRUST, UNCONSTRAINED, INTERDOMAIN = 0x2000, 0x80000, 0x800
PARTIAL_SECRETS, WORKSTATION, TRUSTED_TO_AUTH = 0x4000000, 0x1000, 0x1000000
DES, RC4, AES = 0x3, 0x4, 0x18
# trustAttributes (MS-ADTS 6.1.6.7.9), trustDirection, trustType
QUARANTINED, FOREST, TREAT_AS_EXTERNAL, TGT_DELEGATION = 0x4, 0x8, 0x40, 0x800
BOTH_WAYS, UPLEVEL = 3, 2
# DNS_RPC_ZONE property (MS-DNSP 2.3.2.1): how a zone takes dynamic updates
ALLOW_UPDATE, UNSECURE = 2, 1


def writable(making: Making) -> None:
    """An old one that nobody has heard of, and one that keeps its password."""
    winter = making.computer("DC-HIVER", CONTROLLERS, userAccountControl=SERVER_TRUST | UNCONSTRAINED,
                             operatingSystem="Windows Server 2008 R2 Standard", operatingSystemVersion="6.1 (7601)",
                             msDS_SupportedEncryptionTypes=DES | RC4)  # fmt: skip
    making.below(winter, pwdLastSet=making.ago(30), lastLogonTimestamp=making.ago(300))
    making.note("dc_obsolete", winter, 1, "Windows Server 2008 R2", seen="(operatingSystem=Windows Server 2008*)")
    making.note("password_change_inactive_dc", winter, 1, "sans nouvelles depuis 300 jours",
                seen=f"(lastLogonTimestamp<={making.ago(299)})")  # fmt: skip
    making.note("dc_inconsistent_uac", winter, 1, "aucun objet serveur dans les sites",
                seen="(!(serverReferenceBL=*))")  # fmt: skip
    making.note("dc_crypto", winter, 2, "DES autorisé", seen="(msDS-SupportedEncryptionTypes=7)")
    making.note("dc_crypto", winter, 3, "sans AES", seen="(msDS-SupportedEncryptionTypes=7)")
    secours = making.computer("DC-SECOURS", CONTROLLERS, userAccountControl=SERVER_TRUST | UNCONSTRAINED,
                              operatingSystem="Windows Server 2019 Standard", operatingSystemVersion="10.0 (17763)",
                              msDS_SupportedEncryptionTypes=AES)  # fmt: skip
    making.below(secours, pwdLastSet=making.ago(200))
    making.note("password_change_dc_no_change", secours, 1, "mot de passe de 200 jours",
                seen=f"(pwdLastSet<={making.ago(199)})")  # fmt: skip
    making.note("dc_crypto", DC1, 4, "RC4 autorisé", seen="(msDS-SupportedEncryptionTypes:1.2.840.113556.1.4.803:=4)")


def read_only(making: Making) -> None:
    """One on a remote site: lists without defaults, an administrator's password in it, and a krbtgt left behind."""
    users = f"CN=Users,{DOMAIN_DN}"
    krbtgt = {}
    for number in (12345, 23456):
        krbtgt[number] = making.add(f"CN=krbtgt_{number},{users}", "user", sAMAccountName=f"krbtgt_{number}",
                                    userAccountControl=514)  # fmt: skip
        # the schema allows only 65536: the server draws the number itself
        making.below(krbtgt[number], msDS_SecondaryKrbTgtNumber=number)
    making.note("rodc_orphan_krbtgt", krbtgt[23456], 3, "plus aucun contrôleur en lecture seule",
                seen="(msDS-SecondaryKrbTgtNumber=23456)")  # fmt: skip
    site = making.computer(
        "RODC-SITE-EST", CONTROLLERS, userAccountControl=PARTIAL_SECRETS | WORKSTATION | TRUSTED_TO_AUTH,
        primaryGroupID=521, operatingSystem="Windows Server 2019 Standard", operatingSystemVersion="10.0 (17763)",
        msDS_SupportedEncryptionTypes=AES, msDS_KrbTgtLink=krbtgt[12345],
        # Opérateurs de compte only: the other four are missing
        msDS_NeverRevealGroup=[making.dn("S-1-5-32-548")],
        msDS_RevealOnDemandGroup=[making.dn(making.rid(571)), making.dn(making.rid(512))],
    )  # fmt: skip
    making.note("rodc_never_reveal", site, 3, "les groupes à privilèges ne sont pas exclus",
                seen="(!(msDS-NeverRevealGroup=CN=Administrateurs,CN=Builtin," + DOMAIN_DN + "))")  # fmt: skip
    making.note("rodc_reveal", site, 3, "les administrateurs du domaine peuvent y être révélés",
                seen=f"(msDS-RevealOnDemandGroup={making.dn(making.rid(512))})")  # fmt: skip
    admin = making.dn(making.sid("adm-therese.lheritier"))
    # DN with binary: replication metadata of the secret that was revealed (MS-ADTS 3.1.1.4.5.27)
    usn, moment = 4000, int(time.time()) + 11644473600
    metadata = struct.pack("<IIQ16sQQ", 0x9005A, 2, moment, guid("dc1"), usn, usn)
    making.change(site, msDS_RevealedUsers=[f"B:{len(metadata) * 2}:{metadata.hex().upper()}:{admin}"])
    making.note("rodc_priv_revealed", admin, 2, "son mot de passe est sur un site distant",
                seen="(msDS-RevealedUsers=*)", at=site)  # fmt: skip
    allowed, carers = making.rid(571), making.dn(making.sid("GG Soignants"))
    making.join(allowed, carers)
    making.note("rodc_allowed_group", carers, 3, "peut être révélé sur tous les sites", seen=f"(member={carers})",
                at=making.dn(allowed))  # fmt: skip
    denied = making.rid(572)
    making.leave(denied, making.dn(making.rid(512)), making.dn(making.rid(502)))
    making.note("rodc_denied_group", making.dn(denied), 3, "sans les administrateurs du domaine ni krbtgt",
                seen=f"(!(member={making.dn(making.rid(512))}))")  # fmt: skip


def _trust(making: Making, partner: str, flat: str, attributes: int, sid: str) -> str:
    return making.add(
        f"CN={partner},{SYSTEM}", "trustedDomain", trustPartner=partner, flatName=flat, trustAttributes=attributes,
        trustDirection=BOTH_WAYS, trustType=UPLEVEL, securityIdentifier=ndr_pack(security.dom_sid(sid)),
    )  # fmt: skip


def trusts(making: Making) -> None:
    """With partners, each trusted too much."""
    clinic = _trust(making, "clinique-partenaire.example", "CLINIQUE", 0, "S-1-5-21-111111111-222222222-333333333")
    making.note("trusts_domain_notfiltered", clinic, 1, "domaine externe sans quarantaine",
                seen="(&(trustPartner=clinique-partenaire.example)(trustAttributes=0))", with_sid=False)  # fmt: skip
    group = _trust(making, "groupe-sante.example", "GROUPESANTE", FOREST | TREAT_AS_EXTERNAL,
                   "S-1-5-21-111111111-222222222-444444444")  # fmt: skip
    making.note("trusts_forest_sidhistory", group, 1, "forêt dont les sIDHistory sont acceptés",
                seen="(trustAttributes:1.2.840.113556.1.4.803:=64)", with_sid=False)  # fmt: skip
    laboratory = _trust(making, "laboratoire.example", "LABORATOIRE", FOREST | TGT_DELEGATION,
                        "S-1-5-21-111111111-222222222-555555555")  # fmt: skip
    making.note("trusts_tgt_deleg", laboratory, 3, "délégation de TGT à une autre forêt",
                seen="(trustAttributes:1.2.840.113556.1.4.803:=2048)", with_sid=False)  # fmt: skip
    account = making.add(f"CN=CLINIQUE$,CN=Users,{DOMAIN_DN}", "user", sAMAccountName="CLINIQUE$",
                         userAccountControl=514)  # fmt: skip
    # Samba makes such accounts through LSA only
    making.below(account, userAccountControl=INTERDOMAIN | 0x20, sAMAccountType=0x30000002)
    making.below(account, pwdLastSet=making.ago(800), whenCreated=making.day(2000))
    making.note("trusts_accounts", account, 2, "mot de passe de la relation de plus d'un an",
                seen=f"(pwdLastSet<={making.ago(799)})")  # fmt: skip


def zones(making: Making) -> None:
    """DNS zones that anyone may write."""
    new = f"DC=imagerie.{DOMAIN},CN=MicrosoftDNS,DC=DomainDnsZones,{DOMAIN_DN}"
    making.add(new, "dnsZone")
    unsecure = struct.pack("<IIIII", 1, 0, 0, 1, ALLOW_UPDATE) + struct.pack("<BI", UNSECURE, 0)
    for zone, level in (
        (f"DC={DOMAIN},CN=MicrosoftDNS,DC=DomainDnsZones,{DOMAIN_DN}", 1),
        (f"DC=_msdcs.{DOMAIN},CN=MicrosoftDNS,DC=ForestDnsZones,{DOMAIN_DN}", 1),
        (new, 3),
    ):
        found = making.samdb.search(base=zone, scope=ldb.SCOPE_BASE, attrs=["dNSProperty"])[0]
        others = [bytes(value) for value in found.get("dNSProperty", []) if bytes(value)[16:20] != unsecure[16:20]]
        making.change(zone, dNSProperty=[*others, unsecure])
        making.note("dnszone_bad_prop", zone, level, "mises à jour non sécurisées", with_sid=False,
                    seen="(dNSProperty=" + "".join(f"\\{byte:02x}" for byte in unsecure) + ")")  # fmt: skip


def make(making: Making) -> None:
    """All of them."""
    writable(making)
    read_only(making)
    trusts(making)
    zones(making)


