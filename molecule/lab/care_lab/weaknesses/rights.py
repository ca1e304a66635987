# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rights that nobody below Tier 0 should have, and ways over several objects to them."""

from __future__ import annotations

import ldb

from care_lab.constants import DOMAIN_DN
from care_lab.weaknesses.accounts import ADMINISTRATORS, DC1
from care_lab.weaknesses.making import CONFIGURATION, FULL_CONTROL, SYSTEM, UNIT, Making, Wrong, guid

RESET_PASSWORD = "00299570-246d-11d0-a768-00aa006e0529"
MEMBER = "bf9679c0-0de6-11d0-a285-00aa003049e2"
POLICY = f"CN={{6AC1786C-016F-11D2-945F-00C04FB984F9}},CN=Policies,{SYSTEM}"
READER = "svc-lecteur-audit"


def settings(making: Making) -> None:
    """On the objects that ANSSI names."""
    help_desk, watch = making.sid("GG Médecins"), making.sid("svc-telephonie")
    making.right("permissions_adminsdholder", f"CN=AdminSDHolder,{SYSTEM}", 1, watch, "WD", "écriture des permissions")
    making.right("permissions_dc", DC1, 1, watch, FULL_CONTROL, "contrôle total du contrôleur de domaine")
    making.right("permissions_dfsr_sysvol", f"CN=DFSR-GlobalSettings,{SYSTEM}", 1, watch, FULL_CONTROL, "réplication")
    secret = making.add(
        f"CN=BCKUPKEY_0d1f5bcb-6f2c-4f4b-9c0c-6d6f8f6a3d11 Secret,{SYSTEM}", "secret", currentValue=guid("dpapi") * 8
    )
    making.right("permissions_dpapi", secret, 1, watch, FULL_CONTROL, "contrôle total d'une clé de secours DPAPI")
    keys = f"CN=Master Root Keys,CN=Group Key Distribution Service,CN=Services,{CONFIGURATION}"
    key = making.samdb.search(base=keys, scope=ldb.SCOPE_ONELEVEL, attrs=["dn"])[0].dn
    making.right("permissions_gmsa_keys", str(key), 1, watch, FULL_CONTROL, "contrôle total d'une clé racine KDS")
    making.right("permissions_schema", f"CN=User,CN=Schema,{CONFIGURATION}", 1, watch, "WD", "écriture des permissions")
    dns = f"CN=MicrosoftDNS,{SYSTEM}"
    making.right("permissions_msdns", dns, 1, watch, "WP", "écriture de toutes les propriétés")
    making.right("permissions_gpo_priv", POLICY, 1, help_desk, "WP", "écriture d'une stratégie des contrôleurs")
    making.right("permissions_gpo_container_priv", ADMINISTRATORS, 2, help_desk, FULL_CONTROL,
                 "contrôle total de l'unité des administrateurs")  # fmt: skip
    # What adprep of Windows Server 2016 left before version 16: full control instead of one attribute.
    making.right("adupdate_bad", DOMAIN_DN, 2, making.rid(527), FULL_CONTROL, "adprep v15 : contrôle total des clés")


def path(making: Making) -> None:
    """From every physician to an administrator, in four steps."""
    phones = making.user("Annuaire téléphonique", "svc-annuaire-tél")
    identities = making.add(f"CN=GG Gestion d'identités,{UNIT}", "group", sAMAccountName="GG Gestion d'identités")
    admin = making.user("ADM Ludivine D'AULNAY", "adm-ludivine.daulnay", ADMINISTRATORS, adminCount=1)
    making.join(making.rid(512), admin)
    physicians = making.sid("GG Médecins")
    making.allow(phones, f"(OA;;CR;{RESET_PASSWORD};;{physicians})")
    making.allow(identities, f"(OA;;WP;{MEMBER};;{making.sid(phones)})")
    making.right("privileged_members_perm", admin, 1, making.sid(identities), "WPWD",
                 "médecins → mot de passe d'un service → groupe → administratrice")  # fmt: skip


def hidden(making: Making) -> None:
    """An account of an audit that is refused what it must see: it must say so, and call nothing compliant."""
    reader = making.user("Lecteur de l'audit", READER)
    sid = making.sid(reader)
    for control, level, where, why in (
        ("critical_objects", 1, f"CN=AdminSDHolder,{SYSTEM}", "AdminSDHolder caché au compte de l'audit"),
        ("sd_failed_sd_read_on_priv", 3, making.dn(making.sid("adm-ludivine.daulnay")), "descripteur caché"),
    ):
        making.allow(where, f"(D;;LCRPLORC;;;{sid})")
        ace = f"(D;;LCRPLORC;;;{sid})"
        making.wrong.append(Wrong(f"vuln_{control}", where, level, why, ace=ace, trustee=sid))


def make(making: Making) -> None:
    """All of them."""
    settings(making)
    path(making)
    hidden(making)
