# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge, by kinit, smbclient and ldbsearch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from care_lab.constants import USER_PASSWORD
from care_lab.generator.model import DOMAIN_SID
from domain_probe import Probe, main

ADMINS = f"{DOMAIN_SID}-512"
# Key Admins, which domains from Windows Server 2016 on have: privileged, not meant to be empty, left one member here.
KEY_ADMINS, KEY_ADMINS_NAME = f"{DOMAIN_SID}-526", "Administrateurs clés"
NAMES = ("adm.sortant", "adm.protege", "adm.carte", "adm.dernier", "adm.ancien")
SECRETS = ("unicodePwd", "dBCSPwd", "supplementalCredentials", "ntPwdHistory", "lmPwdHistory")


def dn_of(probe: Probe, sid: str) -> str:
    """The DN of a SID."""
    return probe.by_sid(sid)["dn"][0]


def account(probe: Probe, name: str) -> dict[str, list[str]]:
    """An account by name."""
    return probe.one(f"(sAMAccountName={name})")


def prepare(probe: Probe) -> None:
    """Five administrators; two log on with their password, by Kerberos and by NTLM."""
    for name in NAMES:
        probe.run("samba-tool", "user", "delete", name)
        probe.must("samba-tool", "user", "create", name, USER_PASSWORD)
    probe.run("samba-tool", "group", "delete", KEY_ADMINS_NAME)
    probe.modify(
        f"dn: CN={KEY_ADMINS_NAME},{dn_of(probe, ADMINS).partition(',')[2]}\nchangetype: add\nobjectClass: group\n"
        f"sAMAccountName: {KEY_ADMINS_NAME}\nobjectSid: {KEY_ADMINS}\n",
        "relax:0",
    )
    for verb, group, name in (
        ("add", ADMINS, "adm.sortant"),
        ("add", ADMINS, "adm.ancien"),
        ("add", KEY_ADMINS, "adm.dernier"),
    ):
        probe.modify(
            f"dn: {dn_of(probe, group)}\nchangetype: modify\n{verb}: member\nmember: {account(probe, name)['dn'][0]}\n"
        )
    card = account(probe, "adm.carte")
    probe.modify(
        f"dn: {card['dn'][0]}\nchangetype: modify\nadd: altSecurityIdentities\n"
        "altSecurityIdentities: X509:<I>DC=test,CN=IGC<SR>00aa11bb\n"
    )
    for name in ("adm.protege", "adm.carte"):
        probe.judge(
            probe.kinit(name, USER_PASSWORD)[0] and probe.ntlm(name, USER_PASSWORD)[0],
            f"{name} logs on with a password alone before, by Kerberos and by NTLM",
        )
    life = probe.ticket_hours("adm.protege", USER_PASSWORD)
    probe.judge(life == 10, "its ticket lives 10 hours", str(life))
    (probe.folder / "variables.json").write_text(
        json.dumps(
            {
                "care_privileged_members_remove": [
                    {"group": ADMINS, "member": account(probe, "adm.sortant")["objectsid"][0]}
                ],
                "care_privileged_protected_users": [{"identity": account(probe, "adm.protege")["objectsid"][0]}],
                "care_privileged_smartcard_required": [{"identity": card["objectsid"][0]}],
                "care_privileged_admin_count": [{"identity": "adm.ancien"}],
                "care_privileged_change_password": [{"identity": "adm.ancien"}],
                "care_privileged_change_password_stage": "enforce",
                "care_protected_users_stage": "enforce",
                "care_smartcard_stage": "enforce",
            }
        ),
        encoding="utf-8",
    )
    probe.judge("admincount" not in account(probe, "adm.ancien"), "an administrator is not marked as one before")
    probe.note(members=sorted(probe.by_sid(ADMINS)["member"]))
    probe.dump("before")


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """One member less, and a password alone is no longer enough."""
    facts = probe.facts()
    gone = set(facts["members"]) - set(probe.by_sid(ADMINS)["member"])
    probe.judge(
        {dn.lower() for dn in gone} == {account(probe, "adm.sortant")["dn"][0]},
        "one member left, the others stay",
        str(gone),
    )
    old = account(probe, "adm.ancien")
    probe.judge(old.get("admincount") == ["1"], "the administrator is marked as one")
    ok, said = probe.ntlm("adm.ancien", USER_PASSWORD)
    probe.judge(not ok and "PASSWORD_MUST_CHANGE" in said, "the old password is good for choosing a new one only", said)
    ok, said = probe.ntlm("adm.protege", USER_PASSWORD)
    probe.judge(not ok and "ACCOUNT_RESTRICTION" in said, "NTLM of a member of Protected Users is refused", said)
    life = probe.ticket_hours("adm.protege", USER_PASSWORD)
    probe.judge(life == 4, "its ticket lives 4 hours", str(life))
    ok, said = probe.kinit("adm.carte", USER_PASSWORD)
    probe.judge(not ok and "policy" in said.lower(), "a password is refused where a card is required", said)
    probe.judge(not probe.ntlm("adm.carte", USER_PASSWORD)[0], "by NTLM as well")


def restored(probe: Probe) -> None:
    """All is as it was, but the password, and the date of another one, that were declared lost before."""
    probe.dump("after")
    excepted = [(account(probe, "adm.carte")["dn"][0], secret) for secret in SECRETS]
    excepted.append((account(probe, "adm.ancien")["dn"][0], "pwdLastSet"))
    probe.same("before", "after", excepted)
    probe.judge(account(probe, "adm.ancien")["pwdlastset"] == ["0"], "who had to choose a new password still has to")
    probe.set_password("adm.ancien", "Nouveau-2026-secret")
    probe.judge(probe.ntlm("adm.ancien", "Nouveau-2026-secret")[0], "with a new one it logs on")
    probe.judge(probe.ntlm("adm.protege", USER_PASSWORD)[0], "NTLM works again")
    ok, said = probe.kinit("adm.carte", USER_PASSWORD)
    probe.judge(
        not ok and "policy" not in said.lower(), "no card is required any more, the old password stays lost", said
    )


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
