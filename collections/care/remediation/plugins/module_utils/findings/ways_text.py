# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The words of a drawn control path, in French and English: how one hop leads to the next."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

# name of a hop (controls.control_graph, controls.rights) to its words: « X … Y »
HOWS: Final = MappingProxyType(
    {
        "AddMember": ("peut ajouter un membre à", "may add a member to"),
        "AddSelf": ("peut s'ajouter à", "may join"),
        "AllExtendedRights": ("a tous les droits étendus sur", "holds every extended right on"),
        "AllowedToAct": ("peut agir pour autrui auprès de", "may act for others on"),
        "AllowedToDelegate": ("peut se présenter au nom d'autrui à", "may come for others to"),
        "AppliesTo": ("s'applique à", "applies to"),
        "Contains": ("contient", "contains"),
        "CopiedTo": ("est recopié sur", "is copied to"),
        "CreateChild": ("peut créer des objets dans", "may create objects in"),
        "Delete": ("peut supprimer", "may delete"),
        "DS-Install-Replica": ("peut ajouter un réplica de", "may add a replica of"),
        "DS-Replication-Get-Changes": ("peut répliquer", "may replicate"),
        "DS-Replication-Get-Changes-All": ("peut répliquer les secrets de", "may replicate the secrets of"),
        "DS-Replication-Get-Changes-In-Filtered-Set": (
            "peut répliquer les attributs filtrés de",
            "may replicate the filtered attributes of",
        ),
        "DS-Replication-Manage-Topology": ("gère la réplication de", "manages the replication of"),
        "GenericAll": ("a le contrôle total de", "has full control of"),
        "GenericWrite": ("peut écrire", "may write"),
        "Governs": ("applique ses stratégies à", "applies its policies to"),
        "HandsDown": ("transmet ses droits à", "hands its rights down to"),
        "LinkedTo": ("est liée à", "is linked to"),
        "MemberOf": ("est membre de", "is a member of"),
        "NoDacl": ("peut tout sur", "may do everything with"),
        "Owner": ("est propriétaire de", "owns"),
        "PrimaryGroup": ("a pour groupe principal", "has as primary group"),
        "ReadManagedPassword": ("peut lire le mot de passe de", "may read the password of"),
        "ReadRootKey": ("peut lire la clé", "may read the key"),
        "ResetPassword": ("peut réinitialiser le mot de passe de", "may reset the password of"),
        "SidHistory": ("porte aussi le SID de", "also carries the SID of"),
        "WriteAccountRestrictions": ("peut écrire les restrictions de", "may write the account restrictions of"),
        "WriteAllProperties": ("peut écrire tous les attributs de", "may write every attribute of"),
        "WriteAllowedToAct": ("peut dire qui agit pour autrui auprès de", "may say who acts for others on"),
        "WriteAllowedToDelegateTo": ("peut écrire la délégation de", "may write the delegation of"),
        "WriteAltSecurityIdentities": ("peut lier un certificat à", "may bind a certificate to"),
        "WriteDacl": ("peut réécrire les droits sur", "may rewrite the rights over"),
        "WriteGPLink": ("peut lier une stratégie à", "may link a policy to"),
        "WriteGPOContent": ("peut modifier la stratégie", "may change the policy"),
        "WriteKeyCredentialLink": ("peut ajouter une clé de connexion à", "may add a logon key to"),
        "WriteLogonInformation": ("peut écrire l'ouverture de session de", "may write the logon settings of"),
        "WriteLogonScript": ("peut changer le script de connexion de", "may change the logon script of"),
        "WriteManagedPasswordReaders": ("peut dire qui lit le mot de passe de", "may say who reads the password of"),
        "WriteOwner": ("peut devenir propriétaire de", "may take ownership of"),
        "WriteProperty": ("peut écrire un attribut de", "may write an attribute of"),
        "WritePublicInformation": ("peut écrire les informations publiques de", "may write the public information of"),
        "WriteSPN": ("peut donner un nom de service à", "may give a service name to"),
        "WriteUserAccountControl": ("peut écrire les options du compte", "may write the account options of"),
    }
)


def how(name: str, *, language: str) -> str:
    """The words of a hop in ``fr`` or ``en``; a name that is not known is shown as it is."""
    words = HOWS.get(name)
    return name if words is None else words[0 if language == "fr" else 1]
