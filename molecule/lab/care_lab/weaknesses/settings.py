# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Weaknesses of the domain's and the forest's own settings, of groups, and of who owns what."""

from __future__ import annotations

from care_lab.constants import DOMAIN_DN
from care_lab.weaknesses.making import CONFIGURATION, SYSTEM, UNIT, Making

DAY = 86400 * 10_000_000
CLEARTEXT = 0x10


def domain(making: Making) -> None:
    """The head of the domain, the forest's level, password policies."""
    head = DOMAIN_DN
    (found,) = making.samdb.search(base=head, scope=0, attrs=["pwdProperties"])
    making.change(head, pwdProperties=int(str(found["pwdProperties"][0])) | CLEARTEXT)
    making.note("reversible_password_priv_namingcontext", head, 3, "mots de passe réversibles dans tout le domaine",
                seen="(pwdProperties:1.2.840.113556.1.4.803:=16)")  # fmt: skip
    making.change(head, msDS_ExpirePasswordsOnSmartCardOnlyAccounts="FALSE")
    making.note("smartcard_expire_passwords", head, 4, "le mot de passe des porteurs de carte n'est jamais renouvelé",
                seen="(msDS-ExpirePasswordsOnSmartCardOnlyAccounts=FALSE)")  # fmt: skip
    partitions = f"CN=Partitions,{CONFIGURATION}"
    making.below(partitions, msDS_Behavior_Version=3)
    making.note("functional_level", head, 1, "forêt au niveau Windows Server 2008",
                seen="(msDS-Behavior-Version=3)", at=partitions)  # fmt: skip
    policy = making.add(
        f"CN=Stratégie d'exploitation,CN=Password Settings Container,{SYSTEM}", "msDS-PasswordSettings",
        msDS_PasswordSettingsPrecedence=10, msDS_PasswordReversibleEncryptionEnabled="FALSE",
        msDS_PasswordHistoryLength=0, msDS_PasswordComplexityEnabled="FALSE", msDS_MinimumPasswordLength=5,
        msDS_MinimumPasswordAge=0, msDS_MaximumPasswordAge=-2000 * DAY, msDS_LockoutThreshold=0,
        msDS_LockoutObservationWindow=-18000000000, msDS_LockoutDuration=-18000000000,
        msDS_PSOAppliesTo=[making.dn(making.sid("GG Informatique - Équipe d'exploitation"))],
    )  # fmt: skip
    making.note("privileged_members_password", policy, 2, "stratégie faible pour des administrateurs", with_sid=False,
                seen="(msDS-MinimumPasswordLength=5)")  # fmt: skip


def replication(making: Making) -> None:
    """SYSVOL is replicated by FRS, and the move to DFSR was begun."""
    frs = f"CN=Domain System Volume (SYSVOL share),CN=File Replication Service,{SYSTEM}"
    making.add(frs, "nTFRSReplicaSet", fRSReplicaSetType=2)
    making.add(f"CN=DC1,{frs}", "nTFRSMember", frsComputerReference=f"CN=DC1,OU=Domain Controllers,{DOMAIN_DN}")
    making.note("sysvol_ntfrs", DOMAIN_DN, 2, "SYSVOL est répliqué par FRS", seen="(fRSReplicaSetType=2)", at=frs)
    making.change(f"CN=DFSR-GlobalSettings,{SYSTEM}", msDFSR_Flags=16)


def menus(making: Making) -> None:
    """A script on a file server, in the menu of every administrator's console."""
    french = f"CN=user-Display,CN=40C,CN=DisplaySpecifiers,{CONFIGURATION}"
    command = r"4,&Dossier de l'agent,\\srv-fichiers\partage\dossier de l'agent.vbs"
    (found,) = making.samdb.search(base=french, scope=0, attrs=["adminContextMenu"])
    present = [bytes(value) for value in found.get("adminContextMenu", [])]
    making.change(french, adminContextMenu=[*present, command.encode()])
    making.note("display_specifier", french, 1, "script d'un serveur de fichiers", with_sid=False,
                seen=r"(adminContextMenu=*\5c\5csrv-fichiers*)")  # fmt: skip


def members(making: Making) -> None:
    """Groups that hold what they should not, and a loop (the generated domain has one already)."""
    old = "S-1-5-32-554"
    anonymous, everyone = making.foreign("S-1-5-7"), making.foreign("S-1-1-0")
    making.join(old, anonymous, everyone)
    making.note("compatible_2000_anonymous", anonymous, 2, "anonyme dans l'accès compatible",
                seen=f"(member={anonymous})", at=making.dn(old))  # fmt: skip
    making.note("compatible_2000_not_default", everyone, 3, "tout le monde dans l'accès compatible",
                seen=f"(member={everyone})", at=making.dn(old))  # fmt: skip
    relay = making.user("Relais DHCP vers DNS", "svc-relais-dhcp")
    dns = making.dn(making.sid("DnsAdmins"))
    making.join(making.sid("DnsAdmins"), relay)
    making.note("dnsadmins", relay, 1, "membre non administrateur", seen=f"(member={relay})", at=dns)
    loop = making.dn(making.sid("GU Prescripteurs"))
    making.note("group_loop", loop, 4, "boucle de trois groupes",
                seen=f"(memberOf:1.2.840.113556.1.4.1941:={loop})")  # fmt: skip
    admin = making.dn(making.rid(500))
    making.note("silo_priv", admin, 4, "hors de tout silo appliqué", seen="(!(msDS-AssignedAuthNPolicySilo=*))")


def owners(making: Making) -> None:
    """Objects that a service and a person who left own."""
    service, gone = making.sid("svc-supervision"), making.sid("svc-relais-dhcp")
    making.below(UNIT, whenCreated=making.day(4000))
    making.owned("owner", UNIT, 3, gone, "unité d'un compte de service")
    agent = making.user("Zoé D'ANGÉLY", "zoe.dangely")
    making.owned("owner", agent, 3, service, "compte d'un compte de service")
    support = making.dn(making.sid("GG Support de niveau 2"))
    making.below(support, whenCreated=making.day(4000))
    making.owned("owner", support, 3, service, "groupe d'un compte de service")


def make(making: Making) -> None:
    """All of them."""
    domain(making)
    replication(making)
    menus(making)
    members(making)
    owners(making)
