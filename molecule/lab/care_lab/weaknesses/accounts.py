# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Weaknesses of people's, services' and machines' accounts."""

from __future__ import annotations

from samba.dcerpc import security
from samba.ndr import ndr_pack

from care_lab.constants import DC_FQDN, DOMAIN_DN
from care_lab.generator.model import DONT_EXPIRE, NORMAL
from care_lab.weaknesses.making import UNIT, Making

TRUSTED_TO_AUTH = 0x1000000
WORKSTATION = 0x1000
RC4 = 0x4
SERVERS = f"OU=Serveurs,OU=Ordinateurs,OU=CHU de Valmont,{DOMAIN_DN}"
ADMINISTRATORS = f"OU=Comptes d'administration,OU=CHU de Valmont,{DOMAIN_DN}"
DC1 = f"CN=DC1,OU=Domain Controllers,{DOMAIN_DN}"
# A domain that the hospital left behind when it merged, and whose SIDs nobody resolves any more.
OLD_DOMAIN = "S-1-5-21-1004336348-1177238915-682003330"


def delegations(making: Making) -> None:
    """Constrained, with protocol transition, and resource-based, all to the domain controller."""
    relay = making.user(
        "Relais d'impression", "svc-relais-impression", msDS_AllowedToDelegateTo=[f"cifs/{DC_FQDN}", "cifs/srv-pacs"]
    )
    making.note("delegation_a2d2", relay, 1, "délégation contrainte vers le contrôleur de domaine",
                seen=f"(msDS-AllowedToDelegateTo=cifs/{DC_FQDN})")  # fmt: skip
    portal = making.user(
        "Portail d'échange", "svc-portail-échange", msDS_AllowedToDelegateTo=[f"ldap/{DC_FQDN}"],
        userAccountControl=NORMAL | TRUSTED_TO_AUTH,
    )  # fmt: skip
    making.note("delegation_t2a4d", portal, 1, "délégation avec transition de protocole vers le contrôleur de domaine",
                seen="(userAccountControl:1.2.840.113556.1.4.803:=16777216)")  # fmt: skip
    descriptor = f"O:BAD:(A;;{'CCDCLCSWRPWPDTLOCRSDRCWDWO'};;;{making.sid(relay)})"
    packed = ndr_pack(security.descriptor.from_sddl(descriptor, security.dom_sid(making.domain_sid)))
    making.change(DC1, msDS_AllowedToActOnBehalfOfOtherIdentity=packed)
    making.note("delegation_sourcedeleg", DC1, 1, "délégation basée sur les ressources sur le contrôleur de domaine",
                seen="(msDS-AllowedToActOnBehalfOfOtherIdentity=*)")  # fmt: skip


def groups(making: Making) -> None:
    """Primary groups that are not the default ones."""
    policy = making.user("Éloïse D'ARCY", "eloise.darcy")
    making.join(making.rid(520), policy)
    making.change(policy, primaryGroupID=520)
    making.note("primary_group_id_1000", policy, 1, "groupe principal caché : un groupe du domaine d'origine",
                seen="(primaryGroupID=520)")  # fmt: skip
    carers = making.sid("GG Soignants")
    hidden = making.user("Maëlle DE L'ÎLE", "maelle.delile")
    making.join(carers, hidden)
    making.change(hidden, primaryGroupID=carers.rsplit("-", 1)[1])
    making.note("primary_group_id_nochange", hidden, 3, "groupe principal non standard",
                seen=f"(primaryGroupID={carers.rsplit('-', 1)[1]})")  # fmt: skip


def histories(making: Making) -> None:
    """sIDHistory, of a privileged group and of a domain that is gone."""
    thief = making.user("Médecin remplaçant", "medecin.remplaçant")
    making.below(thief, sIDHistory=[ndr_pack(security.dom_sid(f"{OLD_DOMAIN}-512"))])
    making.note("sidhistory_dangerous", thief, 2, "sIDHistory d'un groupe à privilèges", seen="(sIDHistory=*)")
    moved = making.user("Agnès BÉNÉZET-L'HUILLIER", "agnes.benezet")
    making.below(moved, sIDHistory=[ndr_pack(security.dom_sid(f"{OLD_DOMAIN}-4242"))])
    making.note("sidhistory_present", moved, 3, "sIDHistory d'un domaine disparu", seen="(sIDHistory=*)")


