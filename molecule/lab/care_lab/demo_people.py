# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people do in the demo: decide, meddle meanwhile, and try to log in. None of it uses the product's code."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from care_lab.constants import (
    DOMAIN_DN,
    WEB_ADMIN_PASSWORD,
)
from care_lab.instance import Instance
from care_lab.podman import execute

# What this change window is about: every weakness that the generator and the server image put into the lab on purpose.
# What the audit finds besides, as in any domain, stays undecided.
CONTROLS = {
    "vuln_kerberos_properties_preauth_priv", "vuln_kerberos_properties_preauth", "vuln_kerberos_properties_deskey",
    "vuln_dont_expire_priv", "vuln_dont_expire", "vuln_reversible_password_priv_uac", "vuln_guest",
    "vuln_user_accounts_machineaccountquota", "vuln_dsheuristics_bad", "vuln_delegation_t4d", "vuln_spn_priv",
    "vuln_privileged_members", "vuln_user_accounts_dormant", "vuln_krbtgt", "vuln_permissions_naming_context",
    "vuln_protected_users", "mie_ad_smartcard",
    "expo_port", "expo_telnet", "expo_ftp", "expo_redis_unauthenticated", "expo_postgresql_public", "expo_tls_obsolete",
    "expo_ssh_password", "expo_ssh_root_password", "mie_ssh_otp",
}
# The finding that this hospital accepts for a while.
WAIVED = "vuln_spn_priv"
WAIVER = '{owner: "Responsable de la sécurité", reason: "migration vers gMSA planifiée", until: 2027-03-31}'
# The control of the value that a colleague changes meanwhile.
QUOTA = "vuln_user_accounts_machineaccountquota"
# How many people leave privileged groups: enough to come under ANSSI's fifty.
LEAVING = 8


def _names(lab: Instance, ldap_filter: str) -> set[str]:
    """sAMAccountNames of the accounts that match, as the directory says."""
    command = ["ldbsearch", "-H", "/var/lib/samba/private/sam.ldb", ldap_filter, "sAMAccountName"]
    found = execute(lab.container("dc1"), command).stdout
    return set(re.findall(r"(?m)^sAMAccountName: (.+)$", found))


def decide(lab: Instance, sheet: Path) -> dict[str, int]:
    """Edit the decision sheet as a person would. Comments are kept.

    Of this window's controls everything undecided is to be applied, but for: a privileged account with an SPN, waived
    once; people without a card; those whom Protected Users or a card would lock out (a service's account, DES keys), a
    later window's work; and privileged members, of which a few leave. Protected accounts are left alone.
    """
    cards = _names(lab, "(altSecurityIdentities=*)")
    not_ready = _names(lab, "(|(servicePrincipalName=*)(userAccountControl:1.2.840.113556.1.4.803:=2097152))")
    head, *entries = re.split(r"(?m)^(?=  - finding: )", sheet.read_text(encoding="utf-8"))
    counts = {"apply": 0, "waive": 0}
    leaving = 0
    for index, entry in enumerate(entries):
        values = dict(re.findall(r'(?m)^(?:  - |    )(\w+): "?([^"\n]*)"?$', entry))
        control = values["control"]
        if control not in CONTROLS or values["decision"] != "undecided":
            continue
        if "compte protégé" in entry or values["class"] == "manual":
            continue
        if control == WAIVED and values["object"].startswith("svc-"):
            waived = f"    decision: waive\n    waiver: {WAIVER}"
            entries[index] = re.sub(r"(?m)^    decision: .*$", waived, entry, count=1)
            counts["waive"] += 1
            continue
        if control == "mie_ad_smartcard" and values["object"] not in cards - not_ready:
            continue
        if control == "vuln_protected_users" and values["object"] in not_ready:
            continue
        if control == "vuln_privileged_members":
            if leaving >= LEAVING or not values["object"].startswith("adm-"):
                continue
            leaving += 1
        entries[index] = re.sub(r"(?m)^    decision: .*$", "    decision: apply", entry, count=1)
        counts["apply"] += 1
    sheet.write_text(head + "".join(entries), encoding="utf-8")
    return counts


