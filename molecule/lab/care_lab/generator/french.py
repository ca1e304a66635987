# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a French Windows server calls the accounts and groups that come with a domain, by RID."""

from __future__ import annotations

# S-1-5-21-…-<rid>
DOMAIN_NAMES: dict[int, str] = {
    498: "Contrôleurs de domaine d’entreprise en lecture seule",
    500: "Administrateur",
    501: "Invité",
    512: "Admins du domaine",
    513: "Utilisateurs du domaine",
    514: "Invités du domaine",
    515: "Ordinateurs du domaine",
    516: "Contrôleurs de domaine",
    517: "Éditeurs de certificats",
    518: "Administrateurs du schéma",
    519: "Administrateurs de l’entreprise",
    520: "Propriétaires créateurs de la stratégie de groupe",
    521: "Contrôleurs de domaine en lecture seule",
    522: "Contrôleurs de domaine clonables",
    525: "Utilisateurs protégés",
    526: "Administrateurs clés",
    527: "Administrateurs clés Enterprise",
    553: "Serveurs RAS et IAS",
    571: "Groupe de réplication dont le mot de passe RODC est autorisé",
    572: "Groupe de réplication dont le mot de passe RODC est refusé",
}

# S-1-5-32-<rid>
BUILTIN_NAMES: dict[int, str] = {
    544: "Administrateurs",
    545: "Utilisateurs",
    546: "Invités",
    548: "Opérateurs de compte",
    549: "Opérateurs de serveur",
    550: "Opérateurs d’impression",
    551: "Opérateurs de sauvegarde",
    552: "Duplicateurs",
    554: "Accès compatible pré-Windows 2000",
    555: "Utilisateurs du Bureau à distance",
    556: "Opérateurs de configuration réseau",
    557: "Générateurs d’approbations de forêt entrante",
    558: "Utilisateurs de l’Analyseur de performances",
    559: "Utilisateurs du journal de performances",
    560: "Groupe d’accès d’autorisation Windows",
    561: "Serveurs de licences des services Terminal Server",
    562: "Utilisateurs du modèle COM distribué",
    569: "Opérateurs de chiffrement",
    573: "Lecteurs des journaux d’événements",
    574: "Accès DCOM service de certificats",
}

# Windows writes a straight apostrophe.
DOMAIN_NAMES = {rid: name.replace("’", "'") for rid, name in DOMAIN_NAMES.items()}
BUILTIN_NAMES = {rid: name.replace("’", "'") for rid, name in BUILTIN_NAMES.items()}

# The groups whose members ANSSI calls privileged, by SID pattern: builtin RIDs, then domain RIDs.
PRIVILEGED_BUILTIN = (544, 548, 549, 550, 551)
PRIVILEGED_DOMAIN = (512, 516, 518, 519, 526, 527)