def administrators(making: Making) -> None:
    """Administrators with an old password, and without adminCount."""
    old = making.user("ADM Thérèse L'HÉRITIER", "adm-therese.lheritier", ADMINISTRATORS, adminCount=1)
    making.join(making.rid(512), old)
    making.below(old, pwdLastSet=making.ago(1300))
    making.note("password_change_priv", old, 1, "mot de passe de plus de trois ans",
                seen=f"(pwdLastSet<={making.ago(1299)})")  # fmt: skip
    unprotected = making.user("ADM Noël D'ÉPRÉMESNIL", "adm-noel.depremesnil", ADMINISTRATORS)
    making.join("S-1-5-32-551", unprotected)
    making.note("privileged_members_no_admincount", unprotected, 2, "à privilèges, sans adminCount",
                seen="(!(adminCount=*))")  # fmt: skip
    service = making.user(
        "Archivage légal", "svc-archivage", userAccountControl=NORMAL | DONT_EXPIRE, msDS_SupportedEncryptionTypes=RC4,
        servicePrincipalName=["HTTP/archives.chu-valmont.test"],
    )  # fmt: skip
    making.note("kerberos_properties_encryption", service, 3, "SPN et RC4 seulement",
                seen="(&(servicePrincipalName=*)(msDS-SupportedEncryptionTypes=4))")  # fmt: skip


def machines(making: Making) -> None:
    """Servers, clusters and managed service accounts whose password does not change any more."""
    windows = {"operatingSystem": "Windows Server 2019 Standard", "operatingSystemVersion": "10.0 (17763)"}
    for name, control, level, password, logon, why in (
        ("SRV-RADIOLOGIE", "password_change_server_no_change_90", 2, 130, 1, "mot de passe de plus de 90 jours"),
        ("SRV-BLOC-OPERA", "password_change_server_no_change_45", 3, 60, 1, "mot de passe de plus de 45 jours"),
        ("SRV-MATERNITE", "password_change_inactive_servers", 3, 250, 240, "serveur sans nouvelles"),
    ):
        dn = making.computer(name, SERVERS, **windows)
        making.below(dn, pwdLastSet=making.ago(password), lastLogonTimestamp=making.ago(logon))
        attribute, days = ("lastLogonTimestamp", logon) if logon > 1 else ("pwdLastSet", password)
        making.note(control, dn, level, why, seen=f"({attribute}<={making.ago(days - 1)})")
    cluster = making.computer(
        "CLU-FICHIERS",
        SERVERS,
        servicePrincipalName=["MSClusterVirtualServer/clu-fichiers.chu-valmont.test"],
        **windows,
    )
    making.below(cluster, pwdLastSet=making.ago(1300))
    making.note("password_change_cluster_no_change_3years", cluster, 2, "nom de grappe, mot de passe de plus de 3 ans",
                seen=f"(pwdLastSet<={making.ago(1299)})")  # fmt: skip
    managed = making.add(f"CN=msa-sauvegarde,CN=Managed Service Accounts,{DOMAIN_DN}", "msDS-ManagedServiceAccount",
                         sAMAccountName="msa-sauvegarde$", userAccountControl=WORKSTATION,
                         dNSHostName="srv-sauvegarde.chu-valmont.test")  # fmt: skip
    making.below(managed, pwdLastSet=making.ago(200), whenCreated=making.day(900), lastLogonTimestamp=making.ago(2))
    making.note("password_change_msa_no_change_90", managed, 2, "compte de service géré, mot de passe de 200 jours",
                seen=f"(pwdLastSet<={making.ago(199)})")  # fmt: skip


def make(making: Making) -> None:
    """All of them, in a unit of their own."""
    making.add(UNIT, "organizationalUnit", description="Repris de l'hôpital fusionné en 2012")
    delegations(making)
    groups(making)
    histories(making)
    administrators(making)
    machines(making)
