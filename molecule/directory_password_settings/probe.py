# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge: samba-tool says which policy holds, and refuses passwords by it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from care_lab.constants import USER_PASSWORD
from care_lab.generator.model import DOMAIN_SID
from domain_probe import BASE, Probe, main

DOMAIN_ADMINS, ENTERPRISE_ADMINS = f"{DOMAIN_SID}-512", f"{DOMAIN_SID}-519"
NAMES = ("adm.ancien", "adm.groupe", "adm.universel", "adm.faible", "agent.simple")
ADMINISTRATORS = NAMES[:4]
WEAK = "Ancienne politique"
NEW = "Comptes privilégiés (care.remediation)"
SHORT = "Ab1!Ab1!Ab"  # 10 characters of all classes: enough for the domain, not for a privileged account
OLD = 133_000_000_000_000_000  # June 2022


def account(probe: Probe, name: str) -> dict[str, list[str]]:
    """An account by name."""
    return probe.one(f"(sAMAccountName={name})")


def policy(probe: Probe, name: str) -> str:
    """What samba-tool says of the policy of a user."""
    return probe.must("samba-tool", "domain", "passwordsettings", "pso", "show-user", name)


def accepts(probe: Probe, name: str) -> bool:
    """Whether a short password is accepted for a user."""
    done = probe.run("samba-tool", "user", "setpassword", name, f"--newpassword={SHORT}")
    return done.returncode == 0


def prepare(probe: Probe) -> None:
    """Administrators of each kind; one of them under a policy of its own that asks for next to nothing."""
    for name in NAMES:
        probe.run("samba-tool", "user", "delete", name)
        probe.must("samba-tool", "user", "create", name, USER_PASSWORD)
    for group, name in (
        (DOMAIN_ADMINS, "adm.groupe"),
        (DOMAIN_ADMINS, "adm.faible"),
        (DOMAIN_ADMINS, "adm.ancien"),
        (ENTERPRISE_ADMINS, "adm.universel"),
    ):
        dn = account(probe, name)["dn"][0]
        probe.modify(f"dn: {probe.by_sid(group)['dn'][0]}\nchangetype: modify\nadd: member\nmember: {dn}\n")
    tool = ("samba-tool", "domain", "passwordsettings")
    probe.run(*tool, "pso", "delete", WEAK)
    probe.must(
        *tool, "pso", "create", WEAK, "5", "--min-pwd-length=4", "--max-pwd-age=0", "--min-pwd-age=0",
        "--complexity=off", "--history-length=0",
    )  # fmt: skip
    probe.must(*tool, "pso", "apply", WEAK, "adm.faible")
    for name in NAMES:
        probe.judge(accepts(probe, name), f"{name} may have a password of 10 characters before")
    for name in ("adm.ancien", "bris-de-glace-1"):
        probe.modify(
            f"dn: {account(probe, name)['dn'][0]}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: {OLD}\n",
            "local_oid:1.3.6.1.4.1.7165.4.3.20:0",
        )
        probe.modify(
            f"dn: {account(probe, name)['dn'][0]}\nchangetype: modify\n"
            "replace: userAccountControl\nuserAccountControl: 512\n"
        )
        now = account(probe, name)
        probe.judge(
            (now["pwdlastset"], now["useraccountcontrol"]) == ([str(OLD)], ["512"]),
            f"the password of {name} is of 2022, and nothing says that it never expires",
        )
    # nobody's password expires in the domain, so that a limit is something new
    probe.modify(f"dn: {BASE}\nchangetype: modify\nreplace: maxPwdAge\nmaxPwdAge: -9223372036854775808\n")
    (probe.folder / "variables.json").write_text(
        json.dumps(
            {
                "care_password_settings_privileged": True,
                "care_password_settings_stage": "enforce",
                # longer than the lab's oldest password: nobody has to change at once
                "care_password_settings_maximum_age_days": 3650,
            }
        ),
        encoding="utf-8",
    )
    users = probe.find("(&(objectClass=user)(adminCount=1)(!(sAMAccountName=bris-de-glace-1)))", "sAMAccountName")
    names = [facts["samaccountname"][0] for facts in users.values() if "samaccountname" in facts]
    probe.note(old_accounts=sorted({*names, *ADMINISTRATORS} - {"bris-de-glace-1"}))
    probe.dump("before")


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """Privileged accounts, and they alone, need a longer password."""
    for name in ("adm.groupe", "adm.universel", "adm.ancien"):
        said = policy(probe, name)
        probe.judge(NEW in said and "Minimum password length: 12" in said, f"the new policy holds for {name}", said)
    weak = policy(probe, "adm.faible")
    probe.judge(
        WEAK in weak and "Minimum password length: 12" in weak and "Maximum password age (days): 3650" in weak,
        "the weak policy was made stricter and stays in force",
        weak,
    )
    plain = policy(probe, "agent.simple")
    probe.judge("No PSO applies" in plain, "no policy of its own holds for an ordinary account", plain)
    for name in ADMINISTRATORS:
        probe.judge(not accepts(probe, name), f"a password of 10 characters is refused for {name}")
    shown = probe.must("samba-tool", "domain", "passwordsettings", "pso", "show", NEW)
    probe.judge("Store plaintext passwords: off" in shown and "Password complexity: on" in shown, "it is strict", shown)
    made = probe.one(f"(&(objectClass=msDS-PasswordSettings)(cn={NEW.replace('(', '*').replace(')', '*')}))")
    probe.judge(made["msds-passwordsettingsprecedence"] == ["15"], "it gives way to the one that was there", shown)


def restored(probe: Probe) -> None:
    """All is as it was."""
    probe.dump("after")
    probe.same("before", "after")
    probe.judge("No PSO applies" in policy(probe, "adm.groupe"), "the new policy is gone")


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