def _ldbmodify(lab: Instance, ldif: str) -> None:
    # On the controller itself: after the change window its administrator is in Protected Users, and NTLM is refused.
    execute(lab.container("dc1"), ["ldbmodify", "-H", "/var/lib/samba/private/sam.ldb"], stdin=ldif)


def colleague_sets_quota(lab: Instance, value: int) -> None:
    """Someone else changes a setting of the domain."""
    _ldbmodify(lab, f"dn: {DOMAIN_DN}\nchangetype: modify\nreplace: ms-DS-MachineAccountQuota\n"
                    f"ms-DS-MachineAccountQuota: {value}\n")


@dataclass
class Touched:
    """A value that a colleague changed after us."""

    lab: Instance
    label: str
    name: str
    before: int

    def put_back(self) -> None:
        """So that the end of the demo can be compared with its beginning."""
        colleague_sets_quota(self.lab, self.before)


def colleague_touches_a_change(lab: Instance, changes: Sequence[dict[str, Any]]) -> Touched:
    """Someone else changes, after us, a value that we changed."""
    change = next(change for change in changes if change["attribute"] == "ms-DS-MachineAccountQuota")
    colleague_sets_quota(lab, 3)
    return Touched(lab, change["object"]["label"], "ms-DS-MachineAccountQuota", int(change["before"][0]))


def totp_secret(inventory: Path) -> str:
    """The secret that the administrator's phone holds: the one the inventory enrols."""
    text = (inventory / "group_vars" / "care_hosts" / "demo.yml").read_text(encoding="utf-8")
    return re.findall(r'(?m)^  admin\.web: "([0-9a-f]+)"$', text)[0]


def _reaches(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def _ssh(lab: Instance, user: str, *options: str, password: str | None = None, prompt: str = "assword") -> bool:
    address = lab.addresses().hosts["web1"]
    command = ["ssh", "-i", str(lab.folder / "id_ed25519"), "-o", f"UserKnownHostsFile={lab.folder / 'known_hosts'}",
               "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=5", "-o", "NumberOfPasswordPrompts=1",
               "-o", "IdentitiesOnly=yes", *options, f"{user}@{address}", "true"]
    if password is None:
        command[1:1] = ["-o", "BatchMode=yes"]
    else:
        # On standard input of sshpass, not in a process list.
        command = ["sshpass", "-d", "0", "-P", prompt, *command]
    return subprocess.run(command, input=None if password is None else password + "\n", text=True, capture_output=True,
                          timeout=60, check=False).returncode == 0


def real_clients(lab: Instance, secret: str, expect: Callable[[bool, str], None]) -> None:
    """Real programs try what an attacker, an administrator and Ansible would."""
    address = lab.addresses().hosts["web1"]
    for port, name in ((23, "telnet"), (21, "ftp"), (6379, "redis"), (5432, "postgresql"), (8443, "old console")):
        expect(not _reaches(address, port), f"web1: {name} ({port}) does not answer")
    context = ssl._create_unverified_context()
    with socket.create_connection((address, 443), timeout=5) as raw, context.wrap_socket(raw) as tls:
        expect(tls.version() in ("TLSv1.2", "TLSv1.3"), f"web1: https still answers, with {tls.version()}")
    expect(_ssh(lab, "ansible"), "ssh ansible: key alone, as Ansible needs")
    expect(_ssh(lab, "secours"), "ssh secours (break-glass): key alone")
    expect(not _ssh(lab, "admin.web"), "ssh admin.web: key alone is refused")
    expect(not _ssh(lab, "admin.web", "-o", "PubkeyAuthentication=no", password=WEB_ADMIN_PASSWORD),
           "ssh admin.web: password alone is refused")
    # A code is good once: wait for a fresh one.
    time.sleep(max(0.0, 31 - time.time() % 30) if time.time() % 30 > 25 else 0)
    code = subprocess.run(["oathtool", "--totp", "-"], input=secret, text=True, capture_output=True,
                          check=True).stdout.strip()
    expect(_ssh(lab, "admin.web", password=code, prompt="One-time password"),
           "ssh admin.web: key and one-time code get in")
    expect(not _ssh(lab, "admin.web", password=code, prompt="One-time password"),
           "ssh admin.web: the same code again is refused")
