# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge, by ldbsearch, samba-tool, and an LDAP client without an account."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from domain_probe import BASE, Probe, main

SERVICE = f"CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,{BASE}"
PARTITIONS = f"CN=Partitions,CN=Configuration,{BASE}"
MENU = f"CN=user-Display,CN=40C,CN=DisplaySpecifiers,CN=Configuration,{BASE}"
PROGRAM = "9,&Dépannage à distance,\\\\poste-42\\outils\\aide.exe"
GUARDED = "S-1-5-32-554"
ANONYMOUS, EVERYONE, AUTHENTICATED = "S-1-5-7", "S-1-1-0", "S-1-5-11"


def level(probe: Probe, dn: str) -> list[str]:
    """msDS-Behavior-Version of an object."""
    return probe.find("(objectClass=*)", "msDS-Behavior-Version", base=dn)[dn.lower()]["msds-behavior-version"]


def compatible(probe: Probe) -> set[str]:
    """SIDs in Pre-Windows 2000 Compatible Access. Samba keeps some well-known principals in Configuration."""
    members = probe.by_sid(GUARDED)["member"]
    return {probe.find("(objectClass=*)", "objectSid", base=dn)[dn.lower()]["objectsid"][0] for dn in members}


def weaken(probe: Probe) -> None:
    """What a domain looks like that was never looked after."""
    for sid in (ANONYMOUS, EVERYONE):
        probe.modify(f"dn: {probe.by_sid(GUARDED)['dn'][0]}\nchangetype: modify\nadd: member\nmember: <SID={sid}>\n")
    probe.modify(f"dn: {MENU}\nchangetype: modify\nadd: adminContextMenu\nadminContextMenu: {PROGRAM}\n")
    for dn in (PARTITIONS, BASE):
        probe.modify(
            f"dn: {dn}\nchangetype: modify\nreplace: msDS-Behavior-Version\nmsDS-Behavior-Version: 6\n", "relax:0"
        )
    probe.modify(
        f"dn: {BASE}\nchangetype: modify\nreplace: pwdProperties\npwdProperties: 17\n-\n"
        "delete: msDS-ExpirePasswordsOnSmartCardOnlyAccounts\n"
    )
    probe.judge(level(probe, BASE) == level(probe, PARTITIONS) == ["6"], "the functional level is 2012 R2 before")
    probe.judge(compatible(probe) == {ANONYMOUS, EVERYONE, AUTHENTICATED}, "three in the group before")


def settings(probe: Probe) -> tuple[list[str], list[str]]:
    """The quota and dSHeuristics."""
    root = probe.find("(objectClass=domainDNS)", "ms-DS-MachineAccountQuota")[BASE.lower()]
    service = probe.find("(objectClass=*)", "dSHeuristics", base=SERVICE)[SERVICE.lower()]
    return root.get("ms-ds-machineaccountquota", []), service.get("dsheuristics", [])


def prepare(probe: Probe) -> None:
    """A dSHeuristics with bad positions and others that must stay."""
    probe.modify(f"dn: {SERVICE}\nchangetype: modify\nreplace: dSHeuristics\ndSHeuristics: 00100021010000010002\n")
    quota, heuristics = settings(probe)
    probe.judge(quota == ["10"], "any user may join computers before", str(quota))
    probe.judge(heuristics == ["00100021010000010002"], "dSHeuristics is bad before", str(heuristics))
    weaken(probe)
    menu = probe.find("(objectClass=*)", "objectGUID", base=MENU)[MENU.lower()]
    (probe.folder / "variables.json").write_text(
        json.dumps(
            {
                "care_domain_machine_account_quota": 0,
                "care_domain_dsheuristics": {"7": "0", "8": "0", "16": "0", "28": "1", "29": "1"},
                "care_domain_functional_level": "2016",
                # Samba refuses to raise a level over LDAP: only what stands in the way is asked here
                "care_functional_level_stage": "observe",
                "care_domain_no_reversible_passwords": True,
                "care_domain_expire_smartcard_passwords": True,
                "care_domain_display_specifiers_remove": [
                    {"object": menu["objectguid"][0], "attribute": "adminContextMenu", "value": PROGRAM}
                ],
                "care_domain_pre_windows_2000_anonymous": [{"group": GUARDED, "member": ANONYMOUS}],
                "care_pre_windows_2000_stage": "enforce",
                "care_domain_pre_windows_2000_members": [{"group": GUARDED, "member": EVERYONE}],
            }
        ),
        encoding="utf-8",
    )
    probe.note(prepared=True)
    probe.dump("before")


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """The settings hold."""
    quota, heuristics = settings(probe)
    probe.judge(quota == ["0"], "nobody may join computers without a right to", str(quota))
    wanted = "00100000010000000002000000011"
    probe.judge(
        heuristics == [wanted], "five positions changed, position 3 and the control characters stay", str(heuristics)
    )
    shown = probe.must("samba-tool", "domain", "level", "show")
    probe.judge("Forest function level: (Windows) 2012 R2" in shown, "a stage that observes raises no level", shown)
    policy = probe.must("samba-tool", "domain", "passwordsettings", "show")
    probe.judge("Store plaintext passwords: off" in policy, "passwords are not kept readable", policy)
    probe.judge("Password complexity: on" in policy, "the other bit of the policy stays", policy)
    head = probe.find("(objectClass=domainDNS)", "msDS-ExpirePasswordsOnSmartCardOnlyAccounts")[BASE.lower()]
    probe.judge(head.get("msds-expirepasswordsonsmartcardonlyaccounts") == ["TRUE"], "card secrets are renewed")
    values = probe.find("(objectClass=*)", "adminContextMenu", base=MENU)[MENU.lower()]["admincontextmenu"]
    probe.judge(bool(values) and PROGRAM not in values, "the menu is gone, the others stay", str(values))
    probe.judge(compatible(probe) == {AUTHENTICATED}, "Authenticated Users alone is left", str(compatible(probe)))


def restored(probe: Probe) -> None:
    """All is as it was."""
    probe.dump("after")
    probe.same("before", "after")


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
